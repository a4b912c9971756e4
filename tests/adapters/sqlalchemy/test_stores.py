"""Which stores are for which database, and how an event loop asks them."""

from __future__ import annotations

import asyncio
import textwrap
from contextlib import closing
from operator import attrgetter
from pathlib import Path

import pytest
from authmw_sqlalchemy import AsyncSQLStores, SQLStores, SQLThrottle
from sqlalchemy import URL, create_engine

from authmw import ConfigurationError
from authmw.flow.call_mode import CallMode
from tests.support import fresh_python, require

LOOKUPS = (
    *("users.find", "keys.find_key", "tokens.find_token", "clients.find_client", "families.find_family"),
    *(
        "users.find_by_id",
        "users.find_by_email",
        "sessions.find_session",
        "sessions.sessions_of",
        "pending.peek_pending",
    ),
)
WRITERS = (
    *("families.rotate", "nonces.use_nonce", "throttle.reserve", "throttle.settle", "revocations.publish"),
    *("sessions.renew_session", "sessions.touch_session", "pending.put_pending", "pending.take_pending"),
    *("users.change_password_hash", "users.verify_email"),
)


def mode(stores: object, path: str) -> CallMode:
    return CallMode.of(attrgetter(path)(stores))


@pytest.mark.servers
@pytest.mark.parametrize("path", [*LOOKUPS, "revocations.find_revocations"])
def test_reading_sqlite_is_for_an_event_loop_and_reading_postgresql_is_not(
    tmp_path: Path, postgres: URL, path: str
) -> None:
    with closing(SQLStores(f"sqlite:///{tmp_path / 'app.db'}")) as stores:
        assert mode(stores, path) is CallMode.NONBLOCKING
    with closing(SQLStores(postgres)) as stores:
        assert mode(stores, path) is CallMode.BLOCKING


@pytest.mark.parametrize("path", WRITERS)
def test_writing_is_for_no_event_loop(tmp_path: Path, path: str) -> None:
    with closing(SQLStores(f"sqlite:///{tmp_path / 'app.db'}")) as stores:
        assert mode(stores, path) is CallMode.BLOCKING


@pytest.mark.servers
def test_asynchronous_stores_are_marked_as_such_and_have_a_sync_twin(postgres: URL) -> None:
    stores = AsyncSQLStores(postgres)
    assert {mode(stores, path) for path in (*LOOKUPS, *WRITERS)} == {CallMode.ASYNC}
    assert stores.sync.users.create("alice").id == "alice"
    assert CallMode.of(SQLThrottle(stores.database, free=2).reserve) is CallMode.ASYNC
    asyncio.run(stores.aclose())


@pytest.mark.parametrize(
    "url, fix",
    [
        ("sqlite:///app.db", "use SQLStores for SQLite"),
        ("postgresql+asyncpg://localhost/app", "postgresql://"),
        ("mysql://app:hunter2@localhost/app", "postgresql://"),
    ],
)
def test_what_has_no_asynchronous_stores_is_refused_with_the_fix(url: str, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix) as caught:
        AsyncSQLStores(url)
    assert "hunter2" not in str(caught.value)


def test_mistaken_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pool_size"):
        SQLStores(f"sqlite:///{tmp_path / 'app.db'}", pool_size=0)
    stores = SQLStores(f"sqlite:///{tmp_path / 'app.db'}")
    with pytest.raises(ConfigurationError, match="SQLThrottle needs free >= 1"):
        SQLThrottle(stores.database, free=0)


def test_an_engine_in_memory_is_refused() -> None:
    engine = create_engine("sqlite://")
    with pytest.raises(ConfigurationError, match="MemoryStores"):
        SQLStores(engine)
    engine.dispose()


@pytest.mark.servers
def test_without_psycopg_it_is_said_what_to_install() -> None:
    require("postgresql")
    program = textwrap.dedent("""
        import sys
        sys.modules["psycopg"] = None
        from authmw_sqlalchemy import AsyncSQLStores, SQLStores
        for stores in (SQLStores, AsyncSQLStores):
            try:
                stores("postgresql://localhost/app")
            except ValueError as error:
                print(error)
    """)
    assert fresh_python("-c", program).stdout.count('pip install "authmw[postgres]"') == 2
