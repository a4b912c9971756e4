"""Scopes: their syntax (RFC 6749 §3.3), and the checks of scopes in text and in settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from authmw.errors import ConfigurationError

# scope-token = 1*( %x21 / %x23-5B / %x5D-7E )     RFC 6749 §3.3
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_SCOPE_TOKENS = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*")


def is_scope(text: str) -> bool:
    """Whether `text` is one scope-token (RFC 6749 §3.3).

    >>> is_scope("orders:read"), is_scope("two words"), is_scope("")
    (True, False, False)
    """
    return _SCOPE_TOKEN.fullmatch(text) is not None


def parse_scope(text: str) -> frozenset[str]:
    """The scopes of a space-separated list, such as the value of a ``scope`` claim or parameter.

    Raises:
        ValueError: `text` contains a character that RFC 6749 §3.3 does not allow.

    >>> sorted(parse_scope("orders:write orders:read"))
    ['orders:read', 'orders:write']
    """
    if _SCOPE_TOKENS.fullmatch(text) is None:
        raise ValueError("a scope contains a character that RFC 6749 §3.3 does not allow")
    return frozenset(text.split(" ")) - {""}


def checked_scopes(scopes: Iterable[object]) -> tuple[str, ...]:
    """`scopes` in their order, without repetitions.

    Raises:
        ConfigurationError: one of them is not a scope, or `scopes` is a string (which would be read as a list of
            letters).
    """
    if isinstance(scopes, str):
        raise ConfigurationError(f"scopes={scopes!r} has to be a list: write {scopes.split()}")
    unique: dict[str, None] = {}
    mistakes: list[str] = []
    for scope in scopes:
        if isinstance(scope, str) and is_scope(scope):
            unique[scope[:]] = None  # the slice of a member of a string enum is its value
        elif isinstance(scope, str):
            mistakes.append(
                f"{scope!r} is not a scope: write one scope per argument, without spaces or quotes"
                f"{_parts(scope.split(), before=': ')}"
            )
        else:
            kind = _kind(scope)
            each = cast("Iterable[object]", scope) if isinstance(scope, list | tuple | set | frozenset) else ()
            parts = _parts(each) or '"orders:read", "orders:write"'
            mistakes.append(f"{scope!r} is not a scope but {kind}: write {parts}")
    if mistakes:
        raise ConfigurationError(*mistakes)
    return tuple(unique)


def scope_mistakes(scopes: object) -> list[str]:
    """The mistakes in a mapping of scopes to descriptions, each with its fix. None is no mistake.

    >>> scope_mistakes({"orders:read": "See orders"})
    []
    """
    if scopes is None:
        return []
    if not isinstance(scopes, Mapping):
        return ["scopes= is a mapping of scopes to descriptions: {'orders:read': 'See orders'}"]
    mistakes: list[str] = []
    described: Mapping[Any, Any] = scopes  # pyright: ignore[reportUnknownVariableType]  # keys are looked at below
    try:
        checked_scopes(described)
    except ConfigurationError as error:
        mistakes += error.mistakes
    if not all(isinstance(text, str) for text in described.values()):
        mistakes.append("scopes= has a description for each scope, as a str: {'orders:read': 'See orders'}")
    return mistakes


def _parts(scopes: Iterable[object], before: str = "") -> str:
    """`scopes` as arguments, behind `before`, if all of them are scopes; else nothing."""
    each = list(scopes)
    if not each or not all(isinstance(scope, str) and is_scope(scope) for scope in each):
        return ""
    return before + ", ".join(f'"{scope}"' for scope in each)


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
