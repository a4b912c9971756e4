"""The Starlette example: every kind of endpoint, opened by a password or an API key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authmw_sqlalchemy import SQLStores
from starlette.testclient import TestClient, WebSocketDenialResponse

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from examples.starlette_app import create_app


class Example(NamedTuple):
    client: TestClient
    stores: SQLStores

    def key(self, *scopes: str) -> dict[str, str]:
        return {"X-API-Key": self.stores.keys.create("alice", scopes)[0]}


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    database = f"sqlite:///{tmp_path / 'app.db'}"
    stores = SQLStores(database, hasher=PasswordHasher(CHEAPEST))
    stores.users.create("alice", "correct horse battery staple", scopes=["orders:read"])
    with TestClient(create_app(database)) as client:
        yield Example(client, stores)
    stores.close()


def test_the_front_page_is_for_everybody(example: Example) -> None:
    assert example.client.get("/").json() == {"hello": "stranger"}


def test_a_password_opens_it(example: Example) -> None:
    answer = example.client.get("/orders", auth=("alice", "correct horse battery staple"))
    assert answer.json() == {"orders": ["tea", "cake"]}
    assert example.client.get("/orders", auth=("alice", "wrong")).status_code == 401


@pytest.mark.parametrize("path", ["/me", "/orders", "/profiles/alice", "/nope"])
def test_all_else_takes_somebody(path: str, example: Example) -> None:
    assert example.client.get(path).status_code == 401


def test_scopes_decide(example: Example) -> None:
    assert example.client.get("/me", headers=example.key()).json() == {"id": "alice", "scopes": ["authenticated"]}
    assert example.client.post("/orders", headers=example.key("orders:write")).status_code == 201
    assert example.client.post("/orders", headers=example.key("orders:read")).status_code == 403


def test_everybody_sees_their_own_profile_only(example: Example) -> None:
    assert example.client.get("/profiles/alice", headers=example.key()).text == "the profile of alice"
    assert example.client.get("/profiles/bob", headers=example.key()).status_code == 403


def test_the_websocket_is_guarded(example: Example) -> None:
    with example.client.websocket_connect("/watch", headers=example.key("orders:read")) as session:
        assert session.receive_json() == {"watching": "alice"}
    with pytest.raises(WebSocketDenialResponse) as refused, example.client.websocket_connect("/watch"):
        pass
    assert refused.value.status_code == 401
