"""Processes that are killed while they renew and end browser sessions lose nothing that was answered."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import pytest

from tests.fleet.backends import BACKENDS, backend
from tests.fleet.killed_sessions import Begun, Kept, Left, Told, faults_in, kill_one

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

ROUNDS: Final = 8


@pytest.mark.parametrize("kind", BACKENDS)
def test_no_session_no_renewal_and_no_end_that_was_answered_is_lost(kind: str) -> None:
    with backend(kind) as place:
        place.add_user("alice")
        chance = random.Random(kind)
        for _ in range(ROUNDS):
            left, faults = kill_one(place, chance)
            assert faults == [], left


def test_what_was_answered_is_told_from_what_was_only_asked_for() -> None:
    left = Left.of(
        [
            Told("begin", False),
            Told("begin", True, "s1", "c1"),
            Told("renew", False, "s1"),
            Told("renew", True, "s1", "c2"),
            Told("put", True, "", "p1"),
            Told("take", False, "", "p1"),
            Told("end", False, "s1"),
        ]
    )
    assert left == Left({"s1": Begun(["c1", "c2"], "asked for")}, {"p1"}, {"p1"}, set())


def _begun(kept: Kept) -> Begun:
    return Begun([kept.begin()[1]])


def _put_back(kept: Kept, secret: str) -> Left:
    kept.put(secret)
    return Left(put={secret}, taken={secret})


LOST: Final[dict[str, tuple[Callable[[Kept], Left], str]]] = {
    "end": (
        lambda kept: Left({"s": Begun(_begun(kept).cookies, "answered")}),
        "an end that was answered is lost",
    ),
    "pending": (lambda kept: Left(put={"xx_never-put"}), "something that was put is lost"),
    "taken": (
        lambda kept: _put_back(kept, "xx_secret"),
        "something that was taken is there again",
    ),
}


@pytest.mark.parametrize("make, fault", LOST.values(), ids=LOST)
def test_what_a_store_had_lost_would_be_found(make: Callable[[Kept], Left], fault: str) -> None:
    with backend("sqlite") as place:
        with place.settings.opened() as stores:
            left = make(Kept(stores))
        assert faults_in(place.settings, left) == [fault]


def test_a_lost_renewal_would_be_found() -> None:
    with backend("sqlite") as place:
        with place.settings.opened() as stores:
            kept = Kept(stores)
            begun = _begun(kept)
            # Two renewals that were not told: the value of the browser is too old.
            _, second = kept.renew(begun.cookies[0])
            kept.renew(second)
        assert faults_in(place.settings, Left({"s": begun})) == ["the last value that was answered is unknown"]
