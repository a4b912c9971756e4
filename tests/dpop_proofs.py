"""What the tests of DPoP need: a client's key for each algorithm, tokens bound to it, and proofs built by hand."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any, Final

from authmw.crypto.jose import base64url
from authmw.crypto.key import Key
from authmw.flow.flow import run
from authmw.http.request import RequestHead
from authmw.identity.credentials import DPoPToken
from authmw.identity.verdict import Authenticated, Rejected
from authmw.verifiers.dpop import DPoPVerifier
from tests.jwt_tokens import NOW, key_for, rsa_pem, signed, token, verifier
from tests.requests import wsgi_request

PUBLIC_URL: Final = "https://api.example"
URL: Final = "https://api.example/orders"
ASYMMETRIC: Final = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")

_numbers: Final = count()


@cache
def client_key(alg: str = "ES256") -> Key:
    """The client's key for `alg`, named by its thumbprint."""
    return Key.from_pem(rsa_pem(), alg=alg) if alg[:2] in ("RS", "PS") else Key.generate(alg)


def public_jwk(key: Key) -> dict[str, Any]:
    """Its public half, as clients put it into proofs."""
    members = key.public_jwk()
    assert members is not None
    return {name: value for name, value in members.items() if name not in ("kid", "alg", "use")}


def bound_token(key: Key | None = None, **changes: Any) -> str:
    """A token that is bound to the client's key."""
    confirmation = changes.pop("cnf", {"jkt": (key or client_key()).kid})
    return token(cnf=confirmation, **changes)


def ath(text: str) -> str:
    """The hash of an access token, as proofs have it."""
    return base64url.encode(sha256(text.encode()).digest()).decode()


def good_proof_claims(access_token: str, **changes: Any) -> dict[str, Any]:
    """Claims that `dpop_verifier` accepts for ``GET /orders``; a change to `...` takes the claim away."""
    claims = {
        "jti": f"proof-{next(_numbers)}",
        "htm": "GET",
        "htu": URL,
        "iat": NOW,
        "ath": ath(access_token),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def proof(
    access_token: str,
    key: Key | None = None,
    *,
    header: dict[str, Any] | None = None,
    payload: object = None,
    **changes: Any,
) -> str:
    """A proof that `dpop_verifier` accepts, but for the changes."""
    key = key or client_key()
    members = {"typ": "dpop+jwt", "alg": key.alg, "jwk": public_jwk(key), **(header or {})}
    members = {name: value for name, value in members.items() if value is not ...}
    return signed(members, payload if payload is not None else good_proof_claims(access_token, **changes), key)


def dpop_verifier(**options: Any) -> DPoPVerifier:
    """A verifier with the tests' clock; any of its arguments may be given."""
    tokens = options.pop("tokens", None) or verifier(key_for("HS256"))
    settings: dict[str, Any] = {"public_url": PUBLIC_URL, "clock": lambda: float(NOW), **options}
    return DPoPVerifier(tokens, **settings)


def verify(
    access_token: str, made: str, by: DPoPVerifier | None = None, request: RequestHead | None = None
) -> Authenticated | Rejected | None:
    """The verdict on a request for ``GET /orders``."""
    return run((by or dpop_verifier()).verify(DPoPToken(access_token, made), request or wsgi_request("/orders")))


def verdict(access_token: str, made: str, by: DPoPVerifier | None = None, request: RequestHead | None = None) -> str:
    """``accepted``, the code of the refusal without ``authmw.``, or ``not mine``."""
    match verify(access_token, made, by, request):
        case Authenticated():
            return "accepted"
        case Rejected() as rejected:
            return rejected.reason.code.removeprefix("authmw.")
        case None:
            return "not mine"
