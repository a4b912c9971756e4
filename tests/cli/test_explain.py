"""``authmw explain``: the page of a code, or what would be decided about a request, and by which rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from authmw.cli.explain import pages
from authmw.cli.explain.pages import codes, page_of, plain
from authmw.http.reasons import Reason
from tests.cli.written_app import forgotten_afterwards, write

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

SHOP = """
    from authmw import Auth, HTTPBasic, HTTPBearer, PasswordVerifier, public, requires_scopes
    from authmw.stores import User
    from authmw_flask import FlaskAuth
    from flask import Flask, current_app

    class Users:
        def find(self, username):
            current_app.config
            if username == "gone":
                raise LookupError("password=hunter2")
            scopes = {"alice": {"orders:read"}, "off": set()}.get(username)
            return None if scopes is None else User("7", username, None, frozenset(scopes), disabled=username == "off")

    class AsyncUsers:
        async def find(self, username):
            return User("8", username, None, frozenset({"orders:write"}))

    def create_app(users=Users()):
        app = Flask("shop", static_folder=None)
        scheme = HTTPBearer(lambda token: None) if users is None else HTTPBasic(PasswordVerifier(users))
        FlaskAuth(app, Auth(scheme), needs={"POST /orders/*": "orders:write"})

        @app.route("/orders/<int:number>", methods=["GET", "POST"])
        @requires_scopes("orders:read")
        def order(number):
            raise SystemExit("a view runs")

        return app

    app, without_users = create_app(), create_app(None)

    from authmw_starlette import AuthMiddleware
    from starlette.applications import Starlette
    from starlette.routing import Route

    @requires_scopes("orders:read")
    async def async_order(request):
        raise SystemExit("a view runs")

    other = Starlette(routes=[Route("/orders/{number:int}", async_order)])
    other.add_middleware(AuthMiddleware, auth=Auth(HTTPBasic(PasswordVerifier(AsyncUsers()))))
