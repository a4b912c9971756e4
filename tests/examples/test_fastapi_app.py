"""The FastAPI example: the middleware guards endpoints, included routers and the documentation alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authmw_sqlalchemy import SQLStores
from starlette.testclient import TestClient

from authmw.testing import AsUser, assert_refused
from examples.fastapi_app import create_app

pytestmark = pytest.mark.usefixtures("cheap_hashes")


class Example(NamedTuple):
    client: TestClient
    stores: SQLStores

    def key(self, *scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stores.keys.create('alice', scopes)[0]}"}


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


@pytest.mark.parametrize("path", ["/me", "/orders", "/redoc", "/openapi.json", "/nope"])
def test_all_else_takes_somebody(path: str, example: Example) -> None:
    answer = example.client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="orders"')


def test_its_docs_are_for_everybody_and_come_from_here(example: Example) -> None:
    page = example.client.get("/docs")
    assert (page.status_code, page.url.path) == (200, "/docs/")
    assert "://" not in page.text
    described = example.client.get("/docs/openapi.json").json()
    assert described == example.client.get("/openapi.json", headers=example.key()).json()
    assert described["info"]["title"] == "Orders"


def test_the_challenge_names_the_scopes_of_an_included_router(example: Example) -> None:
    client = example.client
    assert 'Bearer realm="orders", scope="orders:read"' in client.get("/orders").headers["www-authenticate"]
    assert 'scope="orders:read orders:write orders:admin"' in client.post("/orders").headers["www-authenticate"]


def test_an_api_key_opens_it(example: Example) -> None:
    assert example.client.get("/orders", headers=example.key("orders:read")).json() == ["tea", "cake"]
    assert example.client.get("/orders", headers=example.key()).status_code == 403


def test_scopes_decide(as_user: AsUser) -> None:
    reader, admin = as_user("alice", "orders:read"), as_user("bob", "orders:read", "orders:admin")
    assert reader.get("/me").json() == {"id": "alice", "scopes": ["orders:read"]}
    assert reader.get("/orders").json() == ["tea", "cake"]
    assert_refused(as_user("carol").get("/orders"), scope="orders:read")
    assert_refused(reader.post("/orders"), scope={"orders:write", "orders:admin"})
    created = admin.post("/orders", params={"name": "cake"})
    assert (created.status_code, created.json()) == (201, {"created": "cake", "by": "bob"})


def test_the_document_says_the_same(example: Example) -> None:
    document = example.client.get("/openapi.json", headers=example.key()).json()
    security = {path: [each["security"] for each in item.values()] for path, item in document["paths"].items()}
    anybody: list[dict[str, list[str]]] = [{"HTTPBearer": []}, {"HTTPBasic": []}]
    assert security["/"] == [[*anybody, {}]]
    assert security["/me"] == [anybody]
    assert security["/orders"] == [
        [{"HTTPBearer": ["orders:read"]}, {"HTTPBasic": ["orders:read"]}],
        [
            {scheme: ["orders:read", scope]}
            for scheme in ("HTTPBearer", "HTTPBasic")
            for scope in ("orders:write", "orders:admin")
        ],
    ]
    assert "See orders" in document["paths"]["/orders"]["get"]["responses"]["403"]["description"]
