"""PostgreSQL fails: every verb answers in time, and all goes on without a restart once it is back."""

from __future__ import annotations

import asyncio
import os
import textwrap
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import replace

import psycopg
import pytest
from authmw_sqlalchemy import AsyncSQLStores, SQLStores
from sqlalchemy import URL, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from authmw.flow.breaker import PATIENCE
from authmw.flow.flow import Ask, Flow, run_async
from authmw.stores import RevocationFeed, StoreUnavailable
from authmw.stores.records import Attempt, NonceUse, RefreshFamily, Reservation, Revocation, TokenRecord, User
from authmw.testing.contract.families import a_family
from authmw.testing.contract.sessions import a_session
from tests.adapters.sqlalchemy.databases import HASHER, engine_of, make_schema, written
from tests.proxy import Proxy
from tests.running_clock import RunningClock
from tests.support import fresh_python

pytestmark = pytest.mark.servers

LATEST = 3.5
"""Seconds: a bit more than connecting may take, for a busy machine."""
IN_TIME = 1.8 + 0.5
"""Seconds in which a question is answered or given up."""
BUSY = 0.25
"""Seconds that a call which does not wait takes at most, on a busy machine."""


@pytest.fixture(autouse=True)
def patient() -> None:
    """The waits of production: they are what is tested here."""


@pytest.fixture
def proxy(postgres: URL) -> Iterator[Proxy]:
    with Proxy(postgres.host or "", postgres.port or 5432) as proxy:
        yield proxy


@pytest.fixture
def behind(postgres: URL, proxy: Proxy) -> URL:
    """The database, by way of the proxy."""
    return postgres.set(port=proxy.port)


@pytest.fixture
def stores(behind: URL) -> Iterator[SQLStores]:
    with closing(SQLStores(behind, hasher=HASHER)) as stores:
        stores.users.create("alice")
        assert stores.users.find("alice") is not None
        yield stores


VERBS: dict[str, Callable[[SQLStores], object]] = {
    "a lookup": lambda stores: stores.users.find("alice"),
    "a statement that writes": lambda stores: stores.nonces.use_nonce("n", time.monotonic_ns(), time.time() + 60),
    "a transaction": lambda stores: stores.throttle.reserve(Attempt("alice"), time.time()),
    "a list": lambda stores: stores.users.list(),
    "administration": lambda stores: stores.users.disable("alice"),
}


@pytest.fixture(params=VERBS)
def verb(request: pytest.FixtureRequest) -> Callable[[SQLStores], object]:
    return VERBS[request.param]


def test_a_server_that_is_away_is_a_failure_and_then_forgotten(
    stores: SQLStores, proxy: Proxy, verb: Callable[[SQLStores], object]
) -> None:
    verb(stores)
    proxy.refuse()
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            verb(stores)
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    proxy.restore()
    verb(stores)


def test_a_restart_is_not_noticed(stores: SQLStores, proxy: Proxy, verb: Callable[[SQLStores], object]) -> None:
    verb(stores)
    opened = proxy.connections
    proxy.reset()
    verb(stores)
    assert proxy.connections > opened


def test_a_server_that_falls_silent_is_a_failure_in_time_and_then_forgotten(
    stores: SQLStores, proxy: Proxy, verb: Callable[[SQLStores], object], clock: RunningClock
) -> None:
    verb(stores)
    proxy.fall_silent()
    for _ in range(2):
        start = clock()
        with pytest.raises(StoreUnavailable):
            verb(stores)
        assert clock() - start < LATEST
    proxy.restore()
    verb(stores)


def test_what_waits_for_a_lock_gives_up_in_time(stores: SQLStores, postgres: URL, clock: RunningClock) -> None:
    with engine_of(postgres) as engine, engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM authmw_users FOR UPDATE"))
        start = clock()
        with pytest.raises(StoreUnavailable) as caught:
            stores.users.disable("alice")
        assert clock() - start < LATEST
        assert isinstance(caught.value.__cause__, psycopg.errors.QueryCanceled)
        assert stores.users.find("alice") is not None, "no lookup waits"
    stores.users.disable("alice")


