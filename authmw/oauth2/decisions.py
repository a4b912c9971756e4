"""What is logged of each decision of an endpoint: one record under ``authmw.oauth2``, with no secret in it.

What was granted is INFO, since it is rare and matters; so is what was refused.
"""

from __future__ import annotations

import logging
from typing import Final

from authmw.engine import audit
from authmw.http.request import RequestHead
from authmw.http.response import Response
from authmw.oauth2.reply import OAuthError

logger: Final = logging.getLogger("authmw.oauth2")


class Decision:
    """One request to one endpoint, as far as it has got. What is learnt of it is written onto it.

    Args:
        endpoint: as ``token``.
        request: who asks.
    """

    __slots__ = ("_endpoint", "_request", "client", "grant", "principal")

    def __init__(self, endpoint: str, request: RequestHead) -> None:
        self._endpoint = endpoint
        self._request = request
        self.grant: str = ""
        """The grant type that was asked for."""
        self.client: str = ""
        """The id of the client, once it has proved to be it."""
        self.principal: str = ""
        """The id of the user or client a token is about."""

    def refused(self, error: OAuthError) -> Response:
        """Record a refusal; its answer."""
        self._write("refused", error=error.error, status=str(error.status), detail=error.detail or error.description)
        return error.response()

    def taken(self, event: str, **more: str) -> None:
        """Record what was done."""
        self._write(event, **more)

    def _write(self, event: str, **more: str) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        fields = {
            "endpoint": self._endpoint,
            "grant": self.grant,
            "client": self.client,
            "principal": self.principal,
            "source": self._request.client,
            **more,
        }
        audit.write(logger, logging.INFO, event, fields)
