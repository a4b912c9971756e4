"""`LocalAuth` on PostgreSQL and Redis, in each framework: the asynchronous stores on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from authmw_sqlalchemy import SQLStores
from httpx2 import ASGITransport, AsyncClient

from authmw.flow import CallMode
from tests.adapters.redis.support import RedisServer
from tests.adapters.sqlalchemy.databases import drop_schema, make_schema, written
from tests.local.test_local_auth import PASSWORD, Service, fastapi_service, flask_service, starlette_service
from tests.support import require

pytestmark = pytest.mark.servers


@pytest.fixture
def database() -> Iterator[str]:
    require("postgresql")
    namespace = f"test_local_{uuid4().hex[:12]}"
    yield written(make_schema(namespace))
    drop_schema(namespace)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    require("redis")
    with RedisServer(tmp_path) as server:
        yield server.url


FORM = {"grant_type": "password", "username": "alice", "password": PASSWORD}


def refresh(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token}


def bearer(issued: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {issued['access_token']}"}


@pytest.fixture
def alice(database: str) -> None:
    with closing(SQLStores(database)) as stores:
        stores.users.create("alice", PASSWORD, scopes=["orders:read"])


@pytest.mark.usefixtures("alice")
def test_flask_logs_in_and_out(database: str, redis: str) -> None:
    service = flask_service(database=database, redis=redis)
    local = service.auth.local
    assert type(local.tokens.users).__module__ == "authmw_sqlalchemy.users"
    assert type(local.tokens.families).__module__ == "authmw_redis.families"
    status, issued = service.ask("POST", "/auth/token", data=FORM)
    assert status == 200
    assert service.ask("GET", "/orders", headers=bearer(issued)) == (200, {"hello": "alice"})
    assert service.ask("GET", "/orders", auth=("alice", PASSWORD)) == (200, {"hello": "alice"})
    assert service.ask("POST", "/auth/revoke", data={"token": issued["refresh_token"]})[0] == 200
    assert service.ask("POST", "/auth/token", data=refresh(issued["refresh_token"]))[0] == 400
    local.tokens.feed.close()
    local.close()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("make", [starlette_service, fastapi_service])
def test_an_event_loop_gets_asynchronous_stores(make: Callable[..., Service], database: str, redis: str) -> None:
    service = make(database=database, redis=redis)
    local = service.auth.local

    async def log_in_and_out() -> None:
        async with AsyncClient(transport=ASGITransport(service.app), base_url="http://localhost") as client:
            issued = (await client.post("/auth/token", data=FORM)).json()
            assert (await client.get("/orders", headers=bearer(issued))).json() == {"hello": "alice"}
            assert (await client.get("/orders", auth=("alice", PASSWORD))).json() == {"hello": "alice"}
            assert (await client.post("/auth/revoke", data={"token": issued["refresh_token"]})).status_code == 200
            again = await client.post("/auth/token", data=refresh(issued["refresh_token"]))
            assert again.status_code == 400
        local.tokens.feed.close()
        await local.aclose()

    assert CallMode.of(local.tokens.users) is CallMode.of(local.tokens.families) is CallMode.ASYNC
    asyncio.run(log_in_and_out())
