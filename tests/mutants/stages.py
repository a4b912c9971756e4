"""Stages in which mutants are tried: by the tests of their room, and those that live by all tests.

A process that has imported a few tests forks fast, and most mutants are noticed by these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Final

import pytest

from tests.mutants.anew import ARGUMENTS
from tests.mutants.mutations import Mutant
from tests.mutants.report import room_of
from tests.mutants.session import SURVIVED, UNTESTED, Result, Session
from tests.support import ROOT

ALL_TESTS: Final = ("tests",)
_SECONDS: Final = 20.0
"""For the tests of a room: what is alive after that is tried by all tests anyway."""
_GOOD: Final = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def run(
    mutants: list[Mutant], tests: tuple[str, ...], jobs: int, seconds: float, report: Callable[[Result], None]
) -> int:
    """Run tests on mutants, and answer with the status of pytest, which is 0 also if mutants live.

    Args:
        mutants: what to run.
        tests: files or folders.
        jobs: how many mutants at the same time.
        seconds: for the tests of one mutant.
        report: is told each result.
    """
    code = pytest.main([*ARGUMENTS, *tests], plugins=[Session(mutants, jobs, seconds, report)])
    return 0 if code in _GOOD else int(code)


def run_in_stages(
    mutants: list[Mutant],
    accepted: Container[tuple[str, ...]],
    jobs: int,
    seconds: float,
    report: Callable[[Result], None],
    *,
    near: bool = False,
) -> int:
    """As `run`, with the tests of their rooms first.

    Args:
        mutants: what to run.
        accepted: the keys of survivors that may live, for which no more tests are tried.
        jobs: how many mutants at the same time.
        seconds: for the tests of one mutant.
        report: is told each result.
        near: whether to try no other tests. More mutants live then than all tests would let live.
    """
    rooms: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        rooms[room_of(mutant)].append(mutant)
    done: set[Mutant] = set()
    for room, group in rooms.items():
        folder = f"tests/{room}"
        if not (ROOT / folder).is_dir():
            continue
        print(f"{room}: {len(group)} mutants by {folder}", flush=True)
        for result in _results_of_child(group, folder, jobs, min(seconds, _SECONDS)):
            if near or result.outcome not in (SURVIVED, UNTESTED) or result.mutant.key in accepted:
                done.add(result.mutant)
                report(result)
            else:
                print(f"not noticed so far: {result.mutant.path}:{result.mutant.lines[0]}", flush=True)
    alive = [mutant for mutant in mutants if mutant not in done]
    if near:
        for mutant in alive:  # there is no such folder, or its tests do not run
            report(Result(mutant, UNTESTED))
    if near or not alive:
        return 0
    print(f"{len(alive)} mutants by all tests", flush=True)
    return run(alive, ALL_TESTS, jobs, seconds, report)


def _results_of_child(mutants: list[Mutant], folder: str, jobs: int, seconds: float) -> Iterator[Result]:
    """Results as they come. A child that fails has fewer, and its mutants are tried by all tests."""
    context = get_context("fork")  # nothing of authmw is imported yet
    receiving, sending = Pipe(duplex=False)
    child = context.Process(target=_child, args=(mutants, folder, jobs, seconds, sending))
    child.start()
    sending.close()
    try:
        while True:
            yield receiving.recv()
    except EOFError:
        child.join()


def _child(mutants: list[Mutant], folder: str, jobs: int, seconds: float, sending: Connection) -> None:
    raise SystemExit(run(mutants, (folder,), jobs, seconds, sending.send))
