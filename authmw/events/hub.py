"""The one hook: `on_event` adds a listener, `hub.emit` hands it every event.

Rule 1: without a listener an event costs the test of one attribute, and no record is made.
Rule 2: no listener harms a request. It runs on a thread of its own, behind a queue with a bound, and what it raises is
logged. Only with ``inline=True`` it runs where the event happens, and what it raises is logged too.
Rule 3: what a listener itself causes is no event, so it cannot call itself for ever.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from authmw.errors import ConfigurationError
from authmw.flow.application_code import where_raised
from authmw.flow.forks import in_each_child

if TYPE_CHECKING:  # the records take long to load, and most programs have no listener
    from authmw.events.records import Event

Listener: TypeAlias = "Callable[[Event], object]"

logger: Final = logging.getLogger("authmw.events")
_MAX_WAITING: Final = 1024
"""Events that wait for one listener; of more, the newest are dropped."""
_FLUSH_SECONDS: Final = 2.0
_CO_COROUTINES: Final = 0x80 | 0x200  # the flags of inspect, without the import
_here: Final = threading.local()


class _Inline:
    """A listener that runs where the event happens."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._logged: set[type[Exception]] = set()

    def send(self, event: Event) -> None:
        """Call the listener. What it raises is logged, each type once."""
        _here.listening = True
        try:
            self._listener(event)
        except Exception as error:
            self._log(error)
        finally:
            _here.listening = False

    def _log(self, error: Exception) -> None:
        kind = type(error)
        if kind in self._logged:
            return
        self._logged.add(kind)
        where = where_raised(error)
        logger.error("the listener %s raised %s%s: it is logged once", _name_of(self._listener), kind.__name__, where)

    def close(self) -> None:
        """Nothing is left to do."""

    def flush(self, timeout: float) -> bool:
        """Nothing waits."""
        return True


class _Queued(_Inline):
    """A listener that runs on a thread of its own, one event after the other, in the context of the event."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._after_fork()
        in_each_child(self._after_fork)

    def _after_fork(self) -> None:
        # No thread survives a fork, and the events of the parent are the parent's.
        self._waiting: SimpleQueue[tuple[Event, Context] | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._dropping = False

    def send(self, event: Event) -> None:
        """Let the listener have the event soon. Never waits."""
        if self._waiting.qsize() >= _MAX_WAITING:
            if not self._dropping:
                self._dropping = True
                logger.error("the listener %s is too slow: events are dropped", _name_of(self._listener))
            return
        self._dropping = False
        self._waiting.put((event, copy_context()))
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="authmw-events", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter ends: the next event tries again
                return
            self._thread = thread

    def _run(self) -> None:
        waiting = self._waiting
        while (next_one := waiting.get()) is not None:
            if isinstance(next_one, threading.Event):
                next_one.set()
            else:
                event, context = next_one
                context.run(super().send, event)

    def close(self) -> None:
        """End the thread after what waits."""
        self._waiting.put(None)

    def flush(self, timeout: float) -> bool:
        """Wait until the listener had every event so far. Returns whether it had, within `timeout` seconds."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._waiting.put(done)
        return done.wait(timeout)


class Hub:
    """The listeners of this process."""

    __slots__ = ("_lock", "_sends", "listening")

    def __init__(self) -> None:
        self.listening: bool = False
        """Whether there is a listener. Test this before an event is made."""
        self._sends: tuple[_Inline, ...] = ()
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Hand `event` to every listener."""
        if getattr(_here, "listening", False):
            return
        for each in self._sends:
            each.send(event)

    def add(self, listener: Listener, *, inline: bool) -> Callable[[], None]:
        """Add a listener; the function that takes it out again."""
        added = _Inline(listener) if inline else _Queued(listener)
        with self._lock:
            self._sends = (*self._sends, added)
            self.listening = True

        def stop() -> None:
            with self._lock:
                was_there = added in self._sends
                self._sends = tuple(each for each in self._sends if each is not added)
                self.listening = bool(self._sends)
            if was_there:
                added.close()

        return stop

    def flush(self, timeout: float = _FLUSH_SECONDS) -> bool:
        """Wait until every listener had every event so far, `timeout` seconds for each at most."""
        had = [each.flush(timeout) for each in self._sends]
        return all(had)


hub: Final = Hub()
"""Where events go."""


def on_event(listener: Listener, *, inline: bool = False) -> Callable[[], None]:
    """From now on, call `listener` with every event of this process.

    It runs on a thread of its own, one event after the other, in a copy of the context of the event. It may block, and
    it may raise: no request waits for it, and what it raises is logged once for each type. Up to 1024 events wait for
    it; what comes then is dropped, and that is logged. At the end of the process it has two seconds for what waits.

    Args:
        listener: a function, not a coroutine function. What it does itself is no event.
        inline: call it where the event happens, in the thread or on the event loop that serves the request. For
            listeners that only count, and for tests: one that blocks makes the request wait.

    Returns:
        A function that takes the listener out again.

    Raises:
        ConfigurationError: `listener` cannot be called, or is a coroutine function.

    >>> seen = []
    >>> stop = on_event(seen.append, inline=True)
    >>> from authmw import KeyRing
    >>> _ = KeyRing.generate().rotate()
    >>> [event.name for event in seen]
    ['keys_rotated']
    >>> stop()
    """
    if not callable(listener):
        raise ConfigurationError(f"on_event({listener!r}) needs a function of one event: on_event(print)")
    if _is_async(listener):
        raise ConfigurationError(
            f"on_event({_name_of(listener)}) needs a plain function: it runs on a thread of its own, where it may "
            "block, and no event loop awaits it"
        )
    return hub.add(listener, inline=inline)


def _is_async(listener: Listener) -> bool:
    called: object = type(listener).__call__
    codes = (getattr(each, "__code__", None) for each in (listener, called))
    return any(code is not None and code.co_flags & _CO_COROUTINES for code in codes)


def _name_of(listener: Listener) -> str:
    kind: type[object] = type(listener)
    return str(getattr(listener, "__qualname__", kind.__qualname__))


atexit.register(hub.flush)
