"""Records: what a `repr` leaves out, what a user gets of them, and that users can be copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from authmw.stores import BrowserSession, User, records, session_records
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


def pickled(user: User) -> Any:
    return pickle.loads(pickle.dumps(user))


LEAVE: list[Callable[[User], Any]] = [copy.copy, copy.deepcopy, pickled]


@pytest.mark.parametrize("leave", LEAVE)
def test_a_user_leaves_the_process_with_all_that_it_has(leave: Callable[[User], Any]) -> None:
    user = User("7", "alice", scopes=frozenset({"read"}), attributes={"team": "blue"}, email="alice@mail.example")
    assert (User("8", "bob").email, User("8", "bob").email_verified) == ("", False)
    left = leave(user)
    assert (left, type(left)) == (user, User)
    with pytest.raises(TypeError):
        left.attributes["team"] = "red"


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
