"""Error pages that frameworks make of refusals, and how they differ from responses of the application.

A framework without an adapter takes `AccessRefused` for a bug and responds with 500. Only that page may be replaced by
the refusal. It has two signs. Its status is exactly 500. And the traceback of the refusal begins in the function of the
framework that catches what no other code has caught. Where code of the application catches the refusal, the traceback
begins in a function of the application. Then each later response is the application's own, also the 500 of a bug.

Neither ``sys.exc_info()`` nor the lifetime of the exception is such a sign: Falcon, Flask and Quart have left their
``except`` block when the response starts.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Final, NamedTuple, cast

from authmw.engine.authentication import PRIVATE
from authmw.errors import Unavailable
from authmw.http.refusal import AccessRefused, Refusal
from authmw.http.set_cookie import without_cookies_set

logger: Final = logging.getLogger("authmw")
_SERVER_ERROR: Final = 500
_CACHE_CONTROL: Final = len("cache-control")
_CLOSED_BY_ERROR: Final = frozenset({1011, 4500})
"""Close codes that frameworks use for an exception: 1011 (RFC 6455 §7.4.1), and 4500 of Litestar."""


class _Framework(NamedTuple):
    """A framework that makes error pages of exceptions.

    Args:
        last: the functions that catch what no other code has caught.
        handler: registers what answers a refusal that is raised outside of an enforcing wrapper.
    """

    last: frozenset[str]
    handler: str


_FRAMEWORKS: Final = {
    "django": _Framework(frozenset({"inner"}), 'MIDDLEWARE = ["authmw_django.RefusalMiddleware", ...]'),
    "falcon": _Framework(frozenset({"__call__", "_handle_websocket"}), "app.add_error_handler(AccessRefused, ...)"),
    "flask": _Framework(frozenset({"wsgi_app"}), "FlaskAuth(app, auth)"),
    "litestar": _Framework(frozenset({"__call__"}), "Litestar(exception_handlers={AccessRefused: ...})"),
    "quart": _Framework(frozenset({"handle_request", "handle_websocket"}), "@app.errorhandler(AccessRefused)"),
    "starlette": _Framework(frozenset({"__call__"}), "app.add_middleware(authmw_starlette.AuthMiddleware, auth=auth)"),
}


def is_error_page(status: int) -> bool:
    """Whether a response of `status` may be the page of a framework for an unknown exception."""
    return status == _SERVER_ERROR


def is_error_close(code: int) -> bool:
    """Whether a framework may have closed a websocket with `code` because of an exception."""
    return code in _CLOSED_BY_ERROR


def caught_by_framework(refused: AccessRefused | Unavailable) -> str | None:
    """The framework whose last handler caught `refused`; None where the application caught it, or nobody yet."""
    handled: BaseException | None = sys.exc_info()[1]
    # A task group raises it inside a group. While the error page is sent, the group is still being handled.
    is_grouped = handled is not None and handled is not refused and refusal_in(handled) is not None
    trace = (handled if handled is not None and is_grouped else refused).__traceback__  # begins where it was caught
    if trace is None:
        return None
    name = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    framework = _FRAMEWORKS.get(name)
    function = trace.tb_frame.f_code.co_name.rpartition(".")[2]  # Cython writes the whole path of a function
    return name if framework is not None and function in framework.last else None


def log_missing_handler(refused: AccessRefused, framework: str) -> None:
    """Log why a refusal became an error page."""
    logger.error(
        "%s was raised outside of a decorated function, and %s took it for a bug: decorate the function, or register a "
        "handler: %s (page Middleware, Refusals from below)",
        refused,
        framework,
        _FRAMEWORKS[framework].handler,
    )


def refusal_in(error: BaseException | None) -> Refusal | None:
    """The refusal in `error`: `error` itself, or in a group that has no other error in it."""
    if isinstance(error, AccessRefused):
        return error.refusal
    if not isinstance(error, ExceptionGroup):
        return None
    refusals = [refusal_in(each) for each in cast("ExceptionGroup[Exception]", error).exceptions]
    return None if None in refusals else refusals[0]


_OF_THE_PAGE: Final = frozenset(
    {
        *("accept-ranges", "age", "allow", "cache-control", "etag", "expires", "last-modified", "location", "pragma"),
        *("content-disposition", "content-encoding", "content-language", "content-length", "content-location"),
        *("content-range", "content-type", "retry-after", "trailer", "transfer-encoding", "www-authenticate"),
    }
)


def is_added_by_layer(name: str) -> bool:
    """Whether the header `name` stays when an error page is replaced: it does not describe the page (as CORS).

    >>> is_added_by_layer("Access-Control-Allow-Origin"), is_added_by_layer("Content-Length")
    (True, False)
    """
    return name.lower() not in _OF_THE_PAGE


def without_repeats(own: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of `own` that `headers` do not contain already. A refusal that a framework carries has its ``Vary``.

    `PRIVATE` is left out if `headers` say anything about caching, and a ``Set-Cookie`` as in `without_cookies_set`.

    >>> without_repeats([("Vary", "Authorization"), PRIVATE], [("vary", "Origin, Authorization")])
    [('Cache-Control', 'private')]
    >>> without_repeats([PRIVATE], [("cache-control", "public")])
    []
    """
    headers = list(headers)
    said = [(name.lower(), value) for name, value in headers]
    return [
        each
        for each in without_cookies_set(own, headers)
        if not any(
            known == each[0].lower() and (each == PRIVATE or _members(value) >= _members(each[1]))
            for known, value in said
        )
    ]


def says_caching(headers: Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether `headers` say anything about caching, so that `PRIVATE` is left out.

    >>> says_caching([("Vary", "Cookie"), ("CACHE-CONTROL", "public")]), says_caching([(b"vary", b"Cookie")])
    (True, False)
    """
    for name, _ in headers:
        if len(name) == _CACHE_CONTROL and name.lower() in ("cache-control", b"cache-control"):
            return True
    return False


def _members(value: str) -> set[str]:
    return {member.strip().lower() for member in value.split(",")}
