"""The Starlette example: every kind of endpoint, opened by a password or an API key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authmw_sqlalchemy import SQLStores
from starlette.testclient import TestClient, WebSocketDenialResponse

from authmw.testing import AsUser, Caller, assert_refused
from examples.starlette_app import create_app

pytestmark = pytest.mark.usefixtures("cheap_hashes")


class Example(NamedTuple):
    client: TestClient
    stores: SQLStores

    def key(self, *scopes: str) -> dict[str, str]:
        return {"X-API-Key": self.stores.keys.create("alice", scopes)[0]}


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    database = f"sqlite:///{tmp_path / 'app.db'}"
    stores = SQLStores(database)
    stores.users.create("alice", "correct horse battery staple", scopes=["orders:read"])
    with TestClient(create_app(database)) as client:
        yield Example(client, stores)
    stores.close()


@pytest.fixture
def client(example: Example) -> TestClient:
    return example.client


def test_the_front_page_is_for_everybody(example: Example) -> None:
    assert example.client.get("/").json() == {"hello": "stranger"}


def test_a_password_opens_it(example: Example) -> None:
    answer = example.client.get("/orders", auth=("alice", "correct horse battery staple"))
    assert answer.json() == {"orders": ["tea", "cake"]}
    assert example.client.get("/orders", auth=("alice", "wrong")).status_code == 401


def test_an_api_key_opens_it(example: Example) -> None:
    assert example.client.get("/me", headers=example.key()).json() == {"id": "alice", "scopes": ["authenticated"]}
    assert example.client.post("/orders", headers=example.key("orders:write")).status_code == 201
    with example.client.websocket_connect("/watch", headers=example.key("orders:read")) as session:
        assert session.receive_json() == {"watching": "alice"}


@pytest.mark.parametrize("path", ["/me", "/orders", "/profiles/alice", "/nope"])
def test_all_else_takes_somebody(path: str, client: TestClient) -> None:
    assert_refused(client.get(path), status=401)


def test_scopes_decide(as_user: AsUser) -> None:
    assert as_user("alice").get("/me").json() == {"id": "alice", "scopes": ["authenticated"]}
    assert as_user("alice", "orders:write").post("/orders").status_code == 201
    assert_refused(as_user("alice", "orders:read").post("/orders"), scope="orders:write", status=403)


def test_everybody_sees_their_own_profile_only(as_user: AsUser) -> None:
    alice = as_user("alice")
    assert alice.get("/profiles/alice").text == "the profile of alice"
    assert_refused(alice.get("/profiles/bob"), code="authmw.forbidden")


def test_the_websocket_is_guarded(as_user: AsUser, anonymous: Caller) -> None:
    with as_user("alice", "orders:read").websocket_connect("/watch") as session:
        assert session.receive_json() == {"watching": "alice"}
    with pytest.raises(WebSocketDenialResponse) as refused, anonymous.websocket_connect("/watch"):
        pass
    assert_refused(refused.value, status=401)
