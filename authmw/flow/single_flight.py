"""Single flight: one call at a time for each key, for all threads that want its answer."""

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
    """Makes one call for all threads that want the same at once. No lock is held while it is made.

    Args:
        longest: seconds after which a call is given up, so that the next thread makes another one.
        timer: seconds that only grow.

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
        # The thread that made a call is in the parent, and the lock may have been held.
        self.lock: threading.Lock = threading.Lock()
        """Held by `once` to find or begin a call; by those that use `current` and `begin`, for their own state too."""
        self._calls: dict[Hashable, Call[T]] = {}

    @property
    def waiting(self) -> int:
        """How many threads wait for an answer that another one is to bring."""
        with self.lock:
            return sum(call.waiting for call in self._calls.values())

    def once(self, key: Hashable, function: Callable[[], T]) -> T:
        """What `function` answers, called by the first thread that asks for `key`, for all that come meanwhile.

        Raises:
            Unavailable: another thread was to answer, and failed.
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
        """The call that is made for `key`, unless it was given up. To `begin` one if there is none, hold the lock."""
        call = self._calls.get(key)
        return call if call is not None and self._timer() - call.began < self._longest else None

    def begin(self, key: Hashable) -> Call[T]:
        """A new call for `key`, which the caller makes and then has to `finish`. The caller holds the lock."""
        call = self._calls[key] = Call[T](self._timer())
        return call

    def is_latest(self, key: Hashable, call: Call[T]) -> bool:
        """Whether no later call was begun for `key`. For an answer that has to stay so, hold the lock."""
        return self._calls.get(key) is call

    def finish(self, key: Hashable, call: Call[T]) -> None:
        """Let the threads that wait for `call` go on."""
        with self.lock:
            if self.is_latest(key, call):
                del self._calls[key]
        call.over.set()


class Call(Generic[T]):
    """One call, and the threads that wait for it.

    Args:
        began: when, in seconds of the timer.
    """

    __slots__ = ("answers", "began", "error", "over", "waiting")

    def __init__(self, began: float) -> None:
        self.began: float = began
        self.over: threading.Event = threading.Event()
        self.answers: tuple[T] | None = None
        self.error: Exception | None = None
        self.waiting: int = 0

    def answer(self) -> T:
        """What the call answers, once it is over.

        Raises:
            Unavailable: it failed.
        """
        self.over.wait()
        if self.answers is not None:
            return self.answers[0]
        # An exception of its own: a shared one would collect the tracebacks of all.
        cause = self.error
        raise Unavailable(str(cause) if isinstance(cause, Unavailable) else type(cause).__name__) from cause
