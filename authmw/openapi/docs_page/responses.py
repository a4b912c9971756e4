"""Responses of the docs page, with the headers of each of them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from authmw.http.response import Response

if TYPE_CHECKING:
    from authmw.http.request import RequestHead

Headers = tuple[tuple[str, str], ...]

_ALWAYS: Final[Headers] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Headers of all responses: no guess of the type, no ``Referer`` to other sites, no use in pages of other sites."""

_REVALIDATED: Final = ("Cache-Control", "private, no-cache")


def content(request: RequestHead, body: bytes, kind: str, headers: Headers = ()) -> Response:
    """`body`, or a 304 for a client that has it already (RFC 9110 §13.1.2).

    A cached copy has to be validated each time (RFC 9111 §5.2.2.4), so that no script is older than its page.
    """
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    known: Headers = (_REVALIDATED, ("ETag", tag), *_ALWAYS, *headers)
    if _has(request.header("if-none-match"), tag):
        return Response(304, known, b"")
    return _response(200, body, kind, known)


def uncached(body: bytes, kind: str, headers: Headers) -> Response:
    """`body`, which no cache stores: its URL has an authorization code in it."""
    return _response(200, body, kind, (("Cache-Control", "no-store"), *_ALWAYS, *headers))


def slash_appended(request: RequestHead) -> Response:
    """Redirect from ``/docs`` to ``/docs/`` below any prefix, by a relative reference (RFC 3986 §4.2)."""
    path = request.target.partition("?")[0]
    segment = quote(path.rpartition("/")[2], safe="%~:@!$&'()*+,;=")
    return _response(307, b"", "text/plain", (("Location", f"./{segment}/"), ("Cache-Control", "no-store"), *_ALWAYS))


def not_found() -> Response:
    """404: the page has no such file."""
    return _response(404, b"There is no such page.\n", "text/plain; charset=utf-8", _ALWAYS)


def method_not_allowed() -> Response:
    """405: every resource here is read-only."""
    return _response(405, b"Use GET.\n", "text/plain; charset=utf-8", (("Allow", "GET, HEAD"), *_ALWAYS))


def _response(status: int, body: bytes, kind: str, headers: Headers) -> Response:
    return Response(status, (("Content-Type", kind), ("Content-Length", str(len(body))), *headers), body)


def _has(condition: str | None, tag: str) -> bool:
    tags = (each.strip(" \t").removeprefix("W/") for each in (condition or "").split(","))
    return any(each in ("*", tag) for each in tags)
