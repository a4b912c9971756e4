"""Tokens bound to a key, and their proofs: each check of RFC 9449 §4.3, and that what was refused uses nothing up."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from authmw import (
    Auth,
    Authenticated,
    BearerToken,
    ConfigurationError,
    DPoPToken,
    DPoPVerifier,
    HTTPBearer,
    HTTPDPoP,
    Principal,
    Rejected,
    TokenVerifier,
)
from authmw.engine.authentication import Authentication
from authmw.flow.flow import run
from authmw.http.refusal import Refusal
from authmw.identity.verdict import Verdict
from authmw.issuers import BoundToken, DPoPNonces
from authmw.stores import MemoryNonces, MemoryRevocations, MemoryTokens, StoreUnavailable
from authmw.stores.records import NonceUse, Revocation
from authmw.stores.revocation_feed import RevocationFeed
from tests.dpop_proofs import (
    ASYMMETRIC,
    PUBLIC_URL,
    URL,
    ath,
    bound_token,
    client_key,
    dpop_verifier,
    good_proof_claims,
    proof,
    public_jwk,
    verdict,
    verify,
)
from tests.drivers import DRIVERS
from tests.jwt_tokens import NOW, token, verifier
from tests.jwt_tokens import verdict as bearer_verdict
from tests.requests import asgi_request, recalled, wsgi_request

# RFC 9449 §7.1, figures 12 to 14: a request, its proof, and the token that it is for.
from tests.support import examples

RFC_TOKEN: Final = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_PROOF: Final = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJq"
    "dGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNv"
    "dXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqz"
    "hrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_JKT: Final = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RFC_TIME: Final = 1562262618


class Opaque:
    """Knows the opaque token of the RFC, and the key that it is bound to (figure 9)."""

    accepts = (BoundToken,)

    def verify(self, credentials: BoundToken, request: object, /) -> Verdict:
        assert credentials == BoundToken(RFC_TOKEN, RFC_JKT)
        return Authenticated(Principal("alice"), remember_until=NOW + 600)


class Counting:
    """A store that counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self._store = MemoryNonces(clock=lambda: float(NOW))

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> NonceUse:
        self.asked += 1
        return self._store.use_nonce(nonce, count, expires_at)


def test_s4_the_example_of_rfc_9449_7_1_holds() -> None:
    by = dpop_verifier(tokens=Opaque(), public_url="https://resource.example.org", clock=lambda: float(RFC_TIME))
    assert verdict(RFC_TOKEN, RFC_PROOF, by, wsgi_request("/protectedresource")) == "accepted"
    assert verdict(RFC_TOKEN, RFC_PROOF, by, wsgi_request("/protectedresource")) == "proof-replayed"


def test_s4_the_example_of_rfc_9449_7_1_holds_for_its_own_request_only() -> None:
    by = dpop_verifier(tokens=Opaque(), public_url="https://resource.example.org", clock=lambda: float(RFC_TIME))
    assert verdict(RFC_TOKEN, RFC_PROOF, by, wsgi_request("/protectedresource", "POST")) == "proof-misplaced"
    assert verdict(RFC_TOKEN, RFC_PROOF, by, wsgi_request("/other")) == "proof-misplaced"
    assert verdict("another", RFC_PROOF, by, wsgi_request("/protectedresource")) == "proof-misplaced"


@pytest.mark.parametrize("alg", ASYMMETRIC)
def test_a_proof_by_the_key_of_the_token_is_accepted(alg: str) -> None:
    key, by = client_key(alg), dpop_verifier(algorithms=ASYMMETRIC)
    text = bound_token(key)
    answer = verify(text, proof(text, key), by)
    assert isinstance(answer, Authenticated)
    assert answer.principal.id == "alice"
    assert answer.principal.can("orders:read", "orders:write")
    assert answer.principal.claims["cnf"] == {"jkt": key.kid}


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_comes_to_the_same(driver: str) -> None:
    text, by, drive = bound_token(), dpop_verifier(), DRIVERS[driver]
    made = proof(text)
    first = drive(by.verify(DPoPToken(text, made), asgi_request("/orders")))
    second = drive(by.verify(DPoPToken(text, made), asgi_request("/orders")))
    assert isinstance(first, Authenticated)
    assert isinstance(second, Rejected)


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
def test_a_proof_that_joserfc_makes_is_accepted(alg: str) -> None:
    kinds: dict[str, Callable[[], Any]] = {
        "ES256": lambda: joserfc_jwk.ECKey.generate_key("P-256"),
        "RS256": lambda: joserfc_jwk.RSAKey.generate_key(2048),
        "EdDSA": lambda: joserfc_jwk.OKPKey.generate_key("Ed25519"),
    }
    key = kinds[alg]()
    text = token(cnf={"jkt": key.thumbprint()})
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that EdDSA has a new name too (RFC 9864)
        made = joserfc_jwt.encode(header, good_proof_claims(text), key, algorithms=[alg])
    assert verdict(text, made) == "accepted"


