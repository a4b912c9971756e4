"""How long the owner of an account waits at a new address while others guess: ``python -m tests.benchmarks.owners``.

A simulation by a clock of its own, with the throttle in memory and the code that all verifiers call. The attacker knows
the rules. It has many addresses in each network, guesses whenever a check is free, by the network that was served
longest ago, and puts all its networks in line a second before the owner comes. For the longest wait it has saved them
until then, and guessed from one of them only. The owner does what ``Retry-After`` says.

A network in line asks again and again, so that it keeps its place, and is mostly told to wait. Such an ask changes
nothing but the end of its own place, which is computed here. All other asks are made to the throttle, and one computed
ask in a thousand is made too: it has to be answered as computed.

The table is that of ``docs/operating/throttling.md``. Arguments are other numbers of networks.
"""

from __future__ import annotations

import heapq
import math
import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from authmw.flow.flow import Flow, run
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.verdict import Rejected
from authmw.stores import Attempt, AttemptOutcome, MemoryThrottle, Reservation, Wait
from authmw.stores.throttling import BUSY, PATIENCE, Count, Turn
from authmw.verifiers.accounts import Attempts

VISITS: Final = {1: 24, 10: 24, 100: 12, 1000: 6}
"""For each number of networks, how many owners come. Each comes to an attack of its own, at another hour of its day."""
_DAY: Final = 86_400.0
_KEEPS: Final = PATIENCE / 2 - 1.0
"""Seconds after the time that it was told at which a network asks again, so that it keeps its place in line."""
_LONGEST: Final = 2 * _DAY
_COMPARED: Final = 1000
"""One computed ask in so many is made too."""
_ACCOUNT: Final = "alice"


class Line:
    """The networks in line of one account, as of the last ask to its throttle.

    Args:
        count: the state of the account.
        now: seconds since the epoch.
    """

    def __init__(self, count: Count, now: float) -> None:
        self._count = count
        # The first has the next turn. Those before `_first` have lost their places.
        self._ends = {turn.network: turn.until for turn in sorted(count.turns) if turn.until > now}
        self._order = list(self._ends)
        self._first = 0

    def asked(self, network: str, now: float, free: int, forget: float) -> float:
        """The seconds for which that network has to wait, and it keeps its place; 0.0 if only the throttle knows.

        Args:
            network: the network that asks.
            now: seconds since the epoch.
            free: attempts of an account without any wait.
            forget: seconds without an attempt after which there is no line.
        """
        count, ends = self._count, self._ends
        if ends.get(network, 0.0) <= now or count.failed < free or count.held or now - count.not_before >= forget:
            return 0.0
        wait = count.not_before - now
        if wait <= 0:
            while ends[self._order[self._first]] <= now:
                self._first += 1
            if self._order[self._first] == network:
                return 0.0  # it is its turn
            wait = BUSY
        if ends[network] < now + wait + PATIENCE / 2:
            ends[network] = now + wait + PATIENCE
        return wait

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the account, with what was computed."""
        ends = self._ends
        return tuple(
            turn if (end := ends.get(turn.network, turn.until)) == turn.until else turn._replace(until=end)
            for turn in self._count.turns
        )


class Throttle(MemoryThrottle):
    """The throttle in memory, in which asks of networks in line may be computed."""

    def __init__(self) -> None:
        super().__init__()
        self._line: Line | None = None
        self._computed = 0

    def reserve(self, attempt: Attempt, now: float) -> Reservation | Wait:
        """Reserve one check, computed if `attempt` is one of a network in line."""
        line, pace = self._line, self._policy.account
        if line is None:
            line = self._line = Line(self._count(attempt.account), now)
        seconds = line.asked(attempt.network, now, pace.free, pace.forget)
        self._computed += 1
        if seconds and self._computed % _COMPARED:
            return Wait(seconds)
        before = self._count(attempt.account)
        expected = line.turns
        self._keep(attempt.account, replace(before, turns=expected))
        answer = super().reserve(attempt, now)
        self._line = None
        if seconds:
            assert answer == Wait(seconds), (answer, seconds)
            after = {turn.network: turn for turn in self._count(attempt.account).turns}
            assert after[attempt.network] in expected
        return answer

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        """End a reservation."""
        super().settle(reservation, outcome, now, familiar_until)
        self._line = None


@dataclass
class Attack:
    """An attack on one account, from a number of networks.

    Args:
        networks: the number of networks.
        saves: guess from the first network only, and save the others for the moment at which the owner comes.
        throttle: the throttle of the account.
    """

    networks: int
    saves: bool = False
    throttle: MemoryThrottle = field(default_factory=Throttle)
    now: float = 0.0
    checked: list[float] = field(default_factory=list[float])
    """The times at which a guess was checked."""

    def __post_init__(self) -> None:
        self._attempts = Attempts(self.throttle, lambda: self.now)
        # The network that was served longest ago is the first.
        self._by_turn = deque(range(self.networks))
        # Only a network that was never served can be in line before the owner.
        self.fresh = set(range(self.networks))
        self._checked_of = Counter[int]()

    def guess(self, network: int) -> float:
        """Guess from that network. The seconds after which it may try again; 0.0 if the guess was checked."""
        # From a new address after each check that failed, so that no source waits.
        wait = self._ask(f"2001:db8:{network:x}:{self._checked_of[network] % 65536:x}::1", _wrong)
        if not wait:
            self.checked.append(self.now)
            self._checked_of[network] += 1
            self._by_turn.remove(network)
            self._by_turn.append(network)
            self.fresh.discard(network)
        return wait

    def guess_next(self) -> float:
        """Guess from the network whose turn it is. The seconds after which to guess again."""
        return self.guess(0 if self.saves else self._by_turn[0])

    def enter(self) -> float:
        """The owner logs in from a new network. The seconds to wait; 0.0 if the login succeeded."""
        return self._ask("2001:db8:ffff::1", _right)

    def line_up(self) -> list[tuple[float, int]]:
        """Put the networks that were never served in line. When each has to ask again."""
        self.saves = False
        return [(self.now + self.guess(network) + _KEEPS, network) for network in sorted(self.fresh)]

    def _ask(self, client: str, check: Callable[[], Flow[str | Rejected]]) -> float:
        request = WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": client})
        answer = run(self._attempts.on_account(_ACCOUNT, request, check()))
        if isinstance(answer, Rejected) and answer.retry_after is not None:
            return float(answer.retry_after)
        return 0.0


def _wrong() -> Flow[str | Rejected]:
    yield from ()
    return Rejected(Reason.PASSWORD_WRONG)


def _right() -> Flow[str | Rejected]:
    yield from ()
    return "alice"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Args:
        networks: the number of networks that guess.
        waits: the seconds that each owner waited.
        longest: the seconds that an owner waited for whom the attacker had saved its networks.
        per_hour: the largest number of guesses that were checked in an hour.
    """

    networks: int
    waits: tuple[float, ...]
    longest: float
    per_hour: int

    def __str__(self) -> str:
        average = _duration(sum(self.waits) / len(self.waits))
        return f"| {self.networks:,} | {self.per_hour} | {average} | {_duration(max(self.longest, *self.waits))} |"


