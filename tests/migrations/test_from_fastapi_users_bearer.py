"""From fastapi-users with bearer tokens, as its page says: the same table, users and passwords, tokens until a date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.migrations.conftest import Migration
from tests.migrations.http_browser import PASSWORD
from tests.programs.asking import ask
from tests.programs.program import UVICORN, Program

pytestmark = pytest.mark.programs
SECRET: Final = {"SECRET": "only for this test, and long enough"}
CHANGE: Final = f"""
import asyncio
from pwdlib.hashers.bcrypt import BcryptHasher
from shop import User, sessions
from sqlalchemy import select, update

async def change():
    async with sessions.begin() as session:
        for name, values in {{
            "alice": {{"is_superuser": True}},
            "carol": {{"hashed_password": BcryptHasher(rounds=4).hash("{PASSWORD}carol")}},
            "dave": {{"is_active": False}},
        }}.items():
            await session.execute(update(User).where(User.email == name + "@mail.example").values(values))

asyncio.run(change())
"""
RESET: Final = """
import sys
from fastapi_users.jwt import generate_jwt
from shop import SECRET
for audience in ("fastapi-users:auth", "fastapi-users:reset", "fastapi-users:verify"):
    print(generate_jwt({"sub": sys.argv[1], "aud": audience}, SECRET, 600))
print(generate_jwt({"sub": sys.argv[1], "aud": "fastapi-users:auth"}, SECRET))
"""
STORED: Final = "import asyncio; from shop import users; print(asyncio.run(users.find({email!r})).{attribute})"
DEACTIVATE: Final = """
import asyncio
from shop import User, sessions
from sqlalchemy import update

async def change():
    async with sessions.begin() as session:
        await session.execute(update(User).where(User.email == "erin@mail.example").values(is_active=False))

