"""Whether a request comes from a page of our own: the defence of cookies against other sites (CSRF).

A browser adds cookies by itself, whoever made it send the request. What a script can neither set nor take away tells
who that was: ``Sec-Fetch-Site`` (Fetch Metadata §2.3), and ``Origin`` (RFC 6454 §7) in browsers older than that. What
a request says about its own host, in ``Host`` or ``X-Forwarded-*``, is never believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from authmw.errors import ConfigurationError
from authmw.http.location import Location, mistake_in_url
from authmw.http.request import RequestHead

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing (RFC 9110 §9.2.1). TRACE is left out: nobody has a use for it."""


def is_unsafe(request: RequestHead) -> bool:
    """Whether the request may change something. A websocket may, though its handshake is a GET."""
    return request.method not in SAFE_METHODS or request.is_websocket


def is_from(request: RequestHead, origins: frozenset[str]) -> bool:
    """Whether a page of `origins` made the browser send the request.

    A request that tells neither way is none: whatever is no browser has no need of cookies.
    """
    origin = request.header("origin")
    # A sandboxed frame, a local file, a redirect from elsewhere: whoever it was, it does not say.
    if origin == "null":
        return False
    site = request.header("sec-fetch-site")
    # "none" is a person who typed a URL, which makes no unsafe request of ours: those come from our pages.
    return origin in origins if site is None else site == "same-origin"


def checked_origins(origins: Iterable[str], taker: str) -> frozenset[str]:
    """`origins`, each as a browser writes it: scheme, host and, unless it is the scheme's own, port.

    Args:
        origins: the origins of an application's pages.
        taker: who takes them, for the message.

    Raises:
        ConfigurationError: every mistake at once, with its fix.

    >>> sorted(checked_origins(["https://shop.example", "http://localhost:5000"], "CookieMode"))
    ['http://localhost:5000', 'https://shop.example']
    """
    each: list[Any] = [] if isinstance(origins, str) else list(origins)
    mistakes = [f"{taker}(origins=...): {mistake}" for origin in each for mistake in _mistakes_in(origin)]
    if not each:
        mistakes.append(f"{taker}(origins=...) is a list of where the pages are: origins=['https://shop.example']")
    if mistakes:
        raise ConfigurationError(*mistakes)
    return frozenset(each)


def _mistakes_in(origin: object) -> list[str]:
    wrong = mistake_in_url(origin)
    if wrong or not isinstance(origin, str):
        return [f"{origin!r} is no origin ({wrong}): write scheme, host and port, as 'https://shop.example'"]
    written = Location.of(origin).base
    if origin == written:
        return []
    return [
        f"{origin!r} is not written as browsers write an origin: {written!r}, in lower case, "
        "without a slash after the host, and without the port of the scheme"
    ]