CLAIMS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no jti": ({"jti": ...}, "proof-malformed"),
    "an empty jti": ({"jti": ""}, "proof-malformed"),
    "a jti that is a number": ({"jti": 7}, "proof-malformed"),
    "a jti of 256 characters": ({"jti": "j" * 256}, "proof-malformed"),
    "a jti with a line end": ({"jti": "a\nb"}, "proof-malformed"),
    "no htm": ({"htm": ...}, "proof-malformed"),
    "htm is a list": ({"htm": ["GET"]}, "proof-malformed"),
    "htm of another method": ({"htm": "POST"}, "proof-misplaced"),
    "htm in lower case": ({"htm": "get"}, "proof-misplaced"),
    "htm empty": ({"htm": ""}, "proof-misplaced"),
    "no htu": ({"htu": ...}, "proof-malformed"),
    "htu is a number": ({"htu": 1}, "proof-malformed"),
    "htu of another path": ({"htu": f"{URL}/1"}, "proof-misplaced"),
    "htu of another host": ({"htu": "https://evil.example/orders"}, "proof-misplaced"),
    "htu of another scheme": ({"htu": "http://api.example/orders"}, "proof-misplaced"),
    "htu without its origin": ({"htu": "/orders"}, "proof-misplaced"),
    "no iat": ({"iat": ...}, "proof-malformed"),
    "iat is a string": ({"iat": str(NOW)}, "proof-malformed"),
    "iat is true": ({"iat": True}, "proof-malformed"),
    "iat is null": ({"iat": None}, "proof-malformed"),
    "iat is huge": ({"iat": 10**400}, "proof-malformed"),
    "iat is negative": ({"iat": -1}, "proof-malformed"),
    "past its exp": ({"exp": NOW}, "proof-stale"),
    "exp is null": ({"exp": None}, "proof-malformed"),
    "before its nbf": ({"nbf": NOW + 31}, "proof-stale"),
    "nbf is a string": ({"nbf": "now"}, "proof-malformed"),
    "no ath": ({"ath": ...}, "proof-misplaced"),
    "ath is a number": ({"ath": 1}, "proof-malformed"),
    "ath of another token": ({"ath": ath("another")}, "proof-misplaced"),
    "ath with padding": ({"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo="}, "proof-misplaced"),
    "nonce is a number": ({"nonce": 7}, "proof-malformed"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_s4_a_proof_with_a_wrong_claim_is_refused(name: str) -> None:
    changes, becomes = CLAIMS[name]
    text = bound_token()
    assert verdict(text, proof(text, **changes)) == becomes


@pytest.mark.parametrize("changes", [{"exp": NOW + 1}, {"nbf": NOW}, {"nonce": "of somebody else"}, {"other": 1}, {}])
def test_a_proof_with_more_claims_is_accepted(changes: dict[str, Any]) -> None:
    text = bound_token()
    assert verdict(text, proof(text, **changes)) == "accepted"


@pytest.mark.parametrize(
    "age, becomes",
    [
        (-31, "proof-stale"),
        (-30, "accepted"),
        (0, "accepted"),
        (89.9, "accepted"),
        (90, "proof-stale"),
        (1e6, "proof-stale"),
    ],
)
def test_s4_a_proof_is_good_around_its_iat(age: float, becomes: str) -> None:
    text = bound_token()
    assert verdict(text, proof(text, iat=NOW - age)) == becomes


def test_the_window_is_as_configured() -> None:
    text, by = bound_token(), dpop_verifier(max_age=300, leeway=0)
    assert verdict(text, proof(text, iat=NOW - 299), by) == "accepted"
    assert verdict(text, proof(text, iat=NOW - 300), by) == "proof-stale"
    assert verdict(text, proof(text, iat=NOW + 1), by) == "proof-stale"


TOKENS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "bound to nothing": ({"cnf": ...}, "token-unbound"),
    "cnf is null": ({"cnf": None}, "token-unbound"),
    "cnf is a string": ({"cnf": "jkt"}, "token-unbound"),
    "cnf is empty": ({"cnf": {}}, "token-unbound"),
    "cnf is a list": ({"cnf": ["jkt"]}, "token-unbound"),
    "jkt is a list": ({"cnf": {"jkt": [client_key().kid]}}, "token-unbound"),
    "bound to a certificate": ({"cnf": {"x5t#S256": client_key().kid}}, "token-unbound"),
    "bound to a certificate too": ({"cnf": {"jkt": client_key().kid, "x5t#S256": "A"}}, "token-bound"),
    "bound to another key": ({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, "token-bound"),
    "bound to no ASCII": ({"cnf": {"jkt": "é"}}, "token-bound"),
    "expired": ({"exp": NOW - 60}, "token-expired"),
    "of another API": ({"aud": "other"}, "token-audience"),
    "of another issuer": ({"iss": "https://evil.example"}, "token-issuer"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_s4_a_token_that_does_not_hold_is_refused_whatever_its_proof(name: str) -> None:
    changes, becomes = TOKENS[name]
    text, store = bound_token(**changes), Counting()
    assert verdict(text, proof(text), dpop_verifier(nonces=store)) == becomes
    assert store.asked == 0


def test_s4_a_stolen_token_is_worth_nothing_with_a_proof_of_the_thiefs() -> None:
    text, thief = bound_token(), client_key("EdDSA")
    assert verdict(text, proof(text, thief)) == "token-bound"


@pytest.mark.parametrize(
    "confirmation",
    [{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, {"x5t#S256": "A"}, {"jwk": {}}, {}, None, "x", []],
    ids=str,
)
def test_s4_u5_a_bound_token_is_refused_as_a_bearer_token(confirmation: object) -> None:
    assert bearer_verdict(token(cnf=confirmation)) == "token-bound"


def test_u5_a_bearer_token_that_is_bound_to_nothing_is_accepted_as_before() -> None:
    assert bearer_verdict(token()) == "accepted"


def test_an_id_token_is_refused_with_a_proof_too() -> None:
    text = bound_token(header={"typ": "JWT"})
    assert verdict(text, proof(text)) == "token-type"


def test_a_token_of_another_kind_is_left_to_the_next_verifier() -> None:
    assert verdict("opaque", proof("opaque")) == "not mine"


def test_s4_a_proof_is_good_once() -> None:
    text, by = bound_token(), dpop_verifier()
    made = proof(text)
    assert [verdict(text, made, by) for _ in range(3)] == ["accepted", "proof-replayed", "proof-replayed"]
    assert verdict(text, proof(text, jti="anew"), by) == "accepted"
    assert verdict(text, proof(text, jti="anew", iat=NOW - 1), by) == "proof-replayed"


def test_the_names_of_proofs_are_those_of_their_key() -> None:
    by, mine, other = dpop_verifier(), client_key(), client_key("EdDSA")
    first, second = bound_token(mine), bound_token(other)
    assert verdict(first, proof(first, mine, jti="1"), by) == "accepted"
    assert verdict(second, proof(second, other, jti="1"), by) == "accepted"


def test_s4_workers_that_share_a_store_accept_a_proof_once_between_them() -> None:
    store = MemoryNonces(clock=lambda: float(NOW))
    workers = [dpop_verifier(nonces=store) for _ in range(3)]
    text = bound_token()
    made = proof(text)
    assert sorted(verdict(text, made, worker) for worker in workers) == ["accepted", "proof-replayed", "proof-replayed"]


def test_s4_of_many_requests_with_one_proof_at_once_one_is_accepted() -> None:
    text, by, racers = bound_token(), dpop_verifier(), 8
    with ThreadPoolExecutor(racers) as threads:
        for _ in range(20):
            made, start = proof(text), threading.Barrier(racers)

            def race(made: str = made, start: threading.Barrier = start) -> str:
                start.wait()
                return verdict(text, made, by)

            found = [each.result() for each in [threads.submit(race) for _ in range(racers)]]
            assert sorted(found) == ["accepted"] + ["proof-replayed"] * (racers - 1)


@pytest.mark.parametrize(
    "changes",
    [{"htm": "POST"}, {"htu": "https://evil.example/orders"}, {"ath": ath("other")}, {"iat": NOW - 1000}, {"exp": 1}],
    ids=str,
)
def test_s4_a_proof_that_fails_uses_up_nothing(changes: dict[str, Any]) -> None:
    store = Counting()
    text, by = bound_token(), dpop_verifier(nonces=store)
    assert verdict(text, proof(text, jti="1", **changes), by) != "accepted"
    assert verdict(text, proof(text, jti="1")[:-8] + "AAAAAAAA", by) == "proof-signature"
    assert store.asked == 0
    assert verdict(text, proof(text, jti="1"), by) == "accepted"


class Down:
    """A store that does not answer."""

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> NonceUse:
        raise OSError("down")


def test_a_store_that_is_down_is_no_success_and_no_refusal() -> None:
    text = bound_token()
    with pytest.raises(StoreUnavailable):
        verify(text, proof(text), dpop_verifier(nonces=Down()))


def test_err_3_a_store_that_is_down_is_a_503() -> None:
    text = bound_token()
    auth = Auth(HTTPDPoP(dpop_verifier(nonces=Down())))
    refusal = auth.authenticate(wsgi_request("/orders", authorization=f"DPoP {text}", dpop=proof(text)))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 503


class Vague:
    """A store that answers something else than a `NonceUse`."""

    def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> Any:
        return True


def test_what_a_store_says_is_fresh_by_its_one_word_only() -> None:
    text = bound_token()
    assert verdict(text, proof(text), dpop_verifier(nonces=Vague())) == "proof-replayed"


def test_the_store_is_given_a_name_of_bounded_length_that_holds_nothing_of_the_proof() -> None:
    names: list[str] = []

    class Store:
        def use_nonce(self, nonce: str, count: int, expires_at: float, /) -> NonceUse:
            names.append(nonce)
            return NonceUse.FRESH

    text, by = bound_token(), dpop_verifier(nonces=Store())
    for jti in ("a", "b" * 255):
        assert verdict(text, proof(text, jti=jti), by) == "accepted"
    assert [len(name) for name in names] == [69, 69]
    assert all(name.startswith("dpop:") for name in names)


def test_a_success_is_never_remembered() -> None:
    auth = Auth(HTTPDPoP(dpop_verifier()))
    assert auth.memo is None
    text = bound_token()
    answer = verify(text, proof(text))
    assert isinstance(answer, Authenticated)
    assert answer.remember_until is None


def test_with_bearer_first_nothing_bound_is_remembered() -> None:
    auth = Auth(HTTPBearer(verifier()) | HTTPDPoP(dpop_verifier()))
    text = bound_token()
    made = proof(text)
    first = auth.authenticate(wsgi_request("/orders", authorization=f"DPoP {text}", dpop=made))
    assert isinstance(first, Authentication)
    assert first.principal.id == "alice"
    assert recalled(auth, f"DPoP {text}".encode()) is None
    assert isinstance(auth.authenticate(wsgi_request("/orders", authorization=f"DPoP {text}", dpop=made)), Refusal)
    assert isinstance(auth.authenticate(wsgi_request("/orders", authorization=f"Bearer {text}", dpop=made)), Refusal)


NONCES: Final = DPoPNonces(b"n" * 32, clock=lambda: float(NOW))


def issued(seconds_ago: float) -> str:
    return DPoPNonces(b"n" * 32, clock=lambda: NOW - seconds_ago).issue()


@pytest.mark.parametrize(
    "nonce, becomes",
    [
        (..., "proof-nonce"),
        ("", "proof-nonce"),
        ("of somebody else", "proof-nonce"),
        (issued(0)[:-1], "proof-nonce"),
        (issued(300), "proof-nonce"),
        (issued(-31), "proof-nonce"),
        (issued(-30), "accepted"),
        (issued(0), "accepted"),
        (issued(299), "accepted"),
        (DPoPNonces(b"m" * 32, clock=lambda: float(NOW)).issue(), "proof-nonce"),
    ],
)
def test_s4_where_nonces_are_demanded_a_proof_has_one_of_ours(nonce: object, becomes: str) -> None:
    text = bound_token()
    assert verdict(text, proof(text, nonce=nonce), dpop_verifier(server_nonces=NONCES)) == becomes


def test_s4_who_has_no_nonce_is_given_one_that_works() -> None:
    text, by = bound_token(), dpop_verifier(server_nonces=NONCES)
    answer = verify(text, proof(text), by)
    assert isinstance(answer, Rejected)
    assert answer.reason.error == "use_dpop_nonce"
    ((name, nonce),) = answer.headers
    assert name == "DPoP-Nonce"
    assert verdict(text, proof(text, nonce=nonce), by) == "accepted"


def test_with_nonces_the_clock_of_the_client_does_not_count() -> None:
    text, by = bound_token(), dpop_verifier(server_nonces=NONCES)
    assert verdict(text, proof(text, nonce=issued(0), iat=NOW - 86400), by) == "accepted"
    assert verdict(text, proof(text, nonce=issued(0), iat=NOW + 86400), by) == "accepted"


def test_with_nonces_a_used_proof_is_remembered_for_as_long_as_its_nonce_is_good() -> None:
    now = float(NOW)

    def clock() -> float:
        return now

    nonces = DPoPNonces(b"n" * 32, clock=clock)
    by = dpop_verifier(server_nonces=nonces, clock=clock, nonces=MemoryNonces(clock=clock))
    text = bound_token(exp=NOW + 10_000)
    made = proof(text, nonce=nonces.issue(), iat=NOW - 86400)
    assert verdict(text, made, by) == "accepted"
    while now < NOW + 400:
        assert verdict(text, made, by) in ("proof-replayed", "proof-nonce")
        now += 1


@pytest.mark.parametrize("age, told", [(0, False), (150, False), (151, True), (299, True)])
def test_who_has_an_ageing_nonce_is_told_the_next_one(age: int, told: bool) -> None:
    text = bound_token()
    answer = verify(text, proof(text, nonce=issued(age)), dpop_verifier(server_nonces=NONCES))
    assert isinstance(answer, Authenticated)
    assert answer.headers == ((("DPoP-Nonce", NONCES.issue()), ("Cache-Control", "no-store")) if told else ())


@pytest.mark.parametrize(
    "options, words",
    [
        ({"public_url": "http://api.example"}, "use https"),
        ({"public_url": ()}, "public_url="),
        ({"algorithms": ()}, "algorithms="),
        ({"algorithms": "ES256"}, "algorithms="),
        ({"algorithms": ["HS256"]}, "algorithms="),
        ({"algorithms": ["none"]}, "algorithms="),
        ({"max_age": 0}, "max_age="),
        ({"max_age": 301}, "max_age="),
        ({"leeway": 61}, "leeway="),
        ({"leeway": -1}, "leeway="),
        ({"nonces": object()}, "use_nonce"),
        ({"tokens": TokenVerifier(MemoryTokens())}, "TokenVerifier does not check the binding of a token"),
        ({"tokens": DPoPVerifier}, "needs a verifier of access tokens"),
        ({"tokens": print}, "needs a verifier of access tokens"),
    ],
)
def test_a_mistake_in_the_set_up_is_refused_with_its_fix(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        dpop_verifier(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"max_age": 1},
        {"max_age": 0.5},
        {"max_age": 300},
        {"leeway": 0},
        {"leeway": 60},
        {"max_age": timedelta(minutes=5)},
    ],
    ids=str,
)
def test_a_window_is_anything_up_to_its_bounds(options: dict[str, Any]) -> None:
    text = bound_token()
    assert verdict(text, proof(text), dpop_verifier(**options)) == "accepted"


def test_what_is_offered_is_listed_once_in_the_order_that_was_given() -> None:
    by = dpop_verifier(algorithms=["ES384", "ES256", "ES384"])
    assert by.algorithms == ("ES384", "ES256")
    assert dpop_verifier().algorithms == ("ES256", "EdDSA", "Ed25519", "PS256", "RS256", "ES384", "ES512")
    assert str(HTTPDPoP(by).challenge("app")) == 'DPoP realm="app", algs="ES384 ES256"'


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        dpop_verifier(tokens=print, public_url="x", algorithms=["none"], max_age=0)
    assert len(refused.value.mistakes) == 4


HEADERS = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="abcAB01_-.,= ", max_size=200),
    st.builds(".".join, st.lists(st.text(alphabet="eyJhbGciOi_-AQ", max_size=40), max_size=4)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(HEADERS)
def test_any_dpop_header_gets_a_verdict(text: str) -> None:
    assert isinstance(verify("a.b.c", text), Rejected)


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(
    st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "crit", "b64", "kid"]), JSON, max_size=3),
    st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf"]), JSON, max_size=4),
)
def test_any_signed_proof_gets_a_verdict(header: dict[str, Any], claims: dict[str, Any]) -> None:
    text = bound_token()
    answer = verify(text, proof(text, header=header, **claims))
    assert isinstance(answer, (Authenticated, Rejected))


