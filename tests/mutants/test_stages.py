"""Stages in which mutants are tried: by which tests, and what is told. Made-up results stand for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mutants import stages
from tests.mutants.mutations import Mutant
from tests.mutants.session import KILLED, SURVIVED, UNTESTED, Result
from tests.mutants.stages import run_in_stages


def mutant(room: str, line: int) -> Mutant:
    return Mutant(f"authmw/{room}/it.py", line, "", f"x = {line}", "x = 0", (line, line), at_import=False)


NOTICED, ALIVE, ACCEPTED, CRASHED = (mutant("http", line) for line in range(1, 5))
ELSEWHERE = mutant("nowhere", 1)
IN_ROOM = {NOTICED: KILLED, ALIVE: SURVIVED, ACCEPTED: SURVIVED}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Mutant]:
    """What was tried by all tests, which notice everything."""
    by_all: list[Mutant] = []

    def in_child(mutants: list[Mutant], folder: str, jobs: int, seconds: float) -> Iterator[Result]:
        assert (folder, jobs, seconds) == ("tests/http", 2, 20.0)
        yield from (Result(each, IN_ROOM[each]) for each in mutants if each in IN_ROOM)

    def run(mutants: list[Mutant], tests: tuple[str, ...], jobs: int, seconds: float, report: Any) -> int:
        assert (tests, jobs, seconds) == (("tests",), 2, 60.0)
        by_all.extend(mutants)
        for each in mutants:
            report(Result(each, KILLED))
        return 0

    monkeypatch.setattr(stages, "_results_of_child", in_child)
    monkeypatch.setattr(stages, "run", run)
    return by_all


MUTANTS = [NOTICED, ALIVE, ACCEPTED, CRASHED, ELSEWHERE]


def test_what_the_tests_of_a_room_do_not_notice_is_tried_by_all_and_each_is_told_once(tried: list[Mutant]) -> None:
    told: list[Result] = []
    assert run_in_stages(MUTANTS, {ACCEPTED.key}, 2, 60.0, told.append) == 0
    assert tried == [ALIVE, CRASHED, ELSEWHERE]
    assert {each.mutant: each.outcome for each in told} == {
        NOTICED: KILLED,
        ALIVE: KILLED,
        ACCEPTED: SURVIVED,
        CRASHED: KILLED,
        ELSEWHERE: KILLED,
    }
    assert len(told) == len(MUTANTS)


def test_by_the_tests_of_the_room_alone_more_mutants_live_and_none_is_left_out(tried: list[Mutant]) -> None:
    told: list[Result] = []
    assert run_in_stages(MUTANTS, {ACCEPTED.key}, 2, 60.0, told.append, near=True) == 0
    assert tried == []
    assert {each.mutant: each.outcome for each in told} == {
        NOTICED: KILLED,
        ALIVE: SURVIVED,
        ACCEPTED: SURVIVED,
        CRASHED: UNTESTED,
        ELSEWHERE: UNTESTED,
    }