asyncio.run(change())
"""


@dataclass(frozen=True)
class Moved:
    """The program after, running twice: until the date, and after it. And tokens of the program before."""

    url: str
    url_later: str
    program: Program
    environment: dict[str, str]
    old: dict[str, str]

    def login(self, name: str, password: str = "", **form: str) -> Any:
        """The answer to a login."""
        named = {"username": f"{name}@mail.example", "password": password or PASSWORD + name}
        return ask(f"{self.url}/auth/token", method="POST", data={"grant_type": "password", **named, **form})

    def statuses(self, token: str, *, later: bool = False) -> list[int]:
        """The status of each path for a token."""
        url = self.url_later if later else self.url
        return [ask(url + path, token=token).status_code for path in ("/orders", "/admin")]

    def run(self, code: str) -> str:
        """What a script prints."""
        ran = self.program.run("python", "-c", code, environment=self.environment)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def stored(self, name: str, attribute: str = "password_hash") -> str:
        """What is stored of a user."""
        return self.run(STORED.format(email=f"{name}@mail.example", attribute=attribute))


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("fastapi-users-bearer")
    old: dict[str, str] = {}
    user_id = ""
    with made.before.serve("shop:app", UVICORN, SECRET) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name in ("alice", "bob", "carol", "dave", "erin", "frank"):
            user = {"email": f"{name}@mail.example", "password": PASSWORD + name}
            registered = ask(f"{url}/register", method="POST", json=user)
            assert registered.status_code == 201
            user_id = registered.json()["id"]
            form = {"username": user["email"], "password": user["password"]}
            old[name] = ask(f"{url}/auth/login", method="POST", data=form).json()["access_token"]
        changed = made.before.run("python", "-c", CHANGE, environment=SECRET)
        assert changed.returncode == 0, changed.stderr
        assert ask(f"{url}/admin", token=old["alice"]).json() == "Administration by alice@mail.example"
        assert [ask(f"{url}/admin", token=old[name]).status_code for name in ("bob", "dave")] == [403, 401]
        signed = made.before.run("python", "-c", RESET, user_id, environment=SECRET)
        assert signed.returncode == 0, signed.stderr
        old |= zip(("auth", "reset", "verify", "unending"), signed.stdout.split(), strict=True)
    after, environment = made.move(), {**SECRET, "OLD_TOKENS_UNTIL": day(600)}
    with ExitStack() as servers:
        until = servers.enter_context(after.serve("shop:app", UVICORN, environment))
        later = servers.enter_context(after.serve("shop:app", UVICORN, {**environment, "OLD_TOKENS_UNTIL": day(-1)}))
        urls = [f"http://127.0.0.1:{server.port}" for server in (until, later)]
        yield Moved(urls[0], urls[1], after, environment, old)


def day(offset: float) -> str:
    """The time in so many seconds, in words."""
    return datetime.fromtimestamp(time.time() + offset, UTC).isoformat()


@pytest.mark.parametrize("name, statuses", [("alice", [200, 200]), ("bob", [200, 403]), ("Bob", [200, 403])])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str, statuses: list[int]) -> None:
    issued = moved.login(name, PASSWORD + name.lower()).json()
    assert moved.statuses(issued["access_token"]) == statuses
    assert ask(f"{moved.url}/orders", token=issued["access_token"]).json() == f"Orders of {name.lower()}@mail.example"


def test_what_is_no_password_of_the_user_is_wrong(moved: Moved) -> None:
    for name, password in (("alice", f"{PASSWORD}bob"), ("dave", f"{PASSWORD}dave"), ("nobody", PASSWORD)):
        answer = moved.login(name, password)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_hash_of_bcrypt_is_replaced_in_the_table_and_one_of_argon2_stays(moved: Moved) -> None:
    before = moved.stored("alice")
    assert moved.stored("carol").startswith("$2b$")
    for name in ("alice", "carol", "carol"):
        assert moved.login(name).status_code == 200
    assert moved.stored("carol").startswith("$argon2id$")
    assert moved.stored("alice") == before


def test_tokens_of_before_mean_their_user_until_the_date(moved: Moved) -> None:
    assert [moved.statuses(moved.old[name]) for name in ("alice", "bob")] == [[200, 200], [200, 403]]
    assert moved.statuses(moved.old["dave"]) == [401, 401]
    for name in ("alice", "bob"):
        assert moved.statuses(moved.old[name], later=True) == [401, 401]


def test_links_of_mails_and_tokens_without_an_end_are_no_access_tokens(moved: Moved) -> None:
    assert moved.statuses(moved.old["auth"])[0] == 200
    for kind in ("reset", "verify", "unending"):
        assert moved.statuses(moved.old[kind]) == [401, 401]


def test_a_user_who_is_no_longer_active_gets_nothing_and_refreshes_nothing(moved: Moved) -> None:
    issued = moved.login("erin").json()
    assert moved.statuses(issued["access_token"]) == moved.statuses(moved.old["erin"]) == [200, 403]
    moved.run(DEACTIVATE)
    assert moved.statuses(moved.old["erin"]) == [401, 401]
    assert ask(f"{moved.url}/orders", token=issued["access_token"]).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    answer = ask(f"{moved.url}/auth/token", method="POST", data=refresh)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_all_that_a_user_has_is_ended_tokens_of_before_too(moved: Moved) -> None:
    token, carol = moved.login("carol").json()["access_token"], moved.stored("carol", "id")
    assert moved.statuses(token) == moved.statuses(moved.old["carol"]) == [200, 403]
    moved.run(f"from authmw.oauth2 import Sessions; from shop import service; Sessions(service).end_all({carol!r})")
    patience = time.monotonic() + 30
    while moved.statuses(token) != [401, 401] or moved.statuses(moved.old["carol"]) != [401, 401]:
        assert time.monotonic() < patience


def test_logging_out_ends_the_access_token(moved: Moved) -> None:
    issued = moved.login("alice").json()
    assert ask(f"{moved.url}/auth/revoke", method="POST", data={"token": issued["refresh_token"]}).status_code == 200
    assert moved.statuses(issued["access_token"]) == [401, 401]


def test_strangers_read_the_documentation_alone(moved: Moved) -> None:
    assert ask(f"{moved.url}/openapi.json").status_code == 200
    assert moved.statuses("") == [401, 401]
