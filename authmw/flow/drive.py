"""Drivers of generators: each step that a generator yields is answered by one function, called or awaited.

They are for code of a store that is written once for threads and for event loops. `authmw.flow.flow` has drivers of its
own for the questions of a request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


def drive(steps: Generator[S, Any, T], answer: Callable[[S], Any]) -> T:
    """What `steps` return, each step answered by `answer`. What that raises is raised where the step was yielded.

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
            except BaseException as error:  # the generator may know what it means, or has to clean up
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as done:
        value: T = done.value
        return value


async def drive_async(steps: Generator[S, Any, T], answer: Callable[[S], Awaitable[Any]]) -> T:
    """The same, each answer awaited."""
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