"""


@pytest.fixture(autouse=True)
def shop() -> Iterator[Path]:
    with forgotten_afterwards():
        yield write("shop", SHOP)


def test_what_would_be_let_in_is_said_with_its_rule(run: Run) -> None:
    allowed = run("explain", "shop:app", "GET /orders/7", "--user", "alice")
    assert allowed.exit_code == 0
    first, titles, rule = allowed.stdout.splitlines()
    assert first == "GET /orders/7 as alice (orders:read): allowed"
    assert titles.split() == ["RULE", "NEEDS"]
    assert rule.split() == ["met", "the", "view", "(shop.py:24)", "orders:read"]


def test_what_would_be_refused_is_said_with_its_rule_and_what_to_do(run: Run) -> None:
    refused = run("explain", "shop:app", "post /orders/7", "--user", "alice")
    assert refused.exit_code == 1
    lines = [" ".join(line.split()) for line in refused.stdout.splitlines()]
    assert lines == [
        "POST /orders/7 as alice (orders:read): refused with 403, authmw.scope-missing",
        "RULE NEEDS",
        "NOT MET needs pattern 'POST /orders/*' orders:write",
        "met the view (shop.py:24) orders:read",
        "Missing: orders:write",
        "What to do: authmw explain authmw.scope-missing",
    ]


def test_without_a_caller_it_is_a_request_without_credentials(run: Run) -> None:
    refused = run("explain", "shop:app", "GET /orders/7")
    assert refused.stdout.startswith(
        "GET /orders/7 without credentials: refused with 401, authmw.credentials-missing\n"
    )
    assert refused.exit_code == 1


def test_scopes_may_be_given_in_place_of_those_in_the_store(run: Run) -> None:
    options = ("--user", "nobody-knows", "--scope", "orders:write", "--scope", "orders:read")
    assert run("explain", "shop:app", "POST /orders/7", *options).exit_code == 0
    assert "as somebody (orders:read)" in run("explain", "shop:app", "GET /orders/7", "--scope", "orders:read").stdout


def test_an_async_store_is_asked_too(run: Run) -> None:
    assert "as bob (orders:write): refused" in run("explain", "shop:other", "GET /orders/7", "--user", "bob").stdout


def test_an_application_without_a_store_of_users_leaves_it_to_the_database(run: Run, alice: str) -> None:
    assert run("explain", "shop:without_users", "POST /orders/7", "--user", alice).exit_code == 0
    missing = run("explain", "shop:without_users", "POST /orders/7", "--user", "bob")
    assert (missing.exit_code, missing.stderr) == (1, "Error: there is no user 'bob'\n")


@pytest.mark.parametrize(
    "user, said",
    [
        ("bob", "the application's store has no user 'bob': give scopes by --scope instead"),
        ("off", "'off' is disabled, so every credential of the user is refused"),
        ("gone", "Users.find raised LookupError: give scopes by --scope instead"),
    ],
)
def test_a_user_who_cannot_be_a_caller_is_said(run: Run, user: str, said: str) -> None:
    refused = run("explain", "shop:app", "GET /orders/7", "--user", user)
    assert (refused.exit_code, refused.stderr) == (1, f"Error: {said}\n")


def test_json_has_the_rules(document: Document) -> None:
    assert document("explain", "shop:app", "GET /orders/7", "--user", "alice") == {
        "request": "GET /orders/7",
        "caller": {"id": "7", "scopes": ["orders:read"]},
        "allowed": True,
        "status": None,
        "code": None,
        "missing": [],
        "rules": [{"rule": "the view (shop.py:24)", "needs": "orders:read", "met": True}],
        "notes": [],
    }


def test_nothing_is_written_into_the_audit_log(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        run("explain", "shop:app", "POST /orders/7", "--user", "alice")
    assert [record for record in caplog.records if record.name == "authmw.audit"] == []


@pytest.mark.parametrize(
    "code", ["authmw.token-expired", "token-expired", "https://docs.example/reasons/token-expired"]
)
def test_a_code_is_explained_by_its_page(run: Run, code: str) -> None:
    explained = run("explain", code)
    assert explained.exit_code == 0
    first, *others = explained.stdout.splitlines()
    assert first == "authmw.token-expired"
    assert "status 401; error invalid_token; seen by the client as authmw.token-expired" in explained.stdout
    assert any(line.startswith("1. ") for line in others)
    assert "](" not in explained.stdout


def test_the_page_of_a_code_is_there_as_json(document: Document) -> None:
    found = document("explain", "token-invalid")
    assert found["code"] == "authmw.token-invalid"
    assert found["page"].startswith("# `authmw.token-invalid`\n")


def test_every_code_and_every_public_code_is_explained() -> None:
    assert {f"authmw.{code}" for code in codes()} == {c for reason in Reason for c in (reason.code, reason.public_code)}
    for code in codes():
        assert plain(page_of(code)).startswith(f"authmw.{code}\n")


def test_without_a_checkout_the_pages_are_those_of_the_wheel(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(_: object, name: str) -> str:
        return f"# `{name}`\n"

    def nothing(_: object, name: str) -> None:
        return None

    monkeypatch.setattr(pages, "_IN_CHECKOUT", tmp_path / "nowhere")
    kind = type(distribution("authmw"))  # of the backport importlib-metadata, where another package brings it
    monkeypatch.setattr(kind, "read_text", told)
    assert run("explain", "forbidden").stdout == "extra_metadata/reasons/forbidden.md\n"
    monkeypatch.setattr(kind, "read_text", nothing)
    assert "installed without its pages" in run("explain", "forbidden").stderr


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["token-expird"], "did you mean authmw.token-expired?"),
        (["zzzz"], "there is no refusal code 'zzzz'"),
        (["shop:app"], 'name a request of the application too: authmw explain shop:app "GET /orders"'),
        (["shop:app", "GET", "/orders"], "put the request in quotes"),
        (["shop:app", "/orders"], 'write a method and a path, as "GET /orders"'),
        ([], "Missing argument"),
        (["nowhere:app", "GET /orders"], "there is no module nowhere"),
        (["json:loads", "GET /orders"], "is a function, not an application"),
    ],
)
def test_what_cannot_be_meant_is_said(run: Run, arguments: list[str], said: str) -> None:
    refused = run("explain", *arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr


@pytest.mark.slow
def test_the_flask_command_needs_no_name(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    environment = {**os.environ, "FLASK_APP": "shop:app"}
    command = [sys.executable, "-m", "flask", "authmw", "explain", "GET /orders/7", "--user", "alice", "--json"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert json.loads(found.stdout)["allowed"] is True
