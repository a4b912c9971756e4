"""How the benchmarks measure: in one process, in rounds, by ratios.

A candidate is an application called without a network. Every request is made anew before the clock starts, so that no
string has remembered its hash. In a round all candidates of a case take turns several times, in shuffled order and in
batches of about half a millisecond, and the fastest batch of each counts: what else runs on the machine only makes it
slower. A batch that was preempted (more wall time than CPU time) runs again; what waits for a database always has more
wall time than CPU time. Differences and ratios are taken inside a round.
"""

from __future__ import annotations

import asyncio
import atexit
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

BATCH_SECONDS = 0.0005
TURNS = 8
"""Batches of each candidate in a round."""
USERS = 64
_RETRIES = 3

Serve = Callable[[Any], Any]

_runner = asyncio.Runner()
atexit.register(_runner.close)


def complete(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, on the one event loop of this process: connections of databases belong to it."""
    return _runner.run(work)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that is timed.

    Args:
        name: how the table calls it.
        make: makes the n-th request.
        serve: handles one request; a coroutine function for ASGI.
        is_async: whether it is one.
        waits: whether it waits for a database, so that less CPU time than wall time is no sign of preemption.
    """

    name: str
    make: Callable[[int], Any]
    serve: Serve
    is_async: bool = False
    waits: bool = False


def answered(candidate: Candidate, number: int) -> tuple[str, bytes]:
    """The status and the body that an application answers the n-th request with."""
    made = candidate.make(number)
    answer: tuple[str, bytes] = complete(candidate.serve(made)) if candidate.is_async else candidate.serve(made)
    return answer


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: (candidate - bare) / (floor - floor_bare), beside its goal.

    Args:
        label: how the table calls it.
        candidate: what is measured.
        bare: the same framework without authentication.
        floor: the unit of the row; None for microseconds.
        goal: what the project aims at.
        over: the row whose (candidate - bare) is subtracted, for what an adapter adds to the raw middleware.
        floor_bare: what is subtracted from the floor, where that is a guarded application too.
    """

    label: str
    candidate: Candidate
    bare: Candidate | None
    floor: Candidate | None
    goal: str = ""
    over: Row | None = None
    floor_bare: Candidate | None = None

    @property
    def timed(self) -> list[Candidate]:
        """The candidates that the row needs times of."""
        own = [each for each in (self.candidate, self.bare, self.floor, self.floor_bare) if each]
        return own + (self.over.timed if self.over else [])

    def overhead(self, times: dict[str, float]) -> float:
        """Seconds over the bare application, less those of `over`."""
        bare = times[self.bare.name] if self.bare else 0.0
        return times[self.candidate.name] - bare - (self.over.overhead(times) if self.over else 0.0)


def measure(rows: list[Row], *, rounds: int, seed: int) -> dict[str, list[float]]:
    """The ratio of each row in each round."""
    candidates = {each.name: each for row in rows for each in row.timed}
    shuffler = random.Random(seed)
    sizes = {name: _calibrate(candidate) for name, candidate in candidates.items()}
    ratios: dict[str, list[float]] = {row.label: [] for row in rows}  # floors come after all rows
    for _ in range(rounds):
        times = dict.fromkeys(candidates, float("inf"))
        for _ in range(TURNS):
            for name in shuffler.sample(list(candidates), len(candidates)):
                times[name] = min(times[name], _batch(candidates[name], sizes[name]))
        for row in rows:
            unit = times[row.floor.name] if row.floor else 1e-6
            unit -= times[row.floor_bare.name] if row.floor_bare else 0.0
            ratios[row.label].append(row.overhead(times) / unit)
            if row.floor:
                ratios.setdefault(f"{row.floor.name} [us]", []).append(unit * 1e6)
    return ratios


def _calibrate(candidate: Candidate) -> int:
    size = 8
    _batch(candidate, size)  # The first requests import and fill caches: they would make the batches too small.
    while size < 4096:
        seconds = _batch(candidate, size) * size
        if seconds >= BATCH_SECONDS / 2:
            return max(8, int(size * BATCH_SECONDS / seconds))
        size *= 2
    return size


def _batch(candidate: Candidate, size: int) -> float:
    """Seconds for one request, from a batch that was not preempted, or from the fastest of some that were."""
    best = float("inf")
    for _ in range(1 if candidate.waits else _RETRIES):
        requests = [candidate.make(number) for number in range(size)]
        if candidate.is_async:
            wall, cpu = complete(_timed_async(candidate.serve, requests))
        else:
            wall, cpu = _timed(candidate.serve, requests)
        if not candidate.waits and wall <= 1.05 * cpu:
            return wall / size
        best = min(best, wall)
    return best / size


def _timed(serve: Serve, requests: list[Any]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for request in requests:
        serve(request)
    return time.perf_counter() - wall, time.process_time() - cpu


async def _timed_async(serve: Callable[[Any], Awaitable[Any]], requests: list[Any]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    for request in requests:
        await serve(request)
    return time.perf_counter() - wall, time.process_time() - cpu
