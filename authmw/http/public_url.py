"""Which URL a request is for, as its client sees it, and whether the ``htu`` of a proof is that (RFC 9449 §4.3).

Rule 1: scheme, host and what a proxy takes away come from the configuration, never from ``Host`` or ``X-Forwarded-*``,
which anybody can write.
Rule 2: an ``htu`` is normalised as RFC 3986 §6.2.2 and §6.2.3 say, dot segments included. Of the request's path only
the percent-encoding is: the application does not take dot segments out either, so ``/files/../admin`` is not
``/admin``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from authmw.errors import ConfigurationError
from authmw.http.location import mistake_in_url
from authmw.http.request import RequestHead

_PORTS: Final = {"https": "443", "http": "80"}
_OF_WEBSOCKETS: Final = {"wss": "https", "ws": "http"}
# RFC 3986 §4.3, without userinfo, and with any visible character in path and query, as browsers send some.
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z]{2,5})://(?P<host>[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{0,5}))?"
    r'(?P<path>(?:/[!"$->@-~]*)?)(?P<rest>(?:\?[!"$-~]*)?(?:#[!-~]*)?)'
)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


class _URLParts(NamedTuple):
    scheme: str
    host: str
    port: str
    path: str


class PublicURLs:
    """Where clients reach the application.

    Args:
        urls: what stands before the request target that this server sees: ``https://api.example``, or
            ``https://example.com/shop`` behind a proxy that takes ``/shop`` away. Several, where it has several names.

    Raises:
        ConfigurationError: every mistake at once.

    >>> from authmw.wsgi import WSGIRequest
    >>> request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/orders", "HTTP_HOST": "evil.example"})
    >>> PublicURLs("https://api.example").matches("HTTPS://API.example:443/./orders?page=2", request)
    True
    >>> PublicURLs("https://api.example").matches("https://evil.example/orders", request)
    False
    """

    def __init__(self, urls: str | Collection[str]) -> None:
        each: list[Any] = [urls] if isinstance(urls, str) else list(urls)
        mistakes = [mistake for url in each for mistake in _mistakes_in(url)]
        if not each:
            mistakes.append("public_url= is where clients reach the application: public_url='https://api.example'")
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._bases = tuple(base._replace(path=base.path.rstrip("/")) for base in map(_parts, each) if base)

    def matches(self, htu: str, request: RequestHead) -> bool:
        """Whether `htu` is the URL of `request`, leaving query and fragment aside."""
        url = _parts(htu)
        if url is None:
            return False
        if request.is_websocket:
            url = _as_http(url)
        path = request.target.partition("?")[0]
        return any(
            base[:3] == url[:3] and _is_path(url.path, base.path, path, is_raw=request.raw_path is not None)
            for base in self._bases
        )


def _is_path(wanted: str, prefix: str, path: str, *, is_raw: bool) -> bool:
    if is_raw:
        # An absolute-form, or the asterisk of OPTIONS, is no path.
        return path.startswith("/") and wanted == prefix + _unescaped(path)
    from urllib.parse import unquote_to_bytes

    # Where the server hands over no raw path, the decoded ones are compared: those the application routes by.
    return unquote_to_bytes(wanted) == unquote_to_bytes(prefix) + unquote_to_bytes(path)


def _parts(url: str) -> _URLParts | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    # §6.2.3: an empty path is "/", and the port of the scheme need not be written.
    port = (match["port"] or "").lstrip("0") or _PORTS.get(_OF_WEBSOCKETS.get(scheme, scheme), "")
    return _URLParts(scheme, match["host"].lower(), port, _without_dots(_unescaped(match["path"] or "/")))


def _as_http(url: _URLParts) -> _URLParts:
    # RFC 6455 §3 gives websockets schemes of their own; their handshake is a request for the URL of HTTP.
    return url._replace(scheme=_OF_WEBSOCKETS.get(url.scheme, url.scheme))


def _unescaped(path: str) -> str:
    """§6.2.2.1 and §6.2.2.2: escapes in capitals, and none of what needs no escape."""
    return _ESCAPE.sub(_unescape, path) if "%" in path else path


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _without_dots(path: str) -> str:
    """§5.2.4, for a path that begins with a slash."""
    if "/." not in path:
        return path
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _mistakes_in(url: object) -> list[str]:
    wrong = mistake_in_url(url, query=False)
    if not wrong:
        return []
    return [f"public_url={url!r} is no URL of an application ({wrong}): public_url='https://api.example'"]
