"""What waits for the disk: everything but the counts of attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from authmw_sqlalchemy import AsyncSQLStores, SQLStores
from authmw_sqlalchemy.statements import AsyncCommit, Operation
from sqlalchemy import URL, Executable, event, text

from authmw.stores.records import Attempt, AttemptOutcome, Reservation

SETTING = text("SELECT current_setting('synchronous_commit')")


def ordinary() -> Operation[str]:
    return str((yield SETTING).scalar_one())


def hasty() -> Operation[str]:
    yield AsyncCommit()
    return str((yield SETTING).scalar_one())


@pytest.mark.servers
@pytest.mark.parametrize("operation, waits", [(ordinary, "on"), (hasty, "off")])
def test_only_a_hasty_transaction_does_not_wait(
    postgres: URL, operation: Callable[[], Operation[str]], waits: str
) -> None:
    with closing(SQLStores(postgres)) as stores:
        stores.database.run(hasty)  # and none after it is hasty too
        assert stores.database.run(operation) == waits

    async def asked() -> Any:
        awaited = AsyncSQLStores(postgres)
        answer: Any = awaited.database.run(operation)
        try:
            return await answer
        finally:
            await awaited.aclose()

    assert asyncio.run(asked()) == waits


@pytest.mark.servers
def test_attempts_do_not_wait_and_what_is_acknowledged_does(postgres: URL) -> None:
    with closing(SQLStores(postgres)) as stores:
        said: list[str] = []

        def listen(*arguments: Any) -> None:
            said.append(arguments[2])

        engine: Any = stores.database.engine  # type: ignore[attr-defined]  # of PostgreSQL's database
        event.listen(engine, "before_cursor_execute", listen)
        reserved = stores.throttle.reserve(Attempt("source:home", "account:alice", "home", ("mark",)), 1.0)
        assert isinstance(reserved, Reservation)
        stores.throttle.settle(reserved, AttemptOutcome.SUCCEEDED, 2.0, 3.0)
        assert [each for each in said if "synchronous_commit" in each] == ["SET LOCAL synchronous_commit = off"] * 2
        said.clear()
        stores.users.create("alice")
        assert said
        assert not [each for each in said if "synchronous_commit" in each]


def test_a_hasty_transaction_is_one_in_sqlite_too(tmp_path: Any) -> None:
    def counted(statement: Executable) -> Operation[int]:
        yield AsyncCommit()
        return int((yield statement).scalar_one())

    with closing(SQLStores(f"sqlite:///{tmp_path / 'app.db'}")) as stores:
        assert stores.database.run(counted, text("SELECT 7")) == 7
