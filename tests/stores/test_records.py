"""Records: what a `repr` leaves out, what a user gets of them, and that users can be copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any

import pytest

from authmw.stores import BrowserSession, Pending, User, records, session_records
from authmw.stores.personal_data import browser_session

SECRET_FIELDS = frozenset(
    {"password_hash", "email", "ha1", "digest", "key", "current", "previous", "salt", "presented", "successor", "data"}
)
RECORDS = [
    each
    for module in (records, session_records)
    for each in vars(module).values()
    if isinstance(each, type) and is_dataclass(each) and each.__module__ == module.__name__
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: each.__name__)
def test_no_record_shows_what_a_credential_is_found_by(record: type) -> None:
    shown = {each.name for each in fields(record) if each.repr}
    assert not shown & SECRET_FIELDS


def test_every_secret_field_is_that_of_a_record() -> None:
    assert {each.name for record in RECORDS for each in fields(record)} >= SECRET_FIELDS


DEFAULTS: dict[type, dict[str, object]] = {
    records.User: {
        "password_hash": None,
        "scopes": frozenset(),
        "disabled": False,
        "attributes": {},
        "email": "",
        "email_verified": False,
    },
    records.ApiKeyRecord: {
        "scopes": frozenset(),
        "name": "",
        "created_at": 0.0,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    },
    records.TokenRecord: {
        "scopes": frozenset(),
        "kind": "user",
        "client_id": None,
        "created_at": 0.0,
        "revoked_at": None,
        "audience": frozenset(),
        "family_id": None,
    },
    records.ClientSecret: {"expires_at": None},
    records.Client: {
        "name": "",
        "auth_method": "client_secret_basic",
        "secrets": (),
        "jwks": None,
        "grant_types": frozenset({"client_credentials"}),
        "scopes": frozenset(),
        "audiences": frozenset(),
        "disabled": False,
        "created_at": 0.0,
    },
    records.RefreshFamily: {
        "previous": "",
        "salt": "",
        "rotated_at": 0.0,
        "last_used_at": None,
        "revoked_at": None,
        "name": "",
        "session_id": None,
    },
    records.Rotation: {"grace": 0.0},
    records.RotationAnswer: {"family": None},
    records.Attempt: {"account": "", "network": "", "marks": (), "guessable": True},
    records.Reservation: {"mark": "", "known_until": 0.0, "held_until": 0.0, "served": 0.0},
    records.Wait: {"source_failed": False},
    session_records.BrowserSession: {
        "amr": (),
        "acr": "",
        "previous": "",
        "salt": "",
        "renewed_at": 0.0,
        "ended_at": None,
        "remembered": False,
        "name": "",
    },
    session_records.Renewal: {"grace": 30.0, "authenticated_at": None, "amr": None, "acr": None},
    session_records.RenewalAnswer: {"session": None},
    session_records.Pending: {"data": {}},
}


@pytest.mark.parametrize("record", RECORDS, ids=lambda each: each.__name__)
def test_what_is_not_said_of_a_record_is_nothing(record: Any) -> None:
    needed = [each.name for each in fields(record) if each.default is MISSING and each.default_factory is MISSING]
    made = record(**dict.fromkeys(needed, "given"))
    said = {each.name: getattr(made, each.name) for each in fields(record)}
    assert said == dict.fromkeys(needed, "given") | DEFAULTS.get(record, {})


@pytest.mark.parametrize(
    "answers, values",
    [
        (records.Outcome, ["rotated", "raced", "reused", "ended", "unknown"]),
        (records.NonceUse, ["fresh", "replayed"]),
        (records.AttemptOutcome, ["succeeded", "failed", "abandoned"]),
        (session_records.RenewalOutcome, ["renewed", "raced", "ended", "unknown"]),
    ],
)
def test_what_a_store_may_answer_has_these_values(answers: type[Enum], values: list[str]) -> None:
    assert [each.value for each in answers] == values
    assert [each.name for each in answers] == [value.upper() for value in values]


def pickled(record: object) -> Any:
    return pickle.loads(pickle.dumps(record))


LEAVE: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("leave", LEAVE)
def test_a_user_leaves_the_process_with_all_that_it_has(leave: Callable[[User], Any]) -> None:
    user = User("7", "alice", scopes=frozenset({"read"}), attributes={"team": "blue"}, email="alice@mail.example")
    assert (User("8", "bob").email, User("8", "bob").email_verified) == ("", False)
    left = leave(user)
    assert (left, type(left)) == (user, User)
    with pytest.raises(TypeError):
        left.attributes["team"] = "red"


@pytest.mark.parametrize("leave", LEAVE)
def test_what_is_pending_leaves_the_process_with_all_that_it_has_and_is_not_changed(
    leave: Callable[[Any], Any],
) -> None:
    data = {"email": "alice@mail.example"}
    pending = Pending("digest", "recovery", "7", 60.0, data)
    for each in (pending, leave(pending), Pending("digest", "recovery", "7", 60.0)):
        assert isinstance(each, Pending)
        with pytest.raises(TypeError):
            each.data["email"] = "mallory@mail.example"  # type: ignore[index]  # the mistake under test
    assert leave(pending) == pending
    assert pending.data == data
    with pytest.raises(TypeError):
        User("7", "alice", attributes={"team": "blue"}).attributes["team"] = "red"  # type: ignore[index]


def test_a_user_gets_all_of_a_browser_session_but_its_digests() -> None:
    session = BrowserSession(
        id="sid_1",
        key="digest-of-the-chain",
        current="digest-of-the-cookie",
        previous="digest-before",
        salt="salt-of-the-cookie",
        subject="7",
        scopes=frozenset({"b", "a"}),
        created_at=0.0,
        authenticated_at=60.0,
        last_used_at=120.0,
        idle_until=180.0,
        expires_at=240.0,
        idle_for=60.0,
        name="Firefox",
        remembered=True,
        amr=("pwd", "otp"),
    )
    assert browser_session(session) == {
        "id": "sid_1",
        "name": "Firefox",
        "scopes": ["a", "b"],
        "authenticated_by": ["pwd", "otp"],
        "remembered": True,
        "created_at": "1970-01-01T00:00:00Z",
        "authenticated_at": "1970-01-01T00:01:00Z",
        "last_used_at": "1970-01-01T00:02:00Z",
        "idle_until": "1970-01-01T00:03:00Z",
        "expires_at": "1970-01-01T00:04:00Z",
        "ended_at": None,
    }
