"""What is no scope is refused, never dropped: a requirement that lost its scopes lets anyone in."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any

import pytest

from authmw import (
    AccessRefused,
    Auth,
    ConfigurationError,
    HTTPBearer,
    KeyRing,
    Principal,
    any_of,
    issue,
    requires_scopes,
)
from authmw.identity.requirement import Requirement
from authmw.identity.scopes import parse_scope, scope_mistakes
from authmw.stores import MemoryUsers


class Plain(Enum):
    READ = "orders:read"


class Text(StrEnum):
    READ = "orders:read"


class Mixed(str, Enum):  # noqa: UP042 - programs have these too; their str() is not their value
    READ = "orders:read"


NO_SCOPES: dict[str, Any] = {
    "list": ["orders:admin"],
    "tuple": ("orders:admin",),
    "set": {"orders:admin"},
    "None": None,
    "int": 7,
    "bytes": b"orders:admin",
    "enum": Plain.READ,
    "two in one": "orders:read orders:write",
    "empty": "",
    "quoted": '"orders:read"',
}


@pytest.mark.parametrize(
    "wrong, words",
    [
        ("orders:read orders:write", """: "orders:read", "orders:write\""""),
        (" orders:read", """: "orders:read\""""),
        ("", ""),
        (" ", ""),
        ('"orders:read"', ""),
        ([], """: write "orders:read", "orders:write\""""),
        (["orders:admin", "b"], """: write "orders:admin", "b\""""),
        ([7], """: write "orders:read", "orders:write\""""),
    ],
)
def test_the_fix_is_what_can_be_pasted_if_it_can_be_told(wrong: Any, words: str) -> None:
    fix = "write one scope per argument, without spaces or quotes"
    said = (
        f"{wrong!r} is not a scope: {fix}" if isinstance(wrong, str) else f"{wrong!r} is not a scope but of type list"
    )
    with pytest.raises(ConfigurationError) as refused:
        requires_scopes(wrong)
    assert refused.value.mistakes == (said + words,)


@pytest.mark.parametrize("wrong", NO_SCOPES.values(), ids=NO_SCOPES)
def test_what_is_no_scope_is_refused_wherever_scopes_are_asked_for(wrong: Any) -> None:
    alice = Principal("alice", scopes={"orders:read"})
    asking: list[Callable[[], object]] = [
        lambda: requires_scopes(wrong),
        lambda: requires_scopes("orders:read", wrong),
        lambda: any_of(wrong),
        lambda: Requirement.all_of(wrong),
        lambda: alice.can(wrong),
        lambda: alice.require(wrong),
    ]
    for ask in asking:
        with pytest.raises(ConfigurationError, match="scope"):
            ask()


def test_asking_for_no_scope_at_all_is_refused() -> None:
    alice = Principal("alice")
    asking: list[Callable[[], object]] = [requires_scopes, any_of, alice.can, alice.require]
    for ask in asking:
        with pytest.raises(ConfigurationError):
            ask()


@pytest.mark.parametrize("scope", [Text.READ, Mixed.READ], ids=["StrEnum", "str and Enum"])
def test_a_member_of_a_string_enum_is_its_value(scope: str) -> None:
    assert requires_scopes(scope).requirement.all_scopes == ("orders:read",)
    assert [type(each) for each in requires_scopes(scope).requirement.all_scopes] == [str]
    assert Principal("alice", scopes={"orders:read"}).can(scope)


def test_a_string_in_the_place_of_several_scopes_is_not_taken_for_its_letters() -> None:
    keys = KeyRing.generate()
    with pytest.raises(ValueError, match="letters"):
        Principal("alice", scopes="orders:read")
    with pytest.raises(ConfigurationError, match="list"):
        issue("alice", keys=keys, issuer="i", audience="a", scopes="orders:read")
    with pytest.raises(ConfigurationError, match="list"):
        MemoryUsers().create("alice", scopes="orders:read")


def test_a_principal_without_the_scope_is_refused_outside_of_a_request_too() -> None:
    with pytest.raises(AccessRefused):
        Principal("alice", scopes={"orders:read"}).require("orders:write")


# What scopes mean, said once.


def test_an_application_describes_its_scopes_once_and_keeps_them() -> None:
    described = {"orders:read": "See orders"}
    auth = Auth(HTTPBearer(), scopes=described)
    described["admin"] = "Everything"
    assert auth.scopes == {"orders:read": "See orders"}
    assert Auth(HTTPBearer()).scopes == {}


@pytest.mark.parametrize(
    "described, mistakes",
    [
        (None, 0),
        ({}, 0),
        ({"orders:read": "See orders", "admin": ""}, 0),
        (["orders:read"], 1),
        ("orders:read", 1),
        ({"two words": "See orders"}, 1),
        ({7: "See orders"}, 1),
        ({"orders:read": None}, 1),
        ({"two words": 7, "": 7}, 3),
    ],
    ids=["none", "empty", "good", "list", "text", "no scope", "number", "no text", "all at once"],
)
def test_every_mistake_in_a_description_is_told(described: Any, mistakes: int) -> None:
    assert len(scope_mistakes(described)) == mistakes
    if mistakes:
        with pytest.raises(ConfigurationError) as refused:
            Auth(HTTPBearer(), scopes=described)
        assert refused.value.mistakes == tuple(scope_mistakes(described))


@pytest.mark.parametrize("text", ['read "write"', "read\twrite", "read caf\u00e9", "a\\b"])
def test_a_list_of_scopes_with_a_character_that_no_scope_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 6749"):
        parse_scope(text)
