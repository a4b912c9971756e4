"""The names of this API, one of which a token has to be for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from authmw.issuers.access_tokens import AnyAudience


def audiences_in(audience: object) -> tuple[frozenset[str] | None, list[str]]:
    """The names in `audience`, None for any, and what is wrong with it.

    >>> audiences_in("orders")
    (frozenset({'orders'}), [])
    >>> audiences_in("")[1]
    ["audience='' names nobody: give the name of this API in aud, or AnyAudience('why')"]
    """
    if isinstance(audience, AnyAudience):
        return None, []
    names: list[Any] = [audience] if isinstance(audience, str) else _listed(audience)
    if not names or not all(isinstance(name, str) and name for name in names):
        return frozenset(), [
            f"audience={audience!r} names nobody: give the name of this API in aud, or AnyAudience('why')"
        ]
    return frozenset(names), []


def _listed(audience: object) -> list[Any]:
    return list(audience) if isinstance(audience, Collection) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - each is looked at
