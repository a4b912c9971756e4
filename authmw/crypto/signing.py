"""Signing access tokens (RFC 9068)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from math import floor
from typing import Any, Final

from authmw.crypto.claims import is_identifier
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import header_segment, write
from authmw.crypto.keyring import Key, KeyRing, mistakes_in_ring
from authmw.errors import ConfigurationError
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.identity.principal import Principal
from authmw.identity.scopes import checked_scopes

ACCESS_TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - the media type of RFC 9068 §2.1
_encoder: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_OURS: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"})


def random_id() -> str:
    """A ``jti`` of 128 random bits."""
    import secrets

    return secrets.token_urlsafe(16)


class TokenIssuer:
    """Signs access tokens with the first key of a ring.

    What it signs, a `JWTVerifier` with the same keys, issuer and audience accepts.

    Args:
        keys: the ring; its first key must be able to sign.
        issuer: the ``iss``: the name, usually the URL, of who signs.
        audience: the ``aud``: the name of the API the tokens are for, or several.
        lifetime: seconds a token is good for. Keep it short: a signed token cannot be taken back by its signer.
        clock: the time, in seconds since the epoch.
        new_id: makes a ``jti`` of at least 128 random bits.

    Raises:
        ConfigurationError: all that is wrong with the arguments.

    >>> issuer = TokenIssuer(KeyRing.generate(), issuer="https://id.example", audience="orders")
    >>> issuer.issue("alice", scopes=["orders:read"]).count(".")
    2
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        issuer: str,
        audience: str | Collection[str],
        lifetime: int = 600,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        audiences = [audience] if isinstance(audience, str) else list(audience)
        mistakes = mistakes_in_ring(keys, "TokenIssuer")
        if not mistakes and not keys.signer.can_sign:
            mistakes.append(f"the first key, {keys.signer.kid!r}, is public and cannot sign: load its private half")
        if not issuer:
            mistakes.append("issuer is empty: give the name or URL of who signs")
        if not audiences or not all(audiences):
            mistakes.append("audience is empty: give the name of the API the tokens are for")
        mistakes += _mistakes_in_lifetime(lifetime)
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.keys = keys
        self.issuer = issuer
        self.audience: str | list[str] = audiences[0] if len(audiences) == 1 else audiences
        self.lifetime = lifetime
        self._clock = clock
        self._new_id = new_id
        # All tokens of a key begin alike.
        self._head: tuple[Key, bytes] = (keys.signer, header_segment(keys.signer, ACCESS_TOKEN_TYPE))

    def issue(
        self,
        principal: Principal | str,
        *,
        scopes: Iterable[str] | None = None,
        client_id: str | None = None,
        lifetime: int | None = None,
        after: float | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """An access token for `principal`.

        Args:
            principal: who it is about, or the bare ``sub``.
            scopes: what the token grants; all the principal's by default. Whether it may be granted is for the
                caller to decide.
            client_id: the OAuth client it is given to; the principal's by default. RFC 9068 §2.2 wants one.
            lifetime: seconds, instead of the issuer's own.
            after: a moment that the token is not to be taken for earlier than, as that of a revocation. The ``iat``
                has whole seconds: within the second of `after` it is the next one.
            claims: more to say, beside the claims the issuer writes itself.

        Raises:
            ConfigurationError: an argument would make a token that no verifier accepts, or one that lies.
        """
        about = Principal(principal) if isinstance(principal, str) and principal else principal
        if not isinstance(about, Principal) or not about.is_authenticated:
            raise ConfigurationError("a token is about somebody: give a principal, or a sub that is not empty")
        if client_id is None:
            client_id = about.id if about.kind == "client" else about.client_id
        lifetime = self.lifetime if lifetime is None else lifetime
        granted = checked_scopes(sorted(about.scopes) if scopes is None else scopes)
        mistakes = [
            *_mistakes_in_names(about, client_id),
            *_mistakes_in_lifetime(lifetime),
            *_mistakes_in_claims(claims),
        ]
        if mistakes:
            raise ConfigurationError(*mistakes)
        now = int(self._clock())
        if after is not None and now == floor(after):
            now += 1
        said: dict[str, Any] = {
            "iss": self.issuer,
            "sub": about.id,
            "aud": self.audience,
            "exp": now + lifetime,
            "iat": now,
            "jti": self._new_id(),
        }
        if client_id is not None:
            said["client_id"] = client_id
        if granted:
            said["scope"] = " ".join(granted)
        return self._sign(_encoded(said, claims))

    def _sign(self, payload: bytes) -> str:
        key, header = self._head
        if key is not self.keys.signer:
            key = self.keys.signer
            header = header_segment(key, ACCESS_TOKEN_TYPE)
            self._head = key, header
        token = write(payload, key, header=header)
        if len(token) > MAX_CREDENTIAL_LENGTH:
            raise ConfigurationError(
                f"the token is longer than {MAX_CREDENTIAL_LENGTH} characters: say less in claims="
            )
        return token


def issue(
    principal: Principal | str,
    *,
    keys: KeyRing,
    issuer: str,
    audience: str | Collection[str],
    scopes: Iterable[str] | None = None,
    lifetime: int = 600,
    client_id: str | None = None,
    claims: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
) -> str:
    """One access token, for programs that seldom make any. The arguments are those of `TokenIssuer`.

    Raises:
        ConfigurationError: all that is wrong with the arguments.

    >>> issue("alice", keys=KeyRing.generate(), issuer="https://id.example", audience="orders").count(".")
    2
    """
    signs = TokenIssuer(keys, issuer=issuer, audience=audience, lifetime=lifetime, clock=clock)
    return signs.issue(principal, scopes=scopes, client_id=client_id, claims=claims)


def _encoded(said: dict[str, Any], more: Mapping[str, Any] | None) -> bytes:
    try:
        payload = _encoder.encode({**said, **more} if more else said).encode("ascii")
        if more:
            # A verifier reads more strictly than Python writes: half a surrogate pair, nesting, huge integers.
            parse_object(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"the claims are no JSON that a verifier reads: {error}") from None
    return payload


def _mistakes_in_lifetime(lifetime: int) -> list[str]:
    return [] if lifetime > 0 else ["lifetime is not positive: give the seconds a token is good for, 600 for example"]


def _mistakes_in_names(about: Principal, client_id: str | None) -> list[str]:
    mistakes: list[str] = []
    if not is_identifier(about.id):
        mistakes.append("the principal's id cannot be a sub: at most 255 characters, none of them a control character")
    if client_id is not None and not is_identifier(client_id):
        mistakes.append("client_id is no identifier: at most 255 characters, none of them a control character")
    # RFC 9068 §5: who can choose a user name must not be able to look like a client.
    if about.kind == "client" and client_id != about.id:
        mistakes.append(f"client_id is not {about.id!r}: a client's own token would be taken for a user's")
    if about.kind == "user" and client_id == about.id:
        mistakes.append(
            f"the user {about.id!r} has the name of the client: its token would be taken for the client's own"
        )
    return mistakes


def _mistakes_in_claims(claims: Mapping[str, Any] | None) -> list[str]:
    taken = sorted(_OURS.intersection(claims or ()))
    return [f"claims holds {name!r}, which the issuer writes itself" for name in taken]
