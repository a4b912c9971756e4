"""The plain ASGI example: tokens, passwords and API keys open it, over a database that stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authmw_sqlalchemy import SQLStores
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from authmw import ConfigurationError
from authmw.crypto.keyring import KeyRing
from authmw.crypto.signing import issue
from authmw.testing import AsUser, FakeClock, assert_refused
from examples.asgi_app import AUDIENCE, ISSUER, SCOPES, create_app

pytestmark = pytest.mark.usefixtures("cheap_hashes")


class Example(NamedTuple):
    client: TestClient
    ring: KeyRing
    stores: SQLStores

    def token(self, *scopes: str, issuer: str = ISSUER, audience: str = AUDIENCE) -> dict[str, str]:
        token = issue("alice", keys=self.ring, issuer=issuer, audience=audience, scopes=scopes)
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    database, keys = f"sqlite:///{tmp_path / 'app.db'}", tmp_path / "keys.json"
    ring = KeyRing.generate()
    ring.save(keys)
    stores = SQLStores(database)
    stores.users.create("alice", "correct horse battery staple", scopes=["orders:read"])
    yield Example(TestClient(create_app(database, keys)), ring, stores)
    stores.close()


@pytest.fixture
def client(example: Example) -> TestClient:
    return example.client


def test_the_front_page_is_for_everybody(example: Example) -> None:
    assert example.client.get("/").json() == {"hello": "stranger"}
    assert example.client.get("/", headers=example.token()).json() == {"hello": "alice"}


@pytest.mark.parametrize("method, path", [("GET", "/orders"), ("POST", "/orders"), ("GET", "/me"), ("GET", "/nope")])
def test_all_else_takes_somebody(method: str, path: str, example: Example) -> None:
    answer = example.client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == [
        'Bearer realm="orders"',
        'Basic realm="orders", charset="UTF-8"',
        'ApiKey realm="orders", header="X-API-Key"',
    ]


def test_its_docs_say_what_is_enforced(example: Example) -> None:
    assert example.client.get("/docs").url.path == "/docs/"
    described = example.client.get("/docs/openapi.json").json()
    assert described["paths"]["/"]["get"]["security"] == []
    assert described["paths"]["/orders"]["post"]["security"] == [
        {"OAuth2PasswordBearer": ["orders:write"]},
        {"HTTPBasic": ["orders:write"]},
        {"APIKeyHeader": ["orders:write"]},
    ]
    flow = described["components"]["securitySchemes"]["OAuth2PasswordBearer"]["flows"]["password"]
    assert flow == {"tokenUrl": "auth/token", "scopes": SCOPES}


def test_scopes_decide(as_user: AsUser) -> None:
    reader, writer = as_user("alice", "orders:read"), as_user("bob", "orders:write")
    assert reader.get("/orders").json() == {"orders": ["tea", "cake"]}
    assert writer.post("/orders").status_code == 201
    assert_refused(reader.post("/orders"), scope="orders:write")
    assert_refused(writer.get("/orders"), scope="orders:read")


def test_a_token_opens_it_until_it_expires(example: Example, clock: FakeClock) -> None:
    headers = example.token("orders:read")
    assert example.client.get("/orders", headers=headers).status_code == 200
    clock.advance(minutes=11)
    assert_refused(example.client.get("/orders", headers=headers), code="authmw.token-expired")


def test_a_token_opens_what_it_is_for(example: Example) -> None:
    assert example.client.get("/orders", headers=example.token("orders:read")).json() == {"orders": ["tea", "cake"]}
    assert example.client.head("/orders", headers=example.token("orders:read")).status_code == 200
    assert example.client.post("/orders", headers=example.token("orders:write")).status_code == 201
    assert example.client.get("/nope", headers=example.token()).status_code == 404
    refused = example.client.post("/orders", headers=example.token("orders:read"))
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].endswith('error="insufficient_scope", scope="orders:write"')


def test_a_token_of_another_issuer_or_for_another_audience_does_not(example: Example) -> None:
    other_issuer = example.token("orders:read", issuer="https://other.example")
    other_audience = example.token("orders:read", audience="invoices")
    for headers in (other_issuer, other_audience):
        answer = example.client.get("/orders", headers=headers)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_password_opens_it_and_is_kept(example: Example) -> None:
    alice = ("alice", "correct horse battery staple")
    assert example.client.get("/me", auth=alice).json() == {
        "id": _id_of_alice(example),
        "scopes": ["orders:read"],
        "scheme": "HTTPBasic",
    }
    assert example.client.get("/me", auth=("alice", "wrong")).status_code == 401


def test_an_api_key_opens_it_until_it_is_revoked(example: Example) -> None:
    key, record = example.stores.keys.create("alice", ["orders:read"])
    assert example.client.get("/orders", headers={"X-API-Key": key}).status_code == 200
    example.stores.keys.revoke(record.id)
    assert example.client.get("/orders", headers={"X-API-Key": key}).status_code == 401


ALICE = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}


def test_a_login_opens_it_and_a_refresh_goes_on(example: Example) -> None:
    login = example.client.post("/auth/token", data=ALICE).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
    refreshed = example.client.post("/auth/token", data=refresh).json()
    assert refreshed["refresh_token"] != login["refresh_token"]
    for token in (login["access_token"], refreshed["access_token"]):
        answer = example.client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"id": "alice", "scopes": ["orders:read"], "scheme": "OAuth2PasswordBearer"}


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "bob"}, {"scope": "orders:write"}], ids=str)
def test_a_wrong_login_opens_nothing(wrong: dict[str, str], example: Example) -> None:
    answer = example.client.post("/auth/token", data={**ALICE, **wrong})
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}


def test_a_client_is_known_by_its_own_secret_and_not_taken_for_a_user(example: Example) -> None:
    secret, _ = example.stores.clients.create("billing", scopes=["orders:read"])
    assert secret is not None
    form = {"grant_type": "client_credentials"}
    granted = example.client.post("/auth/token", data=form, auth=("billing", secret)).json()
    answer = example.client.get("/orders", headers={"Authorization": f"Bearer {granted['access_token']}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path, status", [("/authorize", 401), ("/auth", 404), ("/auth/", 404), ("/auth/orders", 404)])
def test_only_what_is_below_the_mount_point_is_the_token_service(path: str, status: int, example: Example) -> None:
    assert example.client.get(path).status_code == status


def test_without_a_key_ring_it_makes_one_but_not_in_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_ENV", "production")
    with pytest.raises(ConfigurationError, match="authmw jwk generate"):
        create_app(f"sqlite:///{tmp_path / 'app.db'}", tmp_path / "keys.json")
    assert not (tmp_path / "keys.json").exists()
    monkeypatch.delenv("AUTHMW_ENV")
    create_app(f"sqlite:///{tmp_path / 'app.db'}", tmp_path / "keys.json")
    assert (tmp_path / "keys.json").exists()


def _id_of_alice(example: Example) -> str:
    user = example.stores.users.find("alice")
    assert user is not None
    return user.id


@pytest.mark.parametrize("path", ["/", "/orders"])
def test_err_2_a_websocket_is_closed_and_no_server_error(example: Example, path: str) -> None:
    headers = {} if path == "/" else example.token("orders:read")
    with pytest.raises(WebSocketDisconnect) as closed, example.client.websocket_connect(path, headers=headers):
        pass
    assert closed.value.code == 1000
