"""Arithmetic of throttles: how long a client has to wait before the next attempt. Every throttle of authmw uses it."""

from __future__ import annotations

from dataclasses import dataclass

from authmw.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Count:
    """The number of attempts under one key, and the time from which the next one is allowed."""

    attempts: int = 0
    not_before: float = 0.0


class ThrottlePolicy:
    """Doubles the wait with each attempt after the first `free` ones.

    No account is locked for ever: no wait is longer than `longest`, and an attempt during a wait does not prolong it.

    Args:
        receiver: the class that receives the policy, named in the error message.
        free: attempts without any wait.
        first: seconds of the first wait.
        longest: seconds of the longest wait. After that time without an attempt, the count of a key starts again at 0.

    Raises:
        ConfigurationError: an argument is out of range.

    >>> ThrottlePolicy("MyThrottle", free=1, first=1.0, longest=900.0).attempt(Count(), now=60.0)
    (Count(attempts=1, not_before=61.0), 0.0)
    """

    __slots__ = ("first", "free", "longest")

    def __init__(self, receiver: str, *, free: int, first: float, longest: float) -> None:
        if free < 1 or first <= 0 or longest < first:
            raise ConfigurationError(f"{receiver} needs free >= 1 and 0 < first <= longest")
        self.free: int = free
        self.first: float = first
        self.longest: float = longest

    def attempt(self, count: Count, now: float) -> tuple[Count, float]:
        """The count after one more attempt, and the seconds that it has to wait; 0.0 if it may go ahead."""
        # A clock that was set back must not make a wait longer than `longest`. Within the free attempts nobody waits,
        # even if the clock of another process is ahead.
        wait = min(count.not_before - now, self.longest)
        if wait > 0 and count.attempts >= self.free:
            return Count(count.attempts, now + wait), wait
        attempts = 1 if -wait >= self.longest else count.attempts + 1
        return Count(attempts, now + self._after(attempts)), 0.0

    def succeeded(self, count: Count) -> Count:
        """The count without its last attempt, which was a correct login."""
        return Count(max(0, count.attempts - 1), count.not_before - self._after(count.attempts))

    def _after(self, attempts: int) -> float:
        beyond = attempts - self.free
        if beyond < 0:
            return 0.0
        # The bound keeps the number finite; every wait beyond it is `longest` anyway.
        return float(min(self.first * 2 ** min(beyond, 64), self.longest))
