"""Single flight: one call at a time for each key. All threads that ask for the key share its answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

from authmw.errors import Unavailable
from authmw.flow.forks import in_each_child

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

    def __init__(self, *, longest: float = inf, timer: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest
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
            Unavailable: the call of another thread failed. In the thread that calls `function`, its own exception is
                raised.
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
        return call if call is not None and self._timer() - call.began < self._longest else None

    def begin(self, key: Hashable) -> Call[T]:
        """A new call for `key`. The caller holds the lock, makes the call, and then has to call `finish`."""
        call = self._calls[key] = Call[T](self._timer())
        return call

    def is_latest(self, key: Hashable, call: Call[T]) -> bool:
        """Whether no later call was begun for `key`. The answer can change unless the caller holds the lock."""
        return self._calls.get(key) is call

    def finish(self, key: Hashable, call: Call[T]) -> None:
        """End `call` and wake the threads that wait for it."""
        with self.lock:
            if self.is_latest(key, call):
                del self._calls[key]
        call.over.set()


class Call(Generic[T]):
    """One call, and the threads that wait for it.

    Args:
        began: when the call began, in seconds of the timer.
    """

    __slots__ = ("answers", "began", "error", "over", "waiting")

    def __init__(self, began: float) -> None:
        self.began: float = began
        self.over: threading.Event = threading.Event()
        self.answers: tuple[T] | None = None
        self.error: Exception | None = None
        self.waiting: int = 0

    def answer(self) -> T:
        """Wait until the call is over, and return its answer.

        Raises:
            Unavailable: the call failed.
        """
        self.over.wait()
        if self.answers is not None:
            return self.answers[0]
        # A new exception for each thread: one shared exception would collect the tracebacks of all threads.
        cause = self.error
        raise Unavailable(str(cause) if isinstance(cause, Unavailable) else type(cause).__name__) from cause
