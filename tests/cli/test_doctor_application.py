"""``authmw doctor shop:app``: each thing that is wrong with an application is said with its mend, and nothing else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from authmw.cli.doctor import machine
from tests.cli.written_app import forgotten_afterwards, write

Run = Callable[..., Result]

HEAD = """
    from authmw import *
    from authmw.crypto.passwords import CHEAPEST, OWASP_MINIMUM, PasswordHasher
    from authmw.oauth2 import TokenCookie
    from authmw.stores import MemoryStores
    from authmw.testing import FakeIssuer
    from authmw_flask import FlaskAuth
    from authmw_sqlalchemy import SQLStores
    from flask import Flask, current_app

    keys = KeyRing.generate()
    jwts = JWTVerifier(keys, issuer="https://me.example", audience="orders")
    hasher = PasswordHasher(OWASP_MINIMUM)

    def flask(accept, **options):
        app = Flask("shop", static_folder=None)
        FlaskAuth(app, Auth(accept), **options)
        return app

    class Users:
        def find(self, username):
            return current_app.config.get("USER")

    class Broken:
        def find(self, username):
            raise LookupError("password=hunter2")
"""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with forgotten_afterwards():
        yield


@pytest.fixture
def findings(run: Run) -> Callable[..., list[dict[str, Any]]]:
    """The findings about the application that some lines make."""

    def findings(lines: str) -> list[dict[str, Any]]:
        write("shop", HEAD)
        with Path("shop.py").open("a") as file:
            file.write(lines + "\n")
        examined = run("doctor", "shop:app", "--json")
        assert examined.stdout, examined.stderr
        document = json.loads(examined.stdout)
        assert examined.exit_code == (0 if document["ok"] else 1)
        found: list[dict[str, Any]] = document["findings"]
        assert all(each["next"] for each in found if each["ok"] is False)
        return found

    return findings


GOOD = """
app = flask(HTTPBearer(jwts) | HTTPBasic(PasswordVerifier(MemoryStores().users, hasher=hasher)))
@app.get("/a")
@requires_scopes("a")
def a(): raise NotImplementedError
"""


def test_nothing_is_wrong_with_a_good_application(findings: Any) -> None:
    found = {each["check"]: each for each in findings(GOOD)}
    assert [check for check, each in found.items() if each["ok"] is False] == []
    assert found["keys"]["words"] == "1 for ES256"
    assert found["issuer"]["words"] == "'https://me.example'"
    assert found["audience"]["words"] == "'orders'"
    assert found["routes"]["words"].startswith("1, of which 0 are public")
    assert found["store"]["words"].startswith("MemoryUsers answers")
    assert found["hash"]["words"].startswith("argon2id with 19 MiB, 2 passes: ")
    assert "passwords are hashed at once" in found["pool"]["words"]
    assert found["clock"]["ok"] is True
    assert "HTTPBearer, HTTPBasic" in found["credentials"]["words"]


@pytest.mark.parametrize(
    "lines, check, ok, words, fix",
    [
        ("app = Flask('x')", "guard", False, "nothing guards shop:app", "call FlaskAuth"),
        (
            "app = flask(HTTPBearer(jwts), default='allow')\n@app.get('/a')\ndef a(): ...",
            "route",
            False,
            "GET /a (shop.py:",
            "decorate it with @requires_scopes",
        ),
        ("app = flask(HTTPBearer(jwts), default='allow')", "default", None, "leaves each view open", 'default="deny"'),
        (
            "app = flask(HTTPBearer(jwts), needs={'/nowhere': 'a'})\n@app.get('/a')\ndef a(): ...",
            "pattern",
            False,
            "needs pattern '/nowhere' names no route",
            "take it out",
        ),
        ("app = flask(HTTPBearer(jwts), preflights='application')", "preflights", None, "are handed on", "put CORS"),
        ("app = flask(HTTPBearer())", "verifier", None, "HTTPBearer has no verifier", "HTTPBearer(..., verifier)"),
        (
            "app = flask(HTTPBearer(JWTVerifier(KeyRing(Key.from_secret('x' * 40)), issuer='a', audience='b')))",
            "keys",
            None,
            "1 for HS256: who verifies with a secret can sign too",
            "KeyRing.generate",
        ),
        (
            "app = flask(HTTPBearer(JWTVerifier(keys, issuer=None, audience='b')))",
            "issuer",
            None,
            "tokens of every issuer",
            "issuer=...",
        ),
        (
            "app = flask(HTTPBearer(JWTVerifier(keys, issuer='a', audience=None)))",
            "audience",
            None,
            "none is configured",
            "audience=...",
        ),
        ("app = flask(APIKeyQuery('key', lambda key: None))", "query", None, "written into logs", "APIKeyHeader"),
        ("app = flask(APIKeyCookie('key', lambda key: None))", "cookie", None, "pages of other sites", "CSRF"),
        (
            "app = flask(HTTPBasic(PasswordVerifier(MemoryStores().users, hasher=PasswordHasher(CHEAPEST))))",
            "hash",
            False,
            "argon2id with 0 MiB, 1 passes",
            "OWASP_MINIMUM",
        ),
        (
            "app = flask(HTTPBasic(PasswordVerifier(Broken(), hasher=hasher)))",
            "store",
            False,
            "Broken.find raised LookupError: each request that needs it is a 503",
            "authmw db check",
        ),
        (
            "app = flask(HTTPBasic(PasswordVerifier(SQLStores('sqlite:///none.db').users, hasher=hasher)))",
            "store",
            False,
            "SQLUsers: there is no database none.db",
            "authmw db upgrade",
        ),
        (
            "fake = FakeIssuer('https://id.example'); fake.mode = 'down'\n"
            "app = flask(HTTPBearer(Issuer('https://id.example', audience='orders', fetcher=fake)))",
            "metadata",
            False,
            "does not answer",
            "",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(
    findings: Any, lines: str, check: str, ok: bool | None, words: str, fix: str
) -> None:
    found = [each for each in findings(lines) if each["check"] == check and each["ok"] is ok]
    assert found, lines
    assert words in found[0]["words"]
    assert fix in found[0]["next"]
    assert "hunter2" not in json.dumps(found)


@pytest.mark.parametrize("users", ["Users()", "MemoryStores().users"])
def test_a_store_that_answers_is_said_with_its_time(findings: Any, users: str) -> None:
    found = findings(f"app = flask(HTTPBasic(PasswordVerifier({users}, hasher=hasher)))")
    assert [(each["ok"], each["words"].split()[1]) for each in found if each["check"] == "store"] == [
        (True, "answers,")
    ]


def test_a_cookie_of_a_session_is_said_with_its_pages(findings: Any) -> None:
    found = {each["check"]: each for each in findings("app = flask(TokenCookie(jwts, origins=['https://a.example']))")}
    assert (found["cookie"]["ok"], found["cookie"]["words"]) == (
        True,
        "'__Host-access', for the pages of https://a.example",
    )


def test_nothing_is_changed(findings: Any) -> None:
    findings("app = flask(HTTPBasic(PasswordVerifier(SQLStores('sqlite:///none.db').users, hasher=hasher)))")
    assert not Path("none.db").exists()


def test_an_issuer_is_examined_by_the_fetcher_of_the_application(findings: Any) -> None:
    lines = """
