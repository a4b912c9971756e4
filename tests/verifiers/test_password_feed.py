"""A remembered password and the feed of revocations: nothing is asked, and what ends tokens ends it too."""

from __future__ import annotations

from typing import Final

import pytest

from authmw.crypto.passwords import PasswordHasher
from authmw.errors import StoreUnavailable
from authmw.http.reasons import Reason
from authmw.identity.verdict import Authenticated, Rejected
from authmw.stores import MemoryRevocations, RevocationFeed
from authmw.stores.records import Revocation, RevocationKind, User
from authmw.testing import FakeClock
from authmw.verifiers.password_memory import PasswordMemory
from tests.drivers import DRIVERS
from tests.verifiers.password_bench import ALICE, HASHER, Bench, asked
from tests.verifiers.throttles import Throttle

LOOKED_UP: Final = ["Ask(Users.find)"]
FULL: Final = ["Ask(Users.find)", "Ask(Throttle.reserve)", "Work(Hashing.verify)", "Ask(Throttle.settle)"]


class Revocations(MemoryRevocations):
    """A store that can be down."""

    is_down = False

    def find_revocations(self, keys: tuple[tuple[RevocationKind, str], ...]) -> tuple[Revocation, ...]:
        if self.is_down:
            raise OSError
        return super().find_revocations(keys)


class Followed(Bench):
    """A verifier with a feed that has no thread. A test sets all of its clocks."""

    def __init__(self, *users: User, driver: str = "sync", bound: float = 1.0) -> None:
        self.store = Revocations(clock=lambda: 1000.0)
        self.timer = FakeClock(50.0)
        self.feed = RevocationFeed(self.store, bound=bound, clock=lambda: 1000.0, monotonic=self.timer)
        super().__init__(*users, driver=driver, throttle=Throttle(), revocations=self.feed)
        self.verifier._memory = PasswordMemory(60.0, self.clock, self.feed, monotonic=self.timer)  # pyright: ignore
        self.feed.follow_once()

    def asks(self, password: str = "s3cret") -> list[str]:
        return asked(self.flow(password=password))

    def advance(self, seconds: float, *, fresh: bool = True) -> None:
        self.clock.advance(seconds)
        self.timer.advance(seconds)
        if fresh:
            self.feed.follow_once()


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_nothing(_: RevocationFeed) -> None: ...

    monkeypatch.setattr("authmw.stores.revocation_feed.RevocationFeed._start", start_nothing)


def test_within_the_bound_nothing_is_asked_and_then_the_user_is_looked_up_once() -> None:
    bench = Followed()
    assert bench.asks() == FULL
    for _ in range(3):
        assert bench.asks() == []
        bench.advance(0.25)
    assert bench.asks() == []
    bench.advance(0.25)
    assert [bench.asks(), bench.asks()] == [LOOKED_UP, []]
    assert bench.hasher.count == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_is_not_asked_for_opens_in_each_driver(driver: str) -> None:
    bench = Followed(driver=driver)
    verdicts = [bench.verdict() for _ in range(3)]
    assert verdicts[0] == verdicts[1] == verdicts[2]
    assert isinstance(verdicts[0], Authenticated)
    assert bench.users.asked == ["alice"]


def test_the_age_of_what_the_store_said_counts_from_before_it_was_asked() -> None:
    bench = Followed()
    bench.hasher.meanwhile = lambda: bench.advance(0.9)
    bench.opens()
    assert bench.asks() == []
    bench.advance(0.1)
    assert bench.asks() == LOOKED_UP
    bench.advance(0.99)
    assert bench.asks() == []


def test_new_scopes_a_disabled_user_and_a_new_password_count_after_the_bound() -> None:
    bench = Followed()
    bench.opens()
    bench.users.change("alice", scopes=frozenset({"write"}))
    bench.advance(1.0)
    verdict = bench.verdict()
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.scopes == {"write"}
    bench.users.change("alice", disabled=True)
    bench.advance(1.0)
    assert not bench.opens()
    bench.users.change("alice", disabled=False, password_hash=HASHER.hash("n3w"))
    assert not bench.opens()
    assert bench.opens(password="n3w")


@pytest.mark.parametrize("kind", ["user", "token", "family", "client"])
@pytest.mark.parametrize("is_alice", [True, False])
def test_a_revocation_of_the_user_that_this_process_knows_ends_it_at_once(kind: RevocationKind, is_alice: bool) -> None:
    bench = Followed()
    bench.opens()
    bench.advance(0.5)
    bench.feed.note(Revocation(kind, ALICE.id if is_alice else "2", bench.clock(), 2000.0))
    ends = is_alice and kind == "user"
    assert bench.asks() == (FULL if ends else [])


