"""Attempts are counted so that guessing is slow, strangers lock nobody out, and no answer tells who exists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.flow.flow import Flow, run, run_async
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores import MemoryThrottle
from authmw.stores.ports import Throttle
from authmw.stores.records import User
from authmw.verifiers.accounts import FAMILIAR_FOR, Attempts
from authmw.verifiers.password import PasswordVerifier
from tests.verifiers.digest_clients import Server

HASHER = PasswordHasher(CHEAPEST)
ALICE = User("1", "alice", HASHER.hash("s3cret"))
HOME, AWAY = "192.0.2.7", "198.51.100.9"
DAY = 86_400.0


class Users:
    """A store that knows alice."""

    def find(self, username: str) -> User | None:
        return ALICE if username == "alice" else None


class Counts:
    """A throttle that tells familiar sources apart, and keeps what it is asked."""

    def __init__(self, **settings: Any) -> None:
        self.counts = MemoryThrottle(**settings)
        self.pairs: dict[str, float] = {}
        self.asked: list[tuple[str, str]] = []
        self.fails = False

    def attempt(self, key: str, now: float) -> float:
        self.asked.append(("attempt", key))
        return self.counts.attempt(key, now)

    def succeeded(self, key: str) -> None:
        self.asked.append(("succeeded", key))
        self.counts.succeeded(key)

    def remember_source(self, pair: str, until: float) -> None:
        self.asked.append(("remember", pair))
        if self.fails:
            raise OSError
        self.pairs[pair] = until

    def knows_source(self, pair: str, now: float) -> bool:
        self.asked.append(("knows", pair))
        return self.pairs.get(pair, 0.0) > now


class Door:
    """A login whose time a test sets."""

    def __init__(self, throttle: Throttle) -> None:
        self.now = 1000.0
        self.verifier = PasswordVerifier(Users(), hasher=HASHER, throttle=throttle, clock=lambda: self.now)

    def knock(self, name: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Verdict:
        return run(self.flow(name, password, source=source))

    def flow(self, name: str = "alice", password: str = "s3cret", *, source: str = HOME) -> Flow[Verdict]:
        return self.verifier.verify(BasicCredentials(name, password), request(source))

    def opens(self, *, source: str = HOME) -> bool:
        return isinstance(self.knock(source=source), Authenticated)


def request(source: str = HOME) -> WSGIRequest:
    return WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": source})


def strangers(count: int) -> list[str]:
    return [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


def attack(counts: Counts, account: str = "alice", *, guesses: int = 10_000) -> None:
    """What `guesses` strangers' wrong passwords leave behind, without hashing each."""
    attempts = Attempts(counts, lambda: 1000.0)
    for source in strangers(guesses):
        run(attempts.from_source(request(source)))
        run(attempts.on_account(account, request(source)))


def test_ten_thousand_strangers_do_not_lock_out_a_familiar_source() -> None:
    door = Door(counts := Counts())
    assert door.opens()
    attack(counts)
    assert door.opens()


def test_an_unfamiliar_source_waits_with_the_strangers_and_no_longer_than_the_longest_wait() -> None:
    door = Door(counts := Counts(longest=900.0))
    assert door.opens()
    attack(counts)
    verdict = door.knock(source=AWAY)
    assert verdict == Rejected(Reason.ACCOUNT_THROTTLED)
    door.now += 900.0
    assert door.opens(source=AWAY)


def test_one_who_guesses_from_a_familiar_source_waits_there_and_nobody_elsewhere_does() -> None:
    door = Door(Counts(free=3))
    for source in (HOME, AWAY):
        assert door.opens(source=source)
    refusals = [door.knock(password="wrong", source=HOME) for _ in range(4)]
    assert [each.reason for each in refusals if isinstance(each, Rejected)][-1] is Reason.TOO_MANY_ATTEMPTS
    assert door.opens(source=AWAY)


def test_guesses_from_a_familiar_source_are_counted_for_the_pair_even_where_the_source_has_no_limit() -> None:
    counts = Counts(free=2)
    attempts = Attempts(counts, lambda: 1000.0)
    run(attempts.succeeded(run(attempts.on_account("alice", request())), request()))
    rejected = [run(attempts.on_account("alice", request())).rejected for _ in range(3)]
    assert rejected == [None, None, Rejected(Reason.ACCOUNT_THROTTLED)]
    assert run(attempts.on_account("alice", request(AWAY))).rejected is None


def test_a_source_is_familiar_for_thirty_days_and_each_day_of_use_renews_that() -> None:
    door = Door(counts := Counts())
    assert door.opens()
    [(pair, until)] = counts.pairs.items()
    assert until == 1000.0 + FAMILIAR_FOR == 1000.0 + 30 * DAY
    door.now += DAY
    assert door.opens()
    assert counts.pairs == {pair: door.now + 30 * DAY}
    door.now += 30 * DAY
    attack_at(counts, door.now)
    assert door.knock() == Rejected(Reason.ACCOUNT_THROTTLED)


def attack_at(counts: Counts, now: float) -> None:
    for _ in range(20):
        counts.counts.attempt("account:alice", now)


