"""The arithmetic of throttles at the edges of its times. What a throttle promises is in the contract of throttles."""

from __future__ import annotations

import pytest

from authmw.stores.records import Attempt, AttemptOutcome, Reservation
from authmw.stores.throttling import (
    MAX_NETWORKS,
    PATIENCE,
    SERVED_FOR,
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
    day = SERVED_FOR
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