def test_after_a_revocation_the_password_is_checked_and_counted_and_then_remembered_again() -> None:
    bench = Followed()
    bench.opens()
    bench.advance(0.5)
    bench.feed.note(Revocation.of_user(ALICE.id, bench.clock()))
    bench.advance(0.1)
    assert bench.asks() == FULL
    assert bench.asks() == []
    assert bench.opens()


def test_a_revocation_during_the_check_ends_what_it_proves() -> None:
    bench = Followed()

    def revoke() -> None:
        bench.advance(0.1)
        bench.feed.note(Revocation.of_user(ALICE.id, bench.clock()))
        bench.advance(0.1)
        bench.hasher.meanwhile = lambda: None

    bench.hasher.meanwhile = revoke
    assert bench.opens(), "the password was right, as it still is"
    bench.advance(0.1)
    assert bench.asks() == FULL
    assert bench.asks() == []


def test_a_new_password_during_the_check_counts_after_the_bound() -> None:
    bench = Followed()
    bench.hasher.meanwhile = lambda: bench.users.change("alice", password_hash=HASHER.hash("n3w"))
    assert bench.opens()
    bench.hasher.meanwhile = lambda: None
    bench.advance(1.0)
    assert not bench.opens()
    assert bench.opens(password="n3w")


def test_a_wrong_password_within_the_bound_is_looked_up_and_checked() -> None:
    bench = Followed()
    bench.opens()
    assert bench.asks("wrong") == FULL
    assert bench.asks() == []


def test_another_password_that_ends_it_does_so_within_the_bound_too() -> None:
    bench = Followed()
    bench.opens()
    for number in range(10):
        bench.verdict(password=f"other-{number}")
    assert bench.asks() == FULL


def test_a_feed_that_is_not_fresh_has_the_stores_asked() -> None:
    bench = Followed()
    bench.opens()
    bench.advance(0.5, fresh=False)
    assert bench.asks() == []
    bench.advance(0.5, fresh=False)
    assert bench.asks() == [*LOOKED_UP, "Ask(Revocations.find_revocations)"]
    assert bench.hasher.count == 1
    bench.store.publish(Revocation.of_user(ALICE.id, bench.clock()))
    assert bench.asks() == ["Ask(Users.find)", "Ask(Revocations.find_revocations)", *FULL[1:]]
    assert bench.hasher.count == 2


def test_where_no_store_tells_of_revocations_the_password_is_hashed() -> None:
    bench = Followed()
    bench.opens()
    bench.advance(1.0, fresh=False)
    bench.store.is_down = True
    assert [bench.hashes(), bench.hashes()] == [1, 1]
    assert bench.opens()


def test_where_the_store_of_users_is_down_what_is_older_than_the_bound_is_a_503() -> None:
    bench = Followed()
    bench.opens()
    bench.users.is_down = True
    assert bench.opens()
    bench.advance(1.0)
    with pytest.raises(StoreUnavailable):
        bench.verdict()


def test_a_revocation_by_a_clock_that_is_ahead_is_honoured_until_this_one_is_there_too() -> None:
    bench = Followed()
    bench.opens()
    bench.feed.note(Revocation.of_user(ALICE.id, bench.clock() + 2.0))
    assert [bench.hashes(), bench.hashes()] == [1, 1]
    bench.advance(3.0)
    assert [bench.hashes(), bench.hashes()] == [1, 0]


def test_a_disabled_user_who_is_enabled_again_is_hashed_again() -> None:
    bench = Followed()
    bench.opens()
    bench.advance(0.2)
    bench.feed.note(Revocation.of_user(ALICE.id, bench.clock()))  # as `disable` publishes it
    bench.advance(0.1)
    assert bench.hashes() == 1


def test_the_answer_to_an_older_question_does_not_replace_a_newer_one() -> None:
    bench = Followed()
    bench.opens()
    bench.advance(2.0)
    slow = bench.flow()
    answer = next(slow).function("alice")
    bench.users.change("alice", scopes=frozenset({"new"}))
    bench.advance(0.5)
    quick = bench.verdict()
    assert isinstance(quick, Authenticated)
    with pytest.raises(StopIteration):
        slow.send(answer)
    verdict = bench.verdict()
    assert isinstance(verdict, Authenticated)
    assert verdict.principal.scopes == {"new"}


def test_a_hash_that_is_replaced_after_the_login_is_remembered_too() -> None:
    from tests.verifiers.test_password_memory import OLD, UpgradingUsers

    bench = Followed()
    users = UpgradingUsers(User("5", "old", OLD))
    bench.verifier = type(bench.verifier)(
        users, hasher=PasswordHasher(bench.hasher.profile), clock=bench.clock, revocations=bench.feed
    )
    first = asked(bench.flow("old"))
    assert first[-1] == "Ask(UpgradingUsers.replace_password_hash)"
    assert asked(bench.flow("old")) == []


def test_a_name_that_is_not_known_is_a_refusal_with_a_feed_too() -> None:
    bench = Followed()
    verdict = bench.verdict("nobody")
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.USER_UNKNOWN
