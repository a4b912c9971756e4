"""Connections of psycopg with a bounded wait, even if the server disappears.

PostgreSQL's own timeouts bound the work of the server. They do not help against a server that disappears without
closing its TCP connections: these stay open for many minutes, and nothing answers.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection, Connection, Error, OperationalError, waiting
from sqlalchemy import URL

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 2
"""Seconds; libpq takes no fewer."""
STATEMENT_TIMEOUT: Final = 1.5
"""Seconds after which the server gives up a statement."""
ANSWER_TIMEOUT: Final = 1.8
"""Seconds after which a server that does not answer counts as gone; for threads, also those of a whole question: to
wait for a connection, to open one, and for all statements."""
PROBE_TIMEOUT: Final = 1.0
"""Seconds in which a server that was silent has to take a connection and answer."""
_CHECK_INTERVAL: Final = 0.1
"""Seconds between two looks at the time, while a task waits for the server."""


_deadline: ContextVar[float] = ContextVar("authmw_postgres_deadline", default=inf)


class ServerTimeout(OperationalError):
    """The server did not answer in time."""


@contextmanager
def question(seconds: float) -> Generator[None, None, None]:
    """Bound everything in this block together, on this thread: no wait goes on beyond `seconds` from now."""
    token = _deadline.set(monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left(longest: float) -> float:
    """The seconds that a wait may take, at most `longest`: until the end of the `question`."""
    return max(0.0, min(longest, _deadline.get() - monotonic()))


class BoundedConnection(Connection[Any]):
    """A connection that is closed when the server does not answer in time."""

    @classmethod
    def _connect_gen(cls, *args: Any, **kwargs: Any) -> Any:
        # psycopg's own timeout is for each address of the host, and has whole seconds.
        return _bounded(super()._connect_gen(*args, **kwargs), _nothing_to_close)

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Wait for the server, but no longer than `ANSWER_TIMEOUT`."""
        return super().wait(_bounded(gen, self.pgconn.finish), *args, **kwargs)


class BoundedAsyncConnection(AsyncConnection[Any]):
    """The same connection for an event loop. It is also closed when the task that waits for it is cancelled."""

    async def wait(self, gen: Generator[Any, Any, T], *_: Any, **__: Any) -> T:
        """Wait for the server, but no longer than `ANSWER_TIMEOUT`."""
        try:
            return await waiting.wait_async(
                _bounded(gen, self.pgconn.finish), self.pgconn.socket, interval=_CHECK_INTERVAL
            )
        except (asyncio.CancelledError, KeyboardInterrupt):
            # psycopg would ask the server to cancel, and wait for that. A cancelled task must not wait.
            self.pgconn.finish()
            raise


def _nothing_to_close() -> None:
    """A connection that is being opened closes itself."""


def is_answer(error: BaseException) -> bool:
    """Whether an exception, or its cause, is an answer of the server."""
    causes = (error, error.__cause__, getattr(error, "orig", None))
    return any(isinstance(each, Error) and each.sqlstate is not None for each in causes)


def arguments(url: URL) -> dict[str, Any]:
    """The arguments to connect with besides the URL: timeouts, unless the URL sets its own."""
    kept = url.query.get("options", "")
    options = kept if isinstance(kept, str) else " ".join(kept)
    given = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "authmw"}
    bound = f"-c statement_timeout={int(STATEMENT_TIMEOUT * 1000)}"
    return {
        **{name: value for name, value in given.items() if name not in url.query},
        "options": options if "statement_timeout" in options else f"{options} {bound}".strip(),
    }


def is_broken(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether an idle connection was closed, by either side. Sends nothing to the server."""
    if connection.closed or connection.broken:
        return True
    # On an idle connection the server sends nothing, except that it closes it.
    fileno = connection.fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(fileno, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([fileno], [], [], 0)[0])  # pragma: no cover - Windows


def _bounded(gen: Generator[Any, Any, T], close: Callable[[], None]) -> Generator[Any, Any, T]:
    """`gen`, which is ended with `ServerTimeout` and `close` when it has waited for too long."""
    try:
        wanted = next(gen)
        deadline = monotonic() + seconds_left(ANSWER_TIMEOUT)
        while True:
            ready = yield wanted
            if not ready and monotonic() > deadline:
                close()
                raise ServerTimeout("the server did not answer")
            wanted = gen.send(ready)
    except StopIteration as done:
        value: T = done.value
        return value
