"""The revocation endpoint (RFC 7009).

With a refresh token its session ends, and all access tokens of it. An access token is revoked alone: §2.1 leaves it
open whether its refresh token is revoked too, and a client that wants that revokes the refresh token. JWTs are revoked
by their ``jti``, which verifiers that follow the revocations refuse (§2.2.1 would allow to refuse such a request).

Everything is stored and published before the response is sent.
"""

from __future__ import annotations

from typing import Protocol, assert_never

from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.principal import Principal
from authmw.oauth2.audit import Decision
from authmw.oauth2.client_authentication import ClientAuthentication
from authmw.oauth2.presented_token import FoundRefreshToken, TokenLookup, find, read_presented
from authmw.oauth2.reply import OAuthError, empty_response
from authmw.stores.records import Client, TokenRecord
from authmw.stores.revocation import TokenStores, end_session, end_signed_token, end_token


class TokenRevocation(TokenLookup, TokenStores, Protocol):
    """What tokens are revoked with."""


class RevocationEndpoint(TokenRevocation, ClientAuthentication, Protocol):
    """What the revocation endpoint needs."""


def revoke(service: RevocationEndpoint, request: RequestHead) -> Flow[Response]:
    """An empty 200, whether there was such a token or not (RFC 7009 §2.2), or the error of RFC 6749 §5.2."""
    decision = Decision("revoke", request)
    presented = yield from read_presented(service, request)
    if isinstance(presented, OAuthError):
        return decision.refused(presented)
    decision.client = presented.client.id
    revoked = yield from revoke_token(service, presented.client, presented.token)
    decision.completed("revoked", credential=revoked)
    return empty_response()


def revoke_token(service: TokenRevocation, client: Client, text: str) -> Flow[str]:
    """Revoke the token `text`, if it was issued to `client`.

    A second call repeats every step, because the first may have been interrupted.

    Returns:
        The id of the revoked token or session, for the log; empty for none.
    """
    found = yield from find(service, text)
    if found is None:
        return ""
    owner = found.family.client_id if isinstance(found, FoundRefreshToken) else found.client_id
    # RFC 7009 §2.1: a token that "was issued to another client" is not revoked. The response does not tell.
    if owner != client.id:
        return ""
    match found:
        case FoundRefreshToken(family=family):
            yield from end_session(service, family.id)
            return family.id
        case TokenRecord():
            yield from end_token(service, found)
            return found.id
        case Principal(credential_id=jti, expires_at=expires_at):
            if jti is None or expires_at is None:
                return ""  # not issued by a token service: its JWTs have both
            yield from end_signed_token(service, jti, expires_at)
            return jti
        case _:
            assert_never(found)
