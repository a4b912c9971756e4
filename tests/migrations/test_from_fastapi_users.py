"""From fastapi-users, as its page says: the same table, users and passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from tests.login.browser import Browser, path_of
from tests.migrations.conftest import Migration
from tests.migrations.http_browser import PASSWORD, browser_of, logged_in
from tests.programs.program import UVICORN, Program
from tests.servers.running import Server

pytestmark = pytest.mark.programs
SECRET: Final = {"SECRET": "only for this test"}
CHANGE: Final = """
import asyncio
from pwdlib.hashers.bcrypt import BcryptHasher
from shop import User, sessions
from sqlalchemy import update

async def change():
    async with sessions.begin() as session:
        await session.execute(update(User).where(User.email == "alice@mail.example").values(is_superuser=True))
        old = BcryptHasher(rounds=4).hash("{password}carol")
        await session.execute(update(User).where(User.email == "carol@mail.example").values(hashed_password=old))
        await session.execute(update(User).where(User.email == "dave@mail.example").values(is_active=False))

asyncio.run(change())
"""
STORED: Final = """
import asyncio
from shop import Users
user = asyncio.run(Users().find("{name}@mail.example"))
print(user.password_hash, user.email_verified)
"""


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the cookies that a browser has of the one before."""

    server: Server
    cookies: dict[str, str]
    program: Program

    @property
    def port(self) -> int:
        return self.server.port

    def logged_in(self, name: str = "alice", password: str = "") -> Browser:
        """A browser in which a user has logged in."""
        return logged_in(self.port, f"{name}@mail.example", password or PASSWORD + name, "/orders")

    def stored(self, name: str) -> str:
        """The hash of a user, and whether its address is verified."""
        return self.program.run("python", "-c", STORED.format(name=name)).stdout


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("fastapi-users")
    with made.before.serve("shop:app", UVICORN, SECRET) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name in ("alice", "bob", "carol", "dave"):
            user = {"email": f"{name}@mail.example", "password": PASSWORD + name}
            assert requests.post(f"{url}/register", json=user, timeout=60).status_code == 201
        changed = made.before.run("python", "-c", CHANGE.format(password=PASSWORD), environment=SECRET)
        assert changed.returncode == 0, changed.stderr
        form = {"username": "alice@mail.example", "password": f"{PASSWORD}alice"}
        answer = requests.post(f"{url}/auth/login", form, timeout=60)
        # Its cookie is Secure, so a client would not send it to a server without TLS.
        cookies = {name: value or "" for name, value in answer.cookies.items()}
        told = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        assert requests.get(f"{url}/orders", headers=told, timeout=60).json() == "Orders of alice@mail.example"
        assert requests.get(f"{url}/admin", headers=told, timeout=60).json() == "Administration"
        assert "Hello alice" in requests.get(f"{url}/", headers=told, timeout=60).text
    assert set(cookies) == {"fastapiusersauth"}
    with made.move().serve("shop:app", UVICORN) as server:
        yield Moved(server, cookies, made.after)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str) -> None:
    before = moved.stored(name)
    browser = moved.logged_in(name)
    assert browser.open("/orders").text == f'"Orders of {name}@mail.example"'
    assert f"Hello {name}@mail.example" in browser.open("/").text
    assert moved.stored(name) == before  # argon2id with the same parameters stays


def test_the_address_is_found_in_any_case(moved: Moved) -> None:
    browser = browser_of(moved.port)
    page = browser.submit(browser.open("/auth/login"), username="Bob@Mail.Example", password=f"{PASSWORD}bob")
    assert "Hello bob@mail.example" in page.text


def test_a_hash_of_bcrypt_is_replaced_in_the_table(moved: Moved) -> None:
    assert moved.stored("carol").startswith("$2b$")
    for _ in range(2):
        moved.logged_in("carol")
    assert moved.stored("carol").startswith("$argon2id$")


def test_what_is_no_password_of_the_user_is_wrong(moved: Moved) -> None:
    browser = browser_of(moved.port)
    for username, password in (("alice", f"{PASSWORD}bob"), ("dave", f"{PASSWORD}dave"), ("nobody", PASSWORD)):
        page = browser.submit(browser.open("/auth/login"), username=f"{username}@mail.example", password=password)
        assert page.status == 403
    assert browser.open("/orders", follow=False).status == 303


def test_superusers_have_a_scope(moved: Moved) -> None:
    assert moved.logged_in("alice").open("/admin").text == '"Administration"'
    assert moved.logged_in("bob").open("/admin", follow=False).status == 403


def test_a_stranger_sees_what_is_public_and_is_sent_to_log_in_from_the_rest(moved: Moved) -> None:
    browser = browser_of(moved.port)
    home = browser.open("/")
    assert (home.status, "Hello" in home.text, 'href="/auth/login"' in home.text) == (200, False, True)
    assert browser.open("/health").text == '"ok"'
    assert browser.open("/orders?page=2", follow=False).header("location") == "/auth/login?next=/orders%3Fpage%3D2"
    assert browser.fetch("/orders").status == 401


def test_a_forgotten_password_is_replaced_by_mail_in_the_table(moved: Moved) -> None:
    other, browser = moved.logged_in("bob"), browser_of(moved.port)
    browser.submit(browser.open("/auth/forgotten"), username="bob@mail.example")
    links: list[str] = []
    for _ in range(200):  # the mail is sent on a thread, and the next request takes a while
        links = re.findall(r"http://localhost:8000(/auth/reset\?token=\S+)", moved.server.output())
        if links:
            break
        browser.open("/health")
    new = "another correct horse"
    page = browser.open(path_of(links[-1]))
    assert browser.submit(page, new_password=new, new_password_again=new).status == 200
    assert other.open("/orders", follow=False).status == 303
    assert moved.stored("bob").endswith("True\n")
    again = moved.logged_in("bob", new)
    back: Any = {"old_password": new, "new_password": f"{PASSWORD}bob", "new_password_again": f"{PASSWORD}bob"}
    assert again.submit(again.open("/auth/password"), **back).status == 200
    moved.logged_in("bob")


def test_sessions_of_before_end(moved: Moved) -> None:
    browser = browser_of(moved.port, **moved.cookies)
    assert browser.open("/orders", follow=False).status == 303
    assert "Log in" in browser.open("/").text


def test_the_form_of_the_page_logs_out(moved: Moved) -> None:
    browser = moved.logged_in()
    kept = dict(browser.jar)
    assert "You are logged out" in browser.submit(browser.open("/")).text
    assert browser_of(moved.port, **kept).open("/orders", follow=False).status == 303
