"""The drivers of stores: each step is answered, and an error is raised where the generator waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest

from authmw.flow.drive import drive, drive_async

Steps = Generator[int, int, list[object]]


def _by_tasks(steps: Steps, answer: Callable[[int], int]) -> list[object]:
    async def answer_later(step: int) -> int:
        await asyncio.sleep(0)
        return answer(step)

    return asyncio.run(drive_async(steps, answer_later))


both = pytest.mark.parametrize("run", [drive, _by_tasks], ids=["drive", "drive_async"])


def _steps(*numbers: int) -> Steps:
    found: list[object] = []
    for number in numbers:
        try:
            found.append((yield number))
        except KeyError as error:
            found.append(error.args)
    return found


def _answer(step: int) -> int:
    if step < 0:
        raise KeyError(step)
    if step == 0:
        raise ZeroDivisionError
    return step * 10


@both
def test_each_step_is_answered_in_turn(run: Any) -> None:
    assert run(_steps(1, 2, 3), _answer) == [10, 20, 30]
    assert run(_steps(), _answer) == []


@both
def test_an_error_is_raised_where_the_step_was_made_and_may_be_handled(run: Any) -> None:
    assert run(_steps(1, -2, 3), _answer) == [10, (-2,), 30]


@both
def test_an_error_that_is_not_handled_ends_all(run: Any) -> None:
    asked: list[int] = []

    def answer(step: int) -> int:
        asked.append(step)
        return _answer(step)

    with pytest.raises(ZeroDivisionError):
        run(_steps(1, 0, 3), answer)
    assert asked == [1, 0]
