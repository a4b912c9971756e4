"""Connections of psycopg that never wait longer than they should, whatever becomes of the server.

PostgreSQL's own timeouts bound what it does. They cannot bound a server that is gone without a word: its TCP
connection stays up for many minutes, and nothing answers.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection, Connection, OperationalError, waiting
from sqlalchemy import URL

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 2
"""Seconds; libpq takes no fewer."""
STATEMENT_TIMEOUT: Final = 1.5
"""Seconds after which the server gives up a statement."""
_SILENCE: Final = 1.8
"""Seconds after which the server is taken for gone."""
_GLANCE: Final = 0.1


class Silent(OperationalError):
    """The server did not answer in time."""


class BoundedConnection(Connection[Any]):
    """A connection that is closed when the server falls silent."""

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """Wait for the server, and no longer than `_SILENCE`."""
        return super().wait(_bounded(gen, self.pgconn.finish), *args, **kwargs)


class BoundedAsyncConnection(AsyncConnection[Any]):
    """The same for an event loop; also closed when whoever waits for it is cancelled."""

    async def wait(self, gen: Generator[Any, Any, T], *_: Any, **__: Any) -> T:
        """Wait for the server, and no longer than `_SILENCE`."""
        try:
            return await waiting.wait_async(_bounded(gen, self.pgconn.finish), self.pgconn.socket, interval=_GLANCE)
        except (asyncio.CancelledError, KeyboardInterrupt):
            # psycopg would ask the server to cancel, and wait for it. Nobody is left who would wait.
            self.pgconn.finish()
            raise


def arguments(url: URL) -> dict[str, Any]:
    """What to connect with, besides the URL: timeouts, unless it says others."""
    kept = url.query.get("options", "")
    options = kept if isinstance(kept, str) else " ".join(kept)
    given = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "authmw"}
    bound = f"-c statement_timeout={int(STATEMENT_TIMEOUT * 1000)}"
    return {
        **{name: value for name, value in given.items() if name not in url.query},
        "options": options if "statement_timeout" in options else f"{options} {bound}".strip(),
    }


def is_broken(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Whether an idle connection was closed, by either side. Asks the server nothing."""
    if connection.closed or connection.broken:
        return True
    # Who is idle has nothing to say, but good-bye.
    fileno = connection.fileno()
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(fileno, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([fileno], [], [], 0)[0])  # pragma: no cover - Windows


def _bounded(gen: Generator[Any, Any, T], close: Callable[[], None]) -> Generator[Any, Any, T]:
    """What `gen` yields and returns, until it has waited for too long."""
    try:
        wanted = next(gen)
        deadline = monotonic() + _SILENCE
        while True:
            ready = yield wanted
            if not ready and monotonic() > deadline:
                close()
                raise Silent("the server did not answer")
            wanted = gen.send(ready)
    except StopIteration as done:
        value: T = done.value
        return value
