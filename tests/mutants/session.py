"""Plugin for pytest: instead of the tests that were collected it runs mutants, and for each the tests of its lines.

A child of this process puts a mutant into functions that are imported, and runs tests until one fails. A mutant that is
read while its module is imported gets an interpreter that has imported nothing of authmw yet.
"""

from __future__ import annotations

import gc
import os
import resource
import selectors
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import CodeType, FunctionType
from typing import Final

import pytest

from tests.mutants.anew import run_anew
from tests.mutants.choice import as_tried, chosen_for
from tests.mutants.measured import Test, measured, repeat_examples, silence
from tests.mutants.mutations import Mutant, planted
from tests.support import ROOT

KILLED, SURVIVED, TIMED_OUT, UNTESTED = "killed", "survived", "timed out", "not tested"
_NOBODY: Final = "-"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    Args:
        mutant: the mutant.
        outcome: `KILLED`, `SURVIVED`, `TIMED_OUT` or `UNTESTED`: no test executes its lines.
        tests: how many tests were to run.
        left_out: how many more execute its lines, for which there was no time.
        test: the test that failed, where that is known.
    """

    mutant: Mutant
    outcome: str
    tests: int = 0
    left_out: int = 0
    test: str = ""


class Session:
    """The plugin.

    Args:
        mutants: what to run.
        jobs: how many at the same time.
        seconds: how long the tests of one mutant may take. The nearest and the fastest are run.
        report: is told each result.
    """

    def __init__(self, mutants: list[Mutant], jobs: int, seconds: float, report: Callable[[Result], None]) -> None:
        self._mutants = mutants
        self._jobs = jobs
        self._seconds = seconds
        self._report = report
        self._tests: dict[str, Test] = {}
        self._items: dict[str, pytest.Item] = {}
        self._functions: dict[str, list[FunctionType]] = {}
        self._caches: list[tuple[str, Callable[[], None]]] = []
        self._failed = False
        self._anew = get_context("forkserver")

    def pytest_configure(self) -> None:
        """The same examples each time."""
        repeat_examples()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run mutants instead of tests."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors while tests were collected")
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all children
        self._items = {item.nodeid: item for item in session.items}
        self._tests = measured(session.items, self._jobs, self._passes)
        failing = [nodeid for nodeid, test in self._tests.items() if not test.passed]
        if failing:
            print("left out, since they fail without a mutant:", *failing, sep="\n    ")
        gc.unfreeze()  # what tests/conftest.py froze would not be found
        self._functions = _functions()
        self._caches = _caches()
        os.environ["MUTANTS_PRELOAD"] = " ".join(_others_modules())
        self._anew.set_forkserver_preload(["tests.mutants.preload"])
        # What is there by now stays: a child that collects garbage would copy all of it.
        gc.collect()
        gc.freeze()
        self._run()
        return True

    def _run(self) -> None:
        waiting, running = iter(self._mutants), set[_Running]()
        with selectors.DefaultSelector() as selector:
            while True:
                while len(running) < self._jobs and (mutant := next(waiting, None)) is not None:
                    started = self._start(mutant)
                    if isinstance(started, Result):
                        self._report(started)
                    else:
                        running.add(started)
                        selector.register(started.readable, selectors.EVENT_READ, started)
                if not running:
                    return
                ready = {key.data for key, _ in selector.select(0.5)}
                for each in ready | {each for each in running if time.monotonic() > each.until}:
                    running.remove(each)
                    selector.unregister(each.readable)
                    self._report(each.result(in_time=each in ready))

    def _start(self, mutant: Mutant) -> _Running | Result:
        tried = as_tried(mutant, self._tests)
        chosen, left_out = chosen_for(tried, self._tests, self._seconds)
        if not chosen:
            return Result(mutant, UNTESTED)
        codes = None if tried.at_import else self._codes(mutant)
        seconds = int(10 + 20 * (codes is None) + 4 * sum(self._tests[nodeid].seconds for nodeid in chosen))
        # A child that waits for ever uses no processor; on a busy machine others use it.
        until = time.monotonic() + 6 * seconds
        if codes is None:
            process = self._anew.Process(target=run_anew, args=(mutant, self._rounds(chosen), seconds))
            process.start()
            return _RunningAnew(mutant, until, len(chosen), left_out, process)
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            return _RunningHere(mutant, until, len(chosen), left_out, child, reading)
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        silence()
        try:
            killer = self._try(mutant, codes, chosen)
        except BaseException as error:  # the mutant may raise anything
            killer = f"{type(error).__name__}: {error}"
        os.write(writing, (killer or _NOBODY).encode("utf-8", "replace")[:4000])
        os._exit(0)

    def _try(self, mutant: Mutant, codes: list[tuple[FunctionType, CodeType]], chosen: list[str]) -> str:
        """In a child: which test fails; empty for none."""
        for path, clear in self._caches:
            if path == str(ROOT / mutant.path):
                clear()  # what it remembers was found without the mutant
        for function, code in codes:
            function.__code__ = code
        for nodeid, following in zip(chosen, [*chosen[1:], None], strict=True):
            if not self._passes(self._items[nodeid], self._items.get(following or "")):
                return nodeid
        return ""

    def _rounds(self, chosen: list[str]) -> list[list[tuple[str, str]]]:
        """The chosen tests with their files, in rounds: a few files are imported first, since that takes longest."""
        files = list(dict.fromkeys(self._tests[nodeid].file for nodeid in chosen))
        parts = (files[:2], files[2:8], files[8:])
        return [
            [(each, self._tests[each].file) for each in chosen if self._tests[each].file in part]
            for part in parts
            if part
        ]

    def _passes(self, item: pytest.Item, following: pytest.Item | None) -> bool:
        self._failed = False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self._failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure of the test that runs."""
        self._failed = self._failed or report.failed

    def _codes(self, mutant: Mutant) -> list[tuple[FunctionType, CodeType]] | None:
        """The functions that the mutant changes, each with its code; None where it is in no function of now."""
        path = str(ROOT / mutant.path)
        module: CodeType = compile(planted((ROOT / mutant.path).read_text(), mutant.index), path, "exec")
        codes: dict[tuple[str, int], list[CodeType]] = defaultdict(list)
        for code in _codes(module):
            codes[code.co_qualname, code.co_firstlineno].append(code)
        changed: list[tuple[FunctionType, CodeType]] = []
        for function in self._functions.get(path, ()):
            old = function.__code__
            same = codes[old.co_qualname, old.co_firstlineno]
            if len(same) != 1 or same[0].co_freevars != old.co_freevars:
                if old.co_qualname.replace(".<locals>", "") == mutant.where:
                    return None
                continue
            if same[0] != old:
                changed.append((function, same[0]))
        return changed or None


