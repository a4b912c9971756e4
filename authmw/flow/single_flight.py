"""Single flight: one call at a time for each key. All threads and tasks that ask for the key share its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from math import inf
from typing import Generic, TypeVar

from authmw.errors import Unavailable
from authmw.flow.application_code import was_raised_by_application
from authmw.flow.clocks import monotonic
from authmw.flow.forks import in_each_child
from authmw.flow.pool import Signal, is_on_event_loop, within

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes one call for all threads that ask for the same key at the same time. No lock is held during the call.

    Args:
        longest: seconds after which a call is given up. The next thread then makes a new call.
        timer: returns seconds of a monotonic clock.

    >>> flight = SingleFlight[str]()
    >>> flight.once("key", lambda: "answer")
    'answer'
    """

    def __init__(self, *, longest: float = inf, timer: Callable[[], float] = monotonic) -> None:
        self.longest: float = longest
        """Seconds after which a call is given up."""
        self._timer = timer
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        # The threads that make calls exist only in the parent, and one of them may have held the lock.
        self.lock: threading.Lock = threading.Lock()
        """Held by `once` while it finds or begins a call. Callers of `current` and `begin` hold it, also to protect
        state of their own."""
        self._calls: dict[Hashable, Call[T]] = {}

    @property
    def waiting(self) -> int:
        """The number of threads that wait for the answer of another thread's call."""
        with self.lock:
            return sum(call.waiting for call in self._calls.values())

    def once(self, key: Hashable, function: Callable[[], T]) -> T:
        """The answer of `function`. The first thread that asks for `key` calls it; the threads that ask during the call
        get the same answer.

        Raises:
            Unavailable: the call of another thread failed; it has no text that the application wrote. In the thread
                that calls `function`, its own exception is raised.
        """
        with self.lock:
            call = self.current(key)
            leads = call is None
            if call is None:
                call = self.begin(key)
            else:
                call.waiting += 1
        if not leads:
            return call.answer()
        try:
            answer = function()
        except Exception as error:
            call.error = error
            raise
        else:
            call.answers = (answer,)
            return answer
        finally:
            self.finish(key, call)

    def current(self, key: Hashable) -> Call[T] | None:
        """The running call for `key`; None when there is none, or it was given up.

        To `begin` a call when there is none, the caller holds the lock around both.
        """
        call = self._calls.get(key)
        return call if call is not None and self._timer() - call.began < self.longest else None

    def begin(self, key: Hashable) -> Call[T]:
        """A new call for `key`. The caller holds the lock, makes the call, and then has to call `finish`."""
        call = self._calls[key] = Call[T](self._timer())
        return call

    def is_latest(self, key: Hashable, call: Call[T]) -> bool:
        """Whether no later call was begun for `key`. The answer can change unless the caller holds the lock."""
        return self._calls.get(key) is call

    def finish(self, key: Hashable, call: Call[T]) -> None:
        """End `call` and wake all that wait for it."""
        with self.lock:
            if self.is_latest(key, call):
                del self._calls[key]
        call.end()


class Call(Generic[T]):
    """One call, and the threads and tasks that wait for it.

    Args:
        began: when the call began, in seconds of the timer.
    """

    __slots__ = ("_signals", "answers", "began", "error", "over", "waiting")

    def __init__(self, began: float) -> None:
        self.began: float = began
        self.over: threading.Event = threading.Event()
        self.answers: tuple[T] | None = None
        self.error: Exception | None = None
        self.waiting: int = 0
        self._signals: list[Signal] = []

    def answer(self) -> T:
        """Wait until the call is over, and return its answer.

        Raises:
            Unavailable: the call failed.
        """
        self.over.wait()
        return self.outcome()

    def outcome(self) -> T:
        """The answer of a call that is over.

        Raises:
            Unavailable: the call failed.
        """
        if self.answers is not None:
            return self.answers[0]
        # A new exception for each thread: one shared exception would collect the tracebacks of all threads.
        cause = self.error
        if cause is None:
            raise Unavailable("the call was interrupted")
        # What code of the application writes may be about the request of the thread that called it.
        is_ours = isinstance(cause, Unavailable) and not was_raised_by_application(cause)
        failure = Unavailable(str(cause) if is_ours else type(cause).__name__)
        failure.retry_after = getattr(cause, "retry_after", failure.retry_after)
        raise failure from cause

    def end(self) -> None:
        """Wake all that wait."""
        self.over.set()
        # A task appends its signal and then looks at `over`, so each signal is given here or not waited for.
        for signal in self._signals:
            signal.give()

    def wait(self, seconds: float) -> None:
        """Wait on this thread until the call is over, for at most `seconds`.

        A thread that runs an event loop does not wait at all: what makes the call may be a task of that loop.
        """
        if not is_on_event_loop():
            self.over.wait(seconds)

    async def wait_async(self, seconds: float) -> None:
        """As `wait`, in a task of an event loop, without a thread."""
        signal = Signal()
        self._signals.append(signal)
        if not self.over.is_set():
            with suppress(Exception):  # of `within`, after `seconds`
                await within(seconds, signal.wait())
