"""Audience of an API: names, one of which must be in ``aud``, or `AnyAudience`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from authmw.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class AnyAudience:
    """Accepts tokens for every API of the issuer, in place of an audience. It needs a reason.

    Any receiver of such a token, above all another API of the issuer, can then use it here as the user of the token
    (RFC 9068 §4, RFC 8725 §3.9).

    Args:
        reason: for readers of the configuration.

    Raises:
        ConfigurationError: the reason is empty.

    >>> AnyAudience("a proxy in front of it checks aud")
    AnyAudience(reason='a proxy in front of it checks aud')
    """

    reason: str

    def __post_init__(self) -> None:
        if not str(self.reason).strip():
            raise ConfigurationError('AnyAudience("...") needs the reason why tokens for other APIs are accepted here')


Audience = str | Collection[str] | AnyAudience
"""The name of this API, several names of which one must be in ``aud``, or `AnyAudience`."""


def audiences_in(audience: object) -> tuple[frozenset[str] | None, list[str]]:
    """The names in `audience`, None for any, and the mistakes in it.

    >>> audiences_in("orders")
    (frozenset({'orders'}), [])
    >>> audiences_in("")[1]
    ["audience='' names no API: give the name of this API in aud, or AnyAudience('why')"]
    """
    if isinstance(audience, AnyAudience):
        return None, []
    names: list[Any] = [audience] if isinstance(audience, str) else _listed(audience)
    if not names or not all(isinstance(name, str) and name for name in names):
        return frozenset(), [
            f"audience={audience!r} names no API: give the name of this API in aud, or AnyAudience('why')"
        ]
    return frozenset(names), []


def _listed(audience: object) -> list[Any]:
    return list(audience) if isinstance(audience, Collection) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - each is looked at
