"""Timer that ends open connections: one for each event loop, from the first connection to the last.

It runs under asyncio and trio. Where neither runs, there is no timer, and each message is looked at instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

from authmw.engine.audit import logger
from authmw.engine.open_connections import OpenConnection, OpenConnections
from authmw.flow.pool import running_trio

_here: Final = threading.local()
"""The timer of the event loop that this thread runs. A thread runs one at a time."""


class Timer:
    """Looks after the open connections of one event loop. Only that loop's thread calls it.

    Args:
        loop: the event loop of asyncio, or the token of trio's run.
    """

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.connections: OpenConnections = OpenConnections()
        self._runs = False
        self._fails = False

    def add(self, connection: OpenConnection) -> None:
        """Look after `connection`."""
        self.connections.add(connection)
        if not self._runs:
            self._runs = True
            self._start()

    def drop(self, connection: OpenConnection) -> None:
        """Forget `connection`."""
        self.connections.drop(connection)

    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` beside the tasks of the application, and without their context."""
        raise NotImplementedError

    def _start(self) -> None:
        raise NotImplementedError

    def _look_once(self) -> bool:
        """End what has to end. Whether the rest is to be looked at at once."""
        is_more = False
        try:
            is_more = self.connections.look()
        except Exception as error:  # the timer goes on: the other connections have to end in time
            if not self._fails:
                logger.error("authmw could not look after open connections cause=%s", type(error).__name__)
            self._fails = True
        else:
            self._fails = False
        return is_more

    def _end(self) -> None:
        self._runs = False
        if getattr(_here, "timer", None) is self:
            del _here.timer


class _AsyncioTimer(Timer):
    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._tasks: set[Any] = set()  # asyncio itself keeps only weak references to tasks

    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = Context().run(self.loop.create_task, work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _start(self) -> None:
        # In a context of its own: that of the first connection would be kept, with its caller.
        Context().run(self.loop.call_later, self.connections.pause, self._look)

    def _look(self) -> None:
        is_more = self._look_once()
        if len(self.connections):
            self.loop.call_later(0 if is_more else self.connections.pause, self._look)
        else:
            self._end()


class _TrioTimer(Timer):
    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        running_trio().lowlevel.spawn_system_task(work, context=Context())

    def _start(self) -> None:
        self.spawn(self._look)

    async def _look(self) -> None:
        trio = running_trio()
        while len(self.connections):
            await trio.sleep(self.connections.pause)
            while self._look_once():
                await trio.lowlevel.checkpoint()
        self._end()


def timer_here() -> Timer | None:
    """The timer of the event loop that runs here; None if that is neither of asyncio nor of trio."""
    timer: Timer | None = getattr(_here, "timer", None)
    kind: type[Timer] = _AsyncioTimer
    trio = running_trio()
    if trio is not None:
        loop, kind = trio.lowlevel.current_trio_token(), _TrioTimer
    else:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
    if timer is None or timer.loop is not loop:
        timer = _here.timer = kind(loop)
    return timer
