"""Origin check: the protection of cookies against requests that other sites cause (CSRF).

A browser adds cookies to every request, also to a request that a page of another site caused. Two headers say which
page that was: ``Sec-Fetch-Site`` (Fetch Metadata §2.3), and ``Origin`` (RFC 6454 §7) in older browsers. No script can
set or remove them. The host of the request itself, in ``Host`` or ``X-Forwarded-*``, is never used.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from authmw.errors import ConfigurationError
from authmw.http.location import Location, mistake_in_url
from authmw.http.request import RequestHead

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing (RFC 9110 §9.2.1). TRACE is left out, because no application needs it."""


OWN_SITE: Final = "same-origin"
"""The value of ``Sec-Fetch-Site`` by which a browser says that a page of the same origin caused the request."""
HIDDEN: Final = "null"
"""The value of ``Origin`` that hides it (RFC 6454 §7.1): of a sandboxed frame, a local file, or a redirect from another
site."""


def is_unsafe(request: RequestHead) -> bool:
    """Whether the request may change something. A websocket may do that, although its handshake is a GET."""
    return request.method not in SAFE_METHODS or request.is_websocket


class Cause(Enum):
    """What caused a request, as far as its headers tell."""

    OWN_PAGE = "own page"
    """A page of the application."""
    OTHER_SITE = "other site"
    """A page of another site, or of an origin that is hidden."""
    UNKNOWN = "unknown"
    """No header tells. Browsers send one of the two; a program, or a proxy in between, may not."""


def cause_of(request: RequestHead, origins: frozenset[str]) -> Cause:
    """What caused a request that may change something.

    Args:
        request: the request.
        origins: the origins of the application's pages. If there are none, ``Origin`` alone tells nothing: what it is
            compared with would have to come from the request itself.
    """
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    if origin == HIDDEN:
        return Cause.OTHER_SITE
    if site is not None:
        # "none" means that the user typed the URL. That is not accepted: unsafe requests come only from the pages.
        return Cause.OWN_PAGE if site == OWN_SITE else Cause.OTHER_SITE
    if origin is None or not origins:
        return Cause.UNKNOWN
    return Cause.OWN_PAGE if origin in origins else Cause.OTHER_SITE


def is_from(request: RequestHead, origins: frozenset[str]) -> bool:
    """Whether a page of `origins` caused the request.

    False for a request without both headers: only browsers need cookies, and browsers send one of the headers.
    """
    return cause_of(request, origins) is Cause.OWN_PAGE


def checked_origins(origins: Iterable[str], receiver: str) -> frozenset[str]:
    """`origins`, if each is written as browsers write it: scheme, host and port, without the scheme's default port.

    Args:
        origins: the origins of the application's pages.
        receiver: the name of the class that has the setting, for the message.

    Raises:
        ConfigurationError: an origin is wrong, or there is none. The message names all mistakes.

    >>> sorted(checked_origins(["https://shop.example", "http://localhost:5000"], "CookieMode"))
    ['http://localhost:5000', 'https://shop.example']
    """
    each: list[Any] = [] if isinstance(origins, str) else list(origins)
    mistakes = [f"{receiver}(origins=...): {mistake}" for origin in each for mistake in _mistakes_in(origin)]
    if not each:
        mistakes.append(f"{receiver}(origins=...) lists the origins of the pages: origins=['https://shop.example']")
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
