"""Stores in memory in place of those of an application: what it asks and keeps is in memory until the test ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth, token_blueprint
from authmw_sqlalchemy import SQLStores
from authmw_starlette import AuthMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    ConfigurationError,
    HTTPBasic,
    HTTPBearer,
    KeyRing,
    PasswordVerifier,
    authenticated,
    current_principal,
)
from authmw.oauth2 import TokenService
from authmw.stores import CHEAPEST, MemoryStores, MemoryUsers, PasswordHasher, Stores, User
from authmw.testing import MemoryStoresFor, assert_refused

PASSWORD = "correct horse battery staple"
ALICE = {"grant_type": "password", "username": "alice", "password": PASSWORD}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SQLStores]:
    stores = SQLStores(f"sqlite:///{tmp_path / 'app.db'}", hasher=PasswordHasher(CHEAPEST))
    stores.users.create("root", PASSWORD)
    yield stores
    stores.close()


def app_of(stores: SQLStores) -> tuple[Any, TokenService]:
    service = TokenService(
        issuer="https://me.example/auth", audience="orders", stores=stores, keys=KeyRing.generate(), password=True
    )
    auth = Auth(
        HTTPBearer(service.verifier())
        | HTTPBasic(PasswordVerifier(stores.users, throttle=stores.throttle))
        | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys))
    )
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth)
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    app.add_url_rule("/me", "me", authenticated(lambda: current_principal().scheme))
    return app.test_client(), service


def test_an_application_that_is_made_already_asks_memory(
    database: SQLStores, memory_stores: MemoryStoresFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, service = app_of(database)
    kept = memory_stores(database)

    def away(*_: object) -> None:
        raise AssertionError("the database was asked")

    with monkeypatch.context() as broken:
        broken.setattr(type(database.database), "read", away)
        broken.setattr(type(database.database), "run", away)
        kept.users.create("alice", PASSWORD)
        key, _ = database.keys.create("alice", [])  # by the application's own object
        login = client.post("/auth/token", data=ALICE).json
        for headers, scheme in (
            ({"Authorization": f"Bearer {login['access_token']}"}, "HTTPBearer"),
            ({"X-API-Key": key}, "APIKeyHeader"),
        ):
            assert client.get("/me", headers=headers).text == scheme
        assert client.get("/me", auth=("alice", PASSWORD)).text == "HTTPBasic"
        assert_refused(client.get("/me", auth=("root", PASSWORD)), status=401)
        client.post("/auth/revoke", data={"token": login["refresh_token"]})
        assert_refused(client.get("/me", headers={"Authorization": f"Bearer {login['access_token']}"}), status=401)
    service.feed.close()


def test_after_the_test_the_database_is_back_and_knows_nothing_of_it(database: SQLStores, cheap_hashes: None) -> None:
    client, service = app_of(database)
    before = dict(vars(database.users))
    with pytest.MonkeyPatch.context() as patch:
        MemoryStoresFor(patch)(service).users.create("alice", PASSWORD)
        assert client.get("/me", auth=("alice", PASSWORD)).status_code == 200
    assert_refused(client.get("/me", auth=("alice", PASSWORD)), status=401)
    assert client.get("/me", auth=("root", PASSWORD)).status_code == 200
    assert [user.username for user in database.users.list()] == ["root"]
    assert vars(database.users) == before
    service.feed.close()


class OwnTable:
    """The users of an application, in a table of its own."""

    async def find(self, username: str) -> User | None:
        raise AssertionError("the table was asked")

    async def greet(self, username: str) -> str:
        return f"hello {username}"


def test_an_async_def_stays_one_and_methods_of_your_own_stay(memory_stores: MemoryStoresFor) -> None:
    table = OwnTable()

    @authenticated
    async def me(request: Request) -> PlainTextResponse:
        found = await table.find(request.user.name or "alice")
        return PlainTextResponse("" if found is None else found.username)

    app = Starlette(routes=[Route("/me", me)])
    app.add_middleware(AuthMiddleware, auth=Auth(HTTPBasic(PasswordVerifier(table))))
    memory_stores(Stores(users=table)).users.create("alice", PASSWORD)
    assert TestClient(app).get("/me", auth=("alice", PASSWORD)).text == "alice"
    assert asyncio.run(table.greet("bob")) == "hello bob"


def test_without_an_argument_they_are_new_and_hash_cheaply(memory_stores: MemoryStoresFor) -> None:
    first, second = memory_stores(), memory_stores()
    created = first.users.create("alice", PASSWORD)
    assert created.password_hash is not None
    assert "m=8,t=1,p=1" in created.password_hash
    assert second.users.find("alice") is None
    assert type(first) is MemoryStores


class Slotted:
    __slots__ = ()

    def find(self, username: str) -> User | None: ...


@pytest.mark.parametrize(
    "given, sentence",
    [
        (MemoryUsers(), "takes what has stores"),
        (SQLStores, "takes what has stores"),
        (Stores(users=Slotted()), "has __slots__"),
    ],
    ids=["one store", "a class", "slots"],
)
def test_what_has_no_stores_to_replace_is_told(given: object, sentence: str, memory_stores: MemoryStoresFor) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        memory_stores(given)


def test_nothing_is_replaced_in_production(memory_stores: MemoryStoresFor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_ENV", "production")
    with pytest.raises(ConfigurationError, match="production"):
        memory_stores(MemoryStores())
