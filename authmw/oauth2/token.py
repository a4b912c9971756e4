"""The token endpoint and its table of grants (RFC 6749 §3.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakSet

from authmw.flow.flow import Flow
from authmw.http.form import Form
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.access_tokens import Issued
from authmw.oauth2.audit import Decision, logger
from authmw.oauth2.client_authentication import ClientAuthentication, authenticate_client
from authmw.oauth2.client_credentials import ClientTokenIssuance, client_credentials
from authmw.oauth2.form import read_form
from authmw.oauth2.password import PasswordLogin, password
from authmw.oauth2.refresh import SessionRenewal, refresh
from authmw.oauth2.reply import OAuthError, invalid_request
from authmw.stores.records import Client


class TokenGrants(PasswordLogin, SessionRenewal, ClientTokenIssuance, ClientAuthentication, Protocol):
    """What the grants of the token endpoint need, and the authentication of clients."""

    @property
    def grant_types(self) -> tuple[str, ...]:
        """The grants that are offered."""
        ...


GrantFlow = Callable[[TokenGrants, RequestHead, Form, Client], Flow[Issued | OAuthError]]

_GRANTS: Final[dict[str, GrantFlow]] = {
    "password": password,
    "refresh_token": refresh,
    "client_credentials": client_credentials,
}


def token(service: TokenGrants, request: RequestHead) -> Flow[Response]:
    """Tokens for a grant, or the error of RFC 6749 §5.2."""
    decision = Decision("token", request)
    form = yield from read_form(request)
    if isinstance(form, OAuthError):
        return decision.refused(form)
    issued = yield from _issue(service, request, form, decision)
    if isinstance(issued, OAuthError):
        return decision.refused(issued)
    decision.issued(issued.grant)
    return issued.response()


_MEND: Final = "write TokenService(..., password=True) if the login form is your own"
_TOLD: Final[WeakSet[TokenGrants]] = WeakSet()
"""The services that have said so. Once is enough: anyone can ask."""


def _unsupported(service: TokenGrants, grant_type: str) -> OAuthError:
    """The error for a grant that is not offered. The metadata of the service lists those that are (RFC 8414 §2)."""
    offered = ", ".join(service.grant_types)
    if grant_type == "password":
        if service not in _TOLD:
            _TOLD.add(service)
            logger.warning("a client asks for the password grant, which is off: %s", _MEND)
        return OAuthError(
            "unsupported_grant_type",
            f"The grant type password is not offered. Offered are: {offered}.",
            detail="the password grant is off",
        )
    told = "There is no such grant type."
    return OAuthError("unsupported_grant_type", f"{told} Offered are: {offered}.", detail=told)


def _issue(service: TokenGrants, request: RequestHead, form: Form, decision: Decision) -> Flow[Issued | OAuthError]:
    grant_type = form.get("grant_type")
    if grant_type is None:
        return invalid_request("A grant_type is needed.")
    decision.grant_type = grant_type
    # RFC 9700 §2.4: without TokenService(password=True) there is no password grant.
    grant_flow = _GRANTS.get(grant_type) if grant_type in service.grant_types else None
    if grant_flow is None:
        return _unsupported(service, grant_type)
    client = yield from authenticate_client(service, request, form)
    if isinstance(client, OAuthError):
        return client
    decision.client = client.id
    if grant_type not in client.grant_types:
        return OAuthError("unauthorized_client", "The client may not use this grant type.")
    # RFC 8707 §2: a request for other APIs, or for fewer, is an error: no token is valid for more than was requested.
    if form.resources and form.resources != frozenset(service.audience):
        return OAuthError("invalid_target", "Tokens are for all the resources of this server, and for no others.")
    return (yield from grant_flow(service, request, form, client))
