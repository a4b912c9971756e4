"""The feed of revocations: how fresh it is, what it does when it is not, and who runs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

import pytest

from authmw.errors import ConfigurationError, FlowError, StoreUnavailable
from authmw.flow.flow import run, run_async
from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.validity import each_of
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores import MemoryRevocations
from authmw.stores.records import Revocation, RevocationKind, RevocationPage
from authmw.stores.revocation_feed import PAGE, RevocationFeed
from authmw.stores.revoked import Issuance
from tests.drivers import DRIVERS

ALICE: Final = Issuance("jti-1", "sid-1", "alice", "web", 900.0)
PROVED: Final = Authenticated(Principal("alice"), remember_until=2000.0)
REVOKED: Final = Revocation.of_family("sid-1", 1000.0)
SOON: Final = 20.0
"""Seconds in which a thread has certainly had its turn."""

Keys = tuple[tuple[RevocationKind, str], ...]


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Store:
    """Revocations in memory, which keeps what it is asked and can fail or hang."""

    def __init__(self) -> None:
        self.kept = MemoryRevocations(clock=lambda: 1000.0)
        self.read: list[str] = []
        self.asked: list[Keys] = []
        self.failure: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        self.was_read = threading.Event()

    def publish(self, revocation: Revocation) -> None:
        self.kept.publish(revocation)

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        self.read.append(cursor)
        self.was_read.set()
        if self.failure is not None:
            raise self.failure
        page = self.kept.revocations_after(cursor, limit)
        self.meanwhile()
        return page

    def find_revocations(self, keys: Keys) -> tuple[Revocation, ...]:
        self.asked.append(keys)
        if self.failure is not None:
            raise self.failure
        return self.kept.find_revocations(keys)


class Followed:
    """A feed without its thread, whose clocks a test sets."""

    def __init__(self, store: Any = None, *, bound: float = 1.0) -> None:
        self.store: Store = store or Store()
        self.wall, self.clock = Clock(1000.0), Clock(50.0)
        self.feed = RevocationFeed(self.store, bound=bound, clock=self.wall, monotonic=self.clock)

    def check(self, issuance: Issuance = ALICE) -> Verdict:
        verdict = self.feed.check(issuance, PROVED)
        return run(verdict) if isinstance(verdict, Generator) else verdict

    def accepts(self) -> bool:
        return isinstance(self.check(), Authenticated)


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Followed:
    def start_nothing(_: RevocationFeed) -> None: ...

    monkeypatch.setattr("authmw.stores.revocation_feed.RevocationFeed._start", start_nothing)
    return Followed()


@pytest.fixture
def running() -> Iterator[Callable[..., RevocationFeed]]:
    """Makes feeds whose thread ends with the test."""
    feeds: list[RevocationFeed] = []

    def make(store: Any, **options: Any) -> RevocationFeed:
        feeds.append(RevocationFeed(store, clock=lambda: 1000.0, **options))
        return feeds[-1]

    yield make
    for feed in feeds:
        feed.close()


def within_reason(condition: Callable[[], bool]) -> bool:
    """Whether a thread brings about `condition`."""
    deadline, turn = time.monotonic() + SOON, threading.Event()
    while not condition() and time.monotonic() < deadline:
        turn.wait(0.005)
    return condition()


# Fresh


def test_a_feed_is_stale_until_it_has_read(followed: Followed) -> None:
    assert not followed.feed.is_fresh
    followed.feed.follow_once()
    assert followed.feed.is_fresh


@pytest.mark.parametrize("bound", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("age, fresh", [(0.0, True), (0.99, True), (1.0, False), (1.01, False), (100.0, False)])
def test_it_is_fresh_for_less_than_the_bound(bound: float, age: float, fresh: bool) -> None:
    followed = Followed(bound=bound)
    followed.feed.follow_once()
    followed.clock.now += age * bound
    assert followed.feed.is_fresh is fresh
    assert followed.feed.passes(ALICE) is fresh


def test_age_counts_from_when_a_reading_began(followed: Followed) -> None:
    followed.store.meanwhile = lambda: setattr(followed.clock, "now", followed.clock.now + 0.9)
    followed.feed.follow_once()
    assert followed.feed.is_fresh
    followed.clock.now += 0.11
    assert not followed.feed.is_fresh


def test_a_reading_that_takes_longer_than_the_bound_leaves_it_stale(followed: Followed) -> None:
    followed.store.meanwhile = lambda: setattr(followed.clock, "now", followed.clock.now + 1.0)
    followed.feed.follow_once()
    assert not followed.feed.is_fresh


def test_a_reading_that_hangs_makes_it_stale(running: Callable[..., RevocationFeed]) -> None:
    store, clock, go_on, hangs = Store(), Clock(50.0), threading.Event(), threading.Event()

    def hang() -> None:
        if len(store.read) > 1:
            hangs.set()
            go_on.wait(SOON)

    store.meanwhile = hang
    feed = running(store, bound=1.0, monotonic=clock)
    assert isinstance(run(_asked(feed)), Authenticated)
    assert hangs.wait(SOON)
    store.publish(REVOKED)
    try:
        assert feed.passes(ALICE)
        clock.now += 1.0
        assert not feed.passes(ALICE)
        assert run(_asked(feed)) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")
    finally:
        go_on.set()


def _asked(feed: RevocationFeed, issuance: Issuance = ALICE) -> Generator[Any, Any, Verdict]:
    flow = feed.check(issuance, PROVED)
    assert isinstance(flow, Generator)
    return flow


@pytest.mark.parametrize("expires_at", [None, 1500.0])
def test_what_is_followed_holds_until_it_expires(followed: Followed, expires_at: float | None) -> None:
    found = followed.feed.check(ALICE, Authenticated(Principal("alice", expires_at=expires_at)))
    verdict = run(found) if isinstance(found, Generator) else found
    assert isinstance(verdict, Authenticated)
    (validity,) = each_of(verdict.validities, expires_at)
    assert (validity.until, validity.issuance) == (expires_at or math.inf, ALICE)


def test_the_wall_clock_does_not_make_it_fresh_or_stale(followed: Followed) -> None:
    followed.feed.follow_once()
    followed.wall.now += 1e6
    assert followed.feed.is_fresh
    followed.clock.now += 2
    followed.wall.now -= 2e6
    assert not followed.feed.is_fresh


# What is revoked


def test_while_it_is_fresh_nothing_is_asked_and_no_flow_made(followed: Followed) -> None:
    followed.store.publish(REVOKED)
    followed.feed.follow_once()
    assert followed.feed.check(ALICE, PROVED) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")
    assert followed.feed.check(ALICE._replace(family_id="sid-2"), PROVED) == PROVED
    assert followed.store.asked == []


def test_what_is_published_after_a_reading_is_refused_after_the_next(followed: Followed) -> None:
    followed.feed.follow_once()
    followed.store.publish(REVOKED)
    assert followed.accepts()
    followed.feed.follow_once()
    assert not followed.accepts()
    assert not followed.feed.passes(ALICE)


def test_only_what_is_new_is_read_and_to_its_end(followed: Followed) -> None:
    for number in range(2 * PAGE + 1):
        followed.store.publish(Revocation("token", f"jti-{number}", 1000.0, 2000.0))
    followed.feed.follow_once()
    assert len(followed.store.read) == 3
    assert followed.store.read[0] == ""
    assert not followed.feed.passes(ALICE._replace(credential_id=f"jti-{2 * PAGE}"))
    followed.store.read.clear()
    followed.feed.follow_once()
    [cursor] = followed.store.read
    assert cursor != ""


def test_full_pages_are_read_on_until_one_is_not_full(followed: Followed) -> None:
    for number in range(PAGE):
        followed.store.publish(Revocation("token", f"jti-{number}", 1000.0, 2000.0))
    followed.feed.follow_once()
    assert len(followed.store.read) == 2


def test_a_reading_that_fails_on_its_way_leaves_it_as_stale_as_it_was_and_is_resumed(followed: Followed) -> None:
    for number in range(PAGE + 1):
        followed.store.publish(Revocation("token", f"jti-{number}", 1000.0, 2000.0))
    followed.store.meanwhile = lambda: setattr(followed.store, "failure", ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        followed.feed.follow_once()
    assert not followed.feed.is_fresh
    followed.store.failure, followed.store.meanwhile = None, lambda: None
    followed.feed.follow_once()
    assert not followed.feed.passes(ALICE._replace(credential_id=f"jti-{PAGE}"))
    assert len(followed.store.read) == 3


class Answering(Store):
    """A store that answers one and the same page."""

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.page = page

    def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        return self.page  # type: ignore[no-any-return]  # it may be anything


@pytest.mark.parametrize(
    "page, message",
    [
        (None, "answers a RevocationPage"),
        ((), "answers a RevocationPage"),
        (RevocationPage((("token", "jti-1"),), "1"), "answers Revocation"),  # type: ignore[arg-type]  # the mistake under test
        (RevocationPage(tuple(Revocation("token", str(n), 0, 9e9) for n in range(PAGE)), "1"), "does not advance"),
    ],
    ids=["nothing", "no page", "no revocation", "a cursor that stays"],
)
def test_answers_that_are_none_never_make_it_fresh(page: Any, message: str) -> None:
    feed = Followed(Answering(page)).feed
    with pytest.raises(FlowError, match=message):
        feed.follow_once()
    assert not feed.is_fresh


def test_what_has_expired_is_dropped_once_a_minute(followed: Followed) -> None:
    followed.store.publish(Revocation("token", "jti-1", 1000.0, 1100.0))
    followed.feed.follow_once()
    for minutes, kept in ((0.5, True), (1.0, False)):
        followed.wall.now, followed.clock.now = 2000.0, 50.0 + 60 * minutes
        followed.feed.follow_once()
        assert followed.feed.passes(ALICE) is not kept


def test_a_clock_that_is_set_back_has_everything_read_again(followed: Followed) -> None:
    followed.store.publish(REVOKED)
    followed.feed.follow_once()
    followed.wall.now, followed.clock.now = 1e9, 200.0
    followed.feed.follow_once()
    assert followed.feed.passes(ALICE)
    followed.wall.now = 1000.0
    followed.feed.follow_once()
    assert not followed.feed.passes(ALICE)


# Stale


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_stale_feed_has_the_store_asked_about_the_token(followed: Followed, driver: str) -> None:
    assert DRIVERS[driver](_asked(followed.feed)) == PROVED
    assert followed.store.asked == [ALICE.keys]
    followed.store.publish(REVOKED)
    assert DRIVERS[driver](_asked(followed.feed)) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_stale_feed_and_a_store_that_fails_is_a_503(followed: Followed, driver: str) -> None:
    followed.store.failure = OSError("password=s3cret")
    with pytest.raises(StoreUnavailable) as caught:
        DRIVERS[driver](_asked(followed.feed))
    assert "s3cret" not in str(caught.value)


def test_what_old_data_says_is_revoked_is_refused_without_asking(followed: Followed) -> None:
    followed.store.publish(REVOKED)
    followed.feed.follow_once()
    followed.clock.now += 10
    followed.store.failure = OSError()
    assert followed.check() == Rejected(Reason.TOKEN_REVOKED, "token jti-1")


def test_nothing_passes_by_old_data(followed: Followed) -> None:
    followed.feed.follow_once()
    followed.clock.now += 1.0
    followed.store.failure = OSError()
    assert not followed.feed.passes(ALICE)
    with pytest.raises(StoreUnavailable):
        followed.check()


def test_a_reading_that_ends_during_a_check_makes_no_old_answer_new(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The feed is stale, the token not known to be revoked; then a reading that knows of it ends.
    followed.store.publish(REVOKED)
    feed, refuses = followed.feed, type(followed.feed._revoked).refuses  # pyright: ignore[reportPrivateUsage]  # a race is made here

    def interrupted(revoked: Any, issuance: Issuance) -> bool:
        answer = refuses(revoked, issuance)
        feed.follow_once()
        return answer

    monkeypatch.setattr("authmw.stores.revoked.Revoked.refuses", interrupted)
    assert not isinstance(feed.check(ALICE, PROVED), Authenticated)
    assert followed.check() == Rejected(Reason.TOKEN_REVOKED, "token jti-1")


@pytest.mark.parametrize("found", [None, True, [], "no", ("jti-1",)])
def test_only_revocations_are_an_answer(followed: Followed, monkeypatch: pytest.MonkeyPatch, found: Any) -> None:
    def find(_: Keys) -> Any:
        return found

    monkeypatch.setattr(followed.store, "find_revocations", find)
    with pytest.raises(FlowError, match="Revocation"):
        followed.check()


def test_what_passes_may_be_remembered_while_the_feed_is_fresh_and_says_so(followed: Followed) -> None:
    followed.feed.follow_once()
    verdict = followed.check()
    assert isinstance(verdict, Authenticated)
    assert verdict.remember_until == 2000.0
    assert verdict.still_holds is not None
    assert verdict.still_holds() is True
    followed.clock.now += 1.0
    assert verdict.still_holds() is False
    followed.feed.follow_once()
    assert verdict.still_holds() is True
    followed.store.publish(REVOKED)
    followed.feed.follow_once()
    assert verdict.still_holds() is False


# Open connections


def test_each_revocation_that_is_new_is_a_change_and_no_other(followed: Followed) -> None:
    seen = [followed.feed.changes]
    for revocation in (REVOKED, REVOKED, Revocation.of_user("alice", 1000.0), Revocation.of_user("alice", 1001.0)):
        followed.store.publish(revocation)
        followed.feed.follow_once()
        seen.append(followed.feed.changes)
    assert seen == [0, 1, 1, 2, 3]
    assert followed.feed.refuses(ALICE)


def test_old_data_refuses_and_is_no_proof_only_after_the_outage_bound(followed: Followed) -> None:
    followed.feed.follow_once()
    assert followed.feed.unknown_before() == -math.inf
    followed.clock.now += 1.0 + 29.9
    assert followed.feed.unknown_before() == -math.inf
    followed.clock.now += 0.2
    assert followed.feed.unknown_before() == followed.feed.moment() - 30.0
    followed.feed.follow_once()
    assert followed.feed.unknown_before() == -math.inf


def test_a_feed_that_was_never_read_knows_of_what_was_asked_before(followed: Followed) -> None:
    assert followed.feed.unknown_before() == followed.feed.moment() - 30.0


def test_a_feed_that_is_not_fresh_starts_its_thread_for_a_connection_too(
    running: Callable[..., RevocationFeed],
) -> None:
    feed = running(Store(), outage_bound=5)
    feed.unknown_before()
    assert within_reason(lambda: feed.is_fresh)


@pytest.mark.parametrize("bound", [0, -1, math.inf, True, "5"])
def test_an_outage_bound_that_is_no_duration_is_refused(bound: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"RevocationFeed\(outage_bound=.*outage_bound=30.0"):
        RevocationFeed(Store(), outage_bound=bound)


# The thread


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "authmw-revocations"]


def test_the_thread_starts_at_the_first_use_and_once(running: Callable[..., RevocationFeed]) -> None:
    store = Store()
    feed = running(store, bound=30.0)
    assert threads() == []
    # The store holds the thread up, so that the feed stays stale while many ask.
    go_on = threading.Event()
    store.meanwhile = lambda: go_on.wait(SOON)
    asking = [threading.Thread(target=lambda: run(_asked(feed))) for _ in range(16)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    [thread] = threads()
    assert thread.daemon
    go_on.set()
    assert within_reason(lambda: feed.is_fresh)
    assert isinstance(feed.check(ALICE, PROVED), Authenticated)
    assert threads() == [thread]


def test_no_thread_is_started_while_one_follows_nor_after_the_feed_is_closed(
    running: Callable[..., RevocationFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[threading.Thread]()

    class Counted(threading.Thread):
        def start(self) -> None:
            started.append(self)
            super().start()

    store, go_on = Store(), threading.Event()
    store.meanwhile = lambda: go_on.wait(SOON)
    feed = running(store, bound=30.0)
    monkeypatch.setattr(threading, "Thread", Counted)
    for _ in range(3):
        feed.check(ALICE, PROVED)
        assert feed.unknown_before() != -math.inf
    assert [(each.name, each.daemon) for each in started] == [("authmw-revocations", True)]
    go_on.set()
    feed.close()
    feed.check(ALICE, PROVED)
    assert len(started) == 1


def test_of_requests_that_find_no_thread_at_once_one_starts_it(running: Callable[..., RevocationFeed]) -> None:
    feed = running(Store(), bound=30.0)
    lock, all_of_them = threading.Lock(), threading.Barrier(8)

    class Gate:
        """A lock that all come upon before anyone takes it."""

        def __enter__(self) -> None:
            all_of_them.wait(SOON)
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    feed._lock = Gate()  # type: ignore[assignment]  # pyright: ignore  # a race is made here
    asking = [threading.Thread(target=feed.check, args=(ALICE, PROVED)) for _ in range(8)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(threads()) == 1


def test_what_another_process_publishes_arrives_by_itself(running: Callable[..., RevocationFeed]) -> None:
    store = Store()
    feed = running(store, bound=0.2)
    run(_asked(feed))
    assert within_reason(lambda: feed.is_fresh)
    store.publish(REVOKED)
    assert within_reason(lambda: feed.check(ALICE, PROVED) == Rejected(Reason.TOKEN_REVOKED, "token jti-1"))


def test_a_store_that_fails_is_logged_once_and_recovers_by_itself(
    running: Callable[..., RevocationFeed], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store()
    store.failure = OSError("postgresql://app:s3cret@db/app")
    feed = running(store, bound=0.02)
    with caplog.at_level(logging.INFO, logger="authmw.revocation"):
        with pytest.raises(StoreUnavailable):
            run(_asked(feed))
        assert within_reason(lambda: len(store.read) >= 4)
        assert not feed.is_fresh
        store.failure = None
        assert within_reason(lambda: len(caplog.records) > 1)
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "authmw cannot follow revocations: the store is asked instead cause=OSError"
    assert messages[1].startswith("authmw follows revocations again after ")
    assert within_reason(lambda: len(store.read) >= 8)
    assert len(caplog.records) == len(messages) == 2, "one for the outage, and one for its end"
    assert "s3cret" not in caplog.text
    assert within_reason(lambda: feed.is_fresh)


def test_a_failing_store_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    store, pauses = Store(), list[float]()
    feed = RevocationFeed(store, bound=1.0)

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        store.failure = OSError() if len(pauses) < 10 else None
        if len(pauses) == 12:
            feed.close()

    monkeypatch.setattr(feed._closing, "wait", wait)  # pyright: ignore[reportPrivateUsage]  # instead of sleeping
    feed._follow()  # pyright: ignore[reportPrivateUsage]  # without its thread
    assert 0.18 < pauses[0] < 0.32
    failing = pauses[1:10]
    assert all(0.37 < pause <= 5.0 for pause in failing)
    assert failing[-1] == 5.0
    assert all(0.18 < pause < 0.32 for pause in pauses[10:])
    assert len(set(pauses[10:] + pauses[:1])) == 3


@pytest.mark.parametrize("bound, first", [(1.0, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]), (8.0, [4.0, 8.0, 8.0, 8.0, 8.0, 8.0])])
def test_each_pause_of_a_failing_store_is_twice_as_long_up_to_the_longest_however_long_it_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, bound: float, first: list[float]
) -> None:
    store, pauses, drawn, fails = Store(), list[float](), set[tuple[float, float]](), 1100
    feed = RevocationFeed(store, bound=bound)

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        store.failure = OSError("secret of the store") if len(pauses) <= fails else None
        if len(pauses) == fails + 3:
            feed.close()

    def uniform(_: object, low: float, high: float) -> float:
        drawn.add((low, high))
        return 1.0

    monkeypatch.setattr("random.SystemRandom.uniform", uniform)
    monkeypatch.setattr(feed._closing, "wait", wait)  # pyright: ignore[reportPrivateUsage]  # instead of sleeping
    with caplog.at_level(logging.INFO, "authmw.revocation"):
        feed._follow()  # pyright: ignore[reportPrivateUsage]  # without its thread
    assert pauses == [bound / 4, *first, *[max(5.0, bound)] * (fails - 6), bound / 4, bound / 4]
    assert drawn == {(0.75, 1.25)}
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "authmw cannot follow revocations: the store is asked instead cause=OSError"),
        ("INFO", f"authmw follows revocations again after {fails} failures"),
    ]


def test_without_threads_each_request_asks_and_that_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", fail)
    store = Store()
    feed = RevocationFeed(store)
    assert [run(_asked(feed)) for _ in range(3)] == 3 * [PROVED]
    assert len(store.asked) == 3
    assert len(caplog.records) == 1


def test_a_thread_that_has_ended_is_started_again(
    running: Callable[..., RevocationFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = running(Store(), bound=30.0)
    with monkeypatch.context() as patched:
        patched.setattr(feed, "_follow", lambda: None)
        run(_asked(feed))
        assert within_reason(lambda: threads() == [])

    def follows() -> bool:
        feed.check(ALICE, PROVED)  # a thread that is about to end may count as one that runs
        return feed.is_fresh

    assert within_reason(follows)


def test_a_closed_feed_asks_each_time_and_starts_no_thread(running: Callable[..., RevocationFeed]) -> None:
    store = Store()
    feed = running(store, bound=30.0)
    run(_asked(feed))
    assert within_reason(lambda: feed.is_fresh)
    feed.close()
    assert threads() == []
    assert not feed.is_fresh
    assert run(_asked(feed)) == PROVED
    assert threads() == []


def test_a_feed_is_closed_before_the_interpreter_ends(
    running: Callable[..., RevocationFeed], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_end = set[object]()
    monkeypatch.setattr("atexit.register", at_the_end.add)
    monkeypatch.setattr("atexit.unregister", at_the_end.discard)
    feed = running(Store())
    run(_asked(feed))
    assert at_the_end == {feed.close}
    feed.close()
    assert at_the_end == set()


@pytest.mark.slow
def test_a_feed_that_was_never_used_is_collected() -> None:
    feed = RevocationFeed(Store())
    seen = weakref.ref(feed)
    del feed
    gc.collect()
    assert seen() is None


def test_what_this_process_published_is_refused_before_it_is_read() -> None:
    store = Store()
    feed = RevocationFeed(store, bound=3600.0)
    feed.follow_once()
    feed.note(REVOKED)
    assert feed.check(ALICE, PROVED) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")
    store.publish(REVOKED)
    feed.follow_once()
    assert feed.check(ALICE, PROVED) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")


def test_a_program_that_was_seeded_draws_the_same_whether_a_feed_follows_or_not(
    running: Callable[..., RevocationFeed],
) -> None:
    store = AsyncStore(Store())
    before = random.getstate()
    feed = running(store, bound=0.05)
    feed.check(ALICE, PROVED)
    assert within_reason(lambda: len(store.loops) >= 3)
    assert random.getstate() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_asks_first_and_then_follows_by_a_thread_of_its_own(
    running: Callable[..., RevocationFeed],
) -> None:
    store = Store()
    store.publish(Revocation.of_user("bob", 1000.0))
    feed = running(store, bound=30.0)
    run(_asked(feed))
    assert within_reason(lambda: feed.is_fresh)
    # As if another thread had been at it: neither lock is ever free in the parent.
    feed._lock.acquire()  # pyright: ignore[reportPrivateUsage]  # what a fork may come upon
    feed._revoked._lock.acquire()  # pyright: ignore[reportPrivateUsage]  # likewise
    child = os.fork()
    if child == 0:
        found = 1
        try:
            # What was known is known; what was fresh is not.
            knows = isinstance(feed.check(ALICE._replace(subject="bob"), PROVED), Rejected)
            store.publish(REVOKED)
            asks = not feed.is_fresh and run(_asked(feed, ALICE._replace(family_id="sid-2"))) == PROVED
            follows = within_reason(lambda: feed.is_fresh) and len(threads()) == 1
            refuses = feed.check(ALICE, PROVED) == Rejected(Reason.TOKEN_REVOKED, "token jti-1")
            found = 0 if (knows, asks, follows, refuses) == 4 * (True,) else 2
        finally:
            os._exit(found)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        feed._lock.release()  # pyright: ignore[reportPrivateUsage]  # as it was
        feed._revoked._lock.release()  # pyright: ignore[reportPrivateUsage]  # as it was
    assert os.waitstatus_to_exitcode(status) == 0
    assert within_reason(lambda: feed.is_fresh)


# Stores for event loops


class AsyncStore:
    """The same store for an event loop, which keeps the loops that it is read on."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def publish(self, revocation: Revocation) -> None:
        self.store.publish(revocation)

    async def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
        self.loops.append(asyncio.get_running_loop())
        return self.store.revocations_after(cursor, limit)

    async def find_revocations(self, keys: Keys) -> tuple[Revocation, ...]:
        return self.store.find_revocations(keys)


