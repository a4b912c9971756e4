"""From Simple JWT, as its page says: Django's users, hashes and permissions, and access tokens until a date."""

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
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"SECRET_KEY": "only for this test, and long enough for HS256"}
SERVER: Final = "manage.py runserver --noreload 127.0.0.1:{port}"
CREATE: Final = f"""
from django.contrib.auth.models import User
for name in ("alice", "bob", "carol", "dave"):
    User.objects.create_user(name, f"{{name}}@mail.example", "{PASSWORD}" + name, is_staff=name == "alice")
"""
CHANGE: Final = """
from django.contrib.auth.models import User
user = User.objects.get(username={name!r})
{change}
user.save()
"""
CHECK: Final = f"""
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
print(User.objects.get(username="bob").password, authenticate(username="bob", password="{PASSWORD}bob"))
"""
TABLES: Final = "from django.db import connection; print(connection.introspection.table_names())"
PATHS: Final = ("/orders", "/report", "/health")


def shell(program: Program, code: str, environment: dict[str, str]) -> str:
    """What a script prints in the shell of the project."""
    ran = program.run("python", "manage.py", "shell", "--no-imports", "-c", code, environment=environment)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def day(offset: float) -> str:
    """The time in so many seconds, in words."""
    return datetime.fromtimestamp(time.time() + offset, UTC).isoformat()


