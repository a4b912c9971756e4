"""Parts of a request target (RFC 9112 §3.2): its path, the checks of paths, and the parameters of a query."""

from __future__ import annotations

import re
from typing import Final

MAX_SEARCHED: Final = 64 * 1024
"""The longest query or ``Cookie`` header that is searched for a value, in characters."""
_MAX_CANONICAL: Final = 8 * 1024
_MAX_QUERY_FIELDS: Final = 1000

# A path that all layers read in the same way: it is empty or begins with a slash, and has no percent escapes, repeated
# slashes, dot segments, backslashes, semicolons or other characters that RFC 3986 §3.3 does not allow in a path.
# A public path has to be canonical, because servers, proxies and routers differ in how they normalise other paths
# (RFC 3986 §6.2.2). Such differences have been bypasses (CVE-2026-40912, CVE-2026-22753, CVE-2026-48710).
_CANONICAL = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[!$&'()*+,\-.0-9:=@A-Z_a-z~]+)*/?")
# The same with percent-encoded octets, except those of control characters and of % / \ ; ? # and the dot; and with
# brackets, which browsers leave as they are in a path.
_ENCODED = re.compile(
    r"(?:/(?!\.{1,2}(?:/|$))(?:[!$&'()*+,\-.0-9:=@A-Z\[\]_a-z~]|%(?![01]|2[35EFef]|3[BFbf]|5[Cc]|7[Ff])[0-9A-Fa-f]{2})+)*/?"
)
# What a path may be once decoded. A segment of dots and spaces is left out too, since Windows removes the spaces.
_DECODED = re.compile(r"(?:/(?!\.{1,2}(?:/|$)|\.*+\s[.\s]*+(?:/|$))[^/%\\;?#\x00-\x1f\x7f-\x9f\ufffd]+)*/?")
_ORIGIN = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\]+(?=/|\Z)")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def is_canonical(path: str) -> bool:
    """Whether all proxies, servers and routers read `path` in the same way.

    >>> is_canonical("/docs/index.html"), is_canonical("/docs/../admin"), is_canonical("/%61dmin")
    (True, False, False)
    """
    return len(path) <= _MAX_CANONICAL and _CANONICAL.fullmatch(path) is not None


def is_canonical_once_decoded(path: bytes, raw: str | None) -> bool:
    """Whether `path`, which is `raw` after one decoding, has one reading even if `raw` contains percent-encoded octets.

    Args:
        path: the decoded path.
        raw: the path before decoding; None if the server does not provide it.

    >>> is_canonical_once_decoded("/static/Preis über.pdf".encode(), "/static/Preis%20%C3%BCber.pdf")
    True
    >>> is_canonical_once_decoded(b"/static/../admin", "/static/%2e%2e/admin")
    False
    """
    if len(path) > _MAX_CANONICAL:
        return False
    if raw is not None and (len(raw) > 3 * _MAX_CANONICAL or _ENCODED.fullmatch(raw) is None):
        return False
    try:
        return _DECODED.fullmatch(path.decode()) is not None
    except UnicodeDecodeError:
        return False


def path_of(target: str) -> str:
    """The path of a request target, as it was written, without the query.

    Servers have to accept the absolute form too (RFC 9112 §3.2.2).

    >>> path_of("/orders?page=2"), path_of("http://api.example/orders"), path_of("http://me@api.example/")
    ('/orders', '/orders', 'http://me@api.example/')
    """
    path = target.partition("?")[0]
    if path.startswith("/"):
        return path
    origin = _ORIGIN.match(path)
    return path if origin is None else path[origin.end() :]


def decoded(raw: str) -> bytes:
    """The octets of `raw`, a path in latin-1, after one decoding."""
    return _unescaped(raw).encode("latin-1", "replace")


def query_values(query: str, name: str) -> tuple[str, ...]:
    """All values of the parameter `name` in `query`, decoded as latin-1.

    Raises:
        ValueError: the query has more than 64 KiB or 1000 fields.

    >>> query_values("key=a%2Bb&other=1&k%65y=", "key")
    ('a+b', '')
    """
    if name not in query and "%" not in query:
        return ()
    _refuse_long(query)
    # The result is that of `urllib.parse.parse_qsl`, but only the values of `name` are decoded.
    fields = (field.partition("=") for field in query.split("&"))
    return tuple(_unquoted(value) for key, _, value in fields if _names(key, name))


def query_fields(query: str) -> list[tuple[str, str]]:
    """All names and values of `query`, decoded as latin-1.

    Raises:
        ValueError: the query has more than 64 KiB or 1000 fields.

    >>> query_fields("a=1&b%3Ac=2+3")
    [('a', '1'), ('b:c', '2 3')]
    """
    _refuse_long(query)
    fields = (field.partition("=") for field in query.split("&"))
    return [(_unquoted(key), _unquoted(value)) for key, _, value in fields]


def without_query_values(query: str, name: str) -> str:
    """`query` without the parameter `name`, however it is escaped.

    >>> without_query_values("key=a&other=1&k%65y=", "key")
    'other=1'
    """
    if name not in query and "%" not in query:
        return query
    return "&".join(field for field in query.split("&") if not _names(field.partition("=")[0], name))


def _names(key: str, name: str) -> bool:
    """Whether `key`, as written in a query, is `name`. An escape has three characters, so that a longer key is not."""
    return key == name or ("%" in key and len(key) <= 3 * len(name) and _unquoted(key) == name)


def _refuse_long(query: str) -> None:
    if len(query) > MAX_SEARCHED or query.count("&") >= _MAX_QUERY_FIELDS:
        raise ValueError("a query of more than 64 KiB or 1000 fields")


def _unquoted(text: str) -> str:
    return _unescaped(text.replace("+", " "))


def _unescaped(text: str) -> str:
    # The result is that of `urllib.parse.unquote` in latin-1, which needs 2 s for a megabyte of percent signs.
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text) if "%" in text else text
