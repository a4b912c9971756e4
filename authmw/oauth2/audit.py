"""Log records of the decisions of endpoints: one each at INFO, by the logger ``authmw.oauth2``, without secrets."""

from __future__ import annotations

import logging
from typing import Final

from authmw.engine import audit
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.reply import OAuthError

logger: Final = logging.getLogger("authmw.oauth2")


class Decision:
    """The decision about one request. The endpoint fills in what it learns of the request.

    Args:
        endpoint: the name of the endpoint, as ``token``.
        request: the request, for its source.
    """

    __slots__ = ("_endpoint", "_request", "client", "grant_type", "principal")

    def __init__(self, endpoint: str, request: RequestHead) -> None:
        self._endpoint = endpoint
        self._request = request
        self.grant_type: str = ""
        """The grant type in the request."""
        self.client: str = ""
        """The id of the client, once it is authenticated."""
        self.principal: str = ""
        """The id of the user or client that a token is about."""

    def refused(self, error: OAuthError) -> Response:
        """Log a refusal, and return its response."""
        self._write("refused", error=error.error, status=str(error.status), detail=error.detail or error.description)
        return error.response()

    def completed(self, event: str, **more: str) -> None:
        """Log what was done."""
        self._write(event, **more)

    def _write(self, event: str, **more: str) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "endpoint": self._endpoint,
            "grant": self.grant_type,
            "client": self.client,
            "principal": self.principal,
            "source": self._request.client,
            **more,
        }
        audit.write(logger, logging.INFO, event, fields)
