"""From Flask-Security, as its page says: the same tables, users, passwords and roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from tests.login.browser import Browser
from tests.migrations.conftest import Migration
from tests.migrations.http_browser import FLASK, PASSWORD, browser_of, logged_in
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRETS: Final = {
    "SECRET_KEY": "only for this test",
    "SECURITY_PASSWORD_SALT": "146585145368132386173505678016728509634",
}
ROLES: Final = {"alice": ["admin"], "bob": ["support"], "carol": list[str](), "dave": ["admin"]}
ADD: Final = f"""
import sys
from flask_security import core

core._default_config["PASSWORD_HASH"] = sys.argv[1]
from flask_security import hash_password
from shop import User, app, datastore, db

with app.app_context():
    datastore.find_or_create_role("admin")
    datastore.find_or_create_role("support", permissions=["orders-read", "orders-write"])
    for name in sys.argv[2:]:
        password, roles = hash_password({PASSWORD!r} + name), {ROLES!r}[name]
        datastore.create_user(email=f"{{name}}@mail.example", password=password, roles=roles, active=name != "dave")
    db.session.commit()
"""
STORED: Final = """
from shop import Users, app
with app.app_context():
    user = Users().find("{name}@mail.example")
    print(user.password_hash, sorted(user.scopes))
"""


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the cookies that a browser has of the one before."""

    port: int
    cookies: dict[str, str]
    program: Program

    def logged_in(self, name: str = "alice", password: str = "") -> Browser:
        """A browser in which a user has logged in."""
        return logged_in(self.port, f"{name}@mail.example", password or PASSWORD + name, "/orders")

    def stored(self, name: str) -> str:
        """The hash and the scopes of a user."""
        return self.program.run("python", "-c", STORED.format(name=name), environment=SECRETS).stdout


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("flask-security")
    for scheme, *names in (("argon2", "alice", "bob", "dave"), ("bcrypt", "carol")):
        added = made.before.run("python", "-c", ADD, scheme, *names, environment=SECRETS)
        assert added.returncode == 0, added.stderr
    with made.before.serve("shop", FLASK, SECRETS) as server:
        url = f"http://127.0.0.1:{server.port}"
        with requests.Session() as old:
            page = old.get(f"{url}/orders", timeout=60)
            assert page.url == f"{url}/login?next=/orders"
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            form = {"email": "alice@mail.example", "password": f"{PASSWORD}alice", "remember": "y"}
            form |= {} if token is None else {"csrf_token": token[1]}
            assert old.post(page.url, form, timeout=60).text == "Orders of alice@mail.example"
            assert old.get(f"{url}/admin", timeout=60).text == "Administration"
            cookies = {name: value or "" for name, value in old.cookies.items()}
    assert set(cookies) == {"session", "remember_token"}
    with made.move().serve("shop", FLASK, SECRETS) as server:
        yield Moved(server.port, cookies, made.after)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str) -> None:
    browser = moved.logged_in(name)
    assert browser.open("/orders").text == f"Orders of {name}@mail.example"
    assert f"Hello {name}@mail.example" in browser.open("/").text


def test_the_address_is_found_in_any_case(moved: Moved) -> None:
    browser = browser_of(moved.port)
    page = browser.submit(browser.open("/auth/login"), username="Bob@Mail.Example", password=f"{PASSWORD}bob")
    assert "Hello bob@mail.example" in page.text


def test_what_is_no_password_of_the_user_is_wrong(moved: Moved) -> None:
    browser = browser_of(moved.port)
    for username, password in (("alice", f"{PASSWORD}bob"), ("dave", f"{PASSWORD}dave"), ("nobody", PASSWORD)):
        page = browser.submit(browser.open("/auth/login"), username=f"{username}@mail.example", password=password)
        assert page.status == 403
    assert browser.open("/orders", follow=False).status == 303


def test_a_hash_with_the_salt_is_replaced_in_the_table_by_one_without(moved: Moved) -> None:
    before = moved.stored("carol")
    assert before.startswith("$2b$")
    for _ in range(2):
        moved.logged_in("carol")
    assert moved.stored("carol").startswith("$argon2id$")


def test_roles_and_permissions_are_scopes(moved: Moved) -> None:
    assert "['orders-read', 'orders-write', 'support']" in moved.stored("bob")
    alice, bob = moved.logged_in("alice"), moved.logged_in("bob")
    assert alice.open("/admin").text == "Administration"
    assert bob.open("/admin", follow=False).status == 403
    assert "Administration" in alice.open("/").text
    assert "Administration" not in bob.open("/").text


def test_a_changed_password_is_in_the_table(moved: Moved) -> None:
    new = "another correct horse"
    browser, other = moved.logged_in("bob"), moved.logged_in("bob")
    page = browser.open("/auth/password")
    fields: Any = {"old_password": f"{PASSWORD}bob", "new_password": new, "new_password_again": new}
    assert browser.submit(page, **fields).status == 200
    assert other.open("/orders", follow=False).status == 303
    again = moved.logged_in("bob", new)
    fields = {"old_password": new, "new_password": f"{PASSWORD}bob", "new_password_again": f"{PASSWORD}bob"}
    assert again.submit(again.open("/auth/password"), **fields).status == 200
    moved.logged_in("bob")


def test_sessions_and_remembered_logins_of_before_end(moved: Moved) -> None:
    browser = browser_of(moved.port, **moved.cookies)
    assert browser.open("/orders", follow=False).status == 303
    assert "Log in" in browser.open("/").text


def test_a_stranger_is_sent_to_log_in(moved: Moved) -> None:
    browser = browser_of(moved.port)
    assert browser.open("/").status == 200
    assert browser.open("/admin", follow=False).header("location") == "/auth/login?next=/admin"
    assert browser.fetch("/admin").status == 401


def test_the_form_of_the_page_logs_out(moved: Moved) -> None:
    browser = moved.logged_in()
    kept = dict(browser.jar)
    assert "You are logged out" in browser.submit(browser.open("/")).text
    assert browser_of(moved.port, **kept).open("/orders", follow=False).status == 303
