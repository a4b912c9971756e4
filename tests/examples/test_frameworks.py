"""The same middleware around other frameworks: nobody 401, without the scope 403, with it 200."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Final

import pytest
import werkzeug.test
from starlette.testclient import TestClient

from authmw.stores import MemoryApiKeys
from authmw.testing import AsUser

Ask = Callable[[str, dict[str, str]], tuple[int, str, str]]


def wsgi(app: Any) -> Ask:
    client = werkzeug.test.Client(app)

    def ask(path: str, headers: dict[str, str]) -> tuple[int, str, str]:
        answer = client.get(path, headers=headers)
        return answer.status_code, answer.text, answer.headers.get("WWW-Authenticate", "")

    return ask


def asgi(app: Any) -> Ask:
    client = TestClient(app)

    def ask(path: str, headers: dict[str, str]) -> tuple[int, str, str]:
        answer = client.get(path, headers=headers)
        return answer.status_code, answer.text, answer.headers.get("www-authenticate", "")

    return ask


FRAMEWORKS: Final = {"falcon": wsgi, "quart": asgi, "litestar": asgi}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nobody_401_without_the_scope_403_with_it_200(framework: str, caplog: pytest.LogCaptureFixture) -> None:
    create_app = importlib.import_module(f"examples.frameworks.{framework}_app").create_app
    keys = MemoryApiKeys()
    ask = FRAMEWORKS[framework](create_app(keys))
    reader, _ = keys.create("alice", ["orders:read"])
    other, _ = keys.create("bob")

    with caplog.at_level(logging.ERROR):
        status, body, challenge = ask("/orders", {"X-API-Key": reader})
        assert (status, "".join(body.split()), challenge) == (200, '{"id":"alice"}', "")
        status, body, challenge = ask("/orders", {})
        assert (status, challenge) == (401, 'ApiKey realm="app", header="X-API-Key"')
        assert '"code":"authmw.credentials-missing"' in body
        status, body, challenge = ask("/orders", {"X-API-Key": other})
        assert (status, challenge) == (403, "")
        assert '"scope":"orders:read"' in body
        assert ask("/orders", {"X-API-Key": reader[:-1]})[0] == 401
        assert ask("/nope", {})[0] == 401
        assert ask("/nope", {"X-API-Key": reader})[0] == 404
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_callers_of_a_test_reach_every_framework(framework: str, as_user: AsUser) -> None:
    ask = FRAMEWORKS[framework](
        importlib.import_module(f"examples.frameworks.{framework}_app").create_app(MemoryApiKeys())
    )
    for user, scopes, status in (("alice", ("orders:read",), 200), ("bob", (), 403)):
        with as_user(user, *scopes):
            assert ask("/orders", {})[0] == status
    assert ask("/orders", {})[0] == 401
