"""A link in a mail leads to the configured URL, whatever host a request names."""

from __future__ import annotations

import re

import pytest

from tests.login.shop import Shop

EVIL = "evil.example"


@pytest.mark.parametrize("asks_as", ["a known user", "a browser that is logged in"])
def test_a_link_never_leads_to_the_host_of_the_request(
    shop: Shop, asks_as: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = shop.browser() if asks_as == "a known user" else shop.logged_in()
    monkeypatch.setattr("tests.login.browser.HOST", EVIL)
    page = browser.open("/auth/forgotten")
    sent = browser.post(
        page.form.action,
        {**page.form.fields, "username": "alice"},
        x_forwarded_host=EVIL,
        forwarded=f"host={EVIL}",
        origin=f"https://{EVIL}",
    )
    assert sent.status in (200, 303)
    text = shop.mail().text
    assert re.findall(r"https?://[^/\s]*", text) == ["https://shop.example"]
    assert EVIL not in text
