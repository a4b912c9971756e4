"""Which tests execute which lines. It is measured once for each test file, and again when that or a source has changed.

What was measured is kept in ``.mutants``.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import coverage
import pytest

from tests.support import ROOT

KEPT: Final = ROOT / ".mutants"
SOURCES: Final = ("authmw", "adapters")


@dataclass(slots=True)
class Test:
    """What one test did.

    Args:
        file: where it is, from the root of the repository.
        seconds: how long it used a processor.
        passed: whether it passed; a test that fails without a mutant tells nothing.
        lines: the lines that it executed by the path of the source, each as a bit of a number.
    """

    __test__ = False

    file: str
    seconds: float = 0.0
    passed: bool = True
    lines: dict[str, int] = field(default_factory=dict[str, int])


Run = Callable[[pytest.Item, pytest.Item | None], bool]
"""Runs a test, before another, and answers whether it passed."""


def measured(items: list[pytest.Item], jobs: int, run: Run) -> dict[str, Test]:
    """What each of `items` does, by its node id."""
    files: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[str(item.path.relative_to(ROOT))].append(item)
    KEPT.mkdir(exist_ok=True)
    missing = [file for file in files if _kept(file) is None]
    if missing:
        began = time.monotonic()
        print(f"measuring {sum(len(files[file]) for file in missing)} tests in {len(missing)} files", flush=True)
        workers = [_measure([files[file] for file in missing[n::jobs]], run) for n in range(jobs)]
        for worker in workers:
            os.waitpid(worker, 0)
        print(f"measured in {time.monotonic() - began:.0f} s", flush=True)
    wanted = {item.nodeid for item in items}
    found = {nodeid: test for file in files for nodeid, test in (_kept(file) or {}).items()}
    return {nodeid: test for nodeid, test in found.items() if nodeid in wanted}


def _place(file: str) -> Path:
    return KEPT / file.replace("/", ".")


def _kept(file: str) -> dict[str, Test] | None:
    """What was measured about a test file; None if the file, or a source that it executes, has changed since."""
    if not _place(file).exists():
        return None
    digests, tests = pickle.loads(_place(file).read_bytes())
    return tests if all(_digest(path) == digest for path, digest in digests.items()) else None


def _keep(file: str, tests: dict[str, Test]) -> None:
    paths = {file}.union(*(test.lines for test in tests.values()))
    _place(file).write_bytes(pickle.dumps(({path: _digest(path) for path in paths}, tests)))


@cache
def _digest(path: str) -> str:
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest() if (ROOT / path).exists() else ""


def _measure(share: list[list[pytest.Item]], run: Run) -> int:
    """Measure in a child, which is returned: what tests leave behind in a process is nobody else's."""
    child = os.fork()
    if child:
        return child
    silence()
    for items in share:
        tests = {item.nodeid: Test(str(item.path.relative_to(ROOT))) for item in items}
        # A file at a time, so that little is kept in memory.
        measuring = coverage.Coverage(data_file=None, source=[str(ROOT / top) for top in SOURCES], config_file=False)
        measuring.set_option("run:disable_warnings", ["already-imported", "no-data-collected", "module-not-measured"])
        measuring.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            measuring.switch_context(item.nodeid)
            began = time.process_time()
            tests[item.nodeid].passed = run(item, following)
            tests[item.nodeid].seconds = time.process_time() - began
        measuring.stop()
        data = measuring.get_data()
        for name in data.measured_files():
            source = str(Path(name).relative_to(ROOT))
            for line, nodeids in data.contexts_by_lineno(name).items():
                for nodeid in filter(None, nodeids):
                    lines = tests[nodeid].lines
                    lines[source] = lines.get(source, 0) | 1 << line
        _keep(str(items[0].path.relative_to(ROOT)), tests)
    os._exit(0)


def silence() -> None:
    """Print nothing any more: what tests print belongs to nobody."""
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def repeat_examples() -> None:
    """Let hypothesis try the same examples each time, and keep none that a mutant failed."""
    import hypothesis  # after pytest, which rewrites what it imports

    profile = hypothesis.settings.get_profile("authmw")
    hypothesis.settings.register_profile("mutants", profile, database=None, derandomize=True)
    hypothesis.settings.load_profile("mutants")
