"""Drivers of generators: one function, called or awaited, answers each step that the generator yields.

Stores use them for code that is written once, for threads and for event loops. `authmw.flow.flow` has separate drivers
for the questions of a request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


def drive(steps: Generator[S, Any, T], answer: Callable[[S], Any]) -> T:
    """The return value of `steps`, after `answer` has answered each step.

    An exception of `answer` is raised in the generator, where it yielded the step.

    >>> def steps():
    ...     return (yield 1) + (yield 2)
    >>> drive(steps(), lambda number: number * 10)
    30
    """
    try:
        step = next(steps)
        while True:
            try:
                given = answer(step)
            except BaseException as error:  # the generator may handle the error or clean up
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as done:
        value: T = done.value
        return value


async def drive_async(steps: Generator[S, Any, T], answer: Callable[[S], Awaitable[Any]]) -> T:
    """As `drive`, but each answer is awaited."""
    try:
        step = next(steps)
        while True:
            try:
                given = await answer(step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as done:
        value: T = done.value
        return value
