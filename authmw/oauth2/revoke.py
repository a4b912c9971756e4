"""The revocation endpoint (RFC 7009).

A refresh token takes the access tokens of its login with it. An access token goes alone: §2.1 leaves it open whether
the refresh token goes too, and a client that wants that has the refresh token to revoke. JWTs are revoked by their
``jti``, which verifiers that follow the revocations refuse (§2.2.1 would have allowed to refuse the request).

Everything is stored and published before the answer is sent.
"""

from __future__ import annotations

from typing import Protocol, assert_never

from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.principal import Principal
from authmw.oauth2.client_authentication import ClientAuthentication
from authmw.oauth2.decisions import Decision
from authmw.oauth2.ending import TokenStores, end_session, end_signed_token, end_token
from authmw.oauth2.presented_token import Refreshing, TokenLookup, find, read_presented
from authmw.oauth2.reply import OAuthError, empty_response
from authmw.stores.records import Client, TokenRecord


class TokenRevocation(TokenLookup, TokenStores, Protocol):
    """What tokens are revoked with."""


class RevocationEndpoint(TokenRevocation, ClientAuthentication, Protocol):
    """What the revocation endpoint needs."""


def revoke(service: RevocationEndpoint, request: RequestHead) -> Flow[Response]:
    """An empty 200, whether there was such a token or not (§2.2), or the error of RFC 6749 §5.2."""
    decision = Decision("revoke", request)
    presented = yield from read_presented(service, request)
    if isinstance(presented, OAuthError):
        return decision.refused(presented)
    decision.client = presented.client.id
    revoked = yield from revoke_token(service, presented.client, presented.token)
    decision.taken("revoked", credential=revoked)
    return empty_response()


def revoke_token(service: TokenRevocation, client: Client, text: str) -> Flow[str]:
    """Refuse the token `text` from now on, if it is one of `client`.

    A second time does everything again: who did it before may have died in between.

    Returns:
        The id of what is revoked, for the log; empty for nothing.
    """
    found = yield from find(service, text)
    if found is None:
        return ""
    owner = found.family.client_id if isinstance(found, Refreshing) else found.client_id
    # §2.1: a token that "was issued to another client" is left alone. That is not told, so that nothing is learnt.
    if owner != client.id:
        return ""
    match found:
        case Refreshing(family=family):
            yield from end_session(service, family.id)
            return family.id
        case TokenRecord():
            yield from end_token(service, found)
            return found.id
        case Principal(credential_id=jti, expires_at=expires_at):
            if jti is None or expires_at is None:
                return ""  # no token of this service: those have both
            yield from end_signed_token(service, jti, expires_at)
            return jti
        case _:
            assert_never(found)
