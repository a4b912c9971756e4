"""Records: what a `repr` leaves out, and that users can be copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from authmw.stores import User, records, session_records

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
    left = leave(user)
    assert (left, type(left)) == (user, User)
    with pytest.raises(TypeError):
        left.attributes["team"] = "red"