@pytest.mark.parametrize("table", ["authmw_users", "authmw_clients"])
def test_class_26_no_login_is_stored_while_its_user_or_client_is_being_changed(
    stores: SQLStores, postgres: URL, table: str
) -> None:
    """The change would not find the login, nor the login the change: it would outlive a new password."""
    stores.clients.create("shop")
    (alice,) = stores.users.list()
    login = RefreshFamily("login_1", "key", "current", alice.id, "alice", "shop", frozenset(), 1.0, 3e9, 3e9)
    with engine_of(postgres) as engine, engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET disabled_at = 1.5"))
        with pytest.raises(StoreUnavailable):
            stores.families.add_family(login)
    assert stores.families.find_family("key") is None
    stores.families.add_family(login)
    assert stores.families.find_family("key") == login


def test_class_26_no_session_is_stored_while_its_user_is_being_changed(stores: SQLStores, postgres: URL) -> None:
    (alice,) = stores.users.list()
    session = a_session(subject=alice.id)
    with engine_of(postgres) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE authmw_users SET disabled_at = 1.5"))
        with pytest.raises(StoreUnavailable):
            stores.sessions.add_session(session)
    assert stores.sessions.find_session(session.key) is None
    stores.sessions.add_session(session)
    assert stores.sessions.find_session(session.key) == session


def test_class_26_no_token_of_a_client_is_stored_while_it_is_being_changed(stores: SQLStores, postgres: URL) -> None:
    stores.clients.create("shop")
    record = TokenRecord("token_1", "digest", "shop", 3e9, kind="client", client_id="shop")
    with engine_of(postgres) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE authmw_clients SET disabled_at = 1.5"))
        with pytest.raises(StoreUnavailable):
            stores.tokens.add_token(record)
    assert stores.tokens.find_token("digest") is None
    stores.tokens.add_token(record)
    assert stores.tokens.find_token("digest") == replace(record, revoked_at=1.5), "while the client is disabled"


@pytest.mark.parametrize("table", ["authmw_sessions", "authmw_refresh_families"])
def test_who_ends_several_locks_them_in_one_order_so_that_no_two_wait_for_each_other(
    stores: SQLStores, postgres: URL, table: str
) -> None:
    (alice,) = stores.users.list()
    for id in ("b", "a"):  # a table is mostly read in the order in which it was written
        stores.sessions.add_session(a_session(id=id, subject=alice.id))
        stores.families.add_family(a_family(id=id, subject=alice.id))

    def end() -> set[str]:
        at = time.time()
        if table == "authmw_sessions":
            return {session.id for session in stores.sessions.end_sessions(alice.id, at)}
        return {family.id for family in stores.families.end_families(alice.id, at)}

    with engine_of(postgres) as engine, ThreadPoolExecutor(1) as threads:
        with engine.begin() as holder:
            holder.execute(text(f"SELECT 1 FROM {table} WHERE id = 'a' FOR UPDATE"))
            ended = threads.submit(end)
            waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            while holder.execute(waits).first() is None:
                assert not ended.done()
            holder.execute(text(f"SELECT 1 FROM {table} WHERE id = 'b' FOR UPDATE NOWAIT"))
        assert ended.result() == {"a", "b"}


def test_err_1_a_failure_tells_no_parameters(stores: SQLStores, postgres: URL) -> None:
    with engine_of(postgres) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE authmw_users RENAME TO gone"))
    for look in (True, False):
        with pytest.raises(StoreUnavailable) as caught:
            stores.users.find("a-secret") if look else stores.users.set_password("a-secret", "another-one")
        error = caught.value
        assert "secret" not in f"{error!r} {error.__cause__!r} {error.__context__!r}"


def test_what_postgresql_cannot_keep_is_not_found_and_no_failure(stores: SQLStores) -> None:
    for text_ in ("a\0b", "\ud800"):
        assert stores.clients.find_client(text_) is None
        assert stores.families.families_of(text_, 0.0) == ()
        assert stores.users.find_by_id(text_) is None
        assert stores.users.find_by_email(f"{text_}@shop.example") == ()
        assert stores.sessions.find_session(text_) is None
        assert stores.sessions.sessions_of(text_, 0.0) == ()
        assert stores.pending.peek_pending(text_, text_, 0.0) is None
        until = time.time() + 60
        uses = [stores.nonces.use_nonce(text_ * 3000, count, until) for count in (1, 1, 2)]
        assert uses == [NonceUse.FRESH, NonceUse.REPLAYED, NonceUse.FRESH]
        attempt = Attempt(f"source:{text_ * 3000}", f"account:{text_ * 3000}", text_)
        assert isinstance(stores.throttle.reserve(attempt, 0.0), Reservation)


