"""What is answered, with what holds for every answer: its type is what it says, and it tells nobody where it was."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from authmw.http.response import Response

if TYPE_CHECKING:
    from authmw.http.request import RequestHead

Headers = tuple[tuple[str, str], ...]

ALWAYS: Final[Headers] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""What the answers with content are sent with. No other site may take them into its pages."""

_ASKED_FOR_EACH_TIME: Final = ("Cache-Control", "private, no-cache")


def content(request: RequestHead, body: bytes, kind: str, headers: Headers = ()) -> Response:
    """`body`, or a 304 for who has it already (RFC 9110 §13.1.2).

    A copy may be kept, and whether it still holds is asked for each time: so no script is older than its page.
    """
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    kept: Headers = (_ASKED_FOR_EACH_TIME, ("ETag", tag), *ALWAYS, *headers)
    if _has(request.header("if-none-match"), tag):
        return Response(304, kept, b"")
    return _response(200, body, kind, kept)


def kept_nowhere(body: bytes, kind: str, headers: Headers) -> Response:
    """`body`, which comes with an address that nobody should find again."""
    return _response(200, body, kind, (("Cache-Control", "no-store"), *ALWAYS, *headers))


def one_slash_further(request: RequestHead) -> Response:
    """From ``/docs`` to ``/docs/``, wherever both are: only the last segment is said (RFC 3986 §4.2)."""
    path = request.target.partition("?")[0]
    segment = quote(path.rpartition("/")[2], safe="%~:@!$&'()*+,;=")
    return _response(307, b"", "text/plain", (("Location", f"./{segment}/"), ("Cache-Control", "no-store"), *ALWAYS))


def not_found() -> Response:
    """Nothing is there."""
    return _response(404, b"There is no such page.\n", "text/plain; charset=utf-8", ALWAYS)


def method_not_allowed() -> Response:
    """Everything here is only read."""
    return _response(405, b"Use GET.\n", "text/plain; charset=utf-8", (("Allow", "GET, HEAD"), *ALWAYS))


def _response(status: int, body: bytes, kind: str, headers: Headers) -> Response:
    return Response(status, (("Content-Type", kind), ("Content-Length", str(len(body))), *headers), body)


def _has(condition: str | None, tag: str) -> bool:
    tags = (each.strip(" \t").removeprefix("W/") for each in (condition or "").split(","))
    return any(each in ("*", tag) for each in tags)
