"""Arithmetic of throttles: which attempt may be checked now, and how long another one has to wait.

Every throttle of authmw uses it. The state of a key is a `Count`. A `Pace` says how fast attempts on a key may fail: a
`ThrottlePolicy` has one for sources and familiar marks, and one for accounts, by turns of networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from authmw.errors import ConfigurationError
from authmw.flow.durations import Seconds, seconds
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait

HOLD: Final = 30.0
"""Seconds after which a reservation that nobody settles is given back. No check takes as long."""
TURN: Final = 60.0
"""Seconds between two checks of an account whose free attempts failed, for all networks that it does not know."""
PATIENCE: Final = 30.0
"""Seconds for which a network keeps its place after the time at which it was told to come back; half at least."""
SERVED_FOR: Final = 86_400.0
"""Seconds for which the last turn of a network is known."""
MAX_NETWORKS: Final = 1000
"""The largest number of networks in the line of one account."""
MAX_MARKS: Final = 100
"""The largest number of marks that one account is familiar with. The one that expires first gives way."""
BUSY: Final = 1.0
"""Seconds to wait for a check that is in flight."""
_FORGET: Final = 4


def account_key(username: str) -> str:
    """The key of an account in a throttle, by the name of its user.

    >>> account_key("alice")
    'account:alice'
    """
    return f"account:{username}"


class Turn(NamedTuple):
    """A network in the line of an account. They compare by their places: the one served longest ago is the first.

    Args:
        served: the time of its last turn, 0.0 for none. One that it missed is one too.
        asked: the time from which it waits for the next one.
        network: the network.
        until: the time until which it keeps its place; 0.0 if it does not wait.
    """

    served: float
    asked: float
    network: str
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Count:
    """The state of one key: an account, a source, or a mark that an account is familiar with.

    Args:
        failed: attempts that failed.
        not_before: the time from which the next one is allowed, once the free ones have failed.
        held: for each reservation that is not settled, the time at which it is given back.
        turns: the networks in line, of an account.
    """

    failed: int = 0
    not_before: float = 0.0
    held: tuple[float, ...] = ()
    turns: tuple[Turn, ...] = ()

    def served(self, network: str) -> float:
        """When `network` had its last turn; 0.0 if that is not known."""
        return next((turn.served for turn in self.turns if turn.network == network), 0.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast attempts on one key may fail.

    Args:
        free: attempts without any wait.
        first: seconds of the first wait. Each further one is twice as long.
        longest: seconds of the longest wait.
        forget: seconds without an attempt after which the count starts again at 0.
        by_turns: whether networks take turns.

    >>> pace = Pace(free=1, first=1.0, longest=900.0, forget=3600.0)
    >>> pace.settled(Count(), now=60.0, held_until=0.0, failed=True)
    Count(failed=1, not_before=61.0, held=(), turns=())
    """

    free: int
    first: float
    longest: float
    forget: float
    by_turns: bool = False

    def reserved(self, count: Count, now: float, network: str = "", *, hold: bool = True) -> tuple[Count, Wait | None]:
        """The `current` count after one more reservation, or after it was refused with a `Wait`."""
        wait = count.not_before - now if count.failed >= self.free else 0.0
        if not hold:
            return count, Wait(wait, source_failed=True) if wait > 0 else None
        room = 0 if wait > 0 else max(self.free - count.failed, 1) - len(count.held)
        own = next((turn for turn in count.turns if turn.network == network), Turn(0.0, now, network))
        if own.until <= now:
            own = own._replace(asked=now)
        ahead = [turn for turn in count.turns if turn < own and turn.until > now]
        if room > len(ahead):
            # As long as there is room for everybody, nobody is in line.
            in_line = self.by_turns and (count.turns or room == 1)
            turns = _with(count.turns, Turn(now, 0.0, network), now) if in_line else count.turns
            return replace(count, held=(*count.held, now + HOLD), turns=turns), None
        refused = Wait(wait, source_failed=True) if wait > 0 else Wait(BUSY)
        # Its place is noted again only if it would lose it soon, so that asking again and again writes nothing.
        if self.by_turns and own.until < now + refused.seconds + PATIENCE / 2:
            own = own._replace(until=now + refused.seconds + PATIENCE)
            count = replace(count, turns=_with(count.turns, own, now))
        return count, refused

    def settled(
        self,
        count: Count,
        now: float,
        held_until: float,
        *,
        failed: bool,
        network: str = "",
        served: float | None = None,
    ) -> Count:
        """The count after a reservation ended.

        Args:
            count: the count before.
            now: seconds since the epoch.
            held_until: of the reservation; 0.0 if nothing was held.
            failed: whether it counts.
            network: whose turn it was.
            served: the last turn before, if it shall not count as a turn.
        """
        count = self.current(count, now)
        if held_until in count.held:
            place = count.held.index(held_until)
            count = replace(count, held=count.held[:place] + count.held[place + 1 :])
        if failed:
            total = count.failed + 1
            return replace(count, failed=total, not_before=max(count.not_before, now + self._after(total)))
        if served is not None:
            turns = [turn._replace(served=served) if turn.network == network else turn for turn in count.turns]
            count = replace(count, turns=tuple(turns))
        return count

    def expires_at(self, count: Count) -> float:
        """The time from which the count is the same as none."""
        known = ((turn.until or turn.served) + SERVED_FOR for turn in count.turns)
        return max(count.not_before + self.forget, *count.held, *known, 0.0)

    def current(self, count: Count, now: float) -> Count:
        """The count without what has expired. If a clock was set back, no wait becomes longer than the longest."""
        held = tuple(until for until in count.held if now < until <= now + 2 * HOLD)
        not_before = min(count.not_before, now + self.longest)
        failed = 0 if now - not_before >= self.forget else count.failed
        latest = now + 2 * (TURN + PATIENCE)
        turns = [
            turn if not turn.until or now < turn.until <= latest else _missed(turn, now)
            for turn in count.turns
            if now - (turn.until or turn.served) < SERVED_FOR
        ]
        return Count(failed, not_before, held, tuple(turns))

    def _after(self, failed: int) -> float:
        beyond = failed - self.free
        if beyond < 0:
            return 0.0
        # The bound keeps the number finite; every wait beyond it is `longest` anyway.
        return float(min(self.first * 2 ** min(beyond, 64), self.longest))


