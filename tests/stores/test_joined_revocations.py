"""Revocations of several stores keep the contract of one, and nothing that was published in any is missed."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from authmw_redis import AsyncRedisStores
from authmw_sqlalchemy import AsyncSQLStores

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.errors import ConfigurationError
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, run_async
from authmw.oauth2.runtime import Runtime
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryRevocations, MemoryStores, Stores
from authmw.stores.joined_revocations import JoinedRevocations
from authmw.stores.ports import RevocationStore, for_threads
from authmw.stores.records import Revocation, RevocationKind, RevocationPage
from authmw.stores.revocation_feed import RevocationFeed
from authmw.stores.revoked import Issuance
from authmw.testing.contract import RevocationStoreContract

LATER = 4e9
KEYS: tuple[tuple[RevocationKind, str], ...] = (("user", "alice"), ("family", "f1"))


class TestJoinedRevocations(RevocationStoreContract):
    processes = False

    def open_store(self) -> JoinedRevocations:
        return JoinedRevocations(MemoryRevocations(), MemoryRevocations())


class Awaited:
    """The same store for an event loop."""

    def __init__(self) -> None:
        self.sync = MemoryRevocations()

    async def publish(self, revocation: Revocation) -> None:
        self.sync.publish(revocation)

    async def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        return self.sync.revocations_after(cursor, limit)

    async def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        return self.sync.find_revocations(keys)


class Blocking:
    """A store that may block, as one in a database."""

    def __init__(self) -> None:
        self._kept = MemoryRevocations()

    def publish(self, revocation: Revocation) -> None:
        self._kept.publish(revocation)

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        return self._kept.revocations_after(cursor, limit)

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        return self._kept.find_revocations(keys)


def test_what_is_published_in_either_is_found_and_followed() -> None:
    first, second = MemoryRevocations(), MemoryRevocations()
    joined = JoinedRevocations(first, second)
    cursor = _page(joined, "").cursor
    first.publish(Revocation("user", "alice", 1.0, LATER))
    second.publish(Revocation("family", "f1", 2.0, LATER))
    page = _page(joined, cursor)
    assert {each.id for each in page.revocations} == {"alice", "f1"}
    assert _page(joined, page.cursor).revocations == ()
    found: Any = joined.find_revocations(KEYS)
    assert {each.id for each in found} == {"alice", "f1"}


@pytest.mark.parametrize("count", [1, 3])
def test_a_cursor_of_another_number_of_stores_is_an_error_and_no_store_is_passed_over(count: int) -> None:
    cursor = _page(JoinedRevocations(*(MemoryRevocations() for _ in range(count))), "").cursor
    joined = JoinedRevocations(MemoryRevocations(), MemoryRevocations())
    with pytest.raises(ValueError, match="zip"):
        joined.revocations_after(cursor, 100)


def test_the_last_store_is_published_in() -> None:
    first, second = MemoryRevocations(), MemoryRevocations()
    JoinedRevocations(first, second).publish(Revocation("user", "alice", 1.0, LATER))
    assert (len(first.find_revocations(KEYS)), len(second.find_revocations(KEYS))) == (0, 1)


def test_asynchronous_stores_are_awaited_and_have_a_twin_for_threads() -> None:
    first, second = Awaited(), Awaited()
    joined = JoinedRevocations(first, second)
    assert CallMode.of(joined.find_revocations) is CallMode.ASYNC
    asyncio.run(run_async(_publish(joined)))
    first.sync.publish(Revocation("user", "alice", 1.0, LATER))
    assert {each.id for each in asyncio.run(run_async(_find(joined)))} == {"alice", "f1"}
    assert {each.id for each in _page(joined.sync, "").revocations} == {"alice", "f1"}


class WithoutTwin:
    """A store for an event loop alone."""

    def __init__(self) -> None:
        kept = Awaited()
        self.publish, self.revocations_after, self.find_revocations = (
            kept.publish,
            kept.revocations_after,
            kept.find_revocations,
        )


@pytest.mark.parametrize("other", [MemoryRevocations, Awaited, WithoutTwin])
@pytest.mark.parametrize("is_last", [False, True], ids=["first", "last"])
def test_asynchronous_stores_without_a_twin_are_asked_and_followed(
    other: Callable[[], RevocationStore], is_last: bool
) -> None:
    stores: list[RevocationStore] = [WithoutTwin(), other()]
    if is_last:
        stores.reverse()
    for number, store in enumerate(stores):
        published: Any = store.publish(Revocation("user", f"user_{number}", 1.0, LATER))
        if published is not None:
            asyncio.run(_result(published))
    joined = JoinedRevocations(*stores)
    keys: tuple[tuple[RevocationKind, str], ...] = (("user", "user_0"), ("user", "user_1"))
    found: Any = joined.find_revocations(keys)
    assert [(each.kind, each.id) for each in asyncio.run(_result(found))] == [*keys]
    assert (for_threads(joined) is joined) is (other is not Awaited)
    feed = RevocationFeed(joined)
    feed.follow_once()
    if feed._runner is not None:  # pyright: ignore[reportPrivateUsage]
        feed._runner.close()  # pyright: ignore[reportPrivateUsage]  # there is no thread that would
    assert [feed.passes(Issuance("jti", None, f"user_{number}", None, 1.0)) for number in range(3)] == [
        False,
        False,
        True,
    ]


class Broken(Awaited):
    """The same store, when it cannot be reached."""

    async def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        raise ConnectionError

    async def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        raise ConnectionError


class Unmarked:
    """A store whose methods are `def` and return awaitables."""

    def __init__(self, kept: Awaited) -> None:
        self._kept = kept

    def publish(self, revocation: Revocation) -> Awaitable[None]:
        return self._kept.publish(revocation)

    def revocations_after(self, cursor: str, limit: int) -> Awaitable[RevocationPage]:
        return self._kept.revocations_after(cursor, limit)

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> Awaitable[tuple[Revocation, ...]]:
        return self._kept.find_revocations(keys)


@pytest.mark.parametrize("unmarked", [False, True], ids=["async def", "def"])
@pytest.mark.parametrize("order", [(Broken, Awaited), (Awaited, Broken), (Broken, Broken)])
def test_when_one_store_fails_no_awaitable_of_another_is_left_over(
    unmarked: bool, order: tuple[type[Awaited], type[Awaited]]
) -> None:
    joined = JoinedRevocations(*(Unmarked(store()) if unmarked else store() for store in order))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for answer in (joined.find_revocations(KEYS), joined.revocations_after("", 100)):
            with pytest.raises(ConnectionError):
                asyncio.run(_result(answer))
        del answer
        gc.collect()
    assert [str(each.message) for each in warned] == []


def test_methods_without_a_mark_that_return_awaitables_are_awaited() -> None:
    first, second = Awaited(), Awaited()
    joined = JoinedRevocations(Unmarked(first), Unmarked(second))
    first.sync.publish(Revocation("user", "alice", 1.0, LATER))
    second.sync.publish(Revocation("family", "f1", 2.0, LATER))
    assert [each.id for each in asyncio.run(run_async(_find(joined)))] == ["alice", "f1"]


def test_each_store_is_asked_once_also_where_only_some_of_them_have_to_be_awaited() -> None:
    awaited = Awaited(), Awaited()
    stores: tuple[RevocationStore, ...] = MemoryRevocations(), Unmarked(awaited[0]), Blocking(), Unmarked(awaited[1])
    joined = JoinedRevocations(*stores)
    for number, store in enumerate(stores):
        answer: Any = store.publish(Revocation("user", "alice", float(number), LATER))
        if number % 2:
            asyncio.run(_result(answer))
    found: Any = asyncio.run(run_async(_find(joined)))
    page: Any = asyncio.run(_result(joined.revocations_after("", 100)))
    assert [each.at for each in found] == [each.at for each in page.revocations] == [0.0, 1.0, 2.0, 3.0]


def test_postgresql_and_redis_are_joined_for_an_event_loop_with_a_twin_for_threads() -> None:
    stores = AsyncSQLStores("postgresql://localhost/none"), AsyncRedisStores("redis://localhost")
    joined = Stores.of(*stores).revocations
    assert isinstance(joined, JoinedRevocations)
    assert CallMode.of(joined.find_revocations) is CallMode.ASYNC
    assert CallMode.of(joined.sync.find_revocations) is CallMode.BLOCKING


def test_stores_in_memory_are_asked_on_an_event_loop_and_blocking_ones_are_not() -> None:
    memory = MemoryRevocations()
    assert CallMode.of(JoinedRevocations(memory, MemoryRevocations()).find_revocations) is CallMode.NONBLOCKING
    assert CallMode.of(JoinedRevocations(memory, Blocking()).find_revocations) is CallMode.BLOCKING


def marked(reads: CallMode, finds: CallMode, publishes: CallMode = CallMode.NONBLOCKING) -> RevocationStore:
    """A store whose methods have marks of their own."""
    kept = Blocking()
    methods = {"revocations_after": reads, "find_revocations": finds, "publish": publishes}
    for name, mode in methods.items():
        setattr(kept, name, mode(partial(getattr(kept, name))))
    return kept


@pytest.mark.parametrize("reads", CallMode)
@pytest.mark.parametrize("finds", CallMode)
def test_a_store_whose_reading_methods_have_two_modes_counts_as_blocking(reads: CallMode, finds: CallMode) -> None:
    joined = JoinedRevocations(MemoryRevocations(), marked(reads, finds), MemoryRevocations())
    alike = CallMode.BLOCKING if reads is CallMode.OWN_TIMEOUT else reads
    expected = alike if reads is finds else CallMode.BLOCKING
    assert CallMode.of(joined.revocations_after) is CallMode.of(joined.find_revocations) is expected


def test_how_the_last_store_publishes_counts_and_how_others_do_does_not() -> None:
    reading, memory = CallMode.NONBLOCKING, MemoryRevocations()
    blocking = marked(reading, reading, CallMode.BLOCKING)
    assert CallMode.of(JoinedRevocations(memory, memory, blocking).publish) is CallMode.BLOCKING
    assert CallMode.of(JoinedRevocations(blocking, blocking, memory).publish) is CallMode.NONBLOCKING


def test_a_blocking_store_beside_an_asynchronous_one_is_refused() -> None:
    said = "in Awaited, which is asynchronous, and in Blocking, which may block: use AsyncSQLStores"
    with pytest.raises(ConfigurationError, match=said):
        JoinedRevocations(Blocking(), Awaited())
    with pytest.raises(ConfigurationError, match=said):
        JoinedRevocations(CallMode.ASYNC(Awaited()), Blocking(), MemoryRevocations())


class WithBlockingTwin(Awaited):
    """A store for an event loop, as one in a database, with a twin for threads that may block."""

    def __init__(self) -> None:
        super().__init__()
        self.sync: Any = Blocking()


@pytest.mark.parametrize("is_last", [False, True], ids=["first", "last"])
def test_an_asynchronous_store_without_a_twin_beside_one_with_a_blocking_twin_is_told_what_it_lacks(
    is_last: bool,
) -> None:
    stores: list[Any] = [WithoutTwin(), MemoryRevocations(), WithBlockingTwin()]
    if is_last:
        stores.reverse()
    with pytest.raises(ConfigurationError) as refused:
        JoinedRevocations(*stores)
    (said,) = refused.value.mistakes
    assert "the `sync` twin of WithBlockingTwin, and WithoutTwin has none: give it an attribute `sync`" in said
    assert "AsyncSQLStores" not in said
    stores[stores.index(next(each for each in stores if isinstance(each, WithoutTwin)))] = WithBlockingTwin()
    assert CallMode.of(JoinedRevocations(*stores).sync.find_revocations) is CallMode.BLOCKING


def test_a_user_disabled_where_users_are_kept_is_refused_where_sessions_are_kept() -> None:
    hasher = PasswordHasher(CHEAPEST)
    users, sessions = MemoryStores(hasher=hasher), MemoryStores(hasher=hasher)
    users.users.create("alice", "correct horse", scopes=["orders:read"])
    stores = Stores(
        users=users.users,
        clients=users.clients,
        tokens=sessions.tokens,
        families=sessions.families,
        nonces=sessions.nonces,
        throttle=sessions.throttle,
        revocations=Stores.of(users, sessions).revocations,
    )
    service = TokenService(
        issuer="https://id.example", audience="orders", stores=stores, runtime=Runtime(hasher=hasher)
    )
    service.feed.follow_once()
    users.users.disable("alice")
    service.feed.follow_once()
    found: Any = service.revocations.find_revocations((("user", "alice"),))
    assert [each.id for each in found] == ["alice"]


def _page(store: JoinedRevocations, cursor: str) -> RevocationPage:
    page = store.revocations_after(cursor, 100)
    assert isinstance(page, RevocationPage)
    return page


async def _result(answer: Any) -> Any:
    return await answer


def _publish(store: JoinedRevocations) -> Any:
    yield from Ask(store.publish, Revocation("family", "f1", 2.0, LATER))


def _find(store: JoinedRevocations) -> Any:
    return (yield from Ask(store.find_revocations, KEYS))
