"""Responses that authmw makes itself: status, headers and body, ready for any server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from authmw.http.request import Environ

WITHOUT_CONTENT: Final = frozenset({204, 304})
"""The statuses of responses that have no content, nor a ``Content-Length`` (RFC 9110 §8.6)."""


def is_told_to_preflight(name: str) -> bool:
    """Whether the header `name` of the application's answer to a CORS preflight goes to the client, who is nobody.

    >>> is_told_to_preflight("Access-Control-Allow-Origin"), is_told_to_preflight("Set-Cookie")
    (True, False)
    """
    name = name.lower()
    return name.startswith("access-control-") or name in ("allow", "cache-control", "vary")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response, ready for any server.

    Args:
        status: as ``401``.
        headers: names and values, in order.
        body: the bytes of the body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status_line(self) -> str:
        """As ``401 Unauthorized``."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


StartResponse = Callable[..., Callable[[bytes], object]]


WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]
