"""From Starlette's authentication, as its page says: the same users, passwords, `requires`, `user` and `auth`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import requests

from tests.migrations.conftest import Migration
from tests.migrations.http_browser import browser_of, logged_in
from tests.programs.program import UVICORN, Program

pytestmark = pytest.mark.programs
PASSWORDS: Final = {"alice": "battery staple", "bob": "correct horse"}
NAVIGATION: Final = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


def ask(url: str, user: str = "", password: str = "", **headers: str) -> requests.Response:
    """The response to a request by Basic, or without credentials."""
    auth = (user, password or PASSWORDS[user]) if user else None
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, auth=auth, headers=headers, timeout=60, allow_redirects=False)


@dataclass(frozen=True)
class Moved:
    """The program after, running."""

    port: int
    program: Program

    def ask(self, path: str, user: str = "", password: str = "", **headers: str) -> Any:
        """The response to a request by Basic, or without credentials."""
        return ask(f"http://127.0.0.1:{self.port}{path}", user, password, **headers)

    def stored(self, name: str) -> str:
        """The hash of a user."""
        code = f"from shop import stores; print(stores.users.find({name!r}).password_hash)"
        return self.program.run("python", "-c", code).stdout.strip()


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("starlette-authentication")
    with made.before.serve("shop:app") as server:
        url = f"http://127.0.0.1:{server.port}"
        assert [ask(f"{url}/", user).text for user in ("", "bob")] == ["Hello stranger", "Hello bob"]
        assert ask(f"{url}/orders", "bob").text == "Orders of bob"
        assert ask(f"{url}/orders").headers["location"].startswith(f"{url}/login?next=http")
        assert [ask(f"{url}/admin", user).status_code for user in ("", "bob", "alice")] == [404, 404, 200]
        assert ask(f"{url}/admin", "alice").text == "Scopes: authenticated admin"
        wrong = ask(f"{url}/", "bob", "battery staple")
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Wrong name or password"})
    after = made.move()
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_users.py")
        assert ran.returncode == 0, ran.stderr
    with after.serve("shop:app", UVICORN) as server:
        yield Moved(server.port, after)


def test_programs_send_the_same_name_and_password(moved: Moved) -> None:
    assert [moved.ask("/orders", name).text for name in PASSWORDS] == ["Orders of alice", "Orders of bob"]
    assert moved.ask("/", "bob").text == "Hello bob"


def test_a_hash_of_bcrypt_is_replaced_at_the_login(moved: Moved) -> None:
    for _ in range(2):
        assert moved.ask("/orders", "bob").status_code == 200
    assert moved.stored("bob").startswith("$argon2id$")


def test_a_wrong_password_is_a_401_in_the_words_of_the_program_also_on_a_public_page(moved: Moved) -> None:
    for path in ("/", "/orders"):
        wrong = moved.ask(path, "bob", "battery staple")
        assert (wrong.status_code, list(wrong.json())) == (401, ["error"])
        assert 'Basic realm="shop"' in wrong.headers["www-authenticate"]


def test_requires_of_starlette_knows_the_scopes(moved: Moved) -> None:
    assert moved.ask("/admin", "alice").text == "Scopes: authenticated admin"
    assert moved.ask("/admin", "bob").status_code == 404


def test_a_stranger_sees_the_public_page_alone(moved: Moved) -> None:
    assert moved.ask("/").text == "Hello stranger"
    for path in ("/orders", "/admin", "/nothing"):
        answer = moved.ask(path)
        assert (answer.status_code, 'Basic realm="shop"' in answer.headers["www-authenticate"]) == (401, True)


def test_a_browser_that_opens_a_page_is_sent_to_log_in_and_back(moved: Moved) -> None:
    sent = moved.ask("/orders?page=2", **NAVIGATION)
    assert (sent.status_code, sent.headers["location"]) == (303, "/auth/login?next=/orders%3Fpage%3D2")
    browser = logged_in(moved.port, "alice", PASSWORDS["alice"], "/orders")
    assert browser.open("/admin").text == "Scopes: authenticated admin"
    kept = dict(browser.jar)
    browser.submit(browser.open("/auth/logout"))
    assert browser_of(moved.port, **kept).open("/orders", follow=False).status == 303


def test_a_caller_without_the_scope_is_not_sent_to_log_in(moved: Moved) -> None:
    browser = logged_in(moved.port, "bob", PASSWORDS["bob"], "/orders")
    assert browser.open("/admin", follow=False).status == 404