@dataclass(frozen=True, slots=True, eq=False)
class _RunningHere:
    """A child that runs tests on a mutant.

    Args:
        mutant: the mutant.
        until: when it has taken too long.
        tests: how many it runs.
        left_out: how many more execute the lines.
        process: the child, the leader of a group.
        readable: can be read when it is done.
    """

    mutant: Mutant
    until: float
    tests: int
    left_out: int
    process: int
    readable: int

    def result(self, *, in_time: bool) -> Result:
        """What the child wrote; one that took too long is ended, with what it started."""
        killer = os.read(self.readable, 4000).decode("utf-8", "replace") if in_time else ""
        os.close(self.readable)
        if not killer:
            _kill(self.process)
        _, status = os.waitpid(self.process, 0)
        outcome = SURVIVED if killer == _NOBODY else TIMED_OUT if os.WIFSIGNALED(status) else KILLED
        return Result(self.mutant, outcome, self.tests, self.left_out, killer)


@dataclass(frozen=True, slots=True, eq=False)
class _RunningAnew:
    """As `_RunningHere`, in a new interpreter."""

    mutant: Mutant
    until: float
    tests: int
    left_out: int
    process: BaseProcess

    @property
    def readable(self) -> int:
        """Can be read when it is done."""
        return self.process.sentinel

    def result(self, *, in_time: bool) -> Result:
        """What the status of the process says; one that took too long is ended."""
        if not in_time:
            _kill(self.process.pid or 0)
        self.process.join()
        code = self.process.exitcode or 0
        self.process.close()
        outcome = TIMED_OUT if not in_time or code < 0 else KILLED if code else SURVIVED
        return Result(
            self.mutant, outcome, self.tests, self.left_out, f"pytest, which ended with {code}" if code else ""
        )


_Running = _RunningHere | _RunningAnew


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _others_modules() -> list[str]:
    """The modules of others that are imported, in the order in which they were."""
    own = ("authmw", "tests", "examples", "conftest", "__main__", "__mp_main__")
    return [name for name in sys.modules if not name.startswith(own)]


def _functions() -> dict[str, list[FunctionType]]:
    """The functions that are imported, by the path of their source."""
    found: dict[str, list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType:
            found[each.__code__.co_filename].append(each)
    return found


def _caches() -> list[tuple[str, Callable[[], None]]]:
    """What clears each `functools.cache`, with the path of the source of its function."""
    found: list[tuple[str, Callable[[], None]]] = []
    for each in gc.get_objects():
        if type(each).__name__ == "_lru_cache_wrapper" and type(each.__wrapped__) is FunctionType:
            found.append((each.__wrapped__.__code__.co_filename, each.cache_clear))
    return found


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)
