"""Thread pools: a bounded pool for password hashing, and threads for blocking stores under ASGI.

Sixteen argon2 hashes at once need a gigabyte of memory and delay all other requests. So the pool runs one hash for each
core. A limited number of hashes wait, and above that limit the pool raises `Overloaded`, which becomes a 503.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import cache, partial
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar

from authmw.errors import ConfigurationError, Overloaded
from authmw.flow.forks import in_each_child

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class WorkPool:
    """Runs CPU-bound work in at most `slots` threads, with at most `queue` more waiting.

    Args:
        slots: how many functions run at once. The default is the number of cores.
        queue: how many calls may wait. The default is 32 for each slot: with the hashes of `RFC_9106_LOW_MEMORY`,
            these take about five seconds.
        patience: the seconds that a call on an event loop may wait for a slot.

    Raises:
        ConfigurationError: `slots` is less than 1.
    """

    def __init__(self, slots: int | None = None, queue: int | None = None, *, patience: float = inf) -> None:
        self.slots: int = (os.cpu_count() or 1) if slots is None else slots
        if self.slots < 1:
            raise ConfigurationError("WorkPool(slots=...) must be at least 1")
        self.queue: int = 32 * self.slots if queue is None else queue
        self._patience = patience
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
            Overloaded: the queue is full.
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
            Overloaded: the queue is full, no slot was free in time, or no thread can be started.
        """
        admitted = self._admit()
        work: list[Callable[[], T]] = [partial(self._slot, function, *args, **kwargs)]
        try:
            future = self._threads().submit(_captured_last, work)
        except BaseException as error:
            work.clear()  # an executor that cannot start a thread keeps what it was given, for a later one
            admitted.release()
            if isinstance(error, RuntimeError):  # no more threads, or the interpreter ends
                raise Overloaded("no thread can be started") from error
            raise
        # Released when the work ends, not when the caller stops waiting: the work of a client that has disconnected
        # still uses its slot.
        future.add_done_callback(lambda _: admitted.release())
        if self._patience == inf:
            return _unwrapped(await _await_future(future))
        return _unwrapped(await _await_start(future, self._patience))

    def _admit(self) -> threading.BoundedSemaphore:
        admitted = self._admitted
        if not admitted.acquire(blocking=False):
            raise Overloaded(f"all {self.slots} slots are in use and the queue is full")
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

    def __repr__(self) -> str:
        # Without an address: it stands in the signatures that editors and the reference show.
        return f"WorkPool(slots={self.slots}, queue={self.queue})"


async def in_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call `function` on another thread, with the context variables of the caller, under asyncio or trio."""
    call = partial(_captured, partial(function, *args, **kwargs))
    trio = running_trio()
    if trio is not None:
        outcome: tuple[T] | _Raised = await trio.to_thread.run_sync(call, abandon_on_cancel=True)
        return _unwrapped(outcome)
    from asgiref.sync import sync_to_async

    return _unwrapped(await sync_to_async(call, thread_sensitive=False)())


async def in_waiting_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """As `in_thread`, for a function that waits for another server, such as an issuer.

    It has a pool of its own, so that slow servers cannot starve the stores.

    Raises:
        Overloaded: the queue is full, or no thread was free within two seconds.
    """
    context = copy_context()

    def call() -> T:
        return context.run(function, *args, **kwargs)

    trio = running_trio()
    if trio is None:
        return await _waiting_pool.run_async(call)
    outcome: tuple[T] | _Raised = await trio.to_thread.run_sync(
        partial(_captured, call), abandon_on_cancel=True, limiter=_waiting_limiter(trio)
    )
    return _unwrapped(outcome)


def _waiting_limiter(trio: Any) -> Any:
    """The limiter of this run of trio. Each run has its own."""
    variable = _run_variable(trio)
    limiter = variable.get()
    if limiter is None:
        limiter = _PatientLimiter(trio)
        variable.set(limiter)
    return limiter


class _PatientLimiter:
    """A limiter of trio whose tokens are waited for no longer than `_WAITING_PATIENCE`."""

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._limiter = trio.CapacityLimiter(_WAITING_THREADS)

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        with self._trio.move_on_after(_WAITING_PATIENCE) as waiting:
            await self._limiter.acquire_on_behalf_of(borrower)
        if waiting.cancelled_caught:
            raise Overloaded(_LATE)

    def release_on_behalf_of(self, borrower: object) -> None:
        self._limiter.release_on_behalf_of(borrower)


@cache
def _run_variable(trio: Any) -> Any:
    return trio.lowlevel.RunVar("authmw_waiting", None)


async def within(seconds: float, answer: Awaitable[T]) -> T:
    """Await `answer` for at most `seconds`. After that, a call on another thread continues, and its answer is ignored.

    Raises:
        TimeoutError: there was no answer in time, under asyncio. Trio raises its ``TooSlowError``.
    """
    trio = running_trio()
    if trio is not None:
        with trio.fail_after(seconds):
            return await answer
    import asyncio

    async with asyncio.timeout(seconds):
        return await answer
    raise TimeoutError  # unreachable: type checkers believe that the block of asyncio can suppress exceptions


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, which goes on to its end if the caller is cancelled.

    Under asyncio it then goes on by itself, and its result is ignored. Under trio the caller is cancelled only after
    its end.
    """
    trio = running_trio()
    if trio is not None:
        with trio.CancelScope(shield=True):
            return await work
    import asyncio

    # An exception is kept as a value: asyncio would report one that nobody awaits any more.
    task = asyncio.ensure_future(_captured_async(work))
    _unfinished.add(task)  # asyncio itself keeps only weak references to tasks
    task.add_done_callback(_unfinished.discard)
    return _unwrapped(await asyncio.shield(task))


