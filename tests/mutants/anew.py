"""Process that imports a source with a mutant in it, and runs tests on that: for what is read at import."""

from __future__ import annotations

import os
import resource
import signal
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Final

import pytest

from tests.mutants.measured import repeat_examples, silence
from tests.mutants.mutations import Mutant, planted
from tests.support import ROOT

ARGUMENTS: Final = ["-q", "-m", "in_process", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no"]
# The modules of others are there already.
_IMPORTED: Final = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]


def run_anew(mutant: Mutant, rounds: list[list[tuple[str, str]]], seconds: int) -> None:
    """Run tests on a mutant until one fails, and end this process with the status of pytest.

    Args:
        mutant: what is imported in the place of its source.
        rounds: tests with their files. A round is run if those before it passed, each in a process of its own.
        seconds: how long a processor may be used for a round.
    """
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    silence()
    os.chdir(ROOT)
    for tests in rounds:
        child = os.fork()
        if not child:
            os._exit(_run(mutant, tests))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code < 0:
            signal.raise_signal(-code)
        # A mutant may change the ids of tests, so that none of these is left.
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            sys.exit(code)


def _run(mutant: Mutant, tests: list[tuple[str, str]]) -> int:
    assert not any(name.startswith("authmw") for name in sys.modules)
    get_code = SourceFileLoader.get_code
    path = str(ROOT / mutant.path)

    def with_mutant(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path != path:
            return get_code(loader, fullname)
        code: CodeType = compile(planted(Path(path).read_text(), mutant.index), path, "exec")
        return code

    SourceFileLoader.get_code = with_mutant  # type: ignore[method-assign, assignment]
    files = sorted({file for _, file in tests})
    return pytest.main(["-x", *ARGUMENTS, *_IMPORTED, *files], plugins=[_Only({nodeid for nodeid, _ in tests})])


class _Only:
    """Plugin that leaves only these tests, in their order."""

    def __init__(self, nodeids: set[str]) -> None:
        self._nodeids = nodeids

    def pytest_configure(self) -> None:
        """The same examples each time, and none of those that a mutant fails is kept."""
        repeat_examples()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only those that may notice the mutant."""
        items[:] = [item for item in items if item.nodeid in self._nodeids]