class ThrottlePolicy:
    """The limits of a throttle.

    Of a source, and of a mark that an account is familiar with, `free` attempts may fail without any wait. The waits
    after them double. Of an account, `free` attempts of all other networks together may fail; after that, one check a
    minute is free for them, and the network that was served longest ago has the next one.

    No account is locked for ever: no wait for a source is longer than `longest`, and an attempt during a wait does not
    prolong it.

    Args:
        receiver: the class that receives the policy, named in the error message.
        free: attempts without any wait.
        first: seconds of the first wait of a source.
        longest: seconds of its longest wait. After four times that long without an attempt, it starts again at 0.

    Raises:
        ConfigurationError: an argument is out of range.
    """

    __slots__ = ("account", "source")

    def __init__(self, receiver: str, *, free: int, first: Seconds, longest: Seconds) -> None:
        first, longest = seconds(first, "first"), seconds(longest, "longest")
        if free < 1 or first <= 0 or longest < first:
            raise ConfigurationError(f"{receiver} needs free >= 1 and 0 < first <= longest")
        self.source: Pace = Pace(free, first, longest, forget=_FORGET * longest)
        """The pace of sources, and of familiar marks."""
        self.account: Pace = Pace(free, TURN, TURN, forget=free * TURN, by_turns=True)
        """The pace of accounts, for all networks that they are not familiar with."""

    def of_account(self, mark: str) -> Pace:
        """The pace for an attempt on an account from that familiar mark, or from none."""
        return self.source if mark else self.account

    def source_reserved(self, count: Count, attempt: Attempt, now: float) -> tuple[Count, Reservation | Wait]:
        """The count of the source of `attempt` after a reservation, or after it was refused."""
        after, refused = self.source.reserved(self.source.current(count, now), now, hold=attempt.guessable)
        return after, refused or Reservation(attempt, held_until=now + HOLD if attempt.guessable else 0.0)

    def account_reserved(
        self, count: Count, attempt: Attempt, now: float, *, mark: str, known_until: float
    ) -> tuple[Count, Reservation | Wait]:
        """The count of the account, or of its familiar `mark`, after a reservation or a refusal."""
        pace = self.of_account(mark)
        count = pace.current(count, now)
        after, refused = pace.reserved(count, now, attempt.network)
        if refused is not None:
            return after, Wait(refused.seconds)
        return after, Reservation(attempt, mark, known_until, now + HOLD, count.served(attempt.network))

    def source_settled(self, count: Count, reservation: Reservation, outcome: AttemptOutcome, now: float) -> Count:
        """The count of the source after a reservation ended."""
        failed = outcome is AttemptOutcome.FAILED
        return self.source.settled(count, now, reservation.held_until, failed=failed)

    def account_settled(self, count: Count, reservation: Reservation, outcome: AttemptOutcome, now: float) -> Count:
        """The count of the account, or of its familiar mark, after a reservation ended."""
        return self.of_account(reservation.mark).settled(
            count,
            now,
            reservation.held_until,
            failed=outcome is AttemptOutcome.FAILED,
            network=reservation.attempt.network,
            served=reservation.served if outcome is AttemptOutcome.ABANDONED else None,
        )


def _missed(turn: Turn, now: float) -> Turn:
    # One who did not come had a turn. Otherwise a network could keep its place at the head of the line for ever.
    return Turn(min(turn.until, now), 0.0, turn.network)


def _with(turns: tuple[Turn, ...], own: Turn, now: float) -> tuple[Turn, ...]:
    """The line with `own`. A full line loses the network that was served longest ago; those who wait stay in it."""
    others = [turn for turn in turns if turn.network != own.network]
    if len(others) >= MAX_NETWORKS:
        resting = [turn for turn in others if turn.until <= now]
        if not resting:
            return turns
        others.remove(min(resting))
    return (*others, own)
