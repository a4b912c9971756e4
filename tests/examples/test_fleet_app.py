"""The fleet's application: a login at one server opens both, and what one revokes the other refuses."""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import authmw_redis
import pytest
import werkzeug.test
from authmw_sqlalchemy import SQLStores, upgrade
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from tests.support import ROOT, require

pytestmark = pytest.mark.servers

ALICE = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
SERVER = "postgresql+psycopg://postgres@127.0.0.1/test"
REDIS = "redis://127.0.0.1:6379/0"
WITHIN = 5.0
"""Seconds: far more than the second within which a revocation holds, since the machine may be busy."""

Ask = Callable[..., tuple[int, Any]]
"""Asks for a path, with a form or a bearer token; the status and the JSON of the answer."""


@pytest.fixture
def database() -> Generator[str]:
    """A schema of PostgreSQL of its own."""
    require("postgresql")
    schema = f"authmw_test_fleet_{os.getpid()}"
    url = f"{SERVER}?options=-csearch_path%3D{schema}"
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        upgrade(url)
        stores = SQLStores(url, hasher=PasswordHasher(CHEAPEST))
        stores.users.create("alice", ALICE["password"], scopes=["orders:read"])
        stores.close()
        yield url
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """A prefix of Redis of its own."""
    require("redis")
    prefix = f"authmw-test-fleet-{os.getpid()}"
    for name in ("RedisStores", "AsyncRedisStores"):
        monkeypatch.setattr(authmw_redis, name, partial(getattr(authmw_redis, name), prefix=prefix))
    yield REDIS
    client: Any = importlib.import_module("redis").Redis.from_url(REDIS)
    for key in client.scan_iter(match=f"{prefix}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def servers(database: str, redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[list[Ask]]:
    """The WSGI application and the ASGI application."""
    KeyRing.generate().save(tmp_path / "keys.json")
    for name, value in {
        "DATABASE": database,
        "REDIS": redis,
        "KEYS": str(tmp_path / "keys.json"),
        "ISSUER": "http://127.0.0.1:8000/auth",
    }.items():
        monkeypatch.setenv(f"AUTHMW_{name}", value)
    spec = importlib.util.spec_from_file_location("fleet_app", ROOT / "examples" / "fleet" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    app: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    wsgi = werkzeug.test.Client(app.application)

    def ask_wsgi(path: str, form: dict[str, str] | None = None, token: str = "") -> tuple[int, Any]:
        answer = wsgi.open(path, method="GET" if form is None else "POST", data=form, headers=bearer(token))
        return answer.status_code, answer.get_json(silent=True)

    with TestClient(app.asgi_application) as asgi:

        def ask_asgi(path: str, form: dict[str, str] | None = None, token: str = "") -> tuple[int, Any]:
            answer = asgi.request("GET" if form is None else "POST", path, data=form, headers=bearer(token))
            return answer.status_code, answer.json() if answer.content else None

        yield [ask_wsgi, ask_asgi]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.mark.parametrize("first", [0, 1], ids=["WSGI logs in", "ASGI logs in"])
def test_a_login_at_one_opens_both_until_either_revokes_it(servers: list[Ask], first: int) -> None:
    here, there = servers[first], servers[1 - first]
    status, login = here("/auth/token", ALICE)
    assert status == 200, login
    orders = {"orders": ["tea", "cake"], "for": "alice"}
    assert [ask("/orders", token=login["access_token"]) for ask in (here, there)] == [(200, orders)] * 2
    status, refreshed = there("/auth/token", {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]})
    assert status == 200, refreshed
    # With its refresh token a whole login goes, and every token of it.
    assert there("/auth/revoke", {"token": refreshed["refresh_token"]})[0] == 200
    for token in (login["access_token"], refreshed["access_token"]):
        assert [refuses_in_time(ask, token) for ask in (here, there)] == [True, True]
    assert here("/auth/token", {"grant_type": "refresh_token", "refresh_token": refreshed["refresh_token"]})[0] == 400


def refuses_in_time(ask: Ask, token: str) -> bool:
    deadline = time.monotonic() + WITHIN
    while ask("/orders", token=token)[0] != 401:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # the revocation is on its way
    return True


def test_nobody_gets_the_orders_and_no_wrong_password_a_token(servers: list[Ask]) -> None:
    for ask in servers:
        assert ask("/orders")[0] == 401
        assert ask("/auth/token", {**ALICE, "password": "wrong"})[1]["error"] == "invalid_grant"
