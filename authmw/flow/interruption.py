"""Interruption: lets what is awaited end early, when a signal is given, under asyncio and trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from authmw.flow.pool import running_trio

T = TypeVar("T")


class Interruption:
    """A signal that is given at most once. What is awaited through it is cancelled then, and nothing else is.

    It belongs to one event loop, whose thread gives the signal. Where the loop has no task, nothing is cancelled.

    >>> import asyncio
    >>> async def main():
    ...     interruption = Interruption()
    ...     asyncio.get_running_loop().call_later(0.01, interruption.give)
    ...     return await interruption.wait(lambda: asyncio.sleep(60, "slept"))
    >>> asyncio.run(main()) is None
    True
    """

    __slots__ = ("_waiting", "is_given")

    def __init__(self) -> None:
        self.is_given: bool = False
        """Whether the signal was given."""
        self._waiting: list[Any] = []

    def give(self) -> None:
        """Interrupt what is awaited now."""
        self.is_given = True
        for each in self._waiting:
            each.cancel()

    async def wait(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """The result of what `work` returns; None once the signal is given."""
        if self.is_given:
            return None
        return await (self._under_asyncio(work) if running_trio() is None else self._under_trio(work))

    async def _under_asyncio(self, work: Callable[[], Awaitable[T]]) -> T | None:
        # As `asyncio.timeout` does: the task that waits is cancelled, and the cancellation ends here.
        import asyncio

        try:
            task = asyncio.current_task()
        except RuntimeError:  # no event loop
            task = None
        if task is None:
            return await work()
        cancelling = task.cancelling()
        self._waiting.append(task)
        try:
            result = await work()
        except asyncio.CancelledError:
            if not self.is_given or task.uncancel() > cancelling:
                raise  # another part of the program cancelled it
            return None
        finally:
            self._waiting.remove(task)
        if not self.is_given:
            return result
        if task.cancelling() > cancelling:  # `work` has caught the cancellation
            task.uncancel()
        return None

    async def _under_trio(self, work: Callable[[], Awaitable[T]]) -> T | None:
        result: T | None = None
        with running_trio().CancelScope() as scope:
            self._waiting.append(scope)
            try:
                result = await work()
            finally:
                self._waiting.remove(scope)
        return result
