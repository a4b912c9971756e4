"""From Flask-JWT-Extended, as its page says: the same users, and old access tokens until a date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import requests

from tests.house.test_docs import blocks
from tests.migrations.conftest import PAGES, Migration
from tests.migrations.http_browser import FLASK, PASSWORD
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"FLASK_JWT_SECRET_KEY": "only for this test, and long enough"}
ROLES: Final = {"alice": "customer", "bob": "admin", "carol": "support", "dave": "admin"}
USERS: Final = {**ROLES, **dict.fromkeys(("erin", "frank", "grace", "heidi"), "customer")}
"""Each user beside `ROLES` is changed by one test."""
ADD: Final = f"""
from shop import User, app, db
from werkzeug.security import generate_password_hash

with app.app_context():
    for name, role in {USERS!r}.items():
        password_hash = generate_password_hash({PASSWORD!r} + name)
        db.session.add(User(name=name, email=f"{{name}}@mail.example", role=role, password_hash=password_hash))
    db.session.commit()
"""
MADE: Final = """
import json
from datetime import timedelta
from flask_jwt_extended import create_access_token
from shop import User, app, db

with app.app_context():
    bob = db.session.get(User, 2)
    print(json.dumps({
        "endless": create_access_token(bob, expires_delta=False),
        "expired": create_access_token(bob, expires_delta=timedelta(hours=-1)),
        "of another role": create_access_token(bob, additional_claims={"role": "root"}),
    }))
"""
LATER: Final = """
import os, runpy, time

clock = time.time
time.time = lambda: clock() + float(os.environ["AHEAD"])
runpy.run_module("flask", run_name="__main__", alter_sys=True)
"""
"""Runs Flask with a clock that is ahead."""
DAY: Final = 86_400
DATE: Final = "OLD_TOKENS_UNTIL = datetime(2027, 3, 1, tzinfo=timezone.utc)\n"


def asked(port: int, token: str, path: str = "/orders", method: str = "GET", **more: Any) -> requests.Response:
    """The answer to a request with a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"http://127.0.0.1:{port}{path}", headers=headers, timeout=60, **more)


@dataclass(frozen=True)
class Moved:
    """The program after, running, and tokens of the one before."""

    port: int
    old: dict[str, str]
    program: Program

    def token(self, **form: str) -> requests.Response:
        """The answer of the token endpoint."""
        return requests.post(f"http://127.0.0.1:{self.port}/auth/token", form, timeout=60)

    def logged_in(self, name: str, password: str = "") -> dict[str, str]:
        """The tokens of a user who has logged in."""
        answer = self.token(grant_type="password", username=name, password=password or PASSWORD + name)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens

    def old_works(self, token: str) -> bool:
        return asked(self.port, self.old[token]).status_code == 200

    def until(self, days: float) -> None:
        """Write another date into the program."""
        shop = self.program.folder / "shop.py"
        date = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        lines = [
            f"OLD_TOKENS_UNTIL = datetime.fromisoformat({date!r})\n" if line.startswith("OLD_TOKENS_UNTIL = ") else line
            for line in shop.read_text().splitlines(keepends=True)
        ]
        shop.write_text("".join(lines))


def _old_tokens(port: int, name: str) -> dict[str, str]:
    login = requests.post(
        f"http://127.0.0.1:{port}/login", json={"name": name, "password": PASSWORD + name}, timeout=60
    )
    tokens: dict[str, str] = login.json()
    return tokens


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("flask-jwt-extended")
    assert made.before.run("python", "-c", ADD, environment=SECRET).returncode == 0
    old: dict[str, str] = {}
    with made.before.serve("shop", FLASK, SECRET) as server:
        for name in USERS:
            tokens = _old_tokens(server.port, name)
            old |= {name: tokens["access_token"], f"{name} refresh": tokens["refresh_token"]}
        old["alice refreshed"] = asked(server.port, old["alice refresh"], "/refresh", "POST").json()["access_token"]
        old["alice blocked"] = _old_tokens(server.port, "alice")["access_token"]
        assert asked(server.port, old["alice blocked"], "/logout", "DELETE").status_code == 200
        _before_answers_as_the_page_says(server.port, old)
    made_there = made.before.run("python", "-c", MADE, environment=SECRET)
    old |= json.loads(made_there.stdout)
    after = made.move()
    shop = after.folder / "shop.py"
    assert shop.read_text().count(DATE) == 1
    running = Moved(0, old, after)
    running.until(30)
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_users.py", environment=SECRET)
        assert ran.returncode == 0, ran.stderr
    (after.folder / "later.py").write_text(LATER)
    with after.serve("shop", FLASK, SECRET) as server:
        yield Moved(server.port, old, after)