@pytest.mark.slow
@settings(max_examples=examples(150))
@given(
    st.sampled_from(["ES256", "RS256", "EdDSA"]),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "use", "key_ops", "alg", "kid", "x5c"]),
        JSON | st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "Ed448", "AQAB", "AA", "sig", "verify"]),
        max_size=5,
    ),
)
def test_any_key_in_a_proof_gets_a_verdict(alg: str, members: dict[str, Any]) -> None:
    text, key = bound_token(), client_key(alg)
    answer = verify(text, proof(text, key, header={"jwk": {**public_jwk(key), **members}}))
    assert isinstance(answer, (Authenticated, Rejected))


def test_tok_3_neither_token_nor_proof_is_shown() -> None:
    shown = repr(DPoPToken("s3cret", "pr00f")) + repr(BoundToken("s3cret", "thumb")) + repr(dpop_verifier())
    assert "s3cret" not in shown
    assert "pr00f" not in shown


def test_a_bearer_verifier_given_to_the_scheme_by_mistake_is_refused() -> None:
    anything: Any = HTTPDPoP
    with pytest.raises(ConfigurationError, match="extracts DPoPToken"):
        anything(verifier())
    bearer: Any = HTTPBearer
    with pytest.raises(ConfigurationError, match="extracts BearerToken"):
        bearer(dpop_verifier())


