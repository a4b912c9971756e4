"""Whom a token has to be for: this API by its name, unless somebody decided otherwise and said why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from authmw.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class AnyAudience:
    """Tokens are taken whomever they are for: a decision, with its reason for whoever reads the configuration.

    What was issued for another API of the issuer is then good for this one too, and an API that was given such a
    token can use it here.

    Args:
        reason: why that is no harm.

    Raises:
        ConfigurationError: no reason.

    >>> AnyAudience("the issuer serves this API only, and writes no aud")
    AnyAudience(reason='the issuer serves this API only, and writes no aud')
    """

    reason: str

    def __post_init__(self) -> None:
        if not str(self.reason or "").strip():
            raise ConfigurationError('AnyAudience("...") says why a token for another API is no harm here')


Audience = str | Collection[str] | AnyAudience
"""The name of this API, several, or `AnyAudience`."""


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