# Asynchronously


@asynccontextmanager
async def opened(url: URL) -> AsyncGenerator[AsyncSQLStores]:
    async with aclosing(AsyncSQLStores(url, hasher=HASHER)) as stores:
        stores.sync.users.create("alice")
        yield stores


def found(stores: AsyncSQLStores) -> Flow[User | None]:
    return (yield from Ask(stores.users.find, "alice"))


def counted(stores: AsyncSQLStores) -> Flow[bool]:
    answer: object = yield from Ask(stores.throttle.reserve, Attempt("alice"), time.time())
    return isinstance(answer, Reservation)


def test_while_the_server_is_known_to_be_silent_threads_are_refused_at_once(
    stores: SQLStores, proxy: Proxy, clock: RunningClock
) -> None:
    def seconds(verb: Callable[[SQLStores], object]) -> float:
        began = clock()
        with pytest.raises(StoreUnavailable):
            verb(stores)
        return clock() - began

    for verb in VERBS.values():
        verb(stores)
    verbs = [verb for verb in VERBS.values() for _ in range(4)]
    proxy.fall_silent()
    with ThreadPoolExecutor(len(verbs)) as threads:
        # All connections are lost, and a new one is made to a server that takes it and says nothing.
        assert max(threads.map(seconds, verbs)) < IN_TIME
        waited = sorted(threads.map(seconds, verbs))
        assert waited[-1] < PATIENCE + BUSY
        assert waited[-2] < BUSY
        began, connections = clock(), proxy.connections
        while clock() < began + 2:
            list(threads.map(seconds, verbs))
        assert proxy.connections - connections <= 4  # one probe at a time
        proxy.restore()
        back = clock()
        while stores.database.breaker.is_open:  # type: ignore[attr-defined]
            time.sleep(0.01)
        assert clock() - back < 2
    for verb in VERBS.values():
        verb(stores)


def test_a_thread_waits_no_longer_than_its_question_may_take_wherever_it_waits(
    behind: URL, proxy: Proxy, clock: RunningClock
) -> None:
    proxy.fall_silent()  # before the first connection
    with closing(SQLStores(behind, pool_size=1)) as stores, ThreadPoolExecutor(6) as threads:
        began = clock()
        asked = [threads.submit(verb, stores) for verb in (*VERBS.values(), VERBS["a transaction"])]
        assert {type(each.exception()) for each in asked} == {StoreUnavailable}
        assert clock() - began < IN_TIME


def test_who_follows_revocations_finds_out_for_all(stores: SQLStores, proxy: Proxy, clock: RunningClock) -> None:
    feed = RevocationFeed(stores.revocations)
    feed.follow_once()
    proxy.fall_silent()
    with pytest.raises(StoreUnavailable):
        feed.follow_once()
    began = clock()
    with pytest.raises(StoreUnavailable):
        stores.users.find("alice")
    assert clock() - began < PATIENCE + BUSY


def test_while_the_server_is_known_to_be_silent_tasks_are_refused_at_once(
    behind: URL, proxy: Proxy, clock: RunningClock
) -> None:
    async def seconds(stores: AsyncSQLStores, flow: Callable[[AsyncSQLStores], Flow[object]]) -> float:
        began = clock()
        with pytest.raises(StoreUnavailable):
            await run_async(flow(stores))
        return clock() - began

    async def main() -> None:
        async with opened(behind) as stores:
            await run_async(found(stores))
            await run_async(counted(stores))
            proxy.fall_silent()
            assert max(await asyncio.gather(*(seconds(stores, found) for _ in range(12)))) < IN_TIME
            waited = sorted(await asyncio.gather(*(seconds(stores, flow) for flow in (found, counted) * 6)))
            assert waited[-1] < PATIENCE + BUSY
            assert waited[-2] < BUSY
            # What the tasks found out counts for threads too.
            began = clock()
            with pytest.raises(StoreUnavailable):
                await asyncio.to_thread(stores.sync.users.find, "alice")
            assert clock() - began < PATIENCE + BUSY

    asyncio.run(main())