def test_an_async_store_is_followed_on_one_loop_that_no_request_runs_on(running: Callable[..., RevocationFeed]) -> None:
    store = AsyncStore(Store())
    feed = running(store, bound=0.1)

    async def serve() -> asyncio.AbstractEventLoop:
        assert await run_async(_asked(feed)) == PROVED
        return asyncio.get_running_loop()

    own = asyncio.run(serve())
    assert within_reason(lambda: len(store.loops) >= 3)
    assert len(set(store.loops)) == 1
    assert own not in store.loops
    store.store.publish(REVOKED)
    assert within_reason(lambda: isinstance(feed.check(ALICE, PROVED), Rejected))
    feed.close()
    assert store.loops[0].is_closed()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_follows_an_async_store_on_a_loop_of_its_own(running: Callable[..., RevocationFeed]) -> None:
    store = AsyncStore(Store())
    feed = running(store, bound=30.0)
    feed.check(ALICE, PROVED)
    assert within_reason(lambda: feed.is_fresh)
    child = os.fork()
    if child == 0:
        found = 1
        try:
            parents = set(store.loops)
            feed.check(ALICE, PROVED)
            follows = within_reason(lambda: feed.is_fresh)
            found = 0 if follows and not parents.issuperset(store.loops) else 2
        finally:
            os._exit(found)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_does_not_close_the_loop_of_its_parent(running: Callable[..., RevocationFeed]) -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    class Forgetful(AsyncStore):
        async def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
            loops.append(weakref.ref(asyncio.get_running_loop()))
            return self.store.revocations_after(cursor, limit)

    feed = running(Forgetful(Store()), bound=30.0)
    feed.check(ALICE, PROVED)
    assert within_reason(lambda: feed.is_fresh)
    child = os.fork()
    if child == 0:
        found = 1
        try:
            gc.collect()
            loop = loops[0]()
            found = 0 if loop is not None and not loop.is_closed() else 2
        finally:
            os._exit(found)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_an_async_store_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(AsyncStore):
        async def revocations_after(self, cursor: str, limit: int) -> RevocationPage:
            await asyncio.Event().wait()
            raise AssertionError("nothing sets it")

    monkeypatch.setattr("authmw.stores.revocation_feed.STORE_TIMEOUT", 0.01)
    feed = RevocationFeed(Hanging(Store()))
    with pytest.raises(TimeoutError):
        feed.follow_once()
    assert not feed.is_fresh
    feed._runner.close()  # type: ignore[union-attr]  # pyright: ignore  # there is no thread that would


