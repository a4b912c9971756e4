"""Report on mutants: each survivor as it comes, then a table by rooms, which says how far a sample can be trusted."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

from tests.mutants.mutations import Mutant
from tests.mutants.session import KILLED, SURVIVED, TIMED_OUT, UNTESTED, Result

KINDS: Final = ("text", "tuning", "equivalent")
"""Why a survivor may live."""
_COLUMNS: Final = ("mutants", "run", "killed", *KINDS, "alive")
_QUANTILE: Final = 1.959964  # of the normal distribution, for 95 %


class Report:
    """Prints results as they come, and their sum.

    Args:
        accepted: the kinds of the survivors that may live, by their keys.
        found: all mutants, of which some are run.
    """

    def __init__(self, accepted: Mapping[tuple[str, ...], str], found: list[Mutant]) -> None:
        self._accepted = accepted
        self._found = Counter(room_of(mutant) for mutant in found)
        self._began = time.monotonic()
        self._rooms: dict[str, Counter[str]] = {}

    def add(self, result: Result) -> None:
        """Count a result, and print one that somebody has to look at."""
        mutant, outcome = result.mutant, result.outcome
        kind = self._accepted.get(mutant.key)
        if kind is not None and outcome == KILLED:
            print(f"accepted, but killed by {result.test}: {mutant.key}", flush=True)
        if kind is not None and outcome in (SURVIVED, UNTESTED):
            outcome = kind
        self._rooms.setdefault(room_of(mutant), Counter())[outcome] += 1
        done = sum(self._rooms.values(), Counter[str]()).total()
        if done % 50 == 0:
            print(f"{done} mutants in {time.monotonic() - self._began:.0f} s", flush=True)
        if outcome in (SURVIVED, UNTESTED, TIMED_OUT):
            more = f", {result.left_out} more left out" if result.left_out else ""
            print(f"{outcome} ({result.tests} tests{more}): {mutant.path}:{mutant.lines[0]} in {mutant.where or 'it'}")
            print(_marked("- ", mutant.before), _marked("+ ", mutant.after), sep="\n", flush=True)

    def summary(self) -> int:
        """Print the table; 1 if there are survivors that are not accepted."""
        print(f"{'room':12}", *(f"{name:>{_width(name)}}" for name in _COLUMNS), " noticed, of those not accepted")
        rooms = sorted(self._rooms.items())
        for room, outcomes in rooms:
            print(_row(room, self._found[room], outcomes), _rate(outcomes))
        total = sum(self._rooms.values(), Counter[str]())
        if len(rooms) > 1:
            # Where rooms were not tried in proportion to what there is of them, one rate of all says nothing.
            shares = [outcomes.total() / self._found[room] for room, outcomes in rooms]
            fair = max(shares) <= 2 * min(shares)
            print(_row("all", self._found.total(), total), _rate(total) if fair else " -")
        if total[TIMED_OUT]:
            print(f"{total[TIMED_OUT]} of the killed took too long.")
        print(f"{time.monotonic() - self._began:.0f} s")
        return int(_alive(total) > 0)


def room_of(mutant: Mutant) -> str:
    """The room that a mutant is in, or the adapter."""
    return mutant.path.split("/")[1]


def interval(successes: int, tried: int) -> tuple[float, float]:
    """The share that `successes` of `tried` speak for: between which two numbers, at 95 % (Wilson).

    A sample of a few hundred is small beside all mutants; where it is not, the interval is wider than it has to be.
    """
    if not tried:
        return 0.0, 1.0
    share, square = successes / tried, _QUANTILE**2
    middle = share + square / (2 * tried)
    spread = _QUANTILE * math.sqrt(share * (1 - share) / tried + square / (4 * tried**2))
    below, above = ((middle + sign * spread) / (1 + square / tried) for sign in (-1, 1))
    return max(0.0, below), min(1.0, above)


def _alive(outcomes: Counter[str]) -> int:
    return outcomes[SURVIVED] + outcomes[UNTESTED]


def _row(room: str, found: int, outcomes: Counter[str]) -> str:
    killed = outcomes[KILLED] + outcomes[TIMED_OUT]
    numbers = (found, outcomes.total(), killed, *(outcomes[kind] for kind in KINDS), _alive(outcomes))
    cells = (f"{number:>{_width(name)}}" for name, number in zip(_COLUMNS, numbers, strict=True))
    return " ".join([f"{room:12}", *cells])


def _rate(outcomes: Counter[str]) -> str:
    killed = outcomes[KILLED] + outcomes[TIMED_OUT]
    judged = killed + _alive(outcomes)
    below, above = interval(killed, judged)
    if not judged:
        return " -"
    share = killed / judged
    return f" {share:.1%} (95 % interval {below:.1%} to {above:.1%})"


def _width(column: str) -> int:
    return max(6, len(column))


def _marked(mark: str, text: str) -> str:
    return "\n".join(f"    {mark}{line}" for line in text.splitlines())
