"""Signer of access tokens in JWT format (RFC 9068)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from math import floor
from typing import Any, Final

from authmw.crypto.claims import is_identifier
from authmw.crypto.jose import base64url
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import header_segment, write
from authmw.crypto.keyring import Key, KeyRing, mistakes_in_ring
from authmw.errors import ConfigurationError
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, seconds
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.identity.principal import Principal, PrincipalKind
from authmw.identity.scopes import checked_scopes

ACCESS_TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - the media type of RFC 9068 §2.1
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_quote: Final[Callable[[str], str]] = _encode
_WRITTEN_HERE: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope"})


def random_id() -> str:
    """A ``jti`` of 128 random bits."""
    return base64url.encode(os.urandom(16)).decode("ascii")


class TokenIssuer:
    """Signs access tokens with the first key of a ring.

    A `JWTVerifier` with the same keys, issuer and audience accepts these tokens.

    Args:
        keys: the ring. Its first key must be able to sign.
        issuer: the ``iss``: the name of the signer, usually a URL.
        audience: the ``aud``: the name of the API for which the tokens are, or several names.
        lifetime: seconds until a token expires. Keep it short, because the signer alone cannot revoke a token.
        clock: returns the time, in seconds since the epoch.
        new_id: returns a ``jti`` of at least 128 random bits.

    Raises:
        ConfigurationError: an argument is wrong. The message names all mistakes.

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
        lifetime: Seconds = 600,
        clock: Callable[[], float] = now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        audiences = [audience] if isinstance(audience, str) else list(audience)
        mistakes = mistakes_in_ring(keys, "TokenIssuer")
        if not mistakes and not keys.signer.can_sign:
            mistakes.append(f"the first key, {keys.signer.kid!r}, is public and cannot sign: load its private half")
        if not issuer:
            mistakes.append("issuer is empty: give the name or URL of the signer")
        if not audiences or not all(audiences):
            mistakes.append("audience is empty: give the name of the API for which the tokens are")
        lifetime = seconds(lifetime, "lifetime")
        mistakes += _mistakes_in_lifetime(lifetime)
        if mistakes:
            raise ConfigurationError(*mistakes)
        self.keys = keys
        self.issuer = issuer
        self.audience: str | list[str] = audiences[0] if len(audiences) == 1 else audiences
        self.lifetime: float = lifetime
        self._clock = clock
        self._new_id = new_id
        # All tokens of a key have the same first segment, so that it is made once, and all have these two claims.
        self._head: tuple[Key, bytes] = (keys.signer, header_segment(keys.signer, ACCESS_TOKEN_TYPE))
        self._issuer_member = f'"iss":{_encode(issuer)}'
        self._audience_member = f'"aud":{_encode(self.audience)}'

    def issue(
        self,
        principal: Principal | str,
        *,
        scopes: Iterable[str] | None = None,
        client_id: str | None = None,
        lifetime: Seconds | None = None,
        after: float | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """An access token for `principal`.

        Args:
            principal: the subject of the token, or only its ``sub``.
            scopes: the scopes of the token. The default is all scopes of the principal. They are not checked against
                those of the principal: the caller decides what to grant.
            client_id: the OAuth client that gets the token. The default is the client of the principal. RFC 9068 §2.2
                requires one.
            lifetime: seconds until the token expires. The default is the lifetime of this object.
            after: a time, in seconds since the epoch, such as that of a revocation. The token must not look older. As
                ``iat`` has whole seconds, it is the next second if `after` is in the current one.
            claims: further claims, besides those that are written here.

        Raises:
            ConfigurationError: no verifier would accept the token with these arguments, or it would be misleading.
        """
        about = Principal(principal) if isinstance(principal, str) and principal else principal
        if not isinstance(about, Principal) or not about.is_authenticated:
            raise ConfigurationError("a token needs a subject: give a principal, or a sub that is not empty")
        if client_id is None:
            client_id = about.id if about.kind == "client" else about.client_id
        scope = " ".join(checked_scopes(sorted(about.scopes) if scopes is None else scopes))
        lifetime = self.lifetime if lifetime is None else seconds(lifetime, "lifetime")
        return self._issue(about.id, about.kind, client_id, scope, lifetime=lifetime, after=after, claims=claims)

    def issue_granted(
        self,
        subject: str,
        kind: PrincipalKind,
        *,
        scopes: frozenset[str],
        client_id: str,
        lifetime: float,
        after: float | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """As `issue`, for a token service: it knows the subject by its id, and grants few sets of scopes often."""
        scope = _scope_of(scopes)
        return self._issue(subject, kind, client_id, scope, lifetime=lifetime, after=after, claims=claims)

    def _issue(
        self,
        subject: str,
        kind: PrincipalKind,
        client_id: str | None,
        scope: str,
        *,
        lifetime: float,
        after: float | None,
        claims: Mapping[str, Any] | None,
    ) -> str:
        mistakes = _mistakes_in_names(subject, kind, client_id)
        if not lifetime > 0:  # also for NaN
            mistakes += _mistakes_in_lifetime(lifetime)
        if claims:
            mistakes += _mistakes_in_claims(claims)
        if mistakes:
            raise ConfigurationError(*mistakes)
        now = int(self._clock())
        if after is not None and now == floor(after):
            now += 1
        expires = now + lifetime
        try:
            # Each member by itself: an encoder of all of them takes three times as long.
            members = (
                f'{{{self._issuer_member},"sub":{_quote(subject)},{self._audience_member},'
                f'"exp":{expires if type(expires) is int else _encode(expires)},"iat":{now},'
                f'"jti":{_quote(self._new_id())}'
            )
            if client_id is not None:
                members += f',"client_id":{_quote(client_id)}'
            if scope:
                members += f',"scope":{_quote(scope)}'
            payload = _payload(members, claims)
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigurationError(f"the claims are not JSON that a verifier accepts: {error}") from None
        return self._sign(payload)

    def _sign(self, payload: bytes) -> str:
        key, header = self._head
        if key is not self.keys.signer:
            key = self.keys.signer
            header = header_segment(key, ACCESS_TOKEN_TYPE)
            self._head = key, header
        token = write(payload, key, header=header)
        if len(token) > MAX_CREDENTIAL_LENGTH:
            raise ConfigurationError(
                f"the token is longer than {MAX_CREDENTIAL_LENGTH} characters: put less into claims="
            )
        return token


def issue(
    principal: Principal | str,
    *,
    keys: KeyRing,
    issuer: str,
    audience: str | Collection[str],
    scopes: Iterable[str] | None = None,
    lifetime: Seconds = 600,
    client_id: str | None = None,
    claims: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = now,
) -> str:
    """One access token, for programs that rarely make one. The arguments are those of `TokenIssuer`.

    Raises:
        ConfigurationError: an argument is wrong. The message names all mistakes.

    >>> issue("alice", keys=KeyRing.generate(), issuer="https://id.example", audience="orders").count(".")
    2
    """
    signs = TokenIssuer(keys, issuer=issuer, audience=audience, lifetime=lifetime, clock=clock)
    return signs.issue(principal, scopes=scopes, client_id=client_id, claims=claims)


@lru_cache(maxsize=1024)
def _scope_of(scopes: frozenset[str]) -> str:
    """The claim ``scope``; empty for none. Raises `ConfigurationError` for what is no scope."""
    return " ".join(checked_scopes(sorted(scopes)))


def _payload(members: str, more: Mapping[str, Any] | None) -> bytes:
    """The payload of the `members` that are written, which end without a brace, and `more`."""
    if not more:
        return f"{members}}}".encode("ascii")
    payload = f"{members},{_encode(dict(more))[1:]}".encode("ascii")
    # Verifiers refuse some JSON that Python writes: lone surrogates, deep nesting, huge integers.
    parse_object(payload)
    return payload


def _mistakes_in_lifetime(lifetime: float) -> list[str]:
    return [] if lifetime > 0 else ["lifetime is not positive: give the seconds until a token expires, 600 for example"]


def _mistakes_in_names(subject: str, kind: PrincipalKind, client_id: str | None) -> list[str]:
    mistakes: list[str] = []
    if not is_identifier(subject):
        mistakes.append("the principal's id cannot be a sub: at most 255 characters, none of them a control character")
    if client_id is not None and not is_identifier(client_id):
        mistakes.append("client_id is no identifier: at most 255 characters, none of them a control character")
    # RFC 9068 §5: a user must not be able to choose a user name that makes the user look like a client.
    if kind == "client" and client_id != subject:
        mistakes.append(f"client_id is not {subject!r}: the client's own token would look like that of a user")
    if kind == "user" and client_id == subject:
        mistakes.append(f"the user {subject!r} has the name of the client: the token would look like the client's own")
    return mistakes


def _mistakes_in_claims(claims: Mapping[str, Any]) -> list[str]:
    taken = sorted(_WRITTEN_HERE.intersection(claims))
    return [f"claims= contains {name!r}, which TokenIssuer writes itself: leave it out" for name in taken]
