"""Parts of a request target (RFC 9112 §3.2): which paths are canonical, and what a query holds."""

from __future__ import annotations

import re
from typing import Final

MAX_LOOKED_THROUGH: Final = 64 * 1024
"""The longest query or ``Cookie`` that is looked through, in characters."""
_MAX_CANONICAL: Final = 8 * 1024
_MAX_QUERY_FIELDS: Final = 1000

# A path that every layer reads alike: visible ASCII without percent escapes, backslashes or parameters,
# one slash at a time, no dot segments (PATH-1).
_CANONICAL = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[!$&'()*+,\-.0-9:=@A-Z_a-z~]+)*/?")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")


def is_canonical(path: str) -> bool:
    """Whether every layer in front and behind reads `path` the same way (PATH-1).

    >>> is_canonical("/docs/index.html"), is_canonical("/docs/../admin"), is_canonical("/%61dmin")
    (True, False, False)
    """
    return len(path) <= _MAX_CANONICAL and _CANONICAL.fullmatch(path) is not None


def query_values(query: str, name: str) -> tuple[str, ...]:
    """Every value of the parameter `name` in `query`, decoded as latin-1.

    Raises:
        ValueError: the query is too long, or has too many fields.

    >>> query_values("key=a%2Bb&other=1&k%65y=", "key")
    ('a+b', '')
    """
    if name not in query and "%" not in query:
        return ()
    if len(query) > MAX_LOOKED_THROUGH or query.count("&") >= _MAX_QUERY_FIELDS:
        raise ValueError("a query of more than 64 KiB or 1000 fields")
    # As `urllib.parse.parse_qsl` reads it, but only what is asked for is decoded.
    fields = (field.partition("=") for field in query.split("&"))
    return tuple(_unquoted(value) for key, _, value in fields if _names(key, name))


def _names(key: str, name: str) -> bool:
    """Whether `key`, as it stands in a query, is `name`: each character of it took three at most."""
    return key == name or ("%" in key and len(key) <= 3 * len(name) and _unquoted(key) == name)


def _unquoted(text: str) -> str:
    # As `urllib.parse.unquote_plus` does in latin-1, which takes 2 s for a megabyte of percent signs.
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text.replace("+", " "))