@pytest.mark.parametrize("flow", [found, counted], ids=["a lookup", "a transaction"])
@pytest.mark.parametrize("fail", [Proxy.refuse, Proxy.fall_silent], ids=["away", "silent"])
def test_an_event_loop_gets_a_failure_in_time_and_goes_on(
    behind: URL,
    proxy: Proxy,
    flow: Callable[[AsyncSQLStores], Flow[object]],
    fail: Callable[[Proxy], None],
    clock: RunningClock,
) -> None:
    async def main() -> None:
        async with opened(behind) as stores:
            await run_async(flow(stores))
            fail(proxy)
            start = clock()
            answers = await asyncio.gather(*(run_async(flow(stores)) for _ in range(12)), return_exceptions=True)
            assert {type(answer) for answer in answers} == {StoreUnavailable}
            assert clock() - start < LATEST
            proxy.restore()
            await run_async(flow(stores))

    asyncio.run(main())


@pytest.mark.parametrize("flow", [found, counted], ids=["a lookup", "a transaction"])
def test_an_event_loop_does_not_notice_a_restart(
    behind: URL, proxy: Proxy, flow: Callable[[AsyncSQLStores], Flow[object]]
) -> None:
    async def main() -> None:
        async with opened(behind) as stores:
            await run_async(flow(stores))
            proxy.reset()
            await run_async(flow(stores))

    asyncio.run(main())


def test_who_hangs_up_takes_no_connection_along(postgres: URL) -> None:
    async def main() -> None:
        async with opened(postgres) as stores:
            for _ in range(20):
                task = asyncio.create_task(run_async(found(stores)))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert await run_async(found(stores)) is not None

    asyncio.run(main())


def test_one_object_serves_several_event_loops(postgres: URL) -> None:
    stores = AsyncSQLStores(postgres, hasher=HASHER)
    stores.sync.users.create("alice")
    for _ in range(3):
        assert asyncio.run(run_async(found(stores))) is not None
        assert asyncio.run(run_async(counted(stores))) is True
    asyncio.run(stores.aclose())


# Engines of an application


def test_an_engine_of_the_application_is_shared(postgres: URL) -> None:
    engine = create_engine(postgres)
    with closing(SQLStores(engine, hasher=HASHER)) as stores:
        stores.users.create("alice")
        assert stores.users.find("alice") is not None
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM authmw_users")) == 1
        assert engine.hide_parameters is False, "it is left as it is"
    engine.dispose()


def test_an_asynchronous_engine_of_the_application_is_shared(postgres: URL) -> None:
    async def main() -> None:
        engine = create_async_engine(postgres)
        async with opened(postgres) as prepared, aclosing(AsyncSQLStores(engine, hasher=HASHER)) as stores:
            assert prepared is not stores
            assert await run_async(found(stores)) is not None
            assert await run_async(counted(stores)) is True
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM authmw_users")) == 1
        await engine.dispose()

    asyncio.run(main())


# Processes and transactions


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of POSIX")
def test_after_a_fork_parent_and_child_use_connections_of_their_own(namespace: str) -> None:
    program = textwrap.dedent("""
        import os, sys
        from authmw_sqlalchemy import SQLStores
        stores = SQLStores(sys.argv[1])
        stores.users.create("parent")
        assert stores.users.find("parent")
        kept = list(map(id, stores.database._connections.idle))
        child = os.fork()
        if child == 0:
            assert not stores.database._connections.idle
            stores.users.create("child")
            assert stores.users.find("child")
            stores.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert list(map(id, stores.database._connections.idle)) == kept
        assert stores.users.find("child")
        stores.users.create("again")
        stores.close()
    """)
    result = fresh_python("-c", program, written(make_schema(namespace)))
    assert (result.returncode, result.stderr) == (0, "")


def test_a_cursor_never_passes_what_is_committed_late(postgres: URL) -> None:
    with closing(SQLStores(postgres)) as stores, engine_of(postgres) as engine, engine.connect() as late:
        # Another process draws a number, and is not done yet.
        late.execute(text("SELECT pg_advisory_xact_lock('authmw_revocations'::regclass::oid::bigint)"))
        late.execute(
            text("INSERT INTO authmw_revocations (kind, target, at, expires_at) VALUES ('user', 'late', 1, 9e12)")
        )
        with pytest.raises(StoreUnavailable):
            stores.revocations.publish(Revocation.of_user("early", time.time()))
        assert stores.revocations.revocations_after("", 10).revocations == ()
        late.commit()
        stores.revocations.publish(Revocation.of_user("next", time.time()))
        page = stores.revocations.revocations_after("", 10)
    assert [each.id for each in page.revocations] == ["late", "next"]
