"""Races between processes, each of which opens the store for itself."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing.synchronize import Barrier
from typing import Final, TypeVar

from authmw.testing.contract.session import PATIENCE, Play, Session, aborting, by_round, load

S = TypeVar("S")
T = TypeVar("T")

PROCESSES: Final = 4
"""How many race."""

_start: Barrier | None = None


def race_processes(factory: str, namespace: str, play: Play[S, T], *, rounds: int) -> list[list[T]]:
    """What the processes answered that played at once, round by round.

    Args:
        factory: ``module:function``, called with `namespace` in each process.
        namespace: where the test's data are.
        play: a function of a module, or a `functools.partial` of one.
        rounds: how many.
    """
    pool = _pool()
    try:
        answers = [pool.submit(_plays, factory, namespace, play, racer, rounds) for racer in range(PROCESSES)]
        return by_round(answers)
    except BaseException:
        # Its barrier is broken.
        _pool.cache_clear()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


@cache
def _pool() -> ProcessPoolExecutor:
    # A fork would take along the locks of other threads as they happen to be.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=_meet_at, initargs=(spawn.Barrier(PROCESSES),))


def _meet_at(start: Barrier) -> None:
    global _start  # noqa: PLW0603 - a barrier is only inherited, so that no task can bring it along
    _start = start


def _plays(factory: str, namespace: str, play: Play[S, T], racer: int, rounds: int) -> list[T]:
    assert _start is not None
    answers: list[T] = []
    with aborting(_start):
        session: Session[S] = Session(load(factory)(namespace))
        try:
            for number in range(rounds):
                _start.wait(PATIENCE)
                answers.append(session.run(play(session.store, racer, number)))
        finally:
            session.close()
    return answers
