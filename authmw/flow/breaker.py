"""Circuit breaker: while a server is known to be silent, calls to it fail at once.

A server that is silent, and not closed, holds each caller for the whole timeout. Once one call has shown that, the
other callers need not find it out again: all threads of a WSGI server would wait, also for requests that ask nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import inf
from typing import Final

from authmw.errors import StoreUnavailable, Unavailable
from authmw.flow.clocks import monotonic
from authmw.flow.forks import in_each_child

SLOW: Final = 0.4
"""Seconds after which a call without an answer says that the server is silent. A faster failure holds nobody."""
PATIENCE: Final = 0.3
"""Seconds that one caller waits for the result of a probe."""
_PAUSE: Final = 0.25
"""Seconds between two probes."""
_STEP: Final = 0.02
"""Seconds between two looks at the state, on an event loop."""
_LONGEST_TRY: Final = 6.0
"""Seconds after which a try counts as lost, for example where threads do not run."""

logger: Final = logging.getLogger("authmw")


class Breaker:
    """Refuses calls of a server that is silent, until it answers again.

    A call that ends without an answer after `SLOW` seconds opens the breaker, unless another call was answered since it
    began. While it is open, one try at a time is made, and the other calls fail at once. With a `probe`, a thread makes
    the tries, and the first caller waits for its result, for `PATIENCE` seconds at most. Without one, each try is the
    call of a caller.

    Args:
        name: the server, for messages.
        probe: asks the server anything, in about a second at most; it raises if there is no answer.
        is_answer: whether an exception of a call is an answer of the server.
        refusal: the type of the exception for calls that are refused.
        timer: a monotonic clock in seconds.

    >>> breaker = Breaker("the database")
    >>> breaker.admit()
    >>> with breaker.watch():
    ...     answer = 42
    >>> breaker.is_open
    False
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], object] | None = None,
        *,
        is_answer: Callable[[BaseException], bool] = lambda _: False,
        refusal: type[Unavailable] = StoreUnavailable,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        self._name = name
        self._probe = probe
        self._is_answer = is_answer
        self._refusal = refusal
        self._timer = timer
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        # No thread survives a fork, and another thread may have held the lock.
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_open: bool = False
        """Whether the server is known to be silent."""
        self._trying_until = -inf
        self._answered_at = -inf
        self._has_waiter = False

    def admit(self) -> None:
        """Let a call begin.

        Raises:
            Unavailable: the server is silent.
        """
        if self.is_open and self._waits():
            try:
                self._changed.wait(PATIENCE)
            finally:
                self._has_waiter = False
            self._refuse_if_open()

    async def admit_async(self) -> None:
        """Let a call begin, on an event loop of asyncio.

        Raises:
            Unavailable: the server is silent.
        """
        if self.is_open and self._waits():
            import asyncio

            try:
                changed, until = self._changed, self._timer() + PATIENCE
                while not changed.is_set() and self._timer() < until:
                    await asyncio.sleep(_STEP)
            finally:
                self._has_waiter = False
            self._refuse_if_open()

    @contextmanager
    def watch(self) -> Generator[None, None, None]:
        """Watch how a call ends."""
        began = self._timer()
        try:
            yield
        except BaseException as error:
            if self._is_answer(error):
                self._answered()
            elif self.is_open or self._timer() - began >= SLOW:
                self._failed(began)
            raise
        self._answered()

    def close(self) -> None:
        """End the thread. The next call finds out anew whether the server is silent."""
        self.is_open = False
        self._changed.set()

    def _waits(self) -> bool:
        """Whether a caller has to wait for the running try; otherwise it makes the next one."""
        with self._lock:
            if not self.is_open:
                return False
            now = self._timer()
            if now >= self._trying_until:
                self._trying_until = now + _LONGEST_TRY
                return False
            if self._has_waiter or self._thread is None:
                self._refuse_if_open()
            self._has_waiter = True
            self._changed.set()  # wakes the thread, if it pauses
            self._changed = threading.Event()
            return True

    def _refuse_if_open(self) -> None:
        if self.is_open:
            raise self._refusal(f"{self._name} does not answer")

    def _answered(self) -> None:
        self._answered_at = self._timer()
        if self.is_open:
            with self._lock:
                self.is_open = False
                self._changed.set()
            logger.info("%s answers again", self._name)

    def _failed(self, began: float) -> None:
        with self._lock:
            if self._answered_at >= began:
                return
            was_open, self.is_open = self.is_open, True
            if not was_open:
                self._changed = threading.Event()
            if self._thread is None:
                self._trying_until = -inf
        if not was_open:
            logger.warning("%s does not answer: until it does, what needs it is refused at once", self._name)
            if self._probe is not None:
                self._start(self._probe)

    def _start(self, probe: Callable[[], object]) -> None:
        thread = threading.Thread(target=self._try_until_answered, args=(probe,), name="authmw-probe", daemon=True)
        with self._lock:
            if self._thread is not None:
                return  # it has not noticed yet that the breaker was closed and opened again
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter ends: callers make the tries
                return
            self._thread = thread
            self._trying_until = self._timer() + _LONGEST_TRY

    def _try_until_answered(self, probe: Callable[[], object]) -> None:
        while True:
            with self._lock:
                if not self.is_open:
                    self._thread = None
                    return
                self._trying_until = self._timer() + _LONGEST_TRY
                changed = self._changed
            try:
                probe()
            except Exception:
                changed.wait(_PAUSE)
            else:
                self._answered()
