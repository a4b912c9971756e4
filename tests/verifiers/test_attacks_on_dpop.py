"""Attacks on bound tokens: proofs sent again, moved, forged or left away, and tokens that come by another door."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from authmw import (
    APIKeyHeader,
    Auth,
    Authenticated,
    HTTPBearer,
    HTTPDPoP,
    OAuth2PasswordBearer,
    OpenIdConnect,
    Rejected,
)
from authmw.crypto.key import Key
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.issuers import DPoPNonces, Issuers
from authmw.oauth2 import TokenCookie
from authmw.stores import MemoryNonces, StoreUnavailable
from authmw.testing import DPoPClient, FakeClock, FakeIssuer
from tests.dpop_proofs import (
    URL,
    bound_token,
    client_key,
    dpop_verifier,
    good_proof_claims,
    proof,
    public_jwk,
    verdict,
    verify,
)
from tests.jwt_tokens import NOW, key_for, signed, verifier
from tests.requests import asgi_request, recalled, wsgi_request

CLOCK = FakeClock(float(NOW))


def _code(answer: Authentication | Refusal) -> str:
    return answer.reason.code if isinstance(answer, Refusal) else answer.principal.id or "nobody"


# A bound token by another door

DOORS: dict[str, tuple[Callable[[Any], Any], Callable[[str], dict[str, str]]]] = {
    "bearer": (HTTPBearer, lambda text: {"authorization": f"Bearer {text}"}),
    "openid": (lambda by: OpenIdConnect("https://id.example", by), lambda text: {"authorization": f"Bearer {text}"}),
    "oauth2": (lambda by: OAuth2PasswordBearer("/token", by), lambda text: {"authorization": f"Bearer {text}"}),
    "another header": (lambda by: APIKeyHeader("X-Token", by), lambda text: {"x_token": text}),
    "cookie": (
        lambda by: TokenCookie(by, origins=["https://shop.example"]),
        lambda text: {"cookie": f"__Host-access={text}"},
    ),
}


@pytest.mark.parametrize("with_proof", [False, True])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("door", DOORS)
def test_a_bound_token_comes_in_by_no_other_door(door: str, several: bool, with_proof: bool) -> None:
    client = DPoPClient(clock=CLOCK)
    fake = FakeIssuer(clock=CLOCK)
    by: Any = fake.verifier(audience="orders")
    scheme, headers = DOORS[door]
    auth = Auth(scheme(Issuers(by) if several else by), remember=16, clock=CLOCK)
    text = fake.token(audience="orders", cnf=client.confirmation)
    more = {"dpop": client.proof("GET", URL, token=text)} if with_proof else {}
    for _ in range(2):
        answer = auth.authenticate(wsgi_request("/orders", **headers(text), **more))
        assert not (isinstance(answer, Authentication) and answer.principal.is_authenticated), _code(answer)
        assert recalled(auth, f"Bearer {text}".encode()) is None
    # What is bound to nothing is let in, so that it is the binding that was refused.
    good = auth.authenticate(wsgi_request("/orders", **headers(fake.token(audience="orders"))))
    assert _code(good) == "alice"


def test_a_client_that_fills_the_store_of_proofs_shuts_out_nobody_else() -> None:
    by = dpop_verifier(nonces=MemoryNonces(size=20, clock=CLOCK))
    greedy, other = client_key(), client_key("EdDSA")
    numbers = count()

    def use(key: Key) -> bool:
        text = bound_token(key)
        return isinstance(verify(text, proof(text, key, jti=str(next(numbers))), by), Authenticated)

    for _ in range(10):
        assert use(greedy)
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            use(greedy)
        assert use(other)


@pytest.mark.parametrize("cnf", [None, [], "", 0, False, {}, {"jkt": None}, {"jkt": ""}, {"jkt": ["x"]}], ids=repr)
def test_a_binding_that_nobody_can_read_is_a_binding(cnf: object) -> None:
    by = verifier(key_for("HS256"))
    text = bound_token(cnf=cnf)
    auth = Auth(HTTPBearer(by))
    assert _code(auth.authenticate(wsgi_request(authorization=f"Bearer {text}"))) == "authmw.token-bound"
    assert verdict(text, proof(text)) in ("token-unbound", "token-bound")


def test_the_thumbprint_is_compared_to_the_byte() -> None:
    jkt = client_key().kid
    for other in (jkt.swapcase(), jkt + "=", f" {jkt}", jkt[:-1], jkt + "\u0000", "sha-256:" + jkt):
        text = bound_token(cnf={"jkt": other})
        assert verdict(text, proof(text)) == "token-bound"


# The same proof for something else


@pytest.mark.parametrize("method", ["POST", "get", "HEAD", "GET ", ""])
def test_a_proof_is_for_one_method(method: str) -> None:
    text = bound_token()
    assert verdict(text, proof(text), request=wsgi_request("/orders", method)) == "proof-misplaced"


@pytest.mark.parametrize(
    "path", ["/orders/", "/Orders", "//orders", "/orders/1", "/", "", "/orders/../orders", "/orders;x", "/./orders"]
)
@pytest.mark.parametrize("make", [wsgi_request, asgi_request])
def test_a_proof_is_for_one_path(make: Callable[..., RequestHead], path: str) -> None:
    text = bound_token()
    assert verdict(text, proof(text), request=make(path)) == "proof-misplaced"


@pytest.mark.parametrize(
    "raw",
    [
        "/ORDERS",
        "/orders%2f",
        "/orders%2F..%2Fadmin",
        "/%2e/orders",
        "http://api.example/admin",
        "http://api.example//orders",
        "*",
        "//api.example/orders",
    ],
)
def test_a_proof_is_for_the_path_as_it_was_sent(raw: str) -> None:
    text = bound_token()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "QUERY_STRING": "", "RAW_URI": raw}
    assert verdict(text, proof(text), request=WSGIRequest(environ)) == "proof-misplaced"
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/orders",
        "raw_path": raw.encode(),
        "query_string": b"",
        "headers": [],
    }
    assert verdict(text, proof(text), request=ASGIRequest(scope)) == "proof-misplaced"


@pytest.mark.parametrize(
    "htu",
    [
        "http://api.example/orders",
        "https://api.example:444/orders",
        "https://api.example.evil.test/orders",
        "https://user@api.example/orders",
        "https://evil.test@api.example/orders",
        "https://api.example\\@evil.test/orders",
        "https://api.example/orders\n",
        " https://api.example/orders",
        "//api.example/orders",
        "/orders",
        "https:/api.example/orders",
        "https://api.example/%6frders/",
        "https://api.example:/orders:443",
        "https://api.example:0443443/orders",
        "https://[::ffff:api.example]/orders",
        "https://api.example./orders",
        "https://\uff41pi.example/orders",
    ],
)
def test_no_spelling_of_another_url_is_this_one(htu: str) -> None:
    text = bound_token()
    assert verdict(text, proof(text, htu=htu)) == "proof-misplaced"


def test_a_proof_for_one_token_is_for_no_other_of_the_same_key() -> None:
    one, two = bound_token(jti="1"), bound_token(jti="2")
    by = dpop_verifier()
    made = proof(one)
    assert verdict(two, made, by) == "proof-misplaced"
    assert verdict(one, made, by) == "accepted"


@pytest.mark.parametrize("ath", [..., "", None, 7, ["x"]], ids=repr)
def test_a_proof_without_the_hash_of_the_token_is_refused(ath: object) -> None:
    text = bound_token()
    assert verdict(text, proof(text, ath=ath)) in ("proof-misplaced", "proof-malformed")


# The same proof again


def test_a_second_spelling_of_a_proof_is_the_same_proof() -> None:
    text = bound_token()
    by = dpop_verifier()
    made = proof(text, jti="once")
    assert verdict(text, made, by) == "accepted"
    assert verdict(text, f"  {made}\t", by) == "proof-replayed"
    # Signed anew, with the name escaped, and with the key written in another order.
    key = client_key()
    jwk = dict(reversed(list(public_jwk(key).items())))
    header = {"typ": "application/dpop+jwt", "alg": key.alg, "jwk": {**jwk, "kid": "another", "x-more": 1}}
    assert verdict(text, signed(header, good_proof_claims(text, jti="once"), key), by) == "proof-replayed"


def test_two_dpop_headers_are_none() -> None:
    text = bound_token()
    auth = Auth(HTTPDPoP(dpop_verifier()))
    made = proof(text)
    for both in (f"{made},{proof(text)}", f"{made}, ", f",{made}", f"{made},{made}"):
        answer = auth.authenticate(wsgi_request("/orders", authorization=f"DPoP {text}", dpop=both))
        assert _code(answer) == "authmw.proof-malformed"
    assert _code(auth.authenticate(wsgi_request("/orders", authorization=f"DPoP {text}", dpop=made))) == "alice"


def test_a_proof_that_a_stranger_made_for_the_token_of_another_uses_nothing_of_the_others_up() -> None:
    by = dpop_verifier()
    text = bound_token()
    thief = client_key("ES384")
    assert verdict(text, proof(text, thief, jti="mine"), by) == "token-bound"
    assert verdict(text, proof(text, jti="mine"), by) == "accepted"


def test_a_clock_that_was_set_back_lets_no_proof_in_twice() -> None:
    clock = FakeClock(float(NOW))
    by = dpop_verifier(clock=clock)
    text = bound_token()
    made = proof(text)
    assert verdict(text, made, by) == "accepted"
    clock.advance(89)
    other = proof(text, iat=NOW + 89)
    assert verdict(text, other, by) == "accepted"
    for seconds in (-60, -29, 30, 60):
        clock.now = NOW + seconds
        assert verdict(text, made, by) != "accepted"


def test_every_answer_about_a_nonce_is_the_same_for_good_and_bad_tokens() -> None:
    nonces = DPoPNonces(b"n" * 32, clock=lambda: float(NOW))
    by = dpop_verifier(server_nonces=nonces)
    answers = [verify(text, proof(text), by) for text in (bound_token(), bound_token(exp=NOW - 900), "a.b.c")]
    assert len({repr(answer) for answer in answers}) == 1
    assert isinstance(answers[0], Rejected)
    assert answers[0].reason.code == "authmw.proof-nonce"
