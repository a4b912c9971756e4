"""How long who guesses has to wait: the arithmetic of every throttle of ours."""

from __future__ import annotations

from dataclasses import dataclass

from authmw.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Count:
    """The attempts under one key, and from when the next one may be made."""

    attempts: int = 0
    not_before: float = 0.0


class ThrottlePolicy:
    """After `free` attempts each further one waits twice as long as the one before.

    Never a lock for good: no wait is longer than `longest`, and an attempt made while waiting does not prolong it.

    Args:
        taker: who takes the policy, as its user wrote it.
        free: attempts without any wait.
        first: seconds of the first wait.
        longest: seconds of the longest wait. After that long without an attempt, a key starts anew.

    Raises:
        ConfigurationError: there is no such policy.

    >>> ThrottlePolicy("MyThrottle", free=1, first=1.0, longest=900.0).attempt(Count(), now=60.0)
    (Count(attempts=1, not_before=61.0), 0.0)
    """

    __slots__ = ("first", "free", "longest")

    def __init__(self, taker: str, *, free: int, first: float, longest: float) -> None:
        if free < 1 or first <= 0 or longest < first:
            raise ConfigurationError(f"{taker} needs free >= 1 and 0 < first <= longest")
        self.free: int = free
        self.first: float = first
        self.longest: float = longest

    def attempt(self, count: Count, now: float) -> tuple[Count, float]:
        """The count after one more attempt, and the seconds that it has to wait; 0.0 for go ahead."""
        # A clock that was set back must not make the wait longer than it ever is. Who may still go ahead freely never
        # waits: it was only overtaken by another, or has a clock that is behind.
        wait = min(count.not_before - now, self.longest)
        if wait > 0 and count.attempts >= self.free:
            return Count(count.attempts, now + wait), wait
        attempts = 1 if -wait >= self.longest else count.attempts + 1
        return Count(attempts, now + self._after(attempts)), 0.0

    def succeeded(self, count: Count) -> Count:
        """The count without its last attempt, which was no guess."""
        return Count(max(0, count.attempts - 1), count.not_before - self._after(count.attempts))

    def _after(self, attempts: int) -> float:
        beyond = attempts - self.free
        if beyond < 0:
            return 0.0
        # Beyond 2 ** 64 there is nothing left to double.
        return float(min(self.first * 2 ** min(beyond, 64), self.longest))