def test_logins_of_one_day_write_a_familiar_source_down_once() -> None:
    door = Door(counts := Counts())
    for _ in range(5):
        assert door.opens()
        door.now += 60.0
    assert [verb for verb, _ in counts.asked].count("remember") == 1


def test_a_source_that_the_store_has_lost_is_written_down_again_at_once() -> None:
    door = Door(counts := Counts())
    assert door.opens()
    counts.pairs.clear()
    assert door.opens()
    assert len(counts.pairs) == 1


def test_memory_of_what_was_renewed_is_bounded() -> None:
    counts = Counts()
    attempts = Attempts(counts, lambda: 1000.0)
    for source in strangers(5000):
        run(attempts.succeeded(run(attempts.on_account("alice", request(source))), request(source)))
    assert len(attempts._renewed) <= 4096  # pyright: ignore[reportPrivateUsage]  # there is no other way to see it
    assert len(counts.pairs) == 5000


@pytest.mark.parametrize("password", ["wrong", ""])
def test_no_source_becomes_familiar_by_a_wrong_password(password: str) -> None:
    door = Door(counts := Counts())
    door.knock(password=password)
    assert counts.pairs == {}


def test_no_source_becomes_familiar_by_a_right_password_while_the_account_waits() -> None:
    door = Door(counts := Counts())
    attack_at(counts, door.now)
    assert door.knock() == Rejected(Reason.ACCOUNT_THROTTLED)
    assert counts.pairs == {}


def test_a_user_name_that_looks_like_a_pair_counts_for_nobody_else() -> None:
    door = Door(counts := Counts(free=2))
    assert door.opens()
    [pair] = counts.pairs
    for source in strangers(50):
        for name in (pair, f"alice|source:{HOME}", pair.removeprefix("familiar:")):
            door.knock(name, "wrong", source=source)
    assert door.opens()


@pytest.mark.parametrize("name", ["alice", "nobody"])
@pytest.mark.parametrize("attacked", [False, True], ids=["calm", "attacked"])
def test_class_16_the_store_is_asked_the_same_about_users_who_do_not_exist(name: str, attacked: bool) -> None:
    door = Door(counts := Counts())
    if attacked:
        attack(counts, name, guesses=20)
    counts.asked.clear()
    verdict = door.knock(name, "wrong", source=AWAY)
    assert isinstance(verdict, Rejected)
    assert verdict.reason.public_code == "authmw.credentials-invalid"
    assert counts.asked == [
        ("attempt", f"source:{AWAY}"),
        ("knows", f"familiar:source:{AWAY}|account:{name}"),
        ("attempt", f"account:{name}"),
    ]


def test_class_28_digest_and_passwords_share_what_is_familiar() -> None:
    door = Door(counts := Counts())
    assert door.opens()
    attack(counts)
    server = Server(throttle=counts)
    client = server.client(username="alice", password="wrong")
    counts.asked.clear()
    server.answer(client.request(REMOTE_ADDR=HOME))
    assert counts.asked[-1] == ("attempt", f"familiar:source:{HOME}|account:alice")


def test_clients_are_counted_beside_users_of_the_same_name() -> None:
    counts = Counts()
    clients = Attempts(counts, lambda: 1000.0, kind="client")
    counted = run(clients.on_account("alice", request()))
    run(clients.succeeded(counted, request()))
    assert [key for _, key in counts.asked] == [
        f"familiar:source:{HOME}|client:alice",
        "client:alice",
        "client:alice",
        f"source:{HOME}",
        f"familiar:source:{HOME}|client:alice",
    ]


def test_without_a_known_peer_the_account_alone_is_counted() -> None:
    door = Door(counts := Counts())
    assert door.opens(source="")
    assert counts.asked == [("attempt", "account:alice"), ("succeeded", "account:alice")]


class NoSources:
    """A throttle that does not tell sources apart."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def attempt(self, key: str, now: float) -> float:
        self.keys.append(key)
        return 0.0

    def succeeded(self, key: str) -> None:
        self.keys.append(key)


class HalfSources(NoSources):
    """One that only half does."""

    def knows_source(self, pair: str, now: float) -> bool:
        raise AssertionError("half of a port was asked")


@pytest.mark.parametrize("make", [NoSources, HalfSources])
def test_a_throttle_that_does_not_tell_sources_apart_counts_accounts(make: Callable[[], NoSources]) -> None:
    door = Door(throttle := make())
    assert door.opens()
    assert throttle.keys == [f"source:{HOME}", "account:alice", "account:alice", f"source:{HOME}"]


class Truthy(Counts):
    """A store that answers something else than True."""

    def knows_source(self, pair: str, now: float) -> bool:
        return "yes"  # type: ignore[return-value]  # the mistake under test


def test_only_true_makes_a_source_familiar() -> None:
    attempts = Attempts(Truthy(), lambda: 1000.0)
    assert run(attempts.on_account("alice", request())).key == "account:alice"


def test_both_drivers_agree() -> None:
    async def by_loop() -> list[Verdict]:
        door = Door(Counts(free=2))
        return [await run_async(door.flow(password=password)) for password in ("s3cret", "wrong", "wrong", "wrong")]

    door = Door(Counts(free=2))
    by_call = [door.knock(password=password) for password in ("s3cret", "wrong", "wrong", "wrong")]
    assert asyncio.run(by_loop()) == by_call
