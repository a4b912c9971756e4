"""In-memory throttle: counts of attempts to log in, and what accounts are familiar with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.flow.durations import Seconds
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import MAX_MARKS, MAX_NETWORKS, Count, ThrottlePolicy

_TURNS_PER_KEY: Final = 10


@CallMode.NONBLOCKING
class MemoryThrottle:
    """Slows down guessing (`Throttle`).

    Memory is bounded. When it is full of random names, those with the fewest attempts are dropped first. A throttled
    account is dropped only after `size` other accounts have used up their free attempts, or after the networks in line
    of all accounts are ten times as many.

    Args:
        free: attempts without any wait.
        first: seconds of the first wait of a source.
        longest: seconds of its longest wait. After four times that long without an attempt, it starts again at 0.
        size: the largest number of throttled keys, of keys not yet throttled, and of accounts with familiar marks.

    >>> from authmw.stores import Attempt, AttemptOutcome, Reservation
    >>> throttle, attempt = MemoryThrottle(free=1), Attempt("source:192.0.2.7", "account:alice")
    >>> reserved = throttle.reserve(attempt, now=0.0)
    >>> throttle.reserve(attempt, now=0.0)
    Wait(seconds=1.0, source_failed=False)
    >>> if isinstance(reserved, Reservation):
    ...     throttle.settle(reserved, AttemptOutcome.FAILED, now=0.0)
    >>> throttle.reserve(attempt, now=0.5)
    Wait(seconds=0.5, source_failed=True)
    """

    def __init__(self, *, free: int = 10, first: Seconds = 1.0, longest: Seconds = 900.0, size: int = 10_000) -> None:
        if size < 1:
            raise ConfigurationError("MemoryThrottle(size=...) must be at least 1")
        self._policy = ThrottlePolicy("MemoryThrottle", free=free, first=first, longest=longest)
        self._size = size
        # Not a `BoundedCache`: the caller gives the time, a refused attempt keeps its place, and one lock covers all
        # three. These two are in the order of the last attempt that was not refused.
        self._few: OrderedDict[str, Count] = OrderedDict()
        self._many: OrderedDict[str, Count] = OrderedDict()
        self._turns = 0
        self._most_turns = max(_TURNS_PER_KEY * size, MAX_NETWORKS)
        # By account, in the order in which one last became familiar with a mark.
        self._familiar: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        """Reserve one check for `attempt`, or answer how long it has to wait."""
        if not (attempt.guessable or attempt.account or self._knows(attempt.source)):
            return Reservation(attempt)  # nothing is counted before it fails
        policy, source = self._policy, Count()
        answer: Reservation | Wait = Reservation(attempt)
        with self._lock:
            if attempt.source:
                source, answer = policy.source_reserved(self._count(attempt.source), attempt, now)
            if attempt.account and isinstance(answer, Reservation):
                mark, known_until = self._mark_of(attempt, now)
                key = mark or attempt.account
                count, answer = policy.account_reserved(
                    self._count(key), attempt, now, mark=mark, known_until=known_until
                )
                self._keep(key, count, moves=isinstance(answer, Reservation))
            if attempt.source and isinstance(answer, Reservation):
                self._keep(attempt.source, source)
            return answer

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        """End a reservation. It counts from now on if it `FAILED`, and else not at all."""
        attempt = reservation.attempt
        with self._lock:
            if attempt.source:
                source = self._count(attempt.source)
                self._keep(attempt.source, self._policy.source_settled(source, reservation, outcome, now))
            if attempt.account:
                key = reservation.mark or attempt.account
                self._keep(key, self._policy.account_settled(self._count(key), reservation, outcome, now))
            if familiar_until:
                for mark in attempt.marks:
                    self._remember(attempt.account, mark, familiar_until)

    def make_familiar(self, account: str, mark: str, until: float) -> None:
        """Make `account` familiar with `mark` until then (seconds since the epoch)."""
        with self._lock:
            self._remember(account, mark, until)

    def familiar_until(self, account: str) -> tuple[float, ...]:
        """For each mark that `account` is familiar with, until when (seconds since the epoch)."""
        with self._lock:
            return tuple((self._familiar.get(account) or {}).values())

    def forget(self, account: str) -> None:
        """Forget the marks that `account` is familiar with, as its user is deleted or renamed."""
        with self._lock:
            self._familiar.pop(account, None)

    def __len__(self) -> int:
        return len(self._few) + len(self._many) + self._turns + sum(map(len, self._familiar.values()))

    def _knows(self, key: str) -> bool:
        return key in self._many or key in self._few

    def _count(self, key: str) -> Count:
        return self._many.get(key) or self._few.get(key) or Count()

    def _mark_of(self, attempt: Attempt, now: float) -> tuple[str, float]:
        """The mark of `attempt` that its account is familiar with, and until when."""
        known: Mapping[str, float] = self._familiar.get(attempt.account) or {}
        return next(((mark, known[mark]) for mark in attempt.marks if known.get(mark, now) > now), ("", 0.0))

    def _remember(self, account: str, mark: str, until: float) -> None:
        marks = self._familiar.setdefault(account, OrderedDict())
        self._familiar.move_to_end(account)
        marks[mark] = max(until, marks.get(mark, until))
        if len(marks) > MAX_MARKS:
            del marks[min(marks, key=marks.__getitem__)]
        if len(self._familiar) > self._size:
            self._familiar.popitem(last=False)

    def _keep(self, key: str, count: Count, *, moves: bool = True) -> None:
        few, many = self._few, self._many
        self._turns += len(count.turns) - len(self._count(key).turns)
        kept, other = (few, many) if count.failed < self._policy.source.free else (many, few)
        other.pop(key, None)
        if not count.failed and not count.held and not count.turns:
            kept.pop(key, None)
            return
        kept[key] = count
        if moves:
            kept.move_to_end(key)
        if len(kept) > self._size:
            self._drop_oldest(kept)
        while self._turns > self._most_turns:
            self._drop_oldest(many or few)

    def _drop_oldest(self, kept: OrderedDict[str, Count]) -> None:
        _, dropped = kept.popitem(last=False)
        self._turns -= len(dropped.turns)
