"""The arithmetic of throttles at the edges of its times. What a throttle promises is in the contract of throttles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from authmw.errors import ConfigurationError
from authmw.stores.records import Attempt, AttemptOutcome, Reservation, Wait
from authmw.stores.throttling import (
    BUSY,
    HOLD,
    MAX_NETWORKS,
    PATIENCE,
    TURN,
    Count,
    Pace,
    ThrottlePolicy,
    Turn,
)

NOW = 1_800_000_000.0
PACE: Pace = ThrottlePolicy("Throttle", free=5, first=1, longest=900).account


def turns(*given: Turn, now: float = NOW) -> tuple[Turn, ...]:
    """The turns that are left of these."""
    return PACE.current(Count(turns=given), now).turns


def test_what_is_not_said_of_an_attempt_is_nothing() -> None:
    assert Attempt("s") == Attempt("s", account="", network="", marks=(), guessable=True)
    attempt = Attempt("s", "account:alice", "home")
    assert Reservation(attempt) == Reservation(attempt, mark="", known_until=0.0, held_until=0.0, served=0.0)


GUESS = Attempt("source", "account:alice", "home", ("m",))
POLICY = ThrottlePolicy("Throttle", free=5, first=1, longest=900)
SOURCE = POLICY.source


def test_the_paces_of_sources_and_accounts_follow_from_the_settings() -> None:
    policy = ThrottlePolicy("Throttle", free=5, first=timedelta(seconds=2), longest=900)
    assert policy.source == policy.of_account("mark") == Pace(5, 2.0, 900.0, forget=3600.0, by_turns=False)
    assert policy.account == policy.of_account("") == Pace(5, TURN, TURN, forget=300.0, by_turns=True)
    assert ThrottlePolicy("Throttle", free=1, first=0.5, longest=0.5).source == Pace(1, 0.5, 0.5, forget=2.0)


@pytest.mark.parametrize("free, first, longest", [(0, 1, 900), (-1, 1, 900), (5, 0, 900), (5, -1, 900), (5, 2, 1.5)])
def test_limits_that_are_none_are_refused(free: int, first: float, longest: float) -> None:
    with pytest.raises(ConfigurationError, match=r"Throttle needs free >= 1 and 0 < first <= longest"):
        ThrottlePolicy("Throttle", free=free, first=first, longest=longest)


def test_each_wait_of_a_source_is_twice_as_long_up_to_the_longest() -> None:
    def wait_after(failed: int, pace: Pace) -> float:
        count = pace.settled(Count(failed - 1, NOW), NOW, 0.0, failed=True)
        assert count == Count(failed, count.not_before)
        return count.not_before - NOW

    assert [wait_after(failed, SOURCE) for failed in range(1, 17)] == [0] * 4 + [
        *(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900)
    ]
    assert wait_after(5000, SOURCE) == 900
    assert [wait_after(failed, PACE) for failed in (1, 4, 5, 6, 5000)] == [0, 0, TURN, TURN, TURN]


def test_a_failure_makes_no_wait_shorter() -> None:
    assert SOURCE.settled(Count(5, NOW + 8), NOW, 0.0, failed=True) == Count(6, NOW + 8)
    assert SOURCE.settled(Count(5, NOW + 1), NOW, 0.0, failed=True) == Count(6, NOW + 2)


def test_a_reservation_is_held_until_it_is_settled_or_given_back() -> None:
    held = (NOW, NOW + 0.5, NOW + 2 * HOLD, NOW + 2 * HOLD + 0.5)
    assert SOURCE.current(Count(held=held), NOW) == Count(held=held[1:3])
    count = Count(2, NOW, (NOW + 1, NOW + 2, NOW + 1))
    assert SOURCE.settled(count, NOW, NOW + 1, failed=False) == Count(2, NOW, (NOW + 2, NOW + 1))
    assert SOURCE.settled(count, NOW, NOW + 2, failed=True) == Count(3, NOW, (NOW + 1, NOW + 1))
    assert SOURCE.settled(count, NOW, NOW + 3, failed=False) == count
    assert SOURCE.settled(count, NOW + 1, NOW + 2, failed=False) == Count(2, NOW)


@pytest.mark.parametrize("pace", [SOURCE, PACE], ids=["source", "account"])
def test_a_count_starts_again_when_nothing_has_failed_for_as_long_as_it_is_kept(pace: Pace) -> None:
    count = Count(7, NOW)
    assert pace.current(count, NOW + pace.forget - 0.5) == count
    assert pace.current(count, NOW + pace.forget) == Count(0, NOW)
    assert pace.expires_at(count) == NOW + pace.forget
    assert pace.expires_at(Count(7, NOW, held=(NOW + 9e9, NOW))) == NOW + 9e9
    assert pace.expires_at(Count()) == pace.forget


@pytest.mark.parametrize("pace", [SOURCE, PACE], ids=["source", "account"])
def test_by_a_clock_that_was_set_back_no_wait_is_longer_than_the_longest(pace: Pace) -> None:
    for not_before in (NOW + pace.longest, NOW + pace.longest + 1):
        assert pace.current(Count(7, not_before), NOW) == Count(7, NOW + pace.longest)


def test_a_source_has_as_many_checks_at_once_as_are_free_and_then_one() -> None:
    def answer(count: Count) -> Reservation | Wait:
        after, answered = POLICY.source_reserved(count, GUESS, NOW)
        expected = (*count.held, NOW + HOLD) if isinstance(answered, Reservation) else count.held
        assert after == replace(count, held=expected)
        return answered

    own = (NOW + 1,)
    granted = Reservation(GUESS, held_until=NOW + HOLD)
    assert answer(Count(0, NOW, own * 4)) == granted
    assert answer(Count(0, NOW, own * 5)) == Wait(BUSY) == Wait(1.0)
    assert answer(Count(3, NOW, own)) == granted
    assert answer(Count(3, NOW, own * 2)) == Wait(BUSY)
    assert answer(Count(4, NOW + 9)) == granted
    assert answer(Count(5, NOW)) == granted
    assert answer(Count(5, NOW, own)) == Wait(BUSY)
    assert answer(Count(5, NOW + 0.5)) == Wait(0.5, source_failed=True)
    assert answer(Count(5, NOW + 0.5, own)) == Wait(0.5, source_failed=True)


def test_a_random_secret_waits_for_what_failed_alone_and_holds_nothing() -> None:
    secret = Attempt("source", guessable=False)
    for count in (Count(0, held=(NOW + 1,) * 9), Count(4, NOW + 9), Count(5, NOW)):
        assert POLICY.source_reserved(count, secret, NOW) == (count, Reservation(secret))
    count = Count(5, NOW + 0.5)
    assert POLICY.source_reserved(count, secret, NOW) == (count, Wait(0.5, source_failed=True))


def test_networks_are_in_line_from_the_last_free_check_on() -> None:
    served, hold = (Turn(NOW, 0.0, "home"),), (NOW + HOLD,)

    def reserved(count: Count) -> Count:
        after, answer = POLICY.account_reserved(count, GUESS, NOW, mark="", known_until=0.0)
        assert answer == Reservation(GUESS, "", 0.0, NOW + HOLD, count.served("home"))
        return after

    assert reserved(Count(3, NOW)) == Count(3, NOW, hold)
    assert reserved(Count(4, NOW)) == Count(4, NOW, hold, served)
    assert reserved(Count(3, NOW, (NOW + 1,))) == Count(3, NOW, (NOW + 1, *hold), served)
    assert reserved(Count(5, NOW)) == Count(5, NOW, hold, served)
    other = Turn(NOW - 9, 0.0, "work")
    assert reserved(Count(3, NOW, turns=(other,))) == Count(3, NOW, hold, (other, *served))
    again = Turn(NOW - 9, 0.0, "home")
    assert reserved(Count(3, NOW, turns=(again, other))) == Count(3, NOW, hold, (other, *served))


def test_a_network_that_is_refused_gets_a_place_and_asking_again_writes_nothing_while_it_keeps_it() -> None:
    def refused(count: Count, now: float) -> tuple[Count, Wait]:
        after, answer = POLICY.account_reserved(count, GUESS, now, mark="", known_until=0.0)
        assert isinstance(answer, Wait)
        return after, answer

    count = Count(5, NOW + 10)
    placed = replace(count, turns=(Turn(0.0, NOW, "home", NOW + 10 + PATIENCE),))
    assert refused(count, NOW) == (placed, Wait(10.0))
    assert refused(placed, NOW + 4) == (placed, Wait(6.0))
    busy = replace(placed, held=(NOW + 40,))
    later = NOW + 10 + PATIENCE - PATIENCE / 2 - BUSY
    assert refused(busy, later) == (busy, Wait(BUSY))
    again = replace(busy, turns=(Turn(0.0, NOW, "home", later + 0.5 + BUSY + PATIENCE),))
    assert refused(busy, later + 0.5) == (again, Wait(BUSY))


def test_who_was_served_longest_ago_and_still_waits_is_next() -> None:
    def is_next(*turns: Turn) -> bool:
        _, answer = POLICY.account_reserved(Count(5, NOW, turns=turns), GUESS, NOW, mark="", known_until=0.0)
        return isinstance(answer, Reservation)

    own = Turn(100.0, NOW - 5, "home", NOW + 20)
    assert is_next(own)
    assert is_next(own, Turn(100.0, NOW - 4, "work", NOW + 20))
    assert not is_next(own, Turn(100.0, NOW - 6, "work", NOW + 20))
    assert not is_next(own, Turn(NOW - 99, NOW - 4, "work", NOW + 20), Turn(99.0, NOW - 4, "bus", NOW + 20))
    assert not is_next(Turn(NOW - 9, NOW - 5, "home", NOW + 20), Turn(NOW - 10, NOW - 1, "work", NOW + 0.5))
    assert is_next(Turn(NOW - 9, NOW - 5, "home", NOW + 20), Turn(NOW - 10, NOW - 9, "work", 0.0))
    # One that does not wait any more begins to wait now.
    for asked in (0.0, NOW - 9):
        assert not is_next(Turn(NOW - 99, asked, "home", 0.0), Turn(NOW - 99, NOW - 1, "work", NOW + 9))
        assert is_next(Turn(NOW - 99, asked, "home", NOW + 1), Turn(NOW - 99, NOW - 1, "work", NOW + 9))
    assert is_next(Turn(NOW - 40, NOW - 9, "home", 0.0), Turn(NOW - 30, NOW - 1, "work", NOW + 9))


def test_a_familiar_mark_has_no_line_and_its_wait_does_not_tell_that_it_failed() -> None:
    count = Count(5, NOW + 3)
    assert POLICY.account_reserved(count, GUESS, NOW, mark="m", known_until=NOW + 9) == (count, Wait(3.0))
    after, answer = POLICY.account_reserved(Count(4, NOW), GUESS, NOW, mark="m", known_until=NOW + 9)
    assert (after, answer) == (Count(4, NOW, (NOW + HOLD,)), Reservation(GUESS, "m", NOW + 9, NOW + HOLD))


def test_a_network_that_had_no_turn_was_never_served() -> None:
    count = Count(turns=(Turn(7.0, 0.0, "home"), Turn(8.0, 0.0, "work")))
    assert [count.served(network) for network in ("home", "work", "bus", "")] == [7.0, 8.0, 0.0, 0.0]
    assert Count() == Count(failed=0, not_before=0.0, held=(), turns=())
    assert Turn(7.0, 5.0, "home") == Turn(7.0, 5.0, "home", until=0.0)


@pytest.mark.parametrize(
    "until, keeps",
    [
        (NOW - 1, False),
        (NOW, False),
        (NOW + 0.5, True),
        (NOW + 2 * (TURN + PATIENCE), True),
        (NOW + 2 * (TURN + PATIENCE) + 1, False),  # the clock was set back
    ],
)
def test_a_network_keeps_its_place_until_its_turn_is_missed(until: float, keeps: bool) -> None:
    turn = Turn(5.0, NOW - 60, "home", until)
    missed = Turn(min(until, NOW), 0.0, "home")
    assert turns(turn) == (turn if keeps else missed,)


def test_the_last_turn_of_a_network_is_known_for_a_day() -> None:
    day = 86_400.0
    kept = [Turn(NOW - day + 1, 0.0, "one"), Turn(NOW - day - 60, 0.0, "two", NOW - day + 1)]
    gone = [Turn(NOW - day, 0.0, "three"), Turn(NOW - day - 60, 0.0, "four", NOW - day)]
    left = turns(*kept, *gone)
    assert left == (kept[0], Turn(NOW - day + 1, 0.0, "two"))
    assert PACE.expires_at(Count(turns=left)) == NOW + 1


def test_an_attempt_that_was_not_judged_gives_its_turn_back() -> None:
    before = Count(failed=5, turns=(Turn(7.0, 0.0, "home"), Turn(8.0, 0.0, "work")))
    attempt = Attempt("", "account:alice", "home")
    policy = ThrottlePolicy("Throttle", free=5, first=1, longest=900)
    now = 9.0
    count, reserved = policy.account_reserved(before, attempt, now, mark="", known_until=0.0)
    assert isinstance(reserved, Reservation)
    assert reserved.served == 7.0
    settled = {outcome: policy.account_settled(count, reserved, outcome, now) for outcome in (AttemptOutcome)}
    assert {outcome.name: each.served("home") for outcome, each in settled.items()} == {
        "SUCCEEDED": now,
        "FAILED": now,
        "ABANDONED": 7.0,
    }
    assert {each.served("work") for each in settled.values()} == {8.0}
    assert {outcome.name: each.failed for outcome, each in settled.items()} == {
        "SUCCEEDED": 5,
        "FAILED": 6,
        "ABANDONED": 5,
    }
    assert {each.held for each in settled.values()} == {()}


def test_a_full_line_loses_the_network_that_was_served_longest_ago_and_nobody_who_waits() -> None:
    policy = ThrottlePolicy("Throttle", free=1, first=1, longest=900)
    waiting = tuple(Turn(NOW - 500, NOW, f"w{number}", NOW + 60) for number in range(MAX_NETWORKS - 2))
    resting = (Turn(NOW - 40, 0.0, "later"), Turn(NOW - 50, 0.0, "first"))
    attempt = Attempt("", "account:alice", "new")
    count = Count(failed=1, not_before=NOW + 30, turns=(*waiting, *resting))
    after, _ = policy.account_reserved(count, attempt, NOW, mark="", known_until=0.0)
    assert {turn.network for turn in after.turns} == {turn.network for turn in waiting} | {"later", "new"}
    assert len(after.turns) == MAX_NETWORKS
    full = Count(failed=1, not_before=NOW + 30, turns=(*waiting, *(turn._replace(until=NOW + 9) for turn in resting)))
    assert policy.account_reserved(full, attempt, NOW, mark="", known_until=0.0)[0].turns == full.turns


def test_a_network_keeps_its_place_for_fifteen_seconds_at_least_after_it_may_come_back() -> None:
    account = ThrottlePolicy("Throttle", free=1, first=1, longest=900).account
    count = Count(failed=1, not_before=NOW + 60)
    count, wait = account.reserved(count, NOW, "home")
    assert wait == Wait(60, source_failed=True)
    count = replace(count, not_before=NOW + 75)
    count, wait = account.reserved(count, NOW + 16, "home")
    assert wait == Wait(59, source_failed=True)
    for seconds, is_in_line in ((89.9, True), (90, False)):
        at = NOW + seconds
        _, wait = account.reserved(account.current(count, at), at, "cafe")
        assert (wait is not None) is is_in_line
