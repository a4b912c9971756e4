"""What each verifier says about how long credentials hold, for connections that stay open."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    HTTPBasic,
    HTTPBearer,
    HTTPDPoP,
    PasswordVerifier,
    Principal,
    TokenVerifier,
)
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.identity.validity import Ending, Validity
from authmw.stores import MemoryApiKeys, MemoryRevocations, MemoryTokens, MemoryUsers, Revocation
from authmw.stores.revocation_feed import RevocationFeed
from authmw.testing import DPoPClient, FakeClock
from authmw.verifiers.dpop import DPoPVerifier
from authmw.wsgi import WSGIRequest
from tests.connections import LEEWAY, LIFETIME, World
from tests.issuers.introspection_servers import ACTIVE, NOW, FakeServer, verifier_of


def authenticated(auth: Auth, **headers: str) -> Authentication:
    """The result of a request."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "api.example"}
    found = auth.authenticate(WSGIRequest({**environ, **headers}))
    assert not isinstance(found, Refusal)
    return found


def bearer(token: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def test_a_jwt_holds_until_the_leeway_after_its_exp_and_is_followed() -> None:
    world = World()
    (validity,) = authenticated(world.auth, **bearer(world.token())).validities
    assert validity.until == world.clock() + LIFETIME + LEEWAY
    assert (validity.clock, validity.revocations) == (world.clock, world.feed)
    assert validity.ending(validity.moment()) is None
    world.publish(Revocation.of_user("alice", world.clock()))
    assert validity.ending(validity.moment()) is Ending.REVOKED


def test_what_is_remembered_says_the_same() -> None:
    world = World()
    headers = bearer(world.token())
    first = authenticated(world.auth, **headers)
    assert world.auth.memo is not None
    remembered = world.auth.memo.recall(headers["HTTP_AUTHORIZATION"].encode())
    assert remembered is not None
    assert remembered is first
    assert remembered.validities != ()


def test_an_opaque_token_holds_until_it_expires() -> None:
    clock = FakeClock()
    tokens = MemoryTokens(clock=clock)
    token, record = tokens.create("alice", lifetime=60)
    (validity,) = authenticated(Auth(HTTPBearer(TokenVerifier(tokens, clock=clock))), **bearer(token)).validities
    assert validity == Validity(record.expires_at, clock)


@pytest.mark.parametrize("lifetime", [60, None])
def test_an_api_key_holds_until_it_expires(lifetime: float | None) -> None:
    clock = FakeClock()
    keys = MemoryApiKeys(clock=clock)
    key, record = keys.create("alice", lifetime=lifetime)
    found = authenticated(Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys, clock=clock))), HTTP_X_API_KEY=key)
    assert found.validities == (() if record.expires_at is None else (Validity(record.expires_at, clock),))


def test_with_a_feed_an_api_key_holds_until_its_owner_is_disabled() -> None:
    clock, revocations = FakeClock(), MemoryRevocations()
    feed = RevocationFeed(revocations, clock=clock)
    feed.follow_once()
    feed.note(Revocation.of_user("alice", clock() - 60))  # disabled and enabled again
    keys = MemoryApiKeys(clock=clock)
    key, _ = keys.create("alice")
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys, revocations=feed, clock=clock)))
    found = [authenticated(auth, HTTP_X_API_KEY=key) for _ in range(2)]
    validities = [validity for each in found for validity in each.validities]
    assert [(each.until, each.ending(each.moment())) for each in validities] == [(inf, None)] * 2
    feed.note(Revocation.of_user("alice", clock()))
    assert [each.ending(each.moment()) for each in validities] == [Ending.REVOKED] * 2


def test_a_password_holds_until_its_user_is_disabled() -> None:
    clock, revocations = FakeClock(), MemoryRevocations()
    feed = RevocationFeed(revocations, clock=clock)
    feed.follow_once()
    users = MemoryUsers(clock=clock)
    users.create("alice", "a long password")
    headers = {"HTTP_AUTHORIZATION": "Basic YWxpY2U6YSBsb25nIHBhc3N3b3Jk"}
    without = Auth(HTTPBasic(PasswordVerifier(users, clock=clock)))
    followed = Auth(HTTPBasic(PasswordVerifier(users, revocations=feed, clock=clock)))
    assert authenticated(without, **headers).validities == ()
    (validity,) = authenticated(followed, **headers).validities
    assert (validity.until, validity.ending(validity.moment())) == (inf, None)
    feed.note(Revocation.of_user("alice", clock()))
    assert validity.ending(validity.moment()) is Ending.REVOKED


@pytest.mark.parametrize("expires_at", [1_800_000_060.0, 1_800_000_060, None, nan, "soon", True])
def test_what_a_function_proves_holds_until_the_principal_expires(expires_at: Any) -> None:
    clock = FakeClock(1_800_000_000.0)
    auth = Auth(HTTPBearer(lambda token: Principal("alice", expires_at=expires_at)), clock=clock)
    is_time = type(expires_at) in (int, float) and expires_at == expires_at
    expected = (Validity(expires_at, clock),) if is_time else ()
    assert authenticated(auth, **bearer("t0ken")).validities == expected


def test_of_schemes_that_are_needed_together_each_one_counts() -> None:
    world = World()
    keys = MemoryApiKeys(clock=world.clock)
    key, record = keys.create("alice", lifetime=60)
    assert record.expires_at is not None
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(keys, clock=world.clock)) & HTTPBearer(world.verifier))
    first, second = authenticated(auth, HTTP_X_API_KEY=key, **bearer(world.token())).validities
    assert first == Validity(record.expires_at, world.clock)
    assert second.until == world.clock() + LIFETIME + LEEWAY
    function = APIKeyHeader("X-API-Key", lambda key: Principal("alice", expires_at=7.0))
    (of_function, _) = authenticated(
        Auth(function & HTTPBearer(world.verifier)), HTTP_X_API_KEY="k", **bearer(world.token())
    ).validities
    assert of_function.until == 7.0


def test_a_token_with_a_proof_holds_as_long_as_the_token() -> None:
    world = World()
    client = DPoPClient(clock=world.clock)
    auth = Auth(HTTPDPoP(DPoPVerifier(world.verifier, public_url="https://api.example", clock=world.clock)))
    token = world.token(cnf=client.confirmation)
    proof = client.proof("GET", "https://api.example/", token=token)
    (validity,) = authenticated(auth, HTTP_AUTHORIZATION=f"DPoP {token}", HTTP_DPOP=proof).validities
    assert (validity.until, validity.revocations) == (world.clock() + LIFETIME + LEEWAY, world.feed)


@pytest.mark.parametrize("is_kept", [False, True], ids=["asked", "kept"])
def test_an_introspected_token_holds_until_the_leeway_after_its_exp(is_kept: bool) -> None:
    clock = FakeClock(NOW)
    feed = RevocationFeed(MemoryRevocations(clock=clock), clock=clock)
    feed.follow_once()
    server = FakeServer()
    plain = Auth(HTTPBearer(verifier_of(server, clock)))
    followed = Auth(HTTPBearer(verifier_of(server, clock, revocations=feed, leeway=5)))
    for auth, until, revocations in ((plain, NOW + 630, None), (followed, NOW + 605, feed)):
        for _ in range(1 + is_kept):
            (validity,) = authenticated(auth, **bearer("t0ken")).validities
            assert (validity.until, validity.revocations) == (until, revocations)
    server.answer = {name: value for name, value in ACTIVE.items() if name != "exp"}
    assert authenticated(plain, **bearer("another")).validities == ()
