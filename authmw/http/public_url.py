"""Public URLs of the application, and the comparison of a request's URL with the ``htu`` of a proof (RFC 9449 §4.3).

Rule 1: scheme and host come from the configuration. They never come from ``Host`` or ``X-Forwarded-*``, because every
client can send these. The prefix that a proxy removes comes from the configuration too, or from what the framework was
told: ``SCRIPT_NAME`` or ``root_path``, by the server or by Werkzeug's ProxyFix. It counts once if it comes from both.
Rule 2: an ``htu`` is normalised by RFC 3986 §6.2.2 and §6.2.3, dot segments included. In the path of the request, only
the percent-encoding is normalised. Dot segments stay, because the application does not remove them either:
``/files/../admin`` is not ``/admin``.
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
# RFC 3986 §4.3, without userinfo. Path and query may contain any visible character, because browsers send such URLs.
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
    """The URLs at which clients reach the application.

    Args:
        urls: the URL without the request target that this server receives: ``https://api.example``, or
            ``https://example.com/shop`` behind a proxy that removes ``/shop``, whether or not the server is told of
            ``/shop`` too. Several URLs if the application has several host names.

    Raises:
        ConfigurationError: a URL is wrong, or there is none. The message names all mistakes.

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
            mistakes.append("public_url= is the URL of the application for clients: public_url='https://api.example'")
        if mistakes:
            raise ConfigurationError(*mistakes)
        self._bases = tuple(base._replace(path=base.path.rstrip("/")) for base in map(_parts, each) if base)

    def matches(self, htu: str, request: RequestHead) -> bool:
        """Whether `htu` is the URL of `request`, without query and fragment."""
        url = _parts(htu)
        if url is None:
            return False
        if request.is_websocket:
            url = _as_http(url)
        path, told = request.public_path, _told(request)
        return any(
            base[:3] == url[:3]
            and _is_path(url.path, _prefix(base.path, told), path, is_raw=request.raw_path is not None)
            for base in self._bases
        )


def _told(request: RequestHead) -> str:
    """The prefix that the framework was told of, normalised as paths are."""
    from urllib.parse import quote

    return _unescaped(quote(request.root.rstrip("/"), encoding=request.encoding)) if request.root else ""


def _prefix(configured: str, told: str) -> str:
    """The prefix `configured`; empty if the public path of the request begins with it already."""
    return "" if f"{told}/".startswith(f"{configured}/") else configured


def _is_path(wanted: str, prefix: str, path: str, *, is_raw: bool) -> bool:
    if is_raw:
        # The asterisk of OPTIONS is no path (RFC 9112 §3.2.4).
        return path.startswith("/") and wanted == prefix + _unescaped(path)
    from urllib.parse import unquote_to_bytes

    # Without a raw path from the server, the decoded paths are compared: the application routes by the decoded path.
    return unquote_to_bytes(wanted) == unquote_to_bytes(prefix) + unquote_to_bytes(path)


def _parts(url: str) -> _URLParts | None:
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    # RFC 3986 §6.2.3: an empty path means "/", and the default port of the scheme may be left out.
    port = (match["port"] or "").lstrip("0") or _PORTS.get(_OF_WEBSOCKETS.get(scheme, scheme), "")
    return _URLParts(scheme, match["host"].lower(), port, _without_dots(_unescaped(match["path"] or "/")))


def _as_http(url: _URLParts) -> _URLParts:
    # RFC 6455 §3: websockets have their own schemes. Their handshake is an HTTP request for the same host and path.
    return url._replace(scheme=_OF_WEBSOCKETS.get(url.scheme, url.scheme))


def _unescaped(path: str) -> str:
    """`path` with escapes in upper case, and without escapes of unreserved characters (RFC 3986 §6.2.2.1, §6.2.2.2)."""
    return _ESCAPE.sub(_unescape, path) if "%" in path else path


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _without_dots(path: str) -> str:
    """`path`, which begins with a slash, without dot segments (RFC 3986 §5.2.4)."""
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
    return [f"public_url={url!r} is no URL of an application ({wrong}): write public_url='https://api.example'"]