class Twinned(AsyncStore):
    """One with a twin for threads."""

    @property
    def sync(self) -> Store:
        return self.store


def test_the_twin_for_threads_is_followed_where_there_is_one() -> None:
    store = Twinned(Store())
    feed = RevocationFeed(store)
    feed.follow_once()
    assert store.loops == []
    assert len(store.store.read) == 1


class Syncing(Store):
    """A store with a method of that name, for something else."""

    def sync(self) -> None:
        raise AssertionError("this was not asked for")


def test_whatever_else_is_called_sync_is_no_twin() -> None:
    feed = RevocationFeed(Syncing())
    feed.follow_once()
    assert feed.is_fresh


# Mistakes


@pytest.mark.parametrize("bound", [0, -1.0, float("nan"), float("inf"), "1", True, None])
def test_a_bound_is_a_number_of_seconds(bound: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"bound=1\.0"):
        RevocationFeed(Store(), bound=bound)


@pytest.mark.parametrize("store", [Store, object(), None], ids=["class", "no store", "nothing"])
def test_a_store_of_revocations_is_needed(store: Any) -> None:
    with pytest.raises(ConfigurationError, match="RevocationFeed needs a store"):
        RevocationFeed(store)


def test_it_shows_what_it_is_and_nothing_that_was_revoked() -> None:
    followed = Followed()
    followed.store.publish(REVOKED)
    followed.feed.follow_once()
    assert repr(followed.feed) == "RevocationFeed(Store, bound=1.0)"
