"""From Flask-Login, as its page says: the same users, passwords and views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
import requests

from tests.house.test_docs import blocks
from tests.login.browser import Browser
from tests.migrations.conftest import PAGES, Migration
from tests.migrations.http_browser import FLASK, PASSWORD, browser_of, logged_in
from tests.programs.program import Program

pytestmark = pytest.mark.programs
ADD: Final = f"""
from shop import User, app, db
from werkzeug.security import generate_password_hash

methods = {{"alice": "scrypt", "bob": "pbkdf2:sha256:1000", "carol": "scrypt:4096:8:1"}}
with app.app_context():
    for name, method in methods.items():
        password_hash = generate_password_hash({PASSWORD!r} + name, method)
        db.session.add(User(name=name.title(), email=f"{{name}}@mail.example", password_hash=password_hash))
    db.session.commit()
"""


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the cookies that a browser has of the one before."""

    port: int
    cookies: dict[str, str]
    program: Program

    def logged_in(self, name: str = "alice", path: str = "/orders", **fields: str) -> Browser:
        """A browser in which a user has logged in."""
        return logged_in(self.port, f"{name}@mail.example", PASSWORD + name, path, **fields)


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("flask-login")
    assert made.before.run("python", "-c", ADD).returncode == 0
    with made.before.serve("shop", FLASK, {"FLASK_SECRET_KEY": "only for this test"}) as server:
        url = f"http://127.0.0.1:{server.port}"
        with requests.Session() as old:
            assert old.get(f"{url}/orders", timeout=60).url == f"{url}/login?next=%2Forders"
            form = {"email": "alice@mail.example", "password": f"{PASSWORD}alice", "remember": "on"}
            assert old.post(f"{url}/login?next=/orders", form, timeout=60).text == "Orders of alice@mail.example"
            assert "Hello Alice" in old.get(f"{url}/", timeout=60).text
            cookies = {name: value or "" for name, value in old.cookies.items()}
    assert set(cookies) == {"session", "remember_token"}
    after = made.move()
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_users.py")
        assert ran.returncode == 0, ran.stderr
    (register,) = (block.code for block in blocks((PAGES / "from-flask-login.md").read_text()) if not block.is_file)
    shop = after.folder / "shop.py"
    shop.write_text(shop.read_text() + register)
    with after.serve("shop", FLASK) as server:
        yield Moved(server.port, cookies, after)


@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str) -> None:
    browser = moved.logged_in(name)
    assert browser.open("/orders").text == f"Orders of {name}@mail.example"
    assert f"Hello {name.title()}" in browser.open("/").text


def test_another_password_is_wrong(moved: Moved) -> None:
    browser = browser_of(moved.port)
    page = browser.open("/auth/login")
    assert browser.submit(page, username="alice@mail.example", password=f"{PASSWORD}bob").status == 403
    assert browser.open("/orders", follow=False).status == 303


def test_the_hash_is_replaced_at_the_login_and_goes_on_matching(moved: Moved) -> None:
    for _ in range(2):
        moved.logged_in("carol")
    code = "from shop import local_auth; print(local_auth.local.stores.users.find('carol@mail.example').password_hash)"
    assert moved.program.run("python", "-c", code).stdout.startswith("$argon2id$")


def test_sessions_and_remembered_logins_of_before_end(moved: Moved) -> None:
    browser = browser_of(moved.port, **moved.cookies)
    assert browser.open("/orders", follow=False).status == 303
    assert "Log in" in browser.open("/").text


def test_a_stranger_sees_the_public_page_and_is_sent_to_log_in_from_others(moved: Moved) -> None:
    browser = browser_of(moved.port)
    home = browser.open("/")
    assert (home.status, "Hello" in home.text, 'href="/auth/login"' in home.text) == (200, False, True)
    assert browser.open("/orders?page=2", follow=False).header("location") == "/auth/login?next=/orders%3Fpage%3D2"
    assert browser.fetch("/orders").status == 401


def test_next_leads_to_no_other_site(moved: Moved) -> None:
    browser = browser_of(moved.port)
    page = browser.open("/auth/login?next=https://evil.example/")
    fields = {**page.form.fields, "username": "alice@mail.example", "password": f"{PASSWORD}alice"}
    assert browser.post(page.form.action, fields).header("location") == "/"


def test_who_asks_to_be_remembered_has_a_cookie_that_outlives_the_browser(moved: Moved) -> None:
    for fields, lasting in (({}, False), ({"remember": "yes"}, True)):
        browser = browser_of(moved.port)
        page = browser.open("/auth/login")
        sent = {**page.form.fields, "username": "bob@mail.example", "password": f"{PASSWORD}bob", **fields}
        cookie = browser.post(page.form.action, sent).cookies()["__Host-session"]
        assert ("Max-Age=" in cookie) is lasting


def test_the_form_of_the_page_logs_out(moved: Moved) -> None:
    browser = moved.logged_in()
    stolen = dict(browser.jar)
    out = browser.submit(browser.open("/"))
    assert "You are logged out" in out.text
    assert browser_of(moved.port, **stolen).open("/orders", follow=False).status == 303


def test_a_link_of_another_site_does_not_log_out(moved: Moved) -> None:
    browser = moved.logged_in()
    browser.open("/auth/logout", sec_fetch_site="cross-site")
    assert browser.open("/orders").status == 200


def test_who_registers_is_logged_in(moved: Moved) -> None:
    browser = browser_of(moved.port)
    form = {"email": "Erin@mail.example", "name": "Erin", "password": f"{PASSWORD}erin"}
    assert browser.post("/register", form).header("location") == "/"
    assert "Hello Erin" in browser.open("/").text
    assert moved.logged_in("erin").open("/orders").text == "Orders of erin@mail.example"


@pytest.mark.parametrize(
    "email, password, status",
    [
        ("alice@mail.example", "long enough", 409),
        ("f:@mail.example", "long enough", 400),
        ("g@mail.example", "short", 400),
    ],
)
def test_who_cannot_register_is_not_logged_in(moved: Moved, email: str, password: str, status: int) -> None:
    for _ in range(2):  # nothing is left behind
        browser = browser_of(moved.port)
        assert browser.post("/register", {"email": email, "name": "F", "password": password}).status == status
        assert browser.jar == {}
