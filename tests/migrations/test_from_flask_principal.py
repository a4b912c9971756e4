"""From Flask-Principal, as its page says: the same users and passwords, and roles that are scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
import requests

from tests.login.browser import Browser
from tests.migrations.conftest import Migration
from tests.migrations.http_browser import FLASK, PASSWORD, browser_of, logged_in
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"FLASK_SECRET_KEY": "only for this test"}
ROLES: Final = {"alice": "", "bob": "admin", "carol": "buyer", "dave": "admin buyer", "erin": "banned buyer"}
ADD: Final = f"""
from shop import Post, User, app, db
from werkzeug.security import generate_password_hash

with app.app_context():
    for number, (name, roles) in enumerate({ROLES!r}.items(), 1):
        password_hash = generate_password_hash({PASSWORD!r} + name)
        db.session.add(User(id=number, name=name, roles=roles, password_hash=password_hash))
    db.session.add(Post(id=7, author_id=1))
    db.session.commit()
"""
PATHS: Final = ("/admin", "/stock", "/archive", "/forum", "/posts/7/edit", "/posts/8/edit")
ALLOWED: Final = {
    "alice": (403, 403, 403, 200, 200, 403),
    "bob": (200, 200, 403, 200, 403, 403),
    "carol": (403, 200, 403, 200, 403, 403),
    "dave": (200, 200, 200, 200, 403, 403),
    "erin": (403, 200, 403, 403, 403, 403),
}
"""The statuses of each user for `PATHS`, before and after."""


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the cookies that a browser has of the one before."""

    port: int
    cookies: dict[str, str]
    program: Program

    def logged_in(self, name: str = "alice") -> Browser:
        """A browser in which a user has logged in."""
        return logged_in(self.port, name, PASSWORD + name, "/orders")

    def token(self, name: str, **form: str) -> str:
        """An access token of a user."""
        form |= {"grant_type": "password", "username": name, "password": PASSWORD + name}
        answer = requests.post(f"http://127.0.0.1:{self.port}/auth/token", form, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def status(self, token: str, path: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=60).status_code


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("flask-principal")
    added = made.before.run("python", "-c", ADD, environment=SECRET)
    assert added.returncode == 0, added.stderr
    with made.before.serve("shop", FLASK, SECRET) as server:
        cookies = _before_answers_as_the_page_says(f"http://127.0.0.1:{server.port}")
    after = made.move()
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_users.py")
        assert ran.returncode == 0, ran.stderr
    with after.serve("shop", FLASK) as server:
        yield Moved(server.port, cookies, after)


def _before_answers_as_the_page_says(url: str) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for name, statuses in ALLOWED.items():
        with requests.Session() as old:
            form = {"name": name, "password": PASSWORD + name}
            assert old.post(f"{url}/login", form, timeout=60).text.startswith("Orders of ")
            assert tuple(old.get(f"{url}{path}", timeout=60).status_code for path in PATHS) == statuses
            cookies = {name: value or "" for name, value in old.cookies.items()}
    stranger = [requests.get(f"{url}{path}", timeout=60).status_code for path in ("/admin", "/orders")]
    assert stranger == [403, 401]
    assert set(cookies) == {"session"}
    return cookies


@pytest.mark.parametrize("name", ROLES)
def test_a_user_may_what_it_might_with_the_same_password(moved: Moved, name: str) -> None:
    browser = moved.logged_in(name)
    assert tuple(browser.open(path).status for path in PATHS) == ALLOWED[name]
    others = " and all others" if "admin" in ROLES[name] else ""
    assert browser.open("/orders").text == f"Orders of {list(ROLES).index(name) + 1}{others}"


def test_a_token_without_the_scopes_does_not_get_past_a_denial(moved: Moved) -> None:
    assert moved.status(moved.token("dave"), "/archive") == 200
    assert moved.status(moved.token("dave", scope="buyer"), "/archive") == 403
    assert moved.status(moved.token("erin"), "/forum") == 403
    assert moved.status(moved.token("erin", scope="buyer"), "/forum") == 403


def test_a_stranger_is_sent_to_log_in(moved: Moved) -> None:
    browser = browser_of(moved.port)
    for path in PATHS:
        assert browser.open(path, follow=False).header("location") == f"/auth/login?next={path}"
        assert browser.fetch(path).status == 401


def test_sessions_of_before_end(moved: Moved) -> None:
    assert browser_of(moved.port, **moved.cookies).open("/orders", follow=False).status == 303


def test_the_hash_is_replaced_and_goes_on_matching(moved: Moved) -> None:
    for _ in range(2):
        moved.logged_in("carol")
    code = "from shop import local_auth; print(local_auth.local.stores.users.find('carol').password_hash)"
    assert moved.program.run("python", "-c", code).stdout.startswith("$argon2id$")
