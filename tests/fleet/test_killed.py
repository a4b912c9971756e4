"""Processes that are killed while they rotate and revoke lose nothing that was answered, and issue nothing twice.

``python -m tests.fleet`` kills a hundred on each store.
"""

from __future__ import annotations

import random
from typing import Final

import pytest

from authmw.keys import KeyRing
from tests.fleet.backends import BACKENDS, backend
from tests.fleet.killed import KEY, Left, Told, kill_one

ROUNDS: Final = 10


@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
@pytest.mark.parametrize("kind", BACKENDS)
def test_nothing_answered_is_lost_and_nothing_is_issued_twice(kind: str, jwt: bool) -> None:
    with backend(kind, jwt=jwt) as place:
        place.add_user("alice")
        place.add_client("shop", KeyRing(KEY).jwks())
        chance = random.Random(f"{kind} {jwt}")
        for _ in range(ROUNDS):
            left, faults = kill_one(place, chance)
            assert faults == [], left


def test_what_was_answered_is_told_from_what_was_only_asked_for() -> None:
    told = [
        Told("log in", True, "", "r1", "a1"),
        Told("refresh", True, "r1", "r2", "a2"),
        Told("use assertion", False, "j1"),
        Told("use assertion", True, "j1"),
        Told("revoke token", False, "a2"),
        Told("revoke token", True, "a2"),
        Told("end login", False, "r2"),
    ]
    left = Left.of(told)
    [login] = left.logins
    assert (login.refreshes, login.accesses, login.revoked, login.end) == (
        ["r1", "r2"],
        ["a1", "a2"],
        {"a2"},
        "asked for",
    )
    assert left.used == ["j1"]
    assert left.was_in_a_step
