"""Event records: small, frozen, with a line in each text, and with no place for a secret."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import events
from authmw.events import Event, RequestRefused, records

NAMES = set(
    "authenticated refused logged_in login_failed token_issued refreshed reuse_detected revoked throttled keys_rotated "
    "issuer_unreachable user_changed".split()
)
KINDS: list[type[Event]] = [
    kind
    for name in events.__all__
    if isinstance(kind := getattr(events, name), type) and issubclass(kind, Event) and kind is not Event
]
SMALL = {"str", "int", "float", "tuple[str, ...]"}


def made_of(kind: type[Event], text: str) -> Event:
    """An event with `text` in each of its texts."""
    values: dict[str, Any] = {"str": text, "int": 401, "float": 1.5, "tuple[str, ...]": (text, text)}
    return kind(**{each.name: values[str(each.type)] for each in dataclasses.fields(kind)})


def test_there_is_a_record_for_each_event() -> None:
    assert {kind.name for kind in KINDS} == NAMES
    assert len(KINDS) == len(NAMES)
    assert set(KINDS) == set(records.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_frozen_and_small_and_has_no_field_for_a_secret(kind: type[Event]) -> None:
    event = made_of(kind, "x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.at = 0.0  # type: ignore[misc]
    assert not hasattr(event, "__dict__")
    assert {str(each.type) for each in dataclasses.fields(kind)} <= SMALL
    named = {each.name for each in dataclasses.fields(kind)}
    assert not {name for name in named if any(word in name for word in ("password", "secret", "token", "username"))}


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_class_36_each_text_of_a_record_is_one_line(kind: type[Event], text: str) -> None:
    for value in made_of(kind, text).fields().values():
        for each in value if isinstance(value, tuple) else (value,):
            assert not isinstance(each, str) or (each.isprintable() and len(each.splitlines()) < 2)


@given(text=st.text(alphabet=st.characters(categories=["L", "N"])))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert made_of(RequestRefused, text[:256]).fields().get("path", "") == text[:256]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_fields_and_tell_of_nobody(kind: type[Event]) -> None:
    assert set(kind.labels) <= {each.name for each in dataclasses.fields(kind)}
    assert not {"principal", "source", "path", "session", "credential", "detail", "id", "client"} & set(kind.labels)


def test_a_long_text_is_cut() -> None:
    event = made_of(RequestRefused, "x" * 100_000)
    assert sys.getsizeof(event.fields()["path"]) < 2000


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_are_json(kind: type[Event]) -> None:
    assert json.loads(json.dumps(made_of(kind, "\ud800 \n").fields()))["at"] == 1.5


def test_empty_fields_are_left_out() -> None:
    assert RequestRefused(code="c", status=401, at=1.0).fields() == {"at": 1.0, "code": "c", "status": 401}