def _before_answers_as_the_page_says(port: int, old: dict[str, str]) -> None:
    orders = asked(port, old["alice"])
    assert orders.json() == {"id": "1", "orders": "Orders of alice@mail.example"}
    assert [asked(port, old[name], "/admin").status_code for name in ("alice", "bob")] == [403, 200]
    new = {"json": {"password": f"{PASSWORD}alice"}}
    assert asked(port, old["alice"], "/password", "POST", **new).status_code == 200
    assert asked(port, old["alice refreshed"], "/password", "POST", **new).status_code == 401
    assert asked(port, old["alice refresh"]).status_code == 422
    assert asked(port, "no.token.atall").status_code == 422
    blocked, missing = asked(port, old["alice blocked"]), requests.get(f"http://127.0.0.1:{port}/orders", timeout=60)
    for refused in (blocked, missing):
        assert (refused.status_code, list(refused.json())) == (401, ["msg"])
        assert "WWW-Authenticate" not in refused.headers


@pytest.mark.parametrize("name", ROLES)
def test_an_old_access_token_is_the_same_user(moved: Moved, name: str) -> None:
    number = str(list(ROLES).index(name) + 1)
    answer = asked(moved.port, moved.old[name])
    assert (answer.status_code, answer.json()) == (200, {"id": number, "orders": f"Orders of {name}@mail.example"})


def test_an_old_access_token_need_not_be_fresh(moved: Moved) -> None:
    assert moved.old_works("alice refreshed")


def test_an_old_role_is_a_scope_and_one_that_is_not_known_is_none(moved: Moved) -> None:
    found = {name: asked(moved.port, moved.old[name], "/admin").status_code for name in (*ROLES, "of another role")}
    assert found == {"alice": 403, "bob": 200, "carol": 403, "dave": 200, "of another role": 403}


@pytest.mark.parametrize("name", ROLES)
def test_an_old_refresh_token_opens_nothing(moved: Moved, name: str) -> None:
    token = moved.old[f"{name} refresh"]
    assert asked(moved.port, token).status_code == 401
    refreshed = moved.token(grant_type="refresh_token", refresh_token=token)
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("token", ["alice blocked", "endless", "expired"])
def test_an_old_token_that_is_blocked_endless_or_expired_is_refused(moved: Moved, token: str) -> None:
    answer = asked(moved.port, moved.old[token])
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_old_token_of_another_secret_is_refused(moved: Moved) -> None:
    head, body, _ = moved.old["bob"].split(".")
    signature = moved.old["carol"].rpartition(".")[2]
    assert asked(moved.port, f"{head}.{body}.{signature}").status_code == 401


def test_a_fresh_old_token_is_not_recent(moved: Moved) -> None:
    refused = asked(moved.port, moved.old["alice"], "/password", "POST", json={"password": "something else"})
    assert refused.status_code == 401
    assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]


def test_old_tokens_are_refused_from_the_date_on(moved: Moved) -> None:
    """They would be valid for 90 days by themselves."""
    ahead = f"later.py {FLASK.removeprefix('-m flask ')}"
    for days, until, status in ((29, 30, 200), (31, 30, 401), (31, 60, 200)):
        moved.until(until)
        environment = {**SECRET, "AHEAD": str(days * DAY)}
        with moved.program.serve("shop", ahead, environment) as server:
            later = Moved(server.port, moved.old, moved.program)
            assert asked(server.port, moved.old["bob"]).status_code == status, (days, until)
            assert asked(server.port, moved.old["bob refresh"]).status_code == 401
            assert asked(server.port, later.logged_in("bob")["access_token"]).status_code == 200
    moved.until(30)


