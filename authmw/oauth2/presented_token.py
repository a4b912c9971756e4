"""The token in a request to revoke or introspect it, and the lookup of tokens of every kind.

The kind of a token is known from its form: refresh tokens, opaque access tokens and JWTs have nothing in common. So
``token_type_hint`` is not read, and an unknown or wrong hint does no harm (RFC 7009 §2.1, RFC 7662 §2.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final, Protocol

from authmw.crypto.chained_tokens import RefreshToken
from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import has_checksum, token_digest
from authmw.errors import FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.request import RequestHead
from authmw.identity.credentials import BearerToken
from authmw.identity.principal import Principal
from authmw.identity.verdict import Authenticated
from authmw.oauth2.client_authentication import ClientAuthentication, authenticate_client
from authmw.oauth2.form import read_form
from authmw.oauth2.refresh import FamilyLookup, find_family
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
        ...

    @property
    def keys(self) -> KeyRing | None:
        """Verifies JWTs; None where access tokens are opaque."""
        ...

    @property
    def audience(self) -> tuple[str, ...]:
        """The APIs that the tokens are for."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class Presented:
    """A request about a token.

    Args:
        client: the client that makes the request, authenticated if it is confidential.
        token: the token, which may be any text.
    """

    client: Client
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FoundRefreshToken:
    """A refresh token and its family."""

    token: RefreshToken
    family: RefreshFamily


Found = FoundRefreshToken | TokenRecord | Principal
"""A token that was found: for a JWT whose signature and claims are valid, its principal."""


def read_presented(service: ClientAuthentication, request: RequestHead) -> Flow[Presented | OAuthError]:
    """The client and the token of a request (RFC 7009 §2.1, RFC 7662 §2.1)."""
    form = yield from read_form(request)
    if isinstance(form, OAuthError):
        return form
    client = yield from authenticate_client(service, request, form)
    if isinstance(client, OAuthError):
        return client
    token = form.get("token")
    return invalid_request("A token is needed.") if token is None else Presented(client, token)


def find(service: TokenLookup, text: str) -> Flow[Found | None]:
    """The token `text` of this issuer, of any client; None for none. An expired JWT is not found."""
    refresh = RefreshToken.parse(text)
    if refresh is not None:
        family = yield from find_family(service, refresh)
        return None if family is None else FoundRefreshToken(refresh, family)
    if has_checksum(text, _OPAQUE):
        return (yield from _stored(service, token_digest(text)))
    return _signed(service, text)


def _stored(service: TokenLookup, sought: str) -> Flow[TokenRecord | None]:
    record = _checked((yield from Ask(service.tokens.find_token, sought)))
    # Compared again, in constant time: a store may match loosely.
    return record if record is not None and compare_digest(record.digest.encode(), sought.encode()) else None


def _checked(found: object) -> TokenRecord | None:
    if found is not None and not isinstance(found, TokenRecord):
        raise FlowError(f"find_token answers a TokenRecord or None, not {type(found).__name__}")
    return found


def _signed(service: TokenLookup, text: str) -> Principal | None:
    if service.keys is None:
        return None
    # Without a feed: an endpoint that has to know whether it is revoked asks the store.
    verifier = JWTVerifier(service.keys, issuer=service.issuer, audience=service.audience, clock=service.clock)
    verdict = verifier.verify(BearerToken(text))
    return verdict.principal if isinstance(verdict, Authenticated) else None
