"""Verdicts and credentials: what they say, and that nobody changes them by accident."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from math import inf
from typing import Any

import pytest

from authmw import Authenticated, BasicCredentials, Principal
from authmw.identity.validity import Validity

ALICE = Principal("alice")


def test_two_verdicts_are_equal_if_they_say_the_same_of_the_same_caller() -> None:
    lasting = Authenticated(ALICE, still_holds=lambda: True, validities=(Validity(inf, lambda: 0.0),))
    assert lasting == Authenticated(ALICE)
    assert hash(lasting) == hash(Authenticated(ALICE))
    assert not lasting != Authenticated(ALICE)  # noqa: SIM202 - both operators
    assert Authenticated(ALICE) != Authenticated(ALICE, 1000.0)
    assert Authenticated(ALICE) != Authenticated(Principal("bob"))
    said: Any = (ALICE, None, (), None, ())
    assert Authenticated(ALICE) != said


def test_a_verdict_shows_who_and_how_long() -> None:
    shown = "Authenticated(principal=Principal(id='alice', kind='user', scopes=[]), remember_until=None, headers=())"
    assert repr(Authenticated(ALICE)) == shown


@pytest.mark.parametrize(
    "value, name", [(Authenticated(ALICE), "principal"), (BasicCredentials("bob", "pw"), "password")]
)
def test_neither_can_be_set(value: object, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, name, "other")
    with pytest.raises(AttributeError):
        delattr(value, name)


def test_credentials_are_values_that_show_no_secret() -> None:
    credentials = BasicCredentials("bob", password="pw")
    assert credentials == BasicCredentials(username="bob", password="pw") != BasicCredentials("bob", "other")
    assert hash(credentials) == hash(BasicCredentials("bob", "pw"))
    assert repr(credentials) == "BasicCredentials(username='bob')"
    assert copy.deepcopy(credentials) == pickle.loads(pickle.dumps(credentials)) == credentials
    assert replace(credentials, password="new").password == "new"