def test_an_old_token_logs_out_by_itself(moved: Moved) -> None:
    assert asked(moved.port, moved.old["erin"], "/logout", "DELETE").status_code == 200
    assert asked(moved.port, moved.old["erin"]).status_code == 401
    assert asked(moved.port, moved.logged_in("erin")["access_token"]).status_code == 200


def test_a_user_who_is_disabled_loses_the_old_tokens_too(moved: Moved) -> None:
    assert moved.old_works("frank")
    code = "from shop import stores; stores.users.disable('frank')"
    assert moved.program.run("python", "-c", code, environment=SECRET).returncode == 0
    for _ in range(300):  # within the bound, of one second
        if not moved.old_works("frank"):
            break
    assert not moved.old_works("frank")


def test_a_user_logs_in_refreshes_and_logs_out_with_the_same_password(moved: Moved) -> None:
    tokens = moved.logged_in("bob")
    assert asked(moved.port, tokens["access_token"]).json()["id"] == "2"
    assert asked(moved.port, tokens["access_token"], "/admin").status_code == 200
    again = moved.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert asked(moved.port, again["access_token"]).status_code == 200
    form = {"token": again["refresh_token"]}
    assert requests.post(f"http://127.0.0.1:{moved.port}/auth/revoke", form, timeout=60).status_code == 200
    assert asked(moved.port, again["access_token"]).status_code == 401


def test_a_recent_login_changes_the_password_and_ends_the_other_tokens(moved: Moved) -> None:
    other, mine = moved.logged_in("grace"), moved.logged_in("grace")
    refreshed = moved.token(grant_type="refresh_token", refresh_token=mine["refresh_token"]).json()
    new = {"password": "another correct horse"}
    assert asked(moved.port, refreshed["access_token"], "/password", "POST", json=new).json() == ["Changed"]
    assert moved.token(grant_type="refresh_token", refresh_token=other["refresh_token"]).status_code == 400
    wrong = moved.token(grant_type="password", username="grace", password=f"{PASSWORD}grace")
    assert wrong.json()["error"] == "invalid_grant"
    moved.logged_in("grace", "another correct horse")


def test_cookie_mode_does_not_read_the_old_cookie(moved: Moved) -> None:
    page = (PAGES / "from-flask-jwt-extended.md").read_text()
    (cookies,) = (block.code for block in blocks(page) if not block.is_file)
    shop = (moved.program.folder / "shop.py").read_text()
    start, end = shop.index("service = TokenService("), shop.index("FlaskAuth(app, auth)")
    (moved.program.folder / "cookie_shop.py").write_text(f"{shop[:start]}{cookies}{shop[end:]}")
    with moved.program.serve("cookie_shop", FLASK, SECRET) as server:
        url, ours = f"http://127.0.0.1:{server.port}", {"Sec-Fetch-Site": "same-origin"}
        old = {"Cookie": f"access_token_cookie={moved.old['heidi']}"}
        assert requests.get(f"{url}/orders", headers=old, timeout=60).status_code == 401
        form = {"username": "heidi", "password": f"{PASSWORD}heidi"}
        login = requests.post(f"{url}/auth/login", form, headers=ours, timeout=60)
        new = {"Cookie": "; ".join(f"{name}={value}" for name, value in login.cookies.items())}
        assert requests.get(f"{url}/orders", headers=new, timeout=60).json()["id"] == "8"
        same = {"password": f"{PASSWORD}heidi"}
        ways = [{**new, "Sec-Fetch-Site": site} for site in ("cross-site", "same-origin")]
        sent = [requests.post(f"{url}/password", headers=way, json=same, timeout=60).status_code for way in ways]
        assert sent == [401, 200]