def simulated(networks: int, throttle: type[MemoryThrottle] = Throttle) -> Row:
    """The row for that number of networks. With a plain `MemoryThrottle` nothing is computed, which takes long."""
    chance, count = random.Random(networks), VISITS.get(networks, 2)
    waits: list[float] = []
    per_hour = 0
    for number in range(count):
        # One owner for each part of the day, at a random moment of it; the first seconds are those of free attempts.
        arrival = 120.0 + (_DAY - 120.0) * (number + chance.random()) / count
        attack = Attack(networks, throttle=throttle())
        waits.append(_visit(attack, arrival))
        per_hour = max(per_hour, *(_in_an_hour_from(attack.checked, start) for start in attack.checked[::10]))
    longest = _visit(Attack(networks, saves=True, throttle=throttle()), 1200.5)
    return Row(networks, tuple(waits), longest, per_hour)


def _visit(attack: Attack, arrival: float) -> float:
    """How long an owner waits who comes at `arrival`."""
    guesses_at = 0.0
    while guesses_at < arrival - 1.0:
        attack.now = guesses_at
        guesses_at += attack.guess_next()
    attack.now = arrival - 1.0
    line = attack.line_up()
    heapq.heapify(line)
    enters_at = arrival
    while enters_at < arrival + _LONGEST:
        asks_at, network = line[0] if line else (math.inf, 0)
        attack.now = min(guesses_at, asks_at, enters_at)
        # At the same moment, the attacker is first.
        if attack.now == guesses_at:
            guesses_at += attack.guess_next()
        elif attack.now == asks_at and network not in attack.fresh:
            heapq.heappop(line)
        elif attack.now == asks_at:
            heapq.heapreplace(line, (asks_at + attack.guess(network) + _KEEPS, network))
        else:
            wait = attack.enter()
            if not wait:
                break
            enters_at += wait
    return enters_at - arrival


def _in_an_hour_from(times: Iterable[float], start: float) -> int:
    return sum(start <= time < start + 3600.0 for time in times)


def _duration(seconds: float) -> str:
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200.0 else f"{seconds / 3600:.1f} h"


HEADER: Final = """\
| networks that guess | guesses an hour that are checked, at most | the owner waits, on average | at most |
|---|---|---|---|"""


def main() -> None:
    """Print the table, or the rows for the given numbers of networks."""
    print(HEADER)
    for networks in map(int, sys.argv[1:] or VISITS):
        print(simulated(networks), flush=True)


if __name__ == "__main__":
    main()
