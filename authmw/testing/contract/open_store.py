"""Open store of a test: its methods are called directly, or on an event loop of its own if it is asynchronous."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from inspect import isawaitable
from multiprocessing.synchronize import Barrier
from typing import Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast

from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Flow, run, run_async

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")

Play: TypeAlias = Callable[[S, int, int], Flow[T]]
"""The part of one racer: a flow, made of the store, the racer's number and the round's number, both from 0."""

TIMEOUT: Final = 60.0
"""Seconds for which racers wait for each other, and for an answer of the store."""
_SWITCH_INTERVAL: Final = 1e-6


def load(factory: str) -> Callable[[str], object]:
    """The function that a ``module:function`` string names."""
    module, _, name = factory.partition(":")
    return cast("Callable[[str], object]", getattr(import_module(module), name))


class OpenStore(Generic[S]):
    """A store that is open until this is closed.

    Args:
        made: the store, or a context manager that opens and closes it, also an asynchronous one.
    """

    def __init__(self, made: object) -> None:
        self._runner = asyncio.Runner()
        self._exits = ExitStack()
        self._exits.callback(self._runner.close)
        self.store: S = self._open(made)
        self.is_asynchronous: bool = _is_asynchronous(self.store)

    def ask(self, method: Callable[P, T | Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of `method`, awaited if it has to be."""
        if not self.is_asynchronous:
            return cast("T", method(*args, **kwargs))
        return cast("T", self._runner.run(_answer(method, *args, **kwargs)))

    def run(self, flow: Flow[T]) -> T:
        """The result of `flow`."""
        if not self.is_asynchronous:
            return run(flow)
        return self._runner.run(run_async(flow, store_timeout=TIMEOUT))

    def race(self, play: Play[S, T], *, racers: int, rounds: int) -> list[list[T]]:
        """Run `play` on threads at once, or on tasks of one event loop. Returns their answers, round by round."""
        if self.is_asynchronous:
            return self._runner.run(self._race_of_tasks(play, racers, rounds))
        start = threading.Barrier(racers)
        awake: list[list[int]] = [[] for _ in range(rounds)]

        def plays(racer: int) -> list[T]:
            answers: list[T] = []
            with aborting(start):
                for number in range(rounds):
                    start.wait(TIMEOUT)
                    # A barrier wakes its threads one by one. Else the first would end before the last begins.
                    awake[number].append(racer)
                    while len(awake[number]) < racers and not start.broken:
                        time.sleep(0)
                    answers.append(run(play(self.store, racer, number)))
            return answers

        interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_INTERVAL)  # otherwise a short method ends before the next thread runs
        try:
            with ThreadPoolExecutor(racers) as threads:
                return by_round([threads.submit(plays, racer) for racer in range(racers)])
        finally:
            sys.setswitchinterval(interval)

    def close(self) -> None:
        """Close the store."""
        self._exits.close()

    async def _race_of_tasks(self, play: Play[S, T], racers: int, rounds: int) -> list[list[T]]:
        return [
            list(
                await asyncio.gather(
                    *(run_async(play(self.store, racer, number), store_timeout=TIMEOUT) for racer in range(racers))
                )
            )
            for number in range(rounds)
        ]

    def _open(self, made: Any) -> S:
        if hasattr(made, "__enter__"):
            return cast("AbstractContextManager[S]", self._exits.enter_context(made))  # type: ignore[return-value]
        if hasattr(made, "__aenter__"):
            self._exits.callback(lambda: self._runner.run(_answer(made.__aexit__, None, None, None)))
            return cast("S", self._runner.run(_answer(made.__aenter__)))
        close = getattr(made, "aclose", None) or getattr(made, "close", None)
        if close is not None:
            self._exits.callback(lambda: self._runner.run(_answer(close)))
        return cast("S", made)


@contextmanager
def aborting(start: threading.Barrier | Barrier) -> Generator[None]:
    """Break the barrier `start` if the block fails, so that no other racer waits for this one."""
    try:
        yield
    except BaseException:
        start.abort()
        raise


def by_round(racers: Sequence[Future[list[T]]]) -> list[list[T]]:
    """The answers of the racers, grouped by round. Raises the error of the first racer that failed."""
    failures = [error for each in racers if (error := each.exception(2 * TIMEOUT)) is not None]
    for error in failures:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return [list(each) for each in zip(*(each.result() for each in racers), strict=True)]


async def _answer(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    answer = method(*args, **kwargs)
    return await answer if isawaitable(answer) else answer


def _is_asynchronous(store: object) -> bool:
    methods = (getattr(store, name, None) for name in dir(type(store)) if not name.startswith("_"))
    return any(callable(method) and CallMode.of(method) is CallMode.ASYNC for method in methods)
