"""Choice of the tests that run on a mutant: the nearest and the fastest of those that execute its lines."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from math import inf
from typing import Final

from tests.mutants.measured import Test
from tests.mutants.mutations import Mutant
from tests.support import ROOT

_SAME_TEST: Final = 4
"""So many cases of each test are run before all cases of any."""


def chosen_for(mutant: Mutant, tests: Mapping[str, Test], seconds: float) -> tuple[list[str], int]:
    """The tests to run, as many as take so many seconds, and how many are left out.

    Args:
        mutant: the mutant.
        tests: all tests by their node ids.
        seconds: for all that are chosen.
    """
    source = (ROOT / mutant.path).read_text()
    passed = {nodeid: test for nodeid, test in tests.items() if test.passed}
    naming = files_that_name(mutant.path)
    if mutant.at_import:
        # Each import reads it, and other modules may use it.
        lines = lines_that_use(source, mutant.lines)
        executing = {nodeid for nodeid, test in passed.items() if mutant.path in test.lines or test.file in naming}
    else:
        lines = _bits(*mutant.lines)
        # Up to Python 3.11 nobody is told of the lines that a generator executes after an error was thrown into it.
        around = function_around(source, mutant.lines)
        executing = {nodeid for nodeid, test in passed.items() if test.lines.get(mutant.path, 0) & around}
    near = {
        nodeid
        for nodeid in executing
        if passed[nodeid].lines.get(mutant.path, 0) & lines or (mutant.at_import and passed[nodeid].file in naming)
    }
    room, siblings = mutant.path.split("/")[1], Counter[str]()
    order: dict[str, tuple[bool, int, int]] = {}
    by_time = sorted(executing, key=lambda nodeid: (passed[nodeid].seconds, nodeid))
    for nodeid in by_time:
        function = nodeid.partition("[")[0]
        file = passed[nodeid].file
        distance = 0 if file in naming else 1 if room in file.split("/") else 2
        order[nodeid] = (nodeid not in near, siblings[function] // _SAME_TEST, distance)
        siblings[function] += 1
    spent, chosen = 0.0, list[str]()
    for nodeid in sorted(by_time, key=order.__getitem__):
        spent += passed[nodeid].seconds
        if spent > seconds:
            break
        chosen.append(nodeid)
    return chosen, len(executing) - len(chosen)


def as_tried(mutant: Mutant, tests: Mapping[str, Test]) -> Mutant:
    """`mutant`; as one that is read at import if no test executes it, since its function may run only at import."""
    is_executed = mutant.at_import or chosen_for(mutant, tests, inf)[0]
    return mutant if is_executed else replace(mutant, at_import=True)


@cache
def files_that_name(path: str) -> frozenset[str]:
    """The files of tests that import a module, or are named after it."""
    module = path.removeprefix("adapters/").removesuffix(".py").replace("/", ".")
    stem = module.rpartition(".")[2]
    imported = re.compile(rf"{re.escape(module)}|^(?:from|import) .*\b{stem}\b", re.MULTILINE)
    files = (ROOT / "tests").rglob("test_*.py")
    found = (file for file in files if stem in file.stem or imported.search(file.read_text()) is not None)
    return frozenset(str(file.relative_to(ROOT)) for file in found)


def lines_that_use(source: str, lines: tuple[int, int]) -> int:
    """The lines of a source that use what a statement of it defines at import, each as a bit of a number."""
    tree = ast.parse(source)
    found = 0
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and statement.lineno <= lines[1] and _last_of_head(statement) >= lines[0]:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found |= _bits(statement.body[0].lineno, statement.end_lineno or 0)
            names = set(_names_in(statement))
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Name | ast.Attribute)
                    and getattr(node, "id", getattr(node, "attr", "")) in names
                ):
                    found |= 1 << node.lineno
    return found


def function_around(source: str, lines: tuple[int, int]) -> int:
    """The lines of the innermost function that has these lines, each as a bit of a number."""
    spans = [lines]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            last = node.end_lineno or 0
            if node.body[0].lineno <= lines[0] and lines[1] <= last:
                spans.append((node.body[0].lineno, last))
    return _bits(*spans[-1])


def _last_of_head(statement: ast.stmt) -> int:
    body: list[ast.stmt] = getattr(statement, "body", [])
    return max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or 0


def _names_in(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for target in targets:
        for node in ast.walk(target) if target is not None else ():
            if isinstance(node, ast.Name):
                yield node.id


def _bits(first: int, last: int) -> int:
    return ((1 << max(0, last - first + 1)) - 1) << first