fake = FakeIssuer("https://id.example")
app = flask(HTTPBearer(Issuer("https://id.example", audience="orders", fetcher=fake)))
"""
    found = {each["check"]: each for each in findings(lines)}
    assert found["jwks_uri"]["words"] == "https://id.example/keys"
    assert found["audience"]["words"] == "'orders'"


@pytest.mark.parametrize("is_outside", [True, False])
def test_where_cors_stands_is_said(findings: Any, is_outside: bool) -> None:
    guard = "api.add_middleware(AuthMiddleware, auth=Auth(HTTPBearer(jwts)))"
    cors = "api.add_middleware(CORSMiddleware, allow_origins=['*'])"
    lines = "\n".join(
        [
            "from authmw_starlette import AuthMiddleware",
            "from starlette.applications import Starlette",
            "from starlette.middleware.cors import CORSMiddleware",
            "api = app = Starlette()",
            *((guard, cors) if is_outside else (cors, guard)),
        ]
    )
    [found] = [each for each in findings(lines) if each["check"] == "CORS"]
    assert found["ok"] is (True if is_outside else None)
    assert ("outside" if is_outside else "have no CORS headers") in found["words"]


@pytest.mark.parametrize("is_outside", [True, False])
def test_where_the_layer_for_proxies_stands_is_said(findings: Any, is_outside: bool) -> None:
    guard, fix = "FlaskAuth(app, Auth(HTTPBearer(jwts)))", "app.wsgi_app = ProxyFix(app.wsgi_app)"
    lines = "\n".join(
        [
            "from werkzeug.middleware.proxy_fix import ProxyFix",
            "app = Flask('shop')",
            *((guard, fix) if is_outside else (fix, guard)),
        ]
    )
    [found] = [each for each in findings(lines) if each["check"] == "proxy"]
    assert found["ok"] is (True if is_outside else None)


def test_the_log_is_said_to_be_on_or_off(findings: Any) -> None:
    def log(lines: str) -> Any:
        with forgotten_afterwards():
            return next(each for each in findings(lines) if each["check"] == "log")["ok"]

    audit = logging.getLogger("authmw.audit")
    before = audit.level
    try:
        audit.setLevel(logging.WARNING)
        assert log(GOOD) is None
        assert log(f"import logging; logging.getLogger('authmw.audit').setLevel('INFO')\n{GOOD}") is True
    finally:
        audit.setLevel(before)


def test_a_clock_before_the_installation_is_wrong() -> None:
    assert machine._of_clock(1.0, 2.0).ok is False  # pyright: ignore[reportPrivateUsage] - no test turns the clock back
    assert machine._of_clock(2.0, 2.0).ok is True  # pyright: ignore[reportPrivateUsage]


def test_a_rule_that_is_changed_changes_what_is_found(findings: Any) -> None:
    opened = "app = flask(HTTPBearer(jwts), default='allow')\n@app.get('/a')\n{}def a(): ...\n"
    with forgotten_afterwards():
        assert [each["ok"] for each in findings(opened.format("")) if each["check"] == "route"] == [False]
    with forgotten_afterwards():
        closed = findings(opened.format("@authenticated\n"))
    assert [each for each in closed if each["check"] == "route"] == []


@pytest.mark.parametrize("argument", ["eyJhbGciOiJFUzI1NiJ9.e30.c2ln", "sk_live_abc", "shop"])
def test_an_argument_that_may_be_a_token_is_not_repeated(run: Run, argument: str) -> None:
    refused = run("doctor", argument)
    assert refused.exit_code == 2
    assert argument not in refused.stderr.replace("shop:app", "")
    assert "one application, as shop:app" in refused.stderr
