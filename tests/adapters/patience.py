"""Stores that wait as long as the machine needs: for tests of what they keep, and not of how long they wait."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Final
from unittest.mock import patch

_SECONDS: Final = 60
_OF_SQL: Final = (
    "postgres.ANSWER_TIMEOUT",
    "postgres.POOL_TIMEOUT",
    "postgres.PROBE_TIMEOUT",
    "postgres_async.POOL_TIMEOUT",
    "postgres_connections.ANSWER_TIMEOUT",
    "postgres_connections.CONNECT_TIMEOUT",
    "postgres_connections.STATEMENT_TIMEOUT",
    "sqlite._WRITE_TIMEOUT",
)
_OF_REDIS: Final = ("server.CONNECT_TIMEOUT", "server.TIMEOUT")


@contextmanager
def patience() -> Generator[None]:
    """In this block no store that is opened gives up because the machine has other work.

    A race of many threads with few connections takes longer than a request may wait.
    """
    with ExitStack() as patches:
        for package, names in (("authmw_sqlalchemy", _OF_SQL), ("authmw_redis", _OF_REDIS)):
            for name in names:
                patches.enter_context(patch(f"{package}.{name}", _SECONDS))
        patches.enter_context(patch("authmw_sqlalchemy.sqlite._READ_TIMEOUT_MS", _SECONDS * 1000))
        yield
