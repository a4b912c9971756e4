"""The clock of tests moves all of authmw, also what was made before; freezegun and time-machine do the same."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import Any

import freezegun
import pytest
import time_machine
from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authmw import (
    Auth,
    ConfigurationError,
    DigestVerifier,
    DPoPVerifier,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    HTTPDPoP,
    Issuer,
    JWTVerifier,
    KeyRing,
    PasswordVerifier,
    authenticated,
    issue,
)
from authmw.flow import clocks
from authmw.oauth2 import TokenService
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher
from authmw.testing import DPoPClient, FakeClock, FakeIssuerFor, assert_refused

# Made before the clock of any test, as those of an application are.
KEYS = KeyRing.generate()
ISSUER: dict[str, Any] = {"issuer": "https://me.example/auth", "audience": "orders"}
TOKENS = Auth(HTTPBearer(JWTVerifier(KEYS, **ISSUER)))

Move = Callable[[float], object]


def app_with(auth: Auth) -> Flask:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth)
    app.add_url_rule("/me", "me", authenticated(lambda: "hello"))
    return app


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


CLIENT = app_with(TOKENS).test_client()


@authenticated
async def me(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


API = Starlette(routes=[Route("/me", me)])
API.add_middleware(AuthMiddleware, auth=TOKENS)


@contextmanager
def kit() -> Generator[Move]:
    with pytest.MonkeyPatch.context() as patch:
        from authmw.testing.clock import move_all_clocks

        clock = FakeClock()
        move_all_clocks(clock, patch)
        yield clock.advance


@contextmanager
def by_freezegun() -> Generator[Move]:
    with freezegun.freeze_time("2030-01-01") as frozen:
        yield frozen.tick


@contextmanager
def by_time_machine() -> Generator[Move]:
    with time_machine.travel("2030-01-01", tick=False) as traveller:
        yield traveller.shift


TOOLS: dict[str, Callable[[], AbstractContextManager[Move]]] = {
    "the fixture": kit,
    "freezegun": by_freezegun,
    "time-machine": by_time_machine,
}


@pytest.fixture(params=TOOLS)
def move(request: pytest.FixtureRequest) -> Iterator[Move]:
    with TOOLS[request.param]() as moving:
        yield moving


def test_a_token_expires_although_it_is_remembered(move: Move) -> None:
    token = issue("alice", keys=KEYS, **ISSUER, lifetime=600)
    asgi = TestClient(API)
    for _ in range(2):
        assert CLIENT.get("/me", headers=bearer(token)).status_code == 200
        assert asgi.get("/me", headers=bearer(token)).status_code == 200
    move(660)
    assert_refused(CLIENT.get("/me", headers=bearer(token)), code="authmw.token-expired")
    assert_refused(asgi.get("/me", headers=bearer(token)), code="authmw.token-expired")
    assert CLIENT.get("/me", headers=bearer(issue("alice", keys=KEYS, **ISSUER))).status_code == 200


def test_a_login_expires_and_its_refresh_goes_on(move: Move, cheap_hashes: None) -> None:
    stores = MemoryStores()
    stores.users.create("alice", "correct horse")
    service = TokenService(stores=stores, keys=KEYS, password=True, **ISSUER)
    app = app_with(Auth(HTTPBearer(service.verifier())))
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    client = app.test_client()

    def token(**form: str) -> Any:
        return client.post("/auth/token", data=form).json

    login = token(grant_type="password", username="alice", password="correct horse")
    assert client.get("/me", headers=bearer(login["access_token"])).status_code == 200
    move(login["expires_in"] + 60)
    assert_refused(client.get("/me", headers=bearer(login["access_token"])), status=401)
    refreshed = token(grant_type="refresh_token", refresh_token=login["refresh_token"])
    assert client.get("/me", headers=bearer(refreshed["access_token"])).status_code == 200
    move(400 * 86400)
    assert "access_token" not in token(grant_type="refresh_token", refresh_token=refreshed["refresh_token"])
    service.feed.close()


def test_a_throttle_lets_go(move: Move, cheap_hashes: None) -> None:
    stores = MemoryStores()
    stores.users.create("alice", "correct horse")
    client = app_with(Auth(HTTPBasic(PasswordVerifier(stores.users, throttle=stores.throttle)))).test_client()
    statuses = [client.get("/me", auth=("alice", "wrong")).status_code for _ in range(20)]
    assert statuses[-1] == 429
    assert client.get("/me", auth=("alice", "correct horse")).status_code == 429
    move(86400)
    assert client.get("/me", auth=("alice", "correct horse")).status_code == 200


def test_a_remembered_password_is_forgotten(move: Move) -> None:
    calls: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, *, password: str, hash: str) -> Any:
            calls.append("verified")
            return super().verify(password=password, hash=hash)

    hasher = Counting(CHEAPEST)
    stores = MemoryStores(hasher=hasher)
    stores.users.create("alice", "correct horse")
    client = app_with(Auth(HTTPBasic(PasswordVerifier(stores.users, hasher=hasher, remember_for=60)))).test_client()
    for _ in range(3):
        assert client.get("/me", auth=("alice", "correct horse")).status_code == 200
    assert len(calls) == 1
    move(61)
    assert client.get("/me", auth=("alice", "correct horse")).status_code == 200
    assert len(calls) == 2


def digest(challenge: str) -> dict[str, str]:
    """The answer of alice to a challenge (RFC 7616 §3.4)."""

    def h(text: str) -> str:
        return sha256(text.encode()).hexdigest()

    nonce, opaque = re.findall(r'(?:nonce|opaque)="([^"]+)"', challenge)
    response = h(f"{h('alice:app:correct horse')}:{nonce}:00000001:c:auth:{h('GET:/me')}")
    return {
        "Authorization": f'Digest username="alice", realm="app", nonce="{nonce}", uri="/me", algorithm=SHA-256, '
        f'qop=auth, nc=00000001, cnonce="c", response="{response}", opaque="{opaque}"'
    }


def test_nonces_of_digest_get_stale(move: Move) -> None:
    stores = MemoryStores()
    stores.users.create("alice", "correct horse", digest_realm="app")
    client = app_with(Auth(HTTPDigest(DigestVerifier(stores.users)))).test_client()
    first, second = (client.get("/me").headers["WWW-Authenticate"] for _ in range(2))
    assert client.get("/me", headers=digest(first)).status_code == 200
    move(86400)
    assert "stale=true" in client.get("/me", headers=digest(second)).headers["WWW-Authenticate"]


def test_proofs_of_dpop_get_stale(move: Move) -> None:
    proofs = DPoPClient()
    verifier = DPoPVerifier(JWTVerifier(KEYS, **ISSUER), public_url="http://localhost")
    guarded = app_with(Auth(HTTPDPoP(verifier))).test_client()
    token = issue("alice", keys=KEYS, **ISSUER, lifetime=3600, claims={"cnf": proofs.confirmation})
    early, late = (proofs.headers("GET", "http://localhost/me", token=token) for _ in range(2))
    assert guarded.get("/me", headers=early).status_code == 200
    move(600)
    assert_refused(guarded.get("/me", headers=late), code="authmw.proof-invalid")
    fresh = proofs.headers("GET", "http://localhost/me", token=token)
    assert guarded.get("/me", headers=fresh).status_code == 200


TRUSTED = Issuer("https://id.example", audience="orders")
TRUSTING = app_with(Auth(HTTPBearer(TRUSTED))).test_client()


@pytest.mark.parametrize("move", ["the fixture", "freezegun"], indirect=True)  # time-machine moves one of two clocks
def test_keys_of_an_issuer_get_old(move: Move, fake_issuer: FakeIssuerFor) -> None:
    fake = fake_issuer(TRUSTED)
    assert TRUSTING.get("/me", headers=bearer(fake.token("alice"))).status_code == 200
    asked = len(fake.requests)
    move(30 * 86400)
    assert TRUSTING.get("/me", headers=bearer(fake.token("alice"))).status_code == 200
    assert len(fake.requests) > asked


def test_the_fixture_stands_still_and_moves_by_larger_units(clock: FakeClock) -> None:
    before = clocks.now()
    assert abs(before - time.time()) < 60
    clock.advance(1.5, minutes=1, hours=1, days=1)
    assert clocks.now() == clocks.monotonic() == before + 1.5 + 60 + 3600 + 86400


def test_after_the_test_the_clocks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with kit() as move:
        move(86400)
        assert clocks.now() > time.time() + 80000
    assert abs(clocks.now() - time.time()) < 60
    monkeypatch.setenv("AUTHMW_ENV", "production")
    with pytest.raises(ConfigurationError, match="production"), kit():
        pass
