"""A user whose stored hash is in a format that nobody knows chooses another password by mail, and logs in."""

from __future__ import annotations

from typing import Any

from tests.login.browser import path_of
from tests.login.shop import SECRET, Shop

NEW = "a new secret"


def test_whose_hash_nobody_knows_chooses_another_password(shop: Shop) -> None:
    shop.users.create("carol", id="9", email="carol@mail.example")
    assert shop.users.change_password_hash("9", None, "md5$salt$0123456789abcdef0123456789abcdef")
    browser = shop.browser()
    refused = browser.submit(browser.open("/auth/login"), username="carol", password=SECRET)
    assert (refused.status, "__Host-session" in browser.jar) == (403, False)
    browser.submit(browser.open("/auth/forgotten"), username="carol")
    (link,) = (word for word in shop.mail().text.split() if word.startswith("https://"))
    chosen: Any = {"new_password": NEW, "new_password_again": NEW}
    assert browser.submit(browser.open(path_of(link)), **chosen).status == 200
    shop.clock.advance(1)
    assert shop.logged_in("carol", NEW).open("/").text == "hello carol"
