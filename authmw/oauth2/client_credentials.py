"""The client credentials grant: an access token about the client itself (RFC 6749 §4.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.flow import Ask, Flow
from authmw.http.form import Form
from authmw.http.request import RequestHead
from authmw.oauth2.access_tokens import Grant, Issued, TokenIssuance, issue
from authmw.oauth2.client_authentication import ClientRegistry, is_disabled
from authmw.oauth2.granted_scopes import ScopeLimits, granted_scopes, requested_scopes
from authmw.oauth2.reply import OAuthError, invalid_client
from authmw.stores.records import Client


class ClientTokenIssuance(TokenIssuance, ScopeLimits, ClientRegistry, Protocol):
    """What access tokens of clients are issued with."""

    @property
    def realm(self) -> str:
        """Named in the challenge of clients."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...


def client_credentials(
    service: ClientTokenIssuance, request: RequestHead, form: Form, client: Client
) -> Flow[Issued | OAuthError]:
    """An access token about the client. There is no refresh token: it can authenticate again (RFC 6749 §4.4.3)."""
    # RFC 6749 §4.4: "MUST only be used by confidential clients": a public client proves nothing.
    if client.auth_method == "none":
        return OAuthError("unauthorized_client", "The client may not use this grant type.", detail="a public client")
    requested = requested_scopes(form)
    if isinstance(requested, OAuthError):
        return requested
    scopes = granted_scopes(requested, client.scopes, service.scopes)
    if isinstance(scopes, OAuthError):
        return scopes
    grant = Grant(subject=client.id, kind="client", client_id=client.id, scopes=scopes)
    issued = yield from issue(service, grant, service.clock())
    if isinstance(issued, OAuthError) or not (yield from is_disabled(service, client)):
        return issued
    # The client was disabled while this token was made, so that its revocation did not find the token yet.
    if service.token_signer is None:
        yield from Ask(service.tokens.revoke_token, token_digest(issued.access_token), service.clock())
    return invalid_client(service.realm, basic=request.authorization is not None, detail=f"{client.id!r} was disabled")
