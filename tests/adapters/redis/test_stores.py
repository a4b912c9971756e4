"""The stores as a whole: what they take, what they are, what they say about a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from authmw_redis import AsyncRedisStores, RedisStores
from authmw_redis.commands import Script
from redis.exceptions import NoPermissionError

from authmw import ConfigurationError
from authmw.crypto.opaque_tokens import token_digest
from authmw.flow.call_mode import CallMode
from authmw.stores import MemoryThrottle, Stores
from authmw.stores.administration import NotFound, TokenAdmin
from authmw.stores.ports import FamilyStore, NonceStore, RevocationStore, Throttle, TokenKeeper
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Revocation
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.session_ports import PendingStore, SessionStore
from authmw.testing import FakeClock
from tests.adapters.redis.support import URL, RedisServer, a_token, async_stores, now, stores


@pytest.mark.servers
def test_each_store_is_what_a_port_asks_for(kept: RedisStores) -> None:
    awaited = AsyncRedisStores(URL)
    for each in (kept, awaited):
        ports: tuple[TokenKeeper, FamilyStore, NonceStore, Throttle, RevocationStore, SessionStore, PendingStore] = (
            each.tokens,
            each.families,
            each.nonces,
            each.throttle,
            each.revocations,
            each.sessions,
            each.pending,
        )
        assert len({*map(id, ports)}) == 7
        found = Stores.of(each)
        assert (found.tokens, found.revocations, found.users) == (each.tokens, each.revocations, None)
        assert (found.sessions, found.pending) == (each.sessions, each.pending)
    admin: TokenAdmin = kept.tokens
    assert admin.list("nobody") == ()


def test_what_is_awaited_is_marked_and_has_a_twin_that_is_called() -> None:
    awaited = AsyncRedisStores(URL)
    for path in (
        "tokens.find_token",
        "families.rotate",
        "nonces.use_nonce",
        "throttle.reserve",
        "revocations.publish",
        "sessions.renew_session",
        "pending.take_pending",
    ):
        verb = attrgetter(path)
        assert CallMode.of(verb(awaited)) is CallMode.ASYNC
        assert CallMode.of(verb(awaited.sync)) is CallMode.BLOCKING
    assert awaited.revocations.sync is awaited.sync.revocations
    assert awaited.sync.revocations.sync is awaited.sync.revocations


@pytest.mark.servers
def test_a_feed_follows_either() -> None:
    clock = FakeClock()
    with async_stores(clock=clock) as awaited:
        feed = RevocationFeed(awaited.revocations, clock=clock)
        feed.follow_once()
        assert feed.is_fresh
        revocation = Revocation.of_user("usr_1", clock())
        asyncio.run(_publish(awaited, revocation))
        assert now(awaited.sync.revocations.find_revocations((("user", "usr_1"),))) == (revocation,)
        feed.follow_once()


async def _publish(awaited: AsyncRedisStores, revocation: Revocation) -> None:
    await cast("Awaitable[None]", awaited.revocations.publish(revocation))


@pytest.mark.parametrize("target", ["", "localhost", "http://localhost", "redis//localhost"])
def test_what_is_no_url_is_refused(target: str) -> None:
    for kind in (RedisStores, AsyncRedisStores):
        with pytest.raises(ConfigurationError, match="redis://"):
            kind(target)


def test_a_url_that_is_refused_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as refused:
        RedisStores("http://:hunter2@localhost")
    assert "hunter2" not in str(refused.value)


def test_a_client_of_the_other_kind_is_refused() -> None:
    wrong: Any = redis.asyncio.Redis()
    with pytest.raises(ConfigurationError, match=r"redis\.Redis"):
        RedisStores(wrong)
    wrong = redis.Redis()
    with pytest.raises(ConfigurationError, match=r"redis\.asyncio\.Redis"):
        AsyncRedisStores(wrong)


@pytest.mark.servers
def test_beside_a_client_for_asyncio_one_for_threads_is_asked_for() -> None:
    with pytest.raises(ConfigurationError, match="sync="):
        AsyncRedisStores(redis.asyncio.Redis())
    given = redis.Redis()
    assert AsyncRedisStores(redis.asyncio.Redis(), sync=given).sync.tokens.list("nobody") == ()
    given.close()


@pytest.mark.servers
def test_a_client_of_the_application_is_left_open() -> None:
    given: Any = redis.Redis(host="127.0.0.1")
    with stores() as other:
        RedisStores(given).close()
        assert given.ping()
        assert other.tokens.list("nobody") == ()
    given.close()


@pytest.mark.servers
def test_a_token_is_managed_by_its_id() -> None:
    clock = FakeClock()
    with stores(clock=clock) as kept:
        token, record = kept.tokens.create("usr_1", ["b", "a"], lifetime=60, kind="client", client_id="usr_1")
        clock.advance(1)
        _, other = kept.tokens.create("usr_2")
        assert now(kept.tokens.find_token(token_digest(token))) == record
        assert kept.tokens.list() == (record, other)
        assert kept.tokens.list("usr_1") == (record,)
        revoked = kept.tokens.revoke(record.id)
        clock.advance(1)
        assert kept.tokens.revoke(record.id) == revoked
        assert revoked.revoked_at == clock() - 1
        assert kept.tokens.list("usr_1") == (revoked,)
        with pytest.raises(NotFound, match="tok_nobody"):
            kept.tokens.revoke("tok_nobody")


@pytest.mark.servers
@pytest.mark.parametrize("seed", range(4))
def test_every_answer_is_that_of_the_throttle_in_memory(seed: int) -> None:
    random, settings = Random(seed), {"free": 3, "first": 1.0, "longest": 900.0}
    with stores(**settings) as kept:
        throttles = (kept.throttle, MemoryThrottle(free=3, first=1.0, longest=900.0))
        held: list[Reservation] = []
        time = 1_000_000.0
        for step in range(700):
            time += random.choice(
                (0.0, 0.0, 0.25, 1.0, 1 / 3, 29.0, 60.0, 1000.0, -5.0, *[-90_000.0] * (step % 90 == 0))
            )
            if held and random.random() < 0.55:
                reservation = held.pop(random.randrange(len(held)))
                outcome = random.choice((*2 * (AttemptOutcome.FAILED,), *AttemptOutcome))
                until = time + 1e7 if random.random() < 0.1 else 0.0
                for each in throttles:
                    now(each.settle(reservation, outcome, time, until))
                continue
            network = random.randrange(5)
            account = random.choice(("", "account:a", "account:a", "account:b"))
            marks = (f"{account}-{network % 3}",) if account else ()
            guessable = account != "" or random.random() < 0.5
            attempt = Attempt(f"source:{network}-{random.randrange(3)}", account, f"net-{network}", marks, guessable)
            answers = [now(each.reserve(attempt, time)) for each in throttles]
            assert answers[0] == answers[1], step
            if isinstance(answers[0], Reservation) and random.random() < 0.9:
                held.append(answers[0])


@pytest.mark.servers
def test_a_full_line_is_that_of_the_throttle_in_memory(kept: RedisStores) -> None:
    throttles: tuple[Any, ...] = (kept.throttle, MemoryThrottle(free=10))
    answers: list[list[object]] = [[], []]
    for place, throttle in enumerate(throttles):
        for number in range(10):
            reserved = now(throttle.reserve(Attempt("", "account:a", f"first-{number}"), 1000.0))
            assert isinstance(reserved, Reservation)
            now(throttle.settle(reserved, AttemptOutcome.FAILED, 1000.0))
        for number in range(1030):
            answers[place].append(
                now(throttle.reserve(Attempt("", "account:a", f"net-{number}"), 1001.0 + number / 64))
            )
        for number in (1029, 500, 3, 0):
            answers[place].append(now(throttle.reserve(Attempt("", "account:a", f"net-{number}"), 1060.0)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("policy", [{"free": 0}, {"first": 0.0}, {"first": 2.0, "longest": 1.0}], ids=str)
def test_a_throttle_that_would_lock_everybody_or_nobody_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="RedisThrottle"):
        RedisStores(URL, **policy)


@pytest.mark.servers
def test_a_cursor_beyond_what_is_known_is_answered_with_everything(kept: RedisStores) -> None:
    clock = FakeClock()
    revocation = Revocation.of_user("usr_1", clock())
    kept.revocations.publish(revocation)
    for cursor in ("99999999999999999999", "feed_1:7", "-1", "\u0663"):
        assert now(kept.revocations.revocations_after(cursor, 10)).revocations == (revocation,)


@pytest.mark.servers
def test_a_revocation_that_is_published_again_is_read_again_and_never_weakened(kept: RedisStores) -> None:
    at = FakeClock()()
    strong, weak = Revocation.of_user("usr_1", at + 10), Revocation.of_user("usr_1", at)
    kept.revocations.publish(strong)
    cursor = now(kept.revocations.revocations_after("", 10)).cursor
    kept.revocations.publish(weak)
    assert now(kept.revocations.revocations_after(cursor, 10)).revocations == (strong,)


@pytest.mark.servers
def test_what_has_expired_leaves_no_trace() -> None:
    clock = FakeClock()
    with stores(clock=clock) as kept:
        for number in range(50):
            kept.revocations.publish(Revocation("token", f"jti-{number}", clock(), clock() + 10))
        clock.advance(100)
        kept.revocations.publish(last := Revocation.of_family("fam_1", clock()))
        sizes = [
            kept._server.client.execute_command(command, key)  # pyright: ignore[reportPrivateUsage]
            for command, key in zip(("HLEN", "ZCARD", "ZCARD"), kept.revocations._keys, strict=True)  # pyright: ignore[reportPrivateUsage]
        ]
        assert sizes == [1, 1, 1]
        assert now(kept.revocations.revocations_after("", 10)).revocations == (last,)


@pytest.mark.servers
@pytest.mark.parametrize(
    "settings, words",
    [
        (("appendonly", "yes", "maxmemory-policy", "noeviction"), []),
        (("appendonly", "yes", "maxmemory-policy", "allkeys-lru"), ["maxmemory-policy is allkeys-lru"]),
        (("appendonly", "no", "save", "60 1"), ["appendonly is no"]),
        (("appendonly", "no", "save", "", "maxmemory-policy", "volatile-ttl"), ["volatile-ttl", "nothing is written"]),
    ],
    ids=["safe", "evicting", "snapshots", "all wrong"],
)
def test_what_would_lose_records_is_told(tmp_path: Path, settings: tuple[str, ...], words: list[str]) -> None:
    with RedisServer(tmp_path, *settings) as server:
        kept = RedisStores(server.url)
        _, record = a_token()
        kept.tokens.add_token(record)
        told = kept.check()
        kept.close()
    assert len(told) == len(words)
    assert all(word in sentence for word, sentence in zip(words, told, strict=True))


def test_an_old_server_is_told() -> None:
    from authmw_redis.health import concerns

    class Old:
        def info(self) -> dict[str, object]:
            return {"redis_version": "6.2.14", "aof_enabled": 1, "maxmemory_policy": "noeviction"}

    assert concerns(Old()) == ["this is Redis 6.2.14: the stores need 7.0 or newer, or Valkey"]


def test_a_server_that_does_not_tell_its_settings_is_taken_at_its_word() -> None:
    from authmw_redis.health import concerns

    class Reticent:
        def info(self) -> dict[str, object]:
            return {"redis_version": "8.0.1", "aof_enabled": 0}

        def config_get(self, name: str) -> dict[str, str]:
            raise NoPermissionError(name)

    assert [sentence.partition(":")[0] for sentence in concerns(Reticent())] == ["appendonly is no"]


@pytest.mark.servers
def test_finding_a_token_is_one_command(kept: RedisStores) -> None:
    _, record = a_token()
    kept.tokens.add_token(record)
    asked: list[tuple[object, ...]] = []
    execute = kept._server.client.execute_command  # pyright: ignore[reportPrivateUsage]

    def noting(*words: object) -> object:
        asked.append(words)
        return execute(*words)

    kept._server.client.execute_command = noting  # pyright: ignore[reportPrivateUsage]
    assert now(kept.tokens.find_token(record.digest)) == record
    assert [words[0] for words in asked] == ["GET"]


def test_a_script_names_all_its_keys_and_nothing_else_is_one() -> None:
    command = Script("return 1")("a", "b", args=(1, "c"))
    assert command.wire[2:] == (2, "a", "b", 1, "c")
