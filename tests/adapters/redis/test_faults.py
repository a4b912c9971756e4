"""A Redis that is gone, slow or restarted: an exception in bounded time, no wrong answer, and recovery by itself."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, suppress
from typing import Any, TypeAlias, cast

import pytest
import redis
from authmw_redis import AsyncRedisStores, RedisStores
from redis.asyncio import Redis as AsyncClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from authmw.flow.breaker import PATIENCE
from authmw.flow.flow import Ask, Flow, run, run_async
from authmw.stores import StoreUnavailable
from authmw.stores.records import (
    Attempt,
    AttemptOutcome,
    NonceUse,
    Outcome,
    Reservation,
    Revocation,
    TokenRecord,
)
from authmw.stores.session_records import RenewalOutcome
from tests.adapters.redis.support import (
    RedisServer,
    a_family,
    a_pending,
    a_renewal,
    a_rotation,
    a_session,
    a_token,
    client,
    now,
)
from tests.proxy import Proxy
from tests.running_clock import RunningClock

pytestmark = pytest.mark.servers

SECONDS = 2.5
"""No verb takes longer, on a machine that does something else too."""
BUSY = 0.25
"""Seconds that a call which does not wait takes at most, on a busy machine."""
Fault: TypeAlias = Callable[[Proxy], None]
FAULTS: dict[str, Fault] = {"refused": Proxy.refuse, "silent": Proxy.fall_silent}

_ATTEMPT = Attempt("", "account:alice", "home", ("mark",))

VERBS: dict[str, Callable[[RedisStores | AsyncRedisStores], Any]] = {
    "find_token": lambda kept: kept.tokens.find_token("0" * 64),
    "add_token": lambda kept: kept.tokens.add_token(a_token()[1]),
    "revoke_token": lambda kept: kept.tokens.revoke_token("0" * 64, 1.0),
    "revoke_client_tokens": lambda kept: kept.tokens.revoke_client_tokens("shop", 1.0),
    "add_family": lambda kept: kept.families.add_family(a_family()),
    "rotate": lambda kept: kept.families.rotate(a_rotation(a_family())),
    "end_families": lambda kept: kept.families.end_families("usr_1", 1.0),
    "add_session": lambda kept: kept.sessions.add_session(a_session()),
    "renew_session": lambda kept: kept.sessions.renew_session(a_renewal(a_session())),
    "end_sessions": lambda kept: kept.sessions.end_sessions("usr_1", 1.0, "sid_1"),
    "put_pending": lambda kept: kept.pending.put_pending(a_pending()),
    "take_pending": lambda kept: kept.pending.take_pending("0" * 64, "recovery", 1.0),
    "use_nonce": lambda kept: kept.nonces.use_nonce("n", 1, time.time() + 60),
    "reserve": lambda kept: kept.throttle.reserve(_ATTEMPT, 1.0),
    "settle": lambda kept: kept.throttle.settle(Reservation(_ATTEMPT), AttemptOutcome.SUCCEEDED, 1.0, 9.0),
    "make_familiar": lambda kept: kept.throttle.make_familiar("account:alice", "mark", time.time() + 60),
    "publish": lambda kept: kept.revocations.publish(Revocation.of_user("usr_1", time.time())),
    "revocations_after": lambda kept: kept.revocations.revocations_after("", 10),
    "find_revocations": lambda kept: kept.revocations.find_revocations((("user", "usr_1"),)),
}


@pytest.fixture(autouse=True)
def patient() -> None:
    """The waits of production: they are what is tested here."""


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", server.port) as started:
        yield started


def connections_to(server: RedisServer) -> int:
    """How many connections were ever made."""
    with client(server.url) as sees:
        return int(sees.info("stats")["total_connections_received"])


TRIES, PAUSE = 200, 0.05
"""Who asks first afterwards waits a moment for a probe, which a busy machine may not end in time."""


def url(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_err_3_every_verb_raises_in_time_and_works_again_afterwards(
    proxy: Proxy, fault: Callable[[Proxy], None], clock: RunningClock
) -> None:
    kept = RedisStores(url(proxy))
    for name, verb in VERBS.items():
        verb(kept)
        fault(proxy)
        began = clock()
        with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            verb(kept)
        assert clock() - began < SECONDS, name
        proxy.restore()
        for _ in range(TRIES):
            with suppress(StoreUnavailable):
                verb(kept)
                break
            time.sleep(PAUSE)
        else:
            pytest.fail(f"{name} does not work again")
    kept.close()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_err_3_every_awaited_verb_raises_in_time_and_works_again_afterwards(
    proxy: Proxy, fault: Callable[[Proxy], None], clock: RunningClock
) -> None:
    async def main() -> None:
        kept = AsyncRedisStores(url(proxy))
        for name, verb in VERBS.items():
            await cast("Awaitable[object]", verb(kept))
            fault(proxy)
            began = clock()
            with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
                await cast("Awaitable[object]", verb(kept))
            assert clock() - began < SECONDS, name
            proxy.restore()
            for _ in range(TRIES):
                with suppress(StoreUnavailable):
                    await cast("Awaitable[object]", verb(kept))
                    break
                await asyncio.sleep(PAUSE)
            else:
                pytest.fail(f"{name} does not work again")
        await kept.aclose()

    asyncio.run(main())


def test_while_redis_is_known_to_be_silent_threads_are_refused_at_once(proxy: Proxy, clock: RunningClock) -> None:
    def seconds(verb: Callable[[RedisStores], object]) -> float:
        began = clock()
        with pytest.raises((redis.TimeoutError, StoreUnavailable)):
            verb(kept)
        return clock() - began

    with closing(RedisStores(url(proxy))) as kept, ThreadPoolExecutor(len(VERBS)) as threads:
        for verb in VERBS.values():
            verb(kept)
        proxy.fall_silent()
        assert max(threads.map(seconds, VERBS.values())) < SECONDS
        waited = sorted(threads.map(seconds, VERBS.values()))
        assert waited[-1] < PATIENCE + BUSY
        assert waited[-2] < BUSY
        began, connections = clock(), proxy.connections
        while clock() < began + 2:
            list(threads.map(seconds, VERBS.values()))
        assert proxy.connections - connections <= 4  # one probe at a time
        proxy.restore()
        for verb in VERBS.values():
            verb(kept)


@pytest.mark.parametrize("by_url", [True, False], ids=["a URL", "a client of the application"])
def test_while_redis_is_known_to_be_silent_tasks_are_refused_at_once(
    proxy: Proxy, by_url: bool, clock: RunningClock
) -> None:
    async def seconds(kept: AsyncRedisStores, verb: Callable[[AsyncRedisStores], Any]) -> float:
        began = clock()
        with pytest.raises((redis.TimeoutError, StoreUnavailable)):
            await verb(kept)
        return clock() - began

    async def main() -> None:
        client = AsyncClient(
            port=proxy.port, socket_timeout=1.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0)
        )
        twin = redis.Redis(port=proxy.port, socket_timeout=1.0)
        kept = AsyncRedisStores(url(proxy)) if by_url else AsyncRedisStores(client, sync=twin)
        for verb in VERBS.values():
            await verb(kept)
        proxy.fall_silent()
        assert max(await asyncio.gather(*(seconds(kept, verb) for verb in VERBS.values()))) < SECONDS
        # Without a URL there is no probe: one task at a time tries.
        waited = sorted(await asyncio.gather(*(seconds(kept, verb) for verb in VERBS.values())))
        assert waited[-1] < (PATIENCE + BUSY if by_url else SECONDS)
        assert waited[-2] < BUSY
        proxy.restore()
        for verb in VERBS.values():
            await verb(kept)
        await kept.aclose()
        await client.aclose()
        twin.close()

    asyncio.run(main())


def test_what_cannot_be_asked_is_unavailable(proxy: Proxy) -> None:
    kept = RedisStores(url(proxy))
    proxy.refuse()

    def flow() -> Flow[TokenRecord | None]:
        return (yield from Ask(kept.tokens.find_token, "0" * 64))

    with pytest.raises(StoreUnavailable):
        run(flow())


def test_a_connection_that_was_closed_while_idle_costs_no_request(server: RedisServer) -> None:
    kept = RedisStores(server.url)
    for number in range(10):
        # Were it sent on a broken connection, nobody would know whether it was used.
        assert now(kept.nonces.use_nonce("n", number, time.time() + 60)) is NonceUse.FRESH
        with client(server.url) as sees:
            sees.client_kill_filter(_type="normal", skipme=True)
            while len(sees.client_list()) > 1:
                pass
    assert connections_to(server) > 20
    kept.close()


def test_a_restart_while_nobody_asks_costs_no_request(server: RedisServer) -> None:
    kept = RedisStores(server.url)
    family, (_, record) = a_family(), a_token()
    kept.families.add_family(family)
    kept.tokens.add_token(record)
    kept.nonces.use_nonce("n", 1, time.time() + 60)
    server.stop()
    server.start()
    # The scripts are gone with it, the records are not, and a count is used once.
    assert now(kept.nonces.use_nonce("n", 2, time.time() + 60)) is NonceUse.FRESH
    assert now(kept.nonces.use_nonce("n", 2, time.time() + 60)) is NonceUse.REPLAYED
    assert now(kept.tokens.find_token(record.digest)) == record
    assert now(kept.families.rotate(a_rotation(family))).outcome is Outcome.ROTATED
    kept.close()


def test_a_restart_while_nobody_awaits_costs_no_request(server: RedisServer) -> None:
    async def main() -> tuple[NonceUse, NonceUse]:
        kept = AsyncRedisStores(server.url)
        first = await cast("Awaitable[NonceUse]", kept.nonces.use_nonce("n", 1, time.time() + 60))
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        second = await cast("Awaitable[NonceUse]", kept.nonces.use_nonce("n", 2, time.time() + 60))
        await kept.aclose()
        return first, second

    assert asyncio.run(main()) == (NonceUse.FRESH, NonceUse.FRESH)


def test_a_connection_that_was_reset_while_idle_costs_no_request(proxy: Proxy) -> None:
    kept = RedisStores(url(proxy))
    assert now(kept.nonces.use_nonce("n", 1, time.time() + 60)) is NonceUse.FRESH
    proxy.reset()
    assert now(kept.nonces.use_nonce("n", 2, time.time() + 60)) is NonceUse.FRESH
    kept.close()


@asynccontextmanager
async def resetting(server: RedisServer) -> AsyncGenerator[tuple[str, Callable[[], None]]]:
    """A URL of the server, and a function that resets all connections there: no end of the stream is sent before."""
    writers: list[asyncio.StreamWriter] = []

    async def forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while received := await source.read(65536):
                sink.write(received)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            await asyncio.gather(forward(reader, to_server), forward(from_server, writer))
        finally:
            for each in (writer, to_server):
                each.transport.abort()

    def reset() -> None:
        for writer in writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0", reset
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def test_connections_that_were_reset_while_nobody_awaits_cost_no_request(server: RedisServer) -> None:
    async def main() -> list[NonceUse]:
        async with resetting(server) as (there, reset):
            kept = AsyncRedisStores(there)

            async def use(count: int) -> list[NonceUse]:
                uses = (kept.nonces.use_nonce(f"n{each}", count, time.time() + 60) for each in range(5))
                return await asyncio.gather(*cast("Iterator[Awaitable[NonceUse]]", uses))

            await use(1)
            reset()
            await asyncio.sleep(0.1)  # until the reset has arrived
            found = await use(2)
            await kept.aclose()
        return found

    assert asyncio.run(main()) == [NonceUse.FRESH] * 5


def lose_the_next_reply(kept: RedisStores) -> None:
    """Break the connection once, after the next command was executed."""
    target = kept._server.client  # pyright: ignore[reportPrivateUsage]
    execute = target.execute_command

    def losing(*words: Any) -> Any:
        target.execute_command = execute
        execute(*words)
        raise redis.ConnectionError("the reply got lost")

    target.execute_command = losing


@pytest.mark.parametrize("grace", [0.0, 30.0])
def test_t9_a_rotation_whose_reply_was_lost_is_no_reuse(kept: RedisStores, grace: float) -> None:
    family = a_family()
    kept.families.add_family(family)
    kept.families.rotate(a_rotation(a_family()))  # the script is there
    rotation = a_rotation(family, grace=grace)
    lose_the_next_reply(kept)
    answer = now(kept.families.rotate(rotation))
    assert answer.outcome is Outcome.ROTATED
    assert answer.family is not None
    assert (answer.family.current, answer.family.previous) == (rotation.successor, family.current)
    # Whoever else presents the token now is told from it.
    expected = Outcome.RACED if grace else Outcome.REUSED
    assert now(kept.families.rotate(a_rotation(family, grace=grace, now=rotation.now + 1))).outcome is expected


def test_a_reuse_whose_reply_was_lost_is_still_told(kept: RedisStores) -> None:
    family = a_family()
    kept.families.add_family(family)
    kept.families.rotate(a_rotation(family))
    lose_the_next_reply(kept)
    answer = now(kept.families.rotate(a_rotation(family, now=family.created_at + 90)))
    assert answer.outcome is Outcome.REUSED


@pytest.mark.parametrize("grace", [0.0, 30.0])
def test_a_renewal_whose_reply_was_lost_is_a_renewal(kept: RedisStores, grace: float) -> None:
    session = a_session()
    kept.sessions.add_session(session)
    kept.sessions.renew_session(a_renewal(a_session()))  # the script is there
    renewal = a_renewal(session, grace=grace)
    lose_the_next_reply(kept)
    answer = now(kept.sessions.renew_session(renewal))
    assert answer.outcome is RenewalOutcome.RENEWED
    assert answer.session is not None
    assert (answer.session.current, answer.session.previous) == (renewal.successor, session.current)
    assert answer.session == now(kept.sessions.find_session(session.key))
    # Whoever else presents the value now is told from it.
    expected = RenewalOutcome.RACED if grace else RenewalOutcome.UNKNOWN
    assert now(kept.sessions.renew_session(a_renewal(session, grace=grace))).outcome is expected


def test_a_renewal_whose_reply_was_lost_brings_nothing_back_that_ended_meanwhile(kept: RedisStores) -> None:
    session = a_session()
    kept.sessions.add_session(session)
    kept.sessions.renew_session(a_renewal(a_session()))  # the script is there
    lose_the_next_reply(kept)
    lost = kept._server.client.execute_command  # pyright: ignore[reportPrivateUsage]

    def ended_meanwhile(*words: Any) -> Any:
        try:
            return lost(*words)
        finally:
            kept.sessions.end_session(session.id, session.created_at)

    kept._server.client.execute_command = ended_meanwhile  # pyright: ignore[reportPrivateUsage]
    assert now(kept.sessions.renew_session(a_renewal(session))).outcome is RenewalOutcome.ENDED


def test_what_was_taken_with_a_reply_that_was_lost_is_not_lost_and_is_taken_once(kept: RedisStores) -> None:
    pending = a_pending()
    kept.pending.put_pending(pending)
    kept.pending.take_pending("another", pending.kind, 1.0)  # the script is there
    lose_the_next_reply(kept)
    assert now(kept.pending.take_pending(pending.digest, pending.kind, 1.0)) == pending
    assert now(kept.pending.take_pending(pending.digest, pending.kind, 1.0)) is None
    assert now(kept.pending.peek_pending(pending.digest, pending.kind, 1.0)) is None


def test_dig_3_a_use_whose_reply_was_lost_is_not_sent_again(kept: RedisStores) -> None:
    later = time.time() + 60
    kept.nonces.use_nonce("other", 1, later)
    lose_the_next_reply(kept)
    with pytest.raises(redis.ConnectionError):
        kept.nonces.use_nonce("n", 1, later)
    assert now(kept.nonces.use_nonce("n", 1, later)) is NonceUse.REPLAYED


def test_a_forked_process_opens_connections_of_its_own(server: RedisServer) -> None:
    kept = RedisStores(server.url)
    _, record = a_token()
    kept.tokens.add_token(record)
    before = connections_to(server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pytest has threads, which the child does without
        child = os.fork()
    if child == 0:
        found = False
        try:
            found = all(kept.tokens.find_token(record.digest) == record for _ in range(200))
        finally:
            os._exit(0 if found else 1)
    assert all(kept.tokens.find_token(record.digest) == record for _ in range(200))
    assert os.waitpid(child, 0)[1] == 0
    # One is the child's, one this question's.
    assert connections_to(server) == before + 2
    kept.close()


def test_each_event_loop_has_connections_of_its_own_and_closes_them(server: RedisServer) -> None:
    kept = AsyncRedisStores(server.url)
    _, record = a_token()
    kept.sync.tokens.add_token(record)

    def flow() -> Flow[TokenRecord | None]:
        return (yield from Ask(kept.tokens.find_token, record.digest))

    for _ in range(3):
        assert asyncio.run(run_async(flow())) == record
    kept.sync.close()
    with client(server.url) as sees:
        deadline = time.monotonic() + 5
        while len(sees.client_list()) > 1:
            assert time.monotonic() < deadline


def test_a_hundred_tasks_share_a_bounded_number_of_connections(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authmw_redis.server.CONNECT_TIMEOUT", 10.0)  # on a busy machine they all connect late

    async def main() -> int:
        kept = AsyncRedisStores(server.url)
        _, record = a_token()
        await cast("Awaitable[None]", kept.tokens.add_token(record))
        questions = [cast("Awaitable[TokenRecord]", kept.tokens.find_token(record.digest)) for _ in range(300)]
        assert await asyncio.gather(*questions) == [record] * 300
        with client(server.url) as sees:
            connections = len(sees.client_list())
        await kept.aclose()
        return connections

    assert asyncio.run(main()) <= 65
