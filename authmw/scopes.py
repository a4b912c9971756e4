"""Scopes: their syntax (RFC 6749 §3.3) and the two ways to write several of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from authmw.errors import ConfigurationError

# scope-token = 1*( %x21 / %x23-5B / %x5D-7E )     RFC 6749 §3.3
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def is_scope(text: str) -> bool:
    """Whether `text` is one scope-token of RFC 6749 §3.3.

    >>> is_scope("orders:read"), is_scope("two words"), is_scope("")
    (True, False, False)
    """
    return _SCOPE_TOKEN.fullmatch(text) is not None


def parse_scope(text: str) -> frozenset[str]:
    """The scopes of a space-separated list, as a ``scope`` claim or parameter holds it.

    Raises:
        ValueError: a character that RFC 6749 §3.3 does not allow.

    >>> sorted(parse_scope("orders:write orders:read"))
    ['orders:read', 'orders:write']
    """
    scopes = frozenset(text.split(" ")) - {""}
    if not all(map(is_scope, scopes)):
        raise ValueError("a scope holds a character that RFC 6749 §3.3 does not allow")
    return scopes


def checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """`scopes` in their order, each once, or a `ConfigurationError` that names the bad ones."""
    unique = tuple(dict.fromkeys(scopes))
    bad = [scope for scope in unique if not is_scope(scope)]
    if bad:
        raise ConfigurationError(
            *(f"{scope!r} is not a scope: write one scope per argument, without spaces or quotes" for scope in bad)
        )
    return unique
