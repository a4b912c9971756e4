"""private_key_jwt: client authentication by a signed assertion (RFC 7523 §2.2, §3, OpenID Connect Core §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from authmw.crypto.claims import ClaimRules, is_identifier
from authmw.crypto.jose import base64url
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import JWSReader
from authmw.crypto.keyring import KeyRing, keys_in
from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import ConfigurationError
from authmw.flow.flow import Ask, Flow
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.identity.verdict import Rejected
from authmw.stores.ports import NonceStore
from authmw.stores.records import Client, NonceUse

LONGEST_ASSERTION: Final = 3600
"""Seconds that an assertion may be valid from now: its ``jti`` is stored that long. Authlib's are valid for an hour."""
LEEWAY: Final = 30
"""Seconds by which the client's clock may differ."""

# OpenID Connect Core §9 knows no typ; draft-ietf-oauth-rfc7523bis has one of its own.
_TYPES: Final = (None, "JWT", "client-authentication+jwt")


class AssertionVerification(Protocol):
    """What client assertions are verified with, beside the keys of the client."""

    @property
    def issuer(self) -> str:
        """The issuer, which an assertion may have for its audience."""
        ...

    @property
    def nonces(self) -> NonceStore:
        """Every ``jti`` that was used."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...

    def url(self, path: str, /) -> str:
        """The URL of an endpoint, which an assertion may have for its audience."""
        ...


def asserted_client(assertion: str) -> str | None:
    """The client id in the assertion, which is not verified yet: it says whose keys to verify with."""
    if len(assertion) > MAX_CREDENTIAL_LENGTH or not assertion.isascii():
        return None
    segments = assertion.encode("ascii").split(b".", 3)
    payload = base64url.decode(segments[1]) if len(segments) == 3 else None
    if payload is None:
        return None
    try:
        subject = parse_object(payload).get("sub")
    except ValueError:
        return None
    return subject if is_identifier(subject) else None


def judge_assertion(service: AssertionVerification, assertion: str, client_id: str, client: Client | None) -> Flow[str]:
    """Why the assertion is refused; empty if it is valid. Its ``jti`` is used up only when all else is valid."""
    ring = _ring(client)
    if isinstance(ring, str):
        return ring
    jws = JWSReader(ring).read(assertion)
    if isinstance(jws, Rejected):
        return f"{jws.reason.code} {jws.detail}"
    try:
        claims = parse_object(jws.payload)
    except ValueError as error:
        return f"the payload: {error}"
    now = service.clock()
    # RFC 7523 §3: the audience is this server. Its issuer as the only one is the recommended form; many clients still
    # send the URL of the token endpoint. An assertion that was sent to another server has neither.
    rules = ClaimRules.of(
        issuer=client_id,
        audience=[service.issuer, service.url("/token")],
        types=_TYPES,
        leeway=LEEWAY,
        required=("iss", "aud", "jti"),
    )
    refused = rules.refuse(jws.header, claims, now)
    if refused is not None:
        return f"{refused.reason.code} {refused.detail}"
    if claims["sub"] != client_id:
        return "sub is not the client"
    if claims["exp"] > now + LONGEST_ASSERTION + LEEWAY:
        return f"exp is more than {LONGEST_ASSERTION} s ahead"
    if client is None or client.disabled:
        return "no client, or a disabled one"  # its jti is not stored: requests like this must not fill the store
    return (yield from _use_up(service, client_id, claims))


def _use_up(service: AssertionVerification, client_id: str, claims: Mapping[str, Any]) -> Flow[str]:
    # RFC 7523 §3: one jti is accepted once. A digest has a bounded length; the line end is in neither part. The names
    # of each client begin alike, so that a store can bound what one client uses.
    client, use = token_digest(client_id), token_digest(f"{client_id}\n{claims['jti']}")
    name = f"jti:{client[:20]}:{use[:43]}"
    outcome = yield from Ask(service.nonces.use_nonce, name, 1, claims["exp"] + LEEWAY)
    return "" if outcome is NonceUse.FRESH else "the jti was used before"


def _ring(client: Client | None) -> KeyRing | str:
    """The registered keys of the client. Without any, keys that verify nothing: the work is the same."""
    if client is None or client.jwks is None:
        return _unregistered()
    try:
        ring = KeyRing(*keys_in(client.jwks).keys)
    except ConfigurationError as error:
        return f"the client's jwks: {error}"
    if any(key.symmetric for key in ring.current.keys):
        return "the client's jwks holds a secret in place of a public key"
    return ring


@lru_cache(maxsize=1)
def _unregistered() -> KeyRing:
    return KeyRing.generate()
