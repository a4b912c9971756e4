"""Parts of a request target (RFC 9112 §3.2): the check for canonical paths, and the parameters of a query."""

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
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def is_canonical(path: str) -> bool:
    """Whether all proxies, servers and routers read `path` in the same way.

    >>> is_canonical("/docs/index.html"), is_canonical("/docs/../admin"), is_canonical("/%61dmin")
    (True, False, False)
    """
    return len(path) <= _MAX_CANONICAL and _CANONICAL.fullmatch(path) is not None


def query_values(query: str, name: str) -> tuple[str, ...]:
    """All values of the parameter `name` in `query`, decoded as latin-1.

    Raises:
        ValueError: the query has more than 64 KiB or 1000 fields.

    >>> query_values("key=a%2Bb&other=1&k%65y=", "key")
    ('a+b', '')
    """
    if name not in query and "%" not in query:
        return ()
    if len(query) > MAX_SEARCHED or query.count("&") >= _MAX_QUERY_FIELDS:
        raise ValueError("a query of more than 64 KiB or 1000 fields")
    # The result is that of `urllib.parse.parse_qsl`, but only the values of `name` are decoded.
    fields = (field.partition("=") for field in query.split("&"))
    return tuple(_unquoted(value) for key, _, value in fields if _names(key, name))


def _names(key: str, name: str) -> bool:
    """Whether `key`, as written in a query, is `name`. An escape has three characters, so that a longer key is not."""
    return key == name or ("%" in key and len(key) <= 3 * len(name) and _unquoted(key) == name)


def _unquoted(text: str) -> str:
    # The result is that of `urllib.parse.unquote_plus` in latin-1, which needs 2 s for a megabyte of percent signs.
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text.replace("+", " "))
