"""From the FastAPI tutorial, as its page says: the same users, passwords and paths, and tokens until a date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.migrations.conftest import Migration
from tests.programs.asking import ask
from tests.programs.program import UVICORN, Program

pytestmark = pytest.mark.programs
SECRET: Final = "only for this test, and long enough"
PASSWORDS: Final = {"alice": "battery staple", "bob": "correct horse", "carol": "battery staple"}
SIGNED: Final = """
import jwt, sys, time
claims = {"sub": sys.argv[1], "scope": "me items", "exp": time.time() + 600}
print(jwt.encode(claims, sys.argv[2], algorithm="HS256"))
"""
DATABASE: Final = ("--database", "sqlite:///shop.db")
STORED: Final = "from shop import stores; print(stores.users.find({name!r}).password_hash)"


@dataclass(frozen=True)
class Moved:
    """The program after, running twice: until the date, and after it. And tokens of the program before."""

    url: str
    url_later: str
    program: Program
    environment: dict[str, str]
    old: dict[str, str]

    def token(self, name: str, **form: str) -> Any:
        """The answer to a login."""
        form = {"grant_type": "password", "username": name, "password": PASSWORDS[name], **form}
        return ask(f"{self.url}/token", method="POST", data=form)

    def statuses(self, token: str, *, later: bool = False) -> list[int]:
        """The status of each path for a token."""
        url = self.url_later if later else self.url
        return [ask(url + path, token=token).status_code for path in ("/users/me", "/users/me/items", "/status")]

    def stored(self, name: str) -> str:
        """The hash of a user."""
        return self.program.run("python", "-c", STORED.format(name=name), environment=self.environment).stdout.strip()


def day(offset: float) -> str:
    """The time in so many seconds, in words."""
    return datetime.fromtimestamp(time.time() + offset, UTC).isoformat()


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("the-fastapi-tutorial")
    old: dict[str, str] = {}
    with made.before.serve("shop:app", UVICORN, {"SECRET_KEY": SECRET}) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name, password in PASSWORDS.items():
            form = {"username": name, "password": password, "scope": "me items"}
            answer = ask(f"{url}/token", method="POST", data=form)
            old[name] = answer.json()["access_token"]
        assert [ask(f"{url}/users/me/items", token=old[name]).status_code for name in PASSWORDS] == [200, 200, 400]
        wrong = ask(f"{url}/token", method="POST", data={"username": "bob", "password": PASSWORDS["alice"]})
        assert wrong.status_code == 401
    for key, name, secret in (("dave", "dave", SECRET), ("forged", "alice", "another secret, which is long enough")):
        old[key] = made.before.run("python", "-c", SIGNED, name, secret).stdout.strip()
    after, environment = made.move(), {"SECRET_KEY": SECRET, "OLD_TOKENS_UNTIL": day(600)}
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_users.py", environment=environment)
        assert ran.returncode == 0, ran.stderr
    with ExitStack() as servers:
        until = servers.enter_context(after.serve("shop:app", UVICORN, environment))
        later = servers.enter_context(after.serve("shop:app", UVICORN, {**environment, "OLD_TOKENS_UNTIL": day(-1)}))
        urls = [f"http://127.0.0.1:{server.port}" for server in (until, later)]
        yield Moved(urls[0], urls[1], after, environment, old)


@pytest.mark.parametrize("name, statuses", [("alice", [200, 200, 200]), ("bob", [200, 403, 200])])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str, statuses: list[int]) -> None:
    issued = moved.token(name).json()
    assert moved.statuses(issued["access_token"]) == statuses
    assert ask(f"{moved.url}/users/me", token=issued["access_token"]).json() == {"email": f"{name}@mail.example"}


def test_what_is_no_password_of_the_user_is_wrong(moved: Moved) -> None:
    for name, password in (("alice", PASSWORDS["bob"]), ("bob", PASSWORDS["alice"]), ("carol", PASSWORDS["carol"])):
        answer = moved.token(name, password=password)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_hash_of_bcrypt_is_replaced_at_the_login_and_one_of_argon2_stays(moved: Moved) -> None:
    before = moved.stored("alice")
    for name in ("alice", "bob", "bob"):
        assert moved.token(name).status_code == 200
    assert before.startswith("$argon2id$")
    assert moved.stored("alice") == before
    assert moved.stored("bob").startswith("$argon2id$")
    assert moved.stored("carol") == before


def test_only_scopes_of_the_user_are_granted(moved: Moved) -> None:
    issued = moved.token("bob", scope="me items").json()
    assert issued["scope"] == "me"
    assert moved.token("bob", scope="items").json()["error"] == "invalid_scope"


def test_a_login_needs_its_grant_type(moved: Moved) -> None:
    form = {"username": "bob", "password": PASSWORDS["bob"]}
    answer = ask(f"{moved.url}/token", method="POST", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_tokens_of_before_have_the_scopes_of_their_user_until_the_date(moved: Moved) -> None:
    assert moved.statuses(moved.old["alice"]) == [200, 200, 200]
    assert moved.statuses(moved.old["bob"]) == [200, 403, 200]
    assert moved.statuses(moved.old["carol"]) == [401, 401, 401]
    for name in ("alice", "bob", "carol"):
        assert moved.statuses(moved.old[name], later=True) == [401, 401, 401]


def test_a_forged_token_is_refused(moved: Moved) -> None:
    assert moved.statuses(moved.old["forged"]) == [401, 401, 401]


def test_a_token_of_before_is_refused_once_its_user_is_revoked(moved: Moved) -> None:
    assert moved.statuses(moved.old["dave"]) == [401, 401, 401]  # there is no such user yet
    create = ("authmw", "users", "create", "dave", "--scope", "me", "--no-password", *DATABASE)
    assert moved.program.run(*create).returncode == 0
    assert moved.statuses(moved.old["dave"]) == [200, 403, 200]
    assert moved.program.run("authmw", "tokens", "revoke", "--user", "dave", *DATABASE).returncode == 0
    patience = time.monotonic() + 30
    while moved.statuses(moved.old["dave"]) != [401, 401, 401]:
        assert time.monotonic() < patience


def test_a_refreshed_login_ends_when_the_user_logs_out(moved: Moved) -> None:
    first = moved.token("alice").json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = ask(f"{moved.url}/token", method="POST", data=refresh).json()
    assert moved.statuses(second["access_token"]) == [200, 200, 200]
    ask(f"{moved.url}/revoke", method="POST", data={"token": second["refresh_token"]})
    assert moved.statuses(second["access_token"]) == [401, 401, 401]


def test_strangers_read_the_documentation_alone(moved: Moved) -> None:
    assert ask(f"{moved.url}/openapi.json").status_code == 200
    assert moved.statuses("") == [401, 401, 401]
