"""Decisions of endpoints: their events, and one log record each, at INFO by the logger ``authmw.oauth2``."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Final, TypedDict

from authmw.events import log
from authmw.events.hub import hub
from authmw.events.log import Field
from authmw.events.records import LoggedIn, LoginFailed, Refreshed, RequestRefused, TokenIssued
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.identity.calling import active_call
from authmw.oauth2.access_tokens import Grant
from authmw.oauth2.reply import OAuthError

logger: Final = logging.getLogger("authmw.oauth2")
_GRANTS_OF_PAGES: Final = {"login": "password", "refresh": "refresh_token"}


class _Told(TypedDict):
    """What the events of a grant have in common."""

    principal: str
    session: str
    client: str
    source: str
    seconds: float


class Decision:
    """The decision about one request. The endpoint fills in what it learns of the request.

    Args:
        endpoint: the name of the endpoint, as ``token``.
        request: the request, for its source.
    """

    __slots__ = ("_began", "_endpoint", "_request", "client", "grant_type", "principal")

    def __init__(self, endpoint: str, request: RequestHead) -> None:
        self._endpoint = endpoint
        self._request = request
        self._began = perf_counter()
        self.grant_type: str = ""
        """The grant type in the request."""
        self.client: str = ""
        """The id of the client, once it is authenticated."""
        self.principal: str = ""
        """The id of the user or client that a token is about."""

    def refused(self, error: OAuthError) -> Response:
        """Log a refusal, and return its response."""
        if hub.listening:
            self._tell_of_refusal(error)
        if self._is_written():
            self._write("refused", error=error.error, status=error.status, detail=error.detail or error.description)
        return error.response()

    def issued(self, grant: Grant) -> None:
        """Log that tokens were issued for `grant`."""
        self.principal = grant.subject
        if hub.listening:
            self._tell_of_tokens(grant)
        if self._is_written():
            self._write("issued", family=grant.family_id or "", scope=grant.scope)

    def completed(self, event: str, **more: str) -> None:
        """Log what was done."""
        if self._is_written():
            self._write(event, **more)

    def _tell_of_refusal(self, error: OAuthError) -> None:
        source, client = self._request.client, self.client
        hub.emit(
            RequestRefused(
                code=error.error,
                status=error.status,
                client=client,
                source=source,
                method=self._request.method,
                path=self._request.path,
                endpoint=self._endpoint,
                detail=error.detail or error.description,
            )
        )
        if self._grant() == "password" and (error.reason or error.error == "invalid_grant"):
            code = error.reason or error.error
            hub.emit(LoginFailed(code=code, client=client, source=source, seconds=self._seconds()))

    def _tell_of_tokens(self, grant: Grant) -> None:
        told = _Told(
            principal=grant.subject,
            session=grant.family_id or "",
            client=self.client or grant.client_id or "",
            source=self._request.client,
            seconds=self._seconds(),
        )
        kind = self._grant()
        if kind == "password":
            hub.emit(LoggedIn(**told))
        elif kind == "refresh_token":
            hub.emit(Refreshed(**told))
        hub.emit(TokenIssued(grant=kind, scopes=tuple(sorted(grant.scopes)), **told))

    def _grant(self) -> str:
        """The grant: of the request, or the one that an endpoint for pages stands for."""
        return _GRANTS_OF_PAGES.get(self._endpoint, self.grant_type)

    def _seconds(self) -> float:
        return perf_counter() - self._began

    def _is_written(self) -> bool:
        return log.is_written(logger, logging.INFO, debug=_is_debugged(self._request))

    def _write(self, event: str, **more: Field) -> None:
        fields: dict[str, Field] = {
            "endpoint": self._endpoint,
            "grant": self.grant_type,
            "client": self.client,
            "principal": self.principal,
            "source": self._request.client,
            **more,
        }
        log.write(logger, logging.INFO, event, fields, debug=_is_debugged(self._request))


def _is_debugged(request: RequestHead) -> bool:
    """Whether the application is in debug mode: only the middleware in front of a mounted endpoint may know it."""
    call = active_call()
    return request.debug or (call is not None and call.request.debug)
