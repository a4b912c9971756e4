"""Races between processes, each of which opens the store for itself."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing.synchronize import Barrier
from typing import Final, TypeVar

from authmw.testing.contract.open_store import TIMEOUT, OpenStore, Play, aborting, by_round, load

S = TypeVar("S")
T = TypeVar("T")

PROCESSES: Final = 4
"""The number of processes in a race."""

_start: Barrier | None = None


def race_processes(factory: str, namespace: str, play: Play[S, T], *, rounds: int) -> list[list[T]]:
    """Run `play` in several processes at once. Returns their answers, round by round.

    Args:
        factory: ``module:function``, called with `namespace` in each process.
        namespace: the name for the test's data.
        play: a function of a module, or a `functools.partial` of one.
        rounds: the number of rounds.
    """
    pool = _pool()
    try:
        answers = [pool.submit(_plays, factory, namespace, play, racer, rounds) for racer in range(PROCESSES)]
        return by_round(answers)
    except BaseException:
        # The barrier of this pool is broken, so the next race needs a new pool.
        _pool.cache_clear()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@cache
def _pool() -> ProcessPoolExecutor:
    # A forked process would inherit the locks of other threads, some of them held for ever.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=_set_up, initargs=(spawn.Barrier(PROCESSES),))


def _set_up(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - a barrier can be given to a process only when it starts, not with a task
    _start = start


def _plays(factory: str, namespace: str, play: Play[S, T], racer: int, rounds: int) -> list[T]:
    assert _start is not None
    answers: list[T] = []
    with aborting(_start):
        opened: OpenStore[S] = OpenStore(load(factory)(namespace))
        try:
            for number in range(rounds):
                _start.wait(TIMEOUT)
                answers.append(opened.run(play(opened.store, racer, number)))
        finally:
            opened.close()
    return answers
