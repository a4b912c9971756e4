"""Page that an error handler of the application makes of a refusal, for a navigation: what of it is sent.

A handler may answer a page with the status of the refusal, or a redirect. Anything else would be a success that the
caller did not earn, or would hide the refusal, so that the refusal is sent as it is. Challenges, ``Vary``,
``Cache-Control: no-store`` and the clearing of cookies belong to the refusal, and stay.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from authmw.flow.application_code import where_raised
from authmw.http.refusal import Refusal
from authmw.http.response import Response
from authmw.http.set_cookie import without_cookies_set

logger: Final = logging.getLogger("authmw")

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OF_THE_REFUSAL: Final = frozenset(
    {
        *("accept-ranges", "age", "cache-control", "content-length", "content-range", "etag", "expires"),
        *("last-modified", "pragma", "retry-after", "trailer", "transfer-encoding", "www-authenticate"),
    }
)
"""Headers of the handler's response that are not sent: those of the refusal count, or the content would be another."""


class RefusalPages:
    """The pages of one application. What is wrong with one of its handlers is logged once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, int, str]] = set()

    @staticmethod
    def asks(refusal: Refusal) -> bool:
        """Whether a handler of the application is asked: for a navigation that is not sent to a login page."""
        return not refusal.login and refusal.is_navigation

    def response(
        self, refusal: Refusal, handler: str, status: int, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Response:
        """The response to a refused navigation.

        Args:
            refusal: the refusal.
            handler: what made the response, in words for the log.
            status: of its response.
            headers: of its response.
            body: of its response.
        """
        headers = [each for each in headers if each[0].lower() not in _OF_THE_REFUSAL]
        leads_away = status in _REDIRECTS and any(name.lower() == "location" for name, _ in headers)
        if status != refusal.status and not leads_away:
            self._tell(refusal, handler, f"answered {status}: answer {refusal.status} or a redirect")
            return refusal.response()
        own = refusal.kept_headers(refusal.navigation_vary)
        kept = [*headers, *without_cookies_set(own, headers)]
        return Response(status, (*kept, ("Content-Length", str(len(body)))), body)

    def failed(self, refusal: Refusal, handler: str, error: Exception) -> Response:
        """The response where a handler raised `error`: the refusal, which has to be sent in any case."""
        self._tell(refusal, handler, f"raised {type(error).__name__}{where_raised(error)}")
        return refusal.response()

    def _tell(self, refusal: Refusal, handler: str, fault: str) -> None:
        known = (handler, refusal.status, fault)
        if known not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(known)
            logger.error("%s, asked about a %d, %s; the refusal is sent as it is", handler, refusal.status, fault)


_MOST_TOLD: Final = 100