@dataclass(frozen=True)
class Moved:
    """The program after, running twice: until the date, and after it. And tokens of the program before."""

    url: str
    url_later: str
    program: Program
    environment: dict[str, str]
    old: dict[str, dict[str, str]]

    def login(self, name: str, password: str = "") -> Any:
        """The answer to a login."""
        form = {"grant_type": "password", "username": name, "password": password or PASSWORD + name}
        return ask(f"{self.url}/auth/token", method="POST", data=form)

    def refreshed(self, token: str) -> Any:
        """The answer to a refresh."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return ask(f"{self.url}/auth/token", method="POST", data=form)

    def statuses(self, token: str, *, later: bool = False) -> list[int]:
        """The status of each path for a token."""
        url = self.url_later if later else self.url
        return [ask(url + path, token=token).status_code for path in PATHS]

    def change(self, name: str, change: str) -> None:
        """Change a user in Django."""
        shell(self.program, CHANGE.format(name=name, change=change), self.environment)


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("drf-simplejwt")
    old: dict[str, dict[str, str]] = {}
    migrated = made.before.run("python", "manage.py", "migrate", environment=SECRET)
    assert migrated.returncode == 0, migrated.stderr
    shell(made.before, CREATE, SECRET)
    with made.before.serve("", SERVER, SECRET) as server:
        url = f"http://127.0.0.1:{server.port}"
        for name in ("alice", "bob", "carol"):
            named = {"username": name, "password": PASSWORD + name}
            old[name] = ask(f"{url}/api/token/", method="POST", json=named).json()
        for name, statuses in (("alice", [200, 200, 200]), ("bob", [200, 403, 200])):
            assert [ask(url + path, token=old[name]["access"]).status_code for path in PATHS] == statuses
        assert [ask(url + path).status_code for path in PATHS] == [401, 401, 200]
        refresh = {"refresh": old["carol"]["refresh"]}
        assert ask(f"{url}/api/token/blacklist/", method="POST", json=refresh).status_code == 200
        assert ask(f"{url}/api/token/refresh/", method="POST", json=refresh).status_code == 401
        assert ask(f"{url}/orders", token=old["carol"]["access"]).status_code == 200  # the access token goes on
    after, environment = made.move(), {**SECRET, "OLD_TOKENS_UNTIL": day(600)}
    checked = after.run("python", "manage.py", "check", environment=environment)
    assert checked.returncode == 0, checked.stderr
    for _ in range(2):  # it may run again
        dropped = after.run("python", "drop_blacklist.py", environment=environment)
        assert dropped.returncode == 0, dropped.stderr
    assert "token_blacklist" not in shell(after, TABLES, environment)
    with ExitStack() as servers:
        until = servers.enter_context(after.serve("", SERVER, environment))
        later = servers.enter_context(after.serve("", SERVER, {**environment, "OLD_TOKENS_UNTIL": day(-1)}))
        urls = [f"http://127.0.0.1:{server.port}" for server in (until, later)]
        yield Moved(urls[0], urls[1], after, environment, old)


@pytest.mark.parametrize("name, statuses", [("alice", [200, 200, 200]), ("bob", [200, 403, 200])])
def test_a_user_logs_in_with_the_same_password(moved: Moved, name: str, statuses: list[int]) -> None:
    token = moved.login(name).json()["access_token"]
    assert moved.statuses(token) == statuses
    assert ask(f"{moved.url}/orders", token=token).json() == f"Orders of {name}@mail.example"


def test_what_is_no_password_of_the_user_is_wrong(moved: Moved) -> None:
    for name, password in (("alice", f"{PASSWORD}bob"), ("nobody", PASSWORD)):
        answer = moved.login(name, password)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_hashes_stay_those_of_django_which_still_knows_the_password(moved: Moved) -> None:
    for _ in range(2):
        assert moved.login("bob").status_code == 200
    password_hash, _, user = shell(moved.program, CHECK, moved.environment).partition(" ")
    assert (password_hash.partition("$")[0], user) == ("pbkdf2_sha256", "bob")


def test_access_tokens_of_before_are_accepted_until_the_date(moved: Moved) -> None:
    assert moved.statuses(moved.old["alice"]["access"]) == [200, 200, 200]
    assert moved.statuses(moved.old["bob"]["access"]) == [200, 403, 200]
    for name in ("alice", "bob"):
        assert moved.statuses(moved.old[name]["access"], later=True) == [401, 401, 401]


def test_refresh_tokens_of_before_are_good_for_nothing(moved: Moved) -> None:
    refresh = moved.old["alice"]["refresh"]
    assert moved.statuses(refresh) == [401, 401, 401]
    assert moved.refreshed(refresh).json()["error"] == "invalid_grant"


def test_strangers_see_what_is_public_alone(moved: Moved) -> None:
    assert moved.statuses("") == [401, 401, 200]
    assert ask(f"{moved.url}/nothing").status_code == 401
    assert 'Bearer realm="shop"' in ask(f"{moved.url}/orders").headers["www-authenticate"]


def test_logging_out_ends_the_access_token(moved: Moved) -> None:
    issued = moved.login("bob").json()
    again = moved.refreshed(issued["refresh_token"]).json()
    assert moved.statuses(again["access_token"]) == [200, 403, 200]
    assert ask(f"{moved.url}/auth/revoke", method="POST", data={"token": again["refresh_token"]}).status_code == 200
    assert moved.statuses(again["access_token"]) == [401, 401, 401]


def test_a_user_who_is_not_active_comes_in_no_more(moved: Moved) -> None:
    issued = moved.login("carol").json()
    moved.change("carol", "user.is_active = False")
    assert moved.statuses(moved.old["carol"]["access"]) == [401, 401, 401]
    assert set(moved.statuses(issued["access_token"])) <= {401, 403}
    assert moved.login("carol").status_code == moved.refreshed(issued["refresh_token"]).status_code == 400


def test_a_new_password_in_django_ends_the_session(moved: Moved) -> None:
    issued = moved.login("dave").json()
    assert moved.statuses(issued["access_token"]) == [200, 403, 200]
    moved.change("dave", "user.set_password('another correct horse')")
    assert moved.refreshed(issued["refresh_token"]).json()["error"] == "invalid_grant"
    patience = time.monotonic() + 30
    while moved.statuses(issued["access_token"]) != [401, 401, 401]:
        assert time.monotonic() < patience
    assert moved.login("dave", "another correct horse").status_code == 200
