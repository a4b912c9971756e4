"""Parameter ``next`` of a login page: the path that a caller asked for, and the check before anybody is sent there.

An open redirect sends a person who has just logged in to a page of an attacker (CVE-2021-32618, CVE-2023-49438;
RFC 9700 §4.11). So only a path of this origin is written, and only one is accepted.
"""

from __future__ import annotations

import re
from typing import Final

from authmw.http.request import RequestHead
from authmw.http.target import path_of, query_values

NEXT: Final = "next"
"""The parameter with the path to return to."""
REAUTHENTICATE: Final = "reauthenticate"
"""The parameter that asks for a login in any case: ``reauthenticate=1``."""

MAX_NEXT: Final = 2048
"""The longest value of ``next``, in characters: a URL with it stays below the 8 KiB that servers take."""

# RFC 3986 §3.3 and §3.4: a path that begins with one slash, and a query. Browsers take a backslash for a slash, and
# drop tabs and line breaks anywhere in a URL (WHATWG URL §4.4), so "/\t/evil.example" is another host for them: none
# of these is allowed. Nor is an empty segment, which a dot segment before it would bring to the begin of the path, nor
# an escaped control character in the path: no page has one.
_SEGMENT: Final = r"(?:[!$&'()*+,\-.0-9:;=@A-Z_a-z~]|%(?![01]|7[Ff])[0-9A-Fa-f]{2})"
_QUERY: Final = r"(?:[!$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%(?!00)[0-9A-Fa-f]{2})"
_ALLOWED: Final = re.compile(rf"(?:/{_SEGMENT}+)*/?(?:\?{_QUERY}*)?")

_IN_PATH: Final = "/!$&'()*+,-.:;=@_~%"
_IN_QUERY: Final = "!$&'()*+,-./:;=?@[]_~%"
_SLASHES: Final = re.compile("/+")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def safe_next(text: object, default: str = "/") -> str:
    """`text` if it is a path of this origin, with or without a query; otherwise `default`.

    For the parameter ``next`` of a login page: only what this returns may stand in ``Location``. A value that a
    browser would resolve to another origin is never returned, whatever the page that it came from (WHATWG URL §4.4).

    Args:
        text: the parameter, decoded once; anything else than a str counts as missing.
        default: where a caller goes who asked for nothing, or for something that is not allowed.

    >>> safe_next("/orders?page=2"), safe_next("https://evil.example/"), safe_next(None, "/home")
    ('/orders?page=2', '/', '/home')
    >>> [safe_next(each) for each in ("//evil.example", "/\\\\evil.example", "/\\t/evil.example", "/..//evil.example")]
    ['/', '/', '/', '/']
    """
    if not isinstance(text, str) or len(text) > MAX_NEXT or not text.startswith("/"):
        return default
    return text if _ALLOWED.fullmatch(text) is not None else default


def next_of(request: RequestHead) -> str:
    """The path and the query of `request` as a value of ``next``; empty if they cannot be one.

    The path is that of the URL which the client sees, as far as the framework was told of it.

    >>> from authmw.wsgi import WSGIRequest
    >>> next_of(WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "QUERY_STRING": "q=a b"}))
    '/orders?q=a%20b'
    """
    path = path_seen(request)
    query = _quoted(request.query_string, _IN_QUERY)
    return safe_next(f"{path}?{query}" if query else path, "")


def leads_back(request: RequestHead) -> bool:
    """Whether the parameter ``next`` of `request` leads to the path of the request itself."""
    try:
        values = query_values(request.query_string, NEXT)
    except ValueError:
        return True
    return any(path_of(value) in (path_seen(request), request.path) for value in values)


def path_seen(request: RequestHead) -> str:
    """The path of the URL that the client sees, as far as the framework was told of it; empty if it is none."""
    try:
        return _quoted(request.public_path, _IN_PATH)
    except UnicodeEncodeError:  # no server makes such a path of octets
        return ""


def mount_seen(request: RequestHead, path: str) -> str:
    """Where pages are mounted, from the root of the host: what stands in front of `path` in the URL of `request`.

    A path that begins with it and goes on with a slash is one of this origin, whatever was asked for: servers that join
    slashes take ``//evil.example/login`` for a page too, and links of a page must not lead to that host.

    >>> from authmw.wsgi import WSGIRequest
    >>> told = {"REQUEST_METHOD": "GET", "PATH_INFO": "/auth/login"}
    >>> mount_seen(WSGIRequest(told), "/login")
    '/auth'
    >>> mount_seen(WSGIRequest({**told, "RAW_URI": "//auth/login"}), "/login")
    '/auth'
    """
    seen = path_seen(request)
    if not seen.endswith(path) or not safe_next(seen, ""):
        from urllib.parse import quote

        routed = quote(
            f"{request.root}/{request.path}", safe=_IN_PATH[:-1], encoding=request.encoding, errors="replace"
        )
        seen = _SLASHES.sub("/", routed)
    mount = seen.removesuffix(path).rstrip("/")
    return mount if safe_next(mount + path, "") else ""


def _quoted(text: str, safe: str) -> str:
    from urllib.parse import quote

    return quote(_STRAY_PERCENT.sub("%25", text), safe=safe, encoding="latin-1", errors="replace")
