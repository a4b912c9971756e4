"""How long what an issuer publishes is kept, and how often it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from authmw.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long keys are kept and how often they are asked for. All in seconds.

    Args:
        least: keys are not asked for again before, whatever their headers say.
        most: keys are asked for again after, whatever their headers say.
        default: for how long keys are fresh whose headers say nothing.
        stale: for how long keys that are no longer fresh go on while the issuer does not answer.
        cooldown: between two fetches for a `kid` that nobody knows.
        first_retry: after a first failure. It doubles with each one that follows.
        last_retry: what it grows to.

    Raises:
        ConfigurationError: a number is negative, or they are in the wrong order.
    """

    least: float = 300
    most: float = 86400
    default: float = 3600
    stale: float = 86400
    cooldown: float = 30
    first_retry: float = 1
    last_retry: float = 60

    def __post_init__(self) -> None:
        mistakes: list[str] = []
        if not 0 < self.least <= self.default <= self.most < math.inf:
            mistakes.append("CachePolicy: 0 < least <= default <= most has to hold, in seconds")
        if not 0 < self.first_retry <= self.last_retry < math.inf:
            mistakes.append("CachePolicy: 0 < first_retry <= last_retry has to hold, in seconds")
        if not (self.stale >= 0 and self.cooldown > 0):
            mistakes.append("CachePolicy: stale= is at least 0 and cooldown= more than that, in seconds")
        if mistakes:
            raise ConfigurationError(*mistakes)

    def fresh_for(self, lifetime: float | None) -> float:
        """How long keys are fresh whose answer says `lifetime`."""
        return min(max(self.default if lifetime is None else lifetime, self.least), self.most)

    def retry_after(self, failures: int, chance: float) -> float:
        """How long to wait after so many failures in a row; `chance` in [0, 1) spreads the instances of a fleet."""
        longest = min(self.first_retry * 2.0 ** min(failures - 1, 32), self.last_retry)
        return longest * (0.75 + 0.25 * chance)
