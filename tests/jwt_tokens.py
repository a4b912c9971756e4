"""What the tests of tokens need: one key for each algorithm, good claims, and tokens built segment by segment."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from authmw.crypto.jose import base64url
from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.keyring import Key, KeyRing
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated, Rejected
from authmw.verifiers.jwt import JWTVerifier

NOW: Final = 1_800_000_000
ISSUER: Final = "https://id.example"
AUDIENCE: Final = "orders"
SECRET: Final = "a secret of at least thirty-two bytes, and of sixty-four at that"

ALL_ALGORITHMS: Final = tuple(ALGORITHMS)


@cache
def rsa_pem() -> bytes:
    """A private RSA key of the least size allowed, made once."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def key_for(alg: str) -> Key:
    """The key that the tests use for `alg`, named after it."""
    match ALGORITHMS[alg].kty:
        case "oct":
            return Key.from_secret(SECRET, alg=alg, kid=alg)
        case "RSA":
            return Key.from_pem(rsa_pem(), alg=alg, kid=alg)
        case _:
            return Key.generate(alg, kid=alg)


def good_claims(**changes: Any) -> dict[str, Any]:
    """Claims that `verifier` accepts, with `changes`; a change to `...` takes the claim away."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "client_id": "web",
        "iat": NOW - 10,
        "exp": NOW + 600,
        "jti": "n-0S6_WzA2Mj",
        "scope": "orders:read orders:write",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


def segment(content: object) -> str:
    """`content`, octets as they are and all else as JSON, in base64url."""
    octets = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64url.encode(octets).decode()


def signed(header: object, payload: object, key: Key) -> str:
    """A token with exactly this header and payload, signed by `key`, whatever they say."""
    message = f"{segment(header)}.{segment(payload)}"
    return f"{message}.{segment(key.sign(message.encode()))}"


def token(key: Key | None = None, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token that `verifier` accepts, but for the `changes` to its claims and to its header."""
    key = key or key_for("HS256")
    members = {"alg": key.alg, "kid": key.kid, "typ": "at+jwt", **(header or {})}
    members = {name: value for name, value in members.items() if value is not ...}
    return signed(members, good_claims(**changes), key)


def verifier(*keys: Key, **options: Any) -> JWTVerifier:
    """A verifier with the tests' clock; any of its arguments may be given."""
    ring = KeyRing(*(keys or (key_for("HS256"),)))
    settings: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "clock": lambda: float(NOW), **options}
    return JWTVerifier(ring, **settings)


def verdict(text: str, by: JWTVerifier | None = None) -> str:
    """What becomes of the token `text`: ``accepted``, the code of the refusal without ``authmw.``, or ``not mine``."""
    answer = (by or verifier()).verify(BearerToken(text))
    match answer:
        case Authenticated():
            return "accepted"
        case Rejected():
            return answer.reason.code.removeprefix("authmw.")
        case _:
            return "not mine"