def test_a_proof_is_for_the_configured_url_whatever_the_request_says_of_its_host() -> None:
    text = bound_token()
    lying = {
        "host": "evil.example",
        "x_forwarded_host": "evil.example",
        "x_forwarded_proto": "http",
        "forwarded": "host=evil.example",
    }
    for make in (wsgi_request, asgi_request):
        by = dpop_verifier()
        assert verdict(text, proof(text), by, make("/orders", **lying)) == "accepted"
        made = proof(text, htu="http://evil.example/orders")
        assert verdict(text, made, by, make("/orders", **lying)) == "proof-misplaced"


def test_several_public_urls_are_each_good() -> None:
    text, by = bound_token(), dpop_verifier(public_url=[PUBLIC_URL, "https://orders.internal"])
    assert verdict(text, proof(text), by) == "accepted"
    assert verdict(text, proof(text, htu="https://orders.internal/orders"), by) == "accepted"
    assert verdict(text, proof(text, htu="https://other.example/orders"), by) == "proof-misplaced"


def test_a_token_that_was_revoked_is_refused_and_uses_nothing_up() -> None:
    def clock() -> float:
        return float(NOW)

    revocations, store = MemoryRevocations(clock=clock), Counting()
    revocations.publish(Revocation.of_token("n-0S6_WzA2Mj", NOW, NOW + 600))
    by = dpop_verifier(tokens=verifier(revocations=RevocationFeed(revocations, clock=clock)), nonces=store)
    text = bound_token()
    assert verdict(text, proof(text), by) == "token-revoked"
    assert store.asked == 0


def test_a_bearer_token_is_not_taken_for_a_proved_one() -> None:
    assert isinstance(verifier().verify(BearerToken(bound_token())), Rejected)
    assert isinstance(verifier().verify(BoundToken(bound_token(), client_key().kid)), Authenticated)
    assert isinstance(verifier().verify(BoundToken(token(), client_key().kid)), Rejected)
    assert run(dpop_verifier().verify(DPoPToken("opaque", proof("opaque")), wsgi_request("/orders"))) is None


def test_log_1_a_refusal_repeats_nothing_of_the_query_and_nothing_secret() -> None:
    text = bound_token()
    request = wsgi_request("/orders")
    request.environ["QUERY_STRING"] = "key=s3cret"
    for made in (proof(text, htu="https://evil.example/"), proof(text, ath="0ther"), proof(text, htm="POST")):
        answer = verify(text, made, request=request)
        assert isinstance(answer, Rejected)
        assert answer.detail
        assert not any(part in answer.detail for part in ("s3cret", "0ther", text, made))
