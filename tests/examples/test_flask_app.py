"""The Flask example: tokens, passwords and API keys open it, over a database that stays."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from authmw_sqlalchemy import SQLStores
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from authmw.crypto.keyring import KeyRing
from authmw.crypto.signing import issue
from authmw.testing import AsUser, assert_refused
from examples import asgi_app
from examples.flask_app import AUDIENCE, ISSUER, create_app
from tests.examples.running import get, running

pytestmark = pytest.mark.usefixtures("cheap_hashes")


class Example(NamedTuple):
    client: FlaskClient
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
    yield Example(create_app(database, keys).test_client(), ring, stores)
    stores.close()


@pytest.fixture
def client(example: Example) -> FlaskClient:
    return example.client


def test_the_front_page_is_for_everybody(example: Example) -> None:
    assert example.client.get("/").json == {"hello": "stranger"}
    assert example.client.get("/", headers=example.token()).json == {"hello": "alice"}


@pytest.mark.parametrize(
    "method, path, scope",
    [
        ("GET", "/orders", ', scope="orders:read"'),
        ("POST", "/orders", ', scope="orders:write"'),
        ("GET", "/me", ""),
        ("GET", "/nope", ""),
    ],
)
def test_all_else_takes_somebody(method: str, path: str, scope: str, example: Example) -> None:
    answer = example.client.open(path, method=method)
    assert answer.status_code == 401
    assert answer.headers.getlist("WWW-Authenticate") == [
        f'Bearer realm="orders"{scope}',
        'Basic realm="orders", charset="UTF-8"',
        'ApiKey realm="orders", header="X-API-Key"',
    ]


def test_scopes_decide(as_user: AsUser) -> None:
    reader, writer = as_user("alice", "orders:read"), as_user("bob", "orders:write")
    assert reader.get("/orders").json == {"orders": ["tea", "cake"]}
    assert reader.get("/me").json["id"] == "alice"
    assert writer.post("/orders").status_code == 201
    assert_refused(reader.post("/orders"), scope="orders:write")
    assert_refused(writer.get("/orders"), scope="orders:read")


def test_a_token_opens_what_it_is_for(example: Example) -> None:
    assert example.client.get("/orders", headers=example.token("orders:read")).json == {"orders": ["tea", "cake"]}
    assert example.client.head("/orders", headers=example.token("orders:read")).status_code == 200
    assert example.client.post("/orders", headers=example.token("orders:write")).status_code == 201
    refused = example.client.post("/orders", headers=example.token("orders:read"))
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="orders:write"')


@pytest.mark.parametrize("wrong", [{"issuer": "https://other.example"}, {"audience": "invoices"}], ids=str)
def test_a_token_of_others_opens_nothing(wrong: dict[str, str], example: Example) -> None:
    assert example.client.get("/orders", headers=example.token("orders:read", **wrong)).status_code == 401


def test_a_password_opens_it(example: Example) -> None:
    credentials = b64encode(b"alice:correct horse battery staple").decode()
    answer = example.client.get("/me", headers={"Authorization": f"Basic {credentials}"})
    assert answer.json == {"id": "alice", "scopes": ["orders:read"], "scheme": "HTTPBasic"}


def test_a_wrong_password_does_not(example: Example) -> None:
    credentials = b64encode(b"alice:wrong").decode()
    assert example.client.get("/me", headers={"Authorization": f"Basic {credentials}"}).status_code == 401


def test_an_api_key_opens_it_until_it_is_revoked(example: Example) -> None:
    key, record = example.stores.keys.create("alice", ["orders:read"])
    assert example.client.get("/orders", headers={"X-API-Key": key}).status_code == 200
    example.stores.keys.revoke(record.id)
    assert example.client.get("/orders", headers={"X-API-Key": key}).status_code == 401


def log_in(example: Example, **more: str) -> TestResponse:
    alice = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
    return example.client.post("/auth/token", data={**alice, **more})


def test_a_login_opens_it_and_a_refresh_goes_on(example: Example) -> None:
    login = log_in(example).get_json()
    refreshed = example.client.post(
        "/auth/token", data={"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
    ).get_json()
    assert refreshed["refresh_token"] != login["refresh_token"]
    for token in (login["access_token"], refreshed["access_token"]):
        answer = example.client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json == {"id": "alice", "scopes": ["orders:read"], "scheme": "OAuth2PasswordBearer"}


def test_a_login_with_a_wrong_password_or_for_more_than_the_user_may_opens_nothing(example: Example) -> None:
    assert log_in(example, password="wrong").get_json()["error"] == "invalid_grant"
    assert "access_token" not in log_in(example, scope="orders:write").get_json()


def test_a_client_is_known_by_its_own_secret_and_not_taken_for_a_user(example: Example) -> None:
    secret, _ = example.stores.clients.create("billing", scopes=["orders:read"])
    credentials = b64encode(f"billing:{secret}".encode()).decode()
    granted = example.client.post(
        "/auth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {credentials}"}
    ).get_json()
    answer = example.client.get("/orders", headers={"Authorization": f"Bearer {granted['access_token']}"})
    assert answer.status_code == 200


def test_two_authorization_headers_are_a_contradiction(example: Example) -> None:
    token = example.token("orders:read")["Authorization"]
    headers = Headers([("Authorization", token), ("Authorization", token)])
    assert example.client.get("/orders", headers=headers).status_code == 400


def test_the_asgi_example_takes_the_same_tokens() -> None:
    assert (ISSUER, AUDIENCE) == (asgi_app.ISSUER, asgi_app.AUDIENCE)


@pytest.mark.servers
def test_it_runs_by_itself(tmp_path: Path) -> None:
    ring = KeyRing.generate()
    ring.save(tmp_path / "keys.json")
    token = issue("alice", keys=ring, issuer=ISSUER, audience=AUDIENCE, scopes=["orders:read"])
    with running("flask_app.py", tmp_path) as (port, _):
        assert get(port, "/orders")[0] == 401
        assert get(port, "/orders", Authorization=f"Bearer {token}") == (200, {"orders": ["tea", "cake"]})
