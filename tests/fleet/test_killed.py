"""Processes that are killed while they rotate and revoke lose nothing that was answered, and issue nothing twice.

``python -m tests.fleet`` kills a hundred on each store.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any, Final

import pytest

from authmw.crypto.keyring import KeyRing
from tests.fleet.backends import BACKENDS, backend
from tests.fleet.in_process import in_process
from tests.fleet.killed import KEY, Left, Login, Told, kill_one, look

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

ROUNDS: Final = 6


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


LOST: Final[dict[str, tuple[Callable[[Any], Login], str]]] = {
    "revocation": (
        lambda given: Login([given["refresh_token"]], [given["access_token"]], revoked={given["access_token"]}),
        "a revocation that was answered is lost",
    ),
    "end of a login": (
        lambda given: Login([given["refresh_token"]], [], end="answered"),
        "a refresh of a login whose end was answered is answered 200 ",
    ),
    "access token": (
        lambda given: Login([given["refresh_token"]], ["at_" + "0" * 38]),
        "an access token that was answered is lost",
    ),
    "refresh token": (
        lambda given: Login(["rt_" + "0" * 68], [given["access_token"]]),
        "a refresh of a login whose end was not asked for is answered 400 invalid_grant",
    ),
    "successor": (
        lambda given: Login([given["refresh_token"], given["refresh_token"]], []),
        "a token was issued twice",
    ),
}


@pytest.mark.parametrize("login, fault", LOST.values(), ids=LOST)
def test_what_a_store_had_lost_would_be_found(login: Callable[[Any], Login], fault: str) -> None:
    ours, theirs = Pipe(duplex=False)
    with backend("sqlite") as place:
        place.add_user("alice")
        with in_process(place.settings) as bench:
            given = bench.log_in().json
        look(place.settings, Left([login(given)], [], False), theirs)
        assert ours.recv() == [fault]
