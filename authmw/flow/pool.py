"""Where slow work runs: a bounded pool for password hashing, and threads for blocking stores under ASGI.

Sixteen argon2 hashes at once take a gigabyte and stall every other request. So as many run as there are cores, a few
more wait, and the rest are told to come back (`Overloaded`, a 503).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authmw.errors import ConfigurationError, Overloaded
from authmw.flow.forks import in_each_child

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class WorkPool:
    """Runs CPU-bound work in at most `slots` threads, with at most `queue` more waiting.

    Args:
        slots: how many run at once; as many as there are cores by default.
        queue: how many may wait; 32 for each slot by default, which the hashes of
            `RFC_9106_LOW_MEMORY` keep busy for about five seconds.
    """

    def __init__(self, slots: int | None = None, queue: int | None = None) -> None:
        self.slots: int = (os.cpu_count() or 1) if slots is None else slots
        if self.slots < 1:
            raise ConfigurationError("WorkPool(slots=...) must be at least 1")
        self.queue: int = 32 * self.slots if queue is None else queue
        self._reset()
        in_each_child(self._reset)

    def _reset(self) -> None:
        self._running = threading.BoundedSemaphore(self.slots)
        self._admitted = threading.BoundedSemaphore(self.slots + self.queue)
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run on this thread once a slot is free.

        Raises:
            Overloaded: as many wait as may.
        """
        admitted = self._admit()
        try:
            with self._running:
                return function(*args, **kwargs)
        finally:
            admitted.release()

    async def run_async(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run on a thread of the pool once a slot is free, without blocking the event loop.

        Raises:
            Overloaded: as many wait as may.
        """
        admitted = self._admit()
        # Released when the work is over, not when its caller is: a client that hangs up frees no slot that is taken.
        future = self._threads().submit(_captured, partial(self._slot, function, *args, **kwargs))
        future.add_done_callback(lambda _: admitted.release())
        return _released(await _await_future(future))

    def _admit(self) -> threading.BoundedSemaphore:
        admitted = self._admitted
        if not admitted.acquire(blocking=False):
            raise Overloaded(f"all {self.slots} slots are taken and the queue is full")
        return admitted

    def _slot(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        with self._running:
            return function(*args, **kwargs)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor

                self._executor = ThreadPoolExecutor(self.slots, thread_name_prefix="authmw-work")
            return self._executor


async def in_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `function` on another thread with the caller's context variables, under asyncio or trio."""
    call = partial(_captured, partial(function, *args, **kwargs))
    trio = _running_trio()
    if trio is not None:
        outcome: tuple[T] | _Raised = await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        return _released(outcome)
    from asgiref.sync import sync_to_async

    return _released(await sync_to_async(call, thread_sensitive=False)())


async def in_thread_apart(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """As `in_thread`, for what waits for somebody else's server: on threads of its own, so that however many strangers
    make it wait, no store does.

    Raises:
        Overloaded: as many wait as may.
    """
    context = copy_context()

    def call() -> T:
        return context.run(function, *args, **kwargs)

    trio = _running_trio()
    if trio is None:
        return await _waiting_pool.run_async(call)
    outcome: tuple[T] | _Raised = await trio.to_thread.run_sync(
        partial(_captured, call), abandon_on_cancel=True, limiter=_waiting_limiter(trio)
    )
    return _released(outcome)


def _waiting_limiter(trio: Any) -> Any:
    """That of this run of trio: another has its own."""
    variable = _run_variable(trio)
    limiter = variable.get()
    if limiter is None:
        limiter = trio.CapacityLimiter(_WAITING)
        variable.set(limiter)
    return limiter


@cache
def _run_variable(trio: Any) -> Any:
    return trio.lowlevel.RunVar("authmw_waiting", None)


async def within(seconds: float, answer: Awaitable[T]) -> T:
    """Await `answer`, and no longer than that. A call on another thread goes on there, and its answer is dropped.

    Raises:
        TimeoutError: under asyncio; under trio its ``TooSlowError``.
    """
    trio = _running_trio()
    if trio is not None:
        with trio.fail_after(seconds):
            return await answer
    import asyncio

    async with asyncio.timeout(seconds):
        return await answer
    raise TimeoutError  # asyncio has raised it; for type checkers, which take its block for one that swallows


async def _await_future(future: Future[T]) -> T:
    trio = _running_trio()
    if trio is not None:
        answer: T = await trio.to_thread.run_sync(future.result)
        return answer
    import asyncio

    return await asyncio.wrap_future(future)


def _running_trio() -> Any:
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_run() else None


class _Raised:
    """What a call raised, as a value: a future cannot carry a StopIteration."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _captured(call: Callable[[], T]) -> tuple[T] | _Raised:
    try:
        return (call(),)  # in a box: trio's threads return no awaitable, and a `def` may
    except BaseException as error:
        return _Raised(error)


def _released(outcome: tuple[T] | _Raised) -> T:
    if isinstance(outcome, _Raised):
        raise outcome.error
    return outcome[0]


_WAITING: Final = 64  # threads, which do nothing but wait
_waiting_pool: Final = WorkPool(_WAITING, 2048)

default_pool: WorkPool = WorkPool()
"""The pool used unless an `Auth` is given its own."""
