"""A token that a client presents to be revoked or looked at, and what it is.

What a token is can be told by its shape: refresh tokens, opaque access tokens and JWTs have nothing in common. So all
types are always searched, and ``token_type_hint`` is not looked at: an unknown or wrong one does no harm (RFC 7009
§2.1, RFC 7662 §2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Protocol

from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import digest, has_checksum
from authmw.errors import FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated
from authmw.oauth2.client_authentication import ClientAuthentication, authenticate_client
from authmw.oauth2.form import read_form
from authmw.oauth2.refresh import FamilyLookup, find_family
from authmw.oauth2.refresh_tokens import RefreshToken
from authmw.oauth2.reply import OAuthError, invalid_request
from authmw.stores.ports import TokenKeeper
from authmw.stores.records import Client, RefreshFamily, TokenRecord
from authmw.verifiers.jwt import JWTVerifier

_OPAQUE: Final = "at"


class TokenLookup(FamilyLookup, Protocol):
    """Where tokens of every kind are looked up."""

    @property
    def tokens(self) -> TokenKeeper:
        """Opaque access tokens."""

    @property
    def keys(self) -> KeyRing | None:
        """Verifies JWTs; None where access tokens are opaque."""

    @property
    def audience(self) -> tuple[str, ...]:
        """The APIs that the tokens are for."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A request about a token.

    Args:
        client: who asks, authenticated as far as it can be.
        token: the token, which may be anything.
    """

    client: Client
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refreshing:
    """A refresh token, and the login it is from."""

    token: RefreshToken
    family: RefreshFamily


Found = Refreshing | TokenRecord | Principal
"""What a token is: for a JWT whose signature and claims hold, the principal it is about."""


def read_presented(service: ClientAuthentication, request: RequestHead) -> Flow[Presented | OAuthError]:
    """Who asks about which token (RFC 7009 §2.1, RFC 7662 §2.1)."""
    form = yield from read_form(request)
    if isinstance(form, OAuthError):
        return form
    client = yield from authenticate_client(service, request, form)
    if isinstance(client, OAuthError):
        return client
    token = form.get("token")
    return invalid_request("A token is needed.") if token is None else Presented(client, token)


def find(service: TokenLookup, text: str) -> Flow[Found | None]:
    """What `text` is a token of ours for, whoever's it is; None for nothing. A JWT that has expired is nothing."""
    refresh = RefreshToken.parse(text)
    if refresh is not None:
        family = yield from find_family(service, refresh)
        return None if family is None else Refreshing(refresh, family)
    if has_checksum(text, _OPAQUE):
        return (yield from _stored(service, digest(text)))
    return _signed(service, text)


def _stored(service: TokenLookup, sought: str) -> Flow[TokenRecord | None]:
    record = _checked((yield from Ask(service.tokens.find_token, sought)))
    # The store compared already; this one does so in constant time, and backs up a store that matches loosely.
    return record if record is not None and compare_digest(record.digest.encode(), sought.encode()) else None


def _checked(found: object) -> TokenRecord | None:
    if found is not None and not isinstance(found, TokenRecord):
        raise FlowError(f"find_token answers a TokenRecord or None, not {type(found).__name__}")
    return found


def _signed(service: TokenLookup, text: str) -> Principal | None:
    if service.keys is None:
        return None
    # Without a feed: whether it is revoked is asked of the store, by whoever wants to know.
    verifier = JWTVerifier(service.keys, issuer=service.issuer, audience=service.audience, clock=service.clock)
    verdict = verifier.verify(BearerToken(text))
    return verdict.principal if isinstance(verdict, Authenticated) else None
