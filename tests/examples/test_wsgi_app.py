"""The plain WSGI example: API keys in memory open it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client, TestResponse

from authmw.stores import MemoryApiKeys
from authmw.testing import AsUser, assert_refused
from examples.wsgi_app import create_app
from tests.examples.running import get, running

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask() -> Ask:
    """Asks as the holder of a key with the given scopes, or as nobody."""
    keys = MemoryApiKeys()
    client = Client(validator(create_app(keys)))

    def ask(path: str, *scopes: str, method: str = "GET") -> TestResponse:
        headers = {"X-API-Key": keys.create("alice", scopes)[0]} if scopes else {}
        return client.open(path, method=method, headers=headers, buffered=True)

    return ask


def test_the_front_page_is_for_everybody(ask: Ask) -> None:
    assert ask("/").json == {"hello": "stranger"}
    assert ask("/", "orders:read").json == {"hello": "alice"}


@pytest.mark.parametrize("method, path", [("GET", "/orders"), ("POST", "/orders"), ("GET", "/me"), ("GET", "/nope")])
def test_all_else_takes_a_key(method: str, path: str, ask: Ask) -> None:
    answer = ask(path, method=method)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'ApiKey realm="app", header="X-API-Key"')


def test_a_key_opens_what_it_is_for(ask: Ask) -> None:
    assert ask("/orders", "orders:read").json == {"orders": ["tea", "cake"]}
    assert ask("/orders", "orders:read", method="POST").status_code == 403
    assert ask("/orders", "orders:write", method="POST").status_code == 201
    assert ask("/me", "orders:read").json == {"id": "alice", "scopes": ["orders:read"]}
    assert ask("/nope", "orders:read").status_code == 404


def test_scopes_decide(ask: Ask, as_user: AsUser) -> None:
    with as_user("bob", "orders:read"):
        assert ask("/").json == {"hello": "bob"}
        assert ask("/orders").json == {"orders": ["tea", "cake"]}
        assert_refused(ask("/orders", method="POST"), scope="orders:write")


@pytest.mark.servers
def test_it_runs_by_itself_and_prints_its_keys(tmp_path: Path) -> None:
    with running("wsgi_app.py", tmp_path) as (port, lines):
        reader = next(lines).split()[0]
        assert get(port, "/orders")[0] == 401
        assert get(port, "/orders", X_API_Key=reader) == (200, {"orders": ["tea", "cake"]})
