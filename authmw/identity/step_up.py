"""Requirement of a recent login, or of one of some level (RFC 9470): what `requires` with ``max_age=`` declares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from authmw.errors import ConfigurationError
from authmw.flow.clocks import now
from authmw.flow.durations import Seconds, in_seconds
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal

# OpenID Connect Core §2: acr is a string, by preference a URI or a registered name. RFC 9470 §3 divides several values
# by spaces.
_ACR: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&*+;=%-]+")
_LEEWAY: Final = 60
"""Seconds by which the clock of who authenticated the user may be ahead."""


@dataclass(frozen=True, slots=True)
class StepUp:
    """A requirement on how the user was authenticated. A caller who does not meet it has to log in again.

    It is a predicate, so that it combines and is listed as one. `Auth.decide` answers it by a 401 and not by a 403.

    Args:
        max_age: the most seconds since the user was authenticated; None for any time.
        acr: authentication context class references, of which one is enough; empty for any.
    """

    max_age: int | None = None
    acr: tuple[str, ...] = ()

    @classmethod
    def of(cls, max_age: Seconds | None, acr: str | Iterable[str]) -> StepUp:
        """The requirement that the arguments of `requires` say.

        Raises:
            ConfigurationError: every mistake in them.

        >>> StepUp.of(300, ())
        StepUp(max_age=300, acr=())
        """
        number: Any = in_seconds(max_age)
        mistakes: list[str] = []
        if number is not None and (type(number) not in (int, float) or not isfinite(number) or number < 1):
            mistakes.append(f"max_age={max_age!r} is the age of a login in seconds, at least 1: write max_age=300")
        values: list[Any] = [acr] if isinstance(acr, str) or not hasattr(acr, "__iter__") else list(acr)
        if number is None and not values:
            mistakes.append("an empty acr= requires nothing: name a level, or write max_age=300")
        mistakes += [
            f'acr={each!r} is no name of a level of authentication: write acr="urn:example:silver"'
            for each in values
            if not isinstance(each, str) or _ACR.fullmatch(each) is None
        ]
        if mistakes:
            raise ConfigurationError(*mistakes)
        return cls(None if number is None else int(number), tuple(dict.fromkeys(values)))

    def __call__(self, principal: Principal, request: RequestHead) -> bool:
        """Whether `principal` meets it now."""
        return self.is_met(principal, now())

    def is_met(self, principal: Principal, at: float) -> bool:
        """Whether `principal` meets it at that time. A login whose time is not known is too old.

        Args:
            principal: the caller.
            at: seconds since the epoch.
        """
        if self.acr and principal.acr not in self.acr:
            return False
        if self.max_age is None:
            return True
        when = principal.auth_time
        return when is not None and -_LEEWAY <= at - when <= self.max_age

    @property
    def params(self) -> tuple[tuple[str, str], ...]:
        """The parameters of the challenge (RFC 9470 §3)."""
        age = () if self.max_age is None else (("max_age", str(self.max_age)),)
        return (*age, ("acr_values", " ".join(self.acr))) if self.acr else age

    def __str__(self) -> str:
        return ",".join(f"{name}={value.replace(' ', '|')}" for name, value in self.params)

    @property
    def in_words(self) -> str:
        """What is required, for a person."""
        age = "" if self.max_age is None else f" at most {self.max_age} s ago"
        return f"logged in{age}{' by ' + ' or '.join(self.acr) if self.acr else ''}"


def strictest(unmet: Iterable[StepUp]) -> StepUp:
    """One requirement for the challenge of several that are not met."""
    ages, levels = list[int](), list[tuple[str, ...]]()
    for each in unmet:
        ages += [] if each.max_age is None else [each.max_age]
        levels += [each.acr] if each.acr else []
    common = [acr for acr in (levels or [()])[0] if all(acr in level for level in levels)]
    return StepUp(min(ages, default=None), tuple(common) or (levels or [()])[0])