async def _captured_async(work: Coroutine[Any, Any, T]) -> tuple[T] | _Raised:
    try:
        return (await work,)
    except Exception as error:
        return _Raised(error)


async def _await_start(future: Future[T], patience: float) -> T:
    """The result of `future`, under asyncio, if it starts within `patience` seconds."""
    import asyncio

    gave_up = False

    def give_up() -> None:
        nonlocal gave_up
        gave_up = future.cancel()  # False if it runs

    late = asyncio.get_running_loop().call_later(patience, give_up)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        if gave_up:
            raise Overloaded(_LATE) from None
        raise
    finally:
        late.cancel()


async def _await_future(future: Future[T]) -> T:
    if running_trio() is not None:
        # Not by a thread that waits: forty of them would be all that trio has, and stores need them.
        signal = Signal()
        future.add_done_callback(lambda _: signal.give())
        try:
            await signal.wait()
        except BaseException:
            future.cancel()  # as asyncio does: what has not started yet is not done
            raise
        return future.result()
    import asyncio

    return await asyncio.wrap_future(future)


def running_trio() -> Any:
    """The module `trio`, if this thread runs its event loop now; None otherwise."""
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_run() else None


class Signal:
    """A signal that any thread may give, for one task of asyncio or trio to wait for. It is made by that task."""

    def __init__(self) -> None:
        trio = running_trio()
        if trio is not None:
            event: Any = trio.Event()
            self._wait: Callable[[], Awaitable[object]] = event.wait
            self._give: Callable[[], object] = partial(trio.lowlevel.current_trio_token().run_sync_soon, event.set)
            return
        import asyncio

        loop = asyncio.get_running_loop()
        given = asyncio.Event()
        self._wait = given.wait
        self._give = partial(loop.call_soon_threadsafe, given.set)

    def give(self) -> None:
        """Wake the task. If its event loop has ended, nothing is done."""
        with suppress(RuntimeError):  # that the loop is closed; that of trio is derived from it
            self._give()

    async def wait(self) -> None:
        """Wait until the signal is given."""
        await self._wait()


def is_on_event_loop() -> bool:
    """Whether this thread runs an event loop now, of asyncio or trio."""
    if running_trio() is not None:
        return True
    if "asyncio" not in sys.modules:
        return False
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Raised:
    """The exception of a call, as a value: a future cannot carry a StopIteration."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _captured(call: Callable[[], T]) -> tuple[T] | _Raised:
    try:
        return (call(),)  # in a tuple: a `def` may return an awaitable, which a thread of trio refuses to return
    except BaseException as error:
        return _Raised(error)


def _captured_last(work: list[Callable[[], T]]) -> tuple[T] | _Raised:
    """The outcome of the only function in `work`. If it was taken back, this raises, and nobody waits for it."""
    return _captured(work.pop())


def _unwrapped(outcome: tuple[T] | _Raised) -> T:
    if isinstance(outcome, _Raised):
        raise outcome.error
    return outcome[0]


_unfinished: Final = set[Any]()
"""The tasks of `finished`."""
_WAITING_THREADS: Final = 64  # more than cores: they wait for other servers, and use no CPU
_WAITING_PATIENCE: Final = 2.0
"""Seconds in which a thread has to be free. A queue of two thousand calls of a server that hangs would take minutes."""
_LATE: Final = "no thread was free in time"
_waiting_pool: Final = WorkPool(_WAITING_THREADS, 2048, patience=_WAITING_PATIENCE)

default_pool: WorkPool = WorkPool()
"""The pool of every `Auth` that was not given another one."""
