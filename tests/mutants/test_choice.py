"""Which tests run on a mutant: those that execute its lines, or use what it defines, the nearest and fastest first."""

from __future__ import annotations

import pytest

from tests.mutants.choice import as_tried, chosen_for, files_that_name, function_around, lines_that_use
from tests.mutants.measured import Test
from tests.mutants.mutations import Mutant
from tests.support import ROOT

PATH = "authmw/engine/decorators.py"
HERE = "tests/engine/test_decorators.py::test"


def mutant(first: int, last: int, *, at_import: bool = False) -> Mutant:
    return Mutant(PATH, 0, "", "x = 1", "x = 2", (first, last), at_import=at_import)


def ran(nodeid: str, *lines: int, seconds: float = 1.0, passed: bool = True) -> tuple[str, Test]:
    bits = sum(1 << line for line in lines)
    return nodeid, Test(nodeid.partition("::")[0], seconds, passed, {PATH: bits} if bits else {})


def test_tests_that_execute_a_line_of_it_are_chosen_and_the_nearest_come_first() -> None:
    tests = dict(
        [
            ran("tests/wsgi/test_a.py::quick", 7, seconds=0.1),
            ran("tests/engine/test_b.py::test", 6),
            ran(HERE, 5, 6, seconds=3.0),
            ran("tests/engine/test_decorators.py::elsewhere", 8),
            ran("tests/engine/test_decorators.py::failing", 6, passed=False),
        ]
    )
    near = [HERE, "tests/engine/test_b.py::test", "tests/wsgi/test_a.py::quick"]
    assert chosen_for(mutant(5, 7), tests, 60.0) == (near, 0)
    assert chosen_for(mutant(5, 7), tests, 4.0) == (near[:2], 1)


def test_tests_of_the_function_around_follow_since_not_every_line_is_measured() -> None:
    source = (ROOT / PATH).read_text()
    number = next(n for n, line in enumerate(source.splitlines(), 1) if "co_flags & _CO_COROUTINE" in line)
    tests = dict(
        [ran("tests/wsgi/test_a.py::test", number), ran(HERE, number + 2), ran("tests/wsgi/test_a.py::far", 1)]
    )
    assert chosen_for(mutant(number, number), tests, 60.0) == (["tests/wsgi/test_a.py::test", HERE], 0)


def test_a_few_cases_of_each_test_come_before_all_of_any() -> None:
    cases = [f"{HERE}[{number}]" for number in range(6)]
    tests = dict([*(ran(nodeid, 5) for nodeid in cases), ran("tests/wsgi/test_a.py::test", 5)])
    assert chosen_for(mutant(5, 5), tests, 60.0)[0] == [*cases[:4], "tests/wsgi/test_a.py::test", *cases[4:]]


def test_what_is_read_at_import_is_tried_where_it_is_used_and_then_wherever_the_module_is() -> None:
    source = (ROOT / PATH).read_text()
    number = next(n for n, line in enumerate(source.splitlines(), 1) if line.startswith("_CO_COROUTINE"))
    using = lines_that_use(source, (number, number))
    used = [bit for bit in range(using.bit_length()) if using >> bit & 1]
    others = [line for line in range(1, 1000) if line not in used]
    tests = dict(
        [
            ran("tests/wsgi/test_a.py::test", others[-1], seconds=0.1),
            ran("tests/wsgi/test_b.py::test", used[-1]),
            ran("tests/wsgi/test_c.py::test", seconds=0.1),
        ]
    )
    chosen, _ = chosen_for(mutant(number, number, at_import=True), tests, 60.0)
    assert chosen == ["tests/wsgi/test_b.py::test", "tests/wsgi/test_a.py::test"]


def test_what_is_read_at_import_is_tried_first_by_the_files_that_name_its_module() -> None:
    assert "tests/stores/test_records.py" in files_that_name("authmw/stores/session_records.py")
    tests = dict([ran("tests/wsgi/test_a.py::test", *range(1, 1000), seconds=0.1), ran(HERE)])
    assert chosen_for(mutant(5, 5, at_import=True), tests, 60.0) == ([HERE, "tests/wsgi/test_a.py::test"], 0)


def test_what_no_test_executes_may_run_at_import_and_is_tried_as_what_is_read_there() -> None:
    tests = dict([ran(HERE, 6)])
    assert as_tried(mutant(6, 6), tests) == mutant(6, 6)
    assert as_tried(mutant(900, 900), tests) == mutant(900, 900, at_import=True)
    assert chosen_for(as_tried(mutant(900, 900), tests), tests, 60.0) == ([HERE], 0)


SOURCE = """
LIMIT: int = 1
A, B = 2, 3


@decorated
class C:
    size = LIMIT

    def m(self, n=LIMIT):
        if n > LIMIT:
            return it.size
        return A
"""


@pytest.mark.parametrize(
    "line, using",
    [(2, {2, 8, 10, 11}), (3, {3, 13}), (8, {8, 12}), (10, {11, 12, 13}), (7, set(range(8, 14)))],
)
def test_the_lines_that_use_what_a_statement_defines_are_found(line: int, using: set[int]) -> None:
    found = lines_that_use(SOURCE, (line, line))
    assert {bit for bit in range(found.bit_length()) if found >> bit & 1} == using


@pytest.mark.parametrize("line, around", [(11, {11, 12, 13}), (13, {11, 12, 13}), (8, {8})])
def test_the_innermost_function_around_a_line_is_found(line: int, around: set[int]) -> None:
    found = function_around(SOURCE, (line, line))
    assert {bit for bit in range(found.bit_length()) if found >> bit & 1} == around
