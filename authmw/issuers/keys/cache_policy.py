"""Policy of a key cache: how long keys are kept, and how often they are fetched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authmw.errors import ConfigurationError
from authmw.flow.durations import Seconds, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """How long keys are kept, and how often they are fetched. All times in seconds.

    Args:
        least: the shortest time that keys are fresh. It overrides the headers.
        most: the longest time that keys are fresh. It overrides the headers.
        default: the time that keys are fresh if the headers do not say.
        stale: how long keys that are not fresh are still used while the issuer does not answer.
        cooldown: the average time between two fetches for tokens that no known key signed; three may come at once.
        first_retry: the pause after the first failure. It doubles with each further failure.
        last_retry: the longest pause.

    Raises:
        ConfigurationError: a number is out of range, or the numbers are in the wrong order.
    """

    least: float = 300
    most: float = 86400
    default: float = 3600
    stale: float = 86400
    cooldown: float = 30
    first_retry: float = 1
    last_retry: float = 60

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            least: Seconds = 300,
            most: Seconds = 86400,
            default: Seconds = 3600,
            stale: Seconds = 86400,
            cooldown: Seconds = 30,
            first_retry: Seconds = 1,
            last_retry: Seconds = 60,
        ) -> None: ...

    def __post_init__(self) -> None:
        for name in ("least", "most", "default", "stale", "cooldown", "first_retry", "last_retry"):
            object.__setattr__(self, name, seconds(getattr(self, name), name))
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
        """Seconds for which keys are fresh if their response says `lifetime`."""
        return min(max(self.default if lifetime is None else lifetime, self.least), self.most)

    def retry_after(self, failures: int, chance: float) -> float:
        """Seconds to wait after `failures` failures in a row; `chance` in [0, 1) spreads the processes of a fleet."""
        longest = min(self.first_retry * 2.0 ** min(failures - 1, 32), self.last_retry)
        return longest * (0.75 + 0.25 * chance)
