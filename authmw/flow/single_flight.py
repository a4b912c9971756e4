"""Whoever asks the same at the same time waits for one answer: a herd becomes one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from authmw.errors import Unavailable
from authmw.flow.forks import in_each_child

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Makes one call for all threads that want the same at once. No lock is held while it is made.

    >>> flight = SingleFlight[str]()
    >>> flight.once("key", lambda: "answer")
    'answer'
    """

    def __init__(self) -> None:
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        # Whoever was to answer is in the parent, and a lock may have been held.
        self._lock = threading.Lock()
        self._flights: dict[Hashable, _Flight[T]] = {}

    @property
    def waiting(self) -> int:
        """How many threads wait for an answer that another one is to bring."""
        with self._lock:
            return sum(flight.waiting for flight in self._flights.values())

    def once(self, key: Hashable, function: Callable[[], T]) -> T:
        """What `function` answers, called by the first thread that asks for `key`, for all that come meanwhile.

        Raises:
            Unavailable: another thread was to answer, and failed.
        """
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight[T]()
            else:
                flight.waiting += 1
        if not leads:
            return flight.landed()
        try:
            answer = function()
        except Exception as error:
            flight.error = error
            raise
        else:
            flight.answers = (answer,)
            return answer
        finally:
            with self._lock:
                self._flights.pop(key, None)
            flight.over.set()


class _Flight(Generic[T]):
    __slots__ = ("answers", "error", "over", "waiting")

    def __init__(self) -> None:
        self.over = threading.Event()
        self.answers: tuple[T] | None = None
        self.error: Exception | None = None
        self.waiting = 0

    def landed(self) -> T:
        self.over.wait()
        if self.answers is not None:
            return self.answers[0]
        # An exception of its own: a shared one would collect the tracebacks of all.
        cause = self.error
        raise Unavailable(str(cause) if isinstance(cause, Unavailable) else type(cause).__name__) from cause
