"""The decision about a presented refresh token or cookie: one table, in which each condition decides once by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from authmw.stores.records import Outcome, RefreshFamily, Rotation
from authmw.stores.renewal import renewed
from authmw.stores.rotation import rotated, same_digest
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome

NOW = 1000.0
FAMILY = RefreshFamily(
    "fam_1",
    "key",
    "current",
    "user-1",
    "alice",
    "shop",
    frozenset({"read"}),
    created_at=0.0,
    expires_at=NOW + 100,
    idle_until=NOW + 50,
    previous="previous",
    salt="salt",
    rotated_at=NOW - 10,
    last_used_at=NOW - 10,
)


def asked(presented: str = "current", **changes: Any) -> Rotation:
    return replace(Rotation("key", presented, "successor", "new salt", "shop", NOW, NOW + 60, grace=10.0), **changes)


def test_the_current_token_is_replaced_and_nothing_else_of_the_family_changes() -> None:
    answer = rotated(FAMILY, asked())
    assert answer.outcome is Outcome.ROTATED
    assert answer.family == replace(
        FAMILY,
        previous="current",
        current="successor",
        salt="new salt",
        rotated_at=NOW,
        last_used_at=NOW,
        idle_until=NOW + 60,
    )


def test_no_refresh_moves_the_absolute_end() -> None:
    answer = rotated(FAMILY, asked(idle_until=NOW + 5000))
    assert answer.family is not None
    assert (answer.family.idle_until, answer.family.expires_at) == (NOW + 100, NOW + 100)


@pytest.mark.parametrize("client_id", [None, "", "Shop", "another"])
def test_a_token_of_another_client_is_unknown_and_burns_nothing(client_id: str | None) -> None:
    for presented in ("current", "previous", "older"):
        answer = rotated(FAMILY, asked(presented, client_id=client_id))
        assert (answer.outcome, answer.family) == (Outcome.UNKNOWN, None)


def test_a_family_of_no_client_is_refreshed_by_none() -> None:
    family = replace(FAMILY, client_id=None)
    assert rotated(family, asked(client_id=None)).outcome is Outcome.ROTATED
    assert rotated(family, asked()).outcome is Outcome.UNKNOWN
    assert rotated(None, asked()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "end", [{"revoked_at": 0.0}, {"revoked_at": NOW + 1}, {"expires_at": NOW}, {"idle_until": NOW}]
)
@pytest.mark.parametrize("presented", ["current", "previous", "older"])
def test_a_family_that_has_ended_stays_as_it_is(end: dict[str, Any], presented: str) -> None:
    family = replace(FAMILY, **end)
    answer = rotated(family, asked(presented))
    assert answer.outcome is Outcome.ENDED
    assert answer.family is family


@pytest.mark.parametrize(
    "presented, age, grace, outcome",
    [
        ("previous", 10.0, 10.0, Outcome.RACED),
        ("previous", 0.0, 10.0, Outcome.RACED),
        ("previous", -5.0, 10.0, Outcome.RACED),
        ("previous", 10.001, 10.0, Outcome.REUSED),
        ("previous", 0.4, 0.5, Outcome.RACED),
        ("previous", 0.0, 0.0, Outcome.REUSED),
        ("previous", -5.0, 0.0, Outcome.REUSED),
        ("previous", -5.0, -1.0, Outcome.REUSED),
        ("older", 0.0, 10.0, Outcome.REUSED),
        ("", 0.0, 10.0, Outcome.REUSED),
        ("currenT", 0.0, 10.0, Outcome.REUSED),
        ("é", 0.0, 10.0, Outcome.REUSED),
    ],
)
def test_another_token_ends_the_family_unless_it_is_the_one_before_within_the_grace(
    presented: str, age: float, grace: float, outcome: Outcome
) -> None:
    family = replace(FAMILY, rotated_at=NOW - age)
    answer = rotated(family, asked(presented, grace=grace))
    assert answer.outcome is outcome
    assert answer.family == (family if outcome is Outcome.RACED else replace(family, revoked_at=NOW))


def test_an_empty_digest_is_that_of_no_token() -> None:
    # A login without a refresh token has none, and one that was never refreshed had none before.
    for family in (replace(FAMILY, current=""), replace(FAMILY, previous="")):
        assert rotated(family, asked("")).outcome is Outcome.REUSED
    assert not same_digest("", "")
    assert same_digest("a", "a")
    assert not same_digest("a", "b")
    assert not same_digest("a", "")


SESSION = BrowserSession(
    id="sid",
    key="key",
    current="current",
    subject="user-1",
    scopes=frozenset({"read", "write"}),
    created_at=0.0,
    authenticated_at=5.0,
    expires_at=NOW + 100,
    idle_for=60.0,
    idle_until=NOW + 50,
    last_used_at=NOW - 10,
    amr=("pwd",),
    acr="silver",
    previous="previous",
    salt="salt",
    renewed_at=NOW - 10,
    remembered=True,
    name="Firefox",
)


def renewal(presented: str = "current", **changes: Any) -> Renewal:
    return replace(Renewal("key", presented, "successor", "new salt", NOW, frozenset({"read"}), grace=10.0), **changes)


RENEWED = replace(
    SESSION,
    previous="current",
    current="successor",
    salt="new salt",
    renewed_at=NOW,
    last_used_at=NOW,
    idle_until=NOW + 60,
    scopes=frozenset({"read"}),
)


@pytest.mark.parametrize(
    "asked_for, becomes",
    [
        ({}, {}),
        ({"authenticated_at": NOW}, {"authenticated_at": NOW}),
        ({"authenticated_at": 0.0}, {"authenticated_at": 0.0}),
        ({"amr": ("pwd", "otp")}, {"amr": ("pwd", "otp")}),
        ({"amr": ()}, {"amr": ()}),
        ({"acr": "gold"}, {"acr": "gold"}),
        ({"acr": ""}, {"acr": ""}),
        ({"scopes": frozenset[str]()}, {"scopes": frozenset[str]()}),
        ({"now": NOW - 20}, {"renewed_at": NOW - 20, "last_used_at": NOW - 10, "idle_until": NOW + 50}),
        ({"now": NOW + 49}, {"renewed_at": NOW + 49, "last_used_at": NOW + 49, "idle_until": NOW + 100}),
    ],
    ids=str,
)
def test_a_session_gets_what_was_asked_for_with_its_new_cookie_and_nothing_else_changes(
    asked_for: dict[str, Any], becomes: dict[str, Any]
) -> None:
    answer = renewed(SESSION, renewal(**asked_for))
    assert answer == RenewalAnswer(RenewalOutcome.RENEWED, replace(RENEWED, **becomes))


@pytest.mark.parametrize("end", [{"ended_at": 0.0}, {"ended_at": NOW + 1}, {"expires_at": NOW}, {"idle_until": NOW}])
@pytest.mark.parametrize("presented", ["current", "previous", "older"])
def test_a_session_that_has_ended_stays_as_it_is(end: dict[str, Any], presented: str) -> None:
    session = replace(SESSION, **end)
    answer = renewed(session, renewal(presented))
    assert answer == RenewalAnswer(RenewalOutcome.ENDED, session)


@pytest.mark.parametrize(
    "presented, age, grace, is_raced",
    [
        ("previous", 10.0, 10.0, True),
        ("previous", 0.0, 10.0, True),
        ("previous", -5.0, 10.0, True),
        ("previous", 0.5, 1.0, True),
        ("previous", 10.001, 10.0, False),
        ("previous", 0.4, 0.5, True),
        ("previous", 0.0, 0.0, False),
        ("previous", -5.0, 0.0, False),
        ("previous", -5.0, -1.0, False),
        ("older", 0.0, 10.0, False),
        ("", 0.0, 10.0, False),
        ("currenT", 0.0, 10.0, False),
    ],
)
def test_another_cookie_is_unknown_unless_it_is_the_one_before_within_the_grace(
    presented: str, age: float, grace: float, is_raced: bool
) -> None:
    session = replace(SESSION, renewed_at=NOW - age)
    answer = renewed(session, renewal(presented, grace=grace))
    expected = RenewalAnswer(RenewalOutcome.RACED, session) if is_raced else RenewalAnswer(RenewalOutcome.UNKNOWN)
    assert answer == expected
    assert renewed(None, renewal(presented)) == RenewalAnswer(RenewalOutcome.UNKNOWN)
