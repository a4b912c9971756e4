"""Principals and what they hold can be copied, pickled and written as JSON: they leave the request and the process."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import pytest

from authmw import ANONYMOUS, Auth, HTTPBearer, Principal, acting_as, current_principal
from authmw.engine.authentication import Authentication
from authmw.http.request import WSGIRequest
from authmw.identity.read_only import ReadOnlyDict

CLAIMS: Final = {"team": "a", "address": {"city": "b"}, "roles": ["c"]}
FULL: Final = Principal(
    "alice",
    scopes={"read"},
    kind="client",
    claims=CLAIMS,
    scheme="HTTPBearer",
    client_id="app",
    credential_id="jti",
    expires_at=1.5,
    name="Alice",
)


class Employee(Principal):
    """A principal of a program, with another constructor."""

    __slots__ = ("_private", "team")

    def __init__(self, id: str, team: str) -> None:
        super().__init__(id, scopes={"read"}, claims=lambda: {"team": team})
        object.__setattr__(self, "team", team)
        object.__setattr__(self, "_private", team)


class Noted(Principal):
    """A principal of a program with a dict."""

    @property
    def shout(self) -> str:
        return self.id.upper()


def noted() -> Noted:
    made = Noted("bob")
    vars(made)["note"] = "n"
    return made


KINDS: Final[list[Principal]] = [
    FULL,
    ANONYMOUS,
    Principal("lazy", claims=lambda: CLAIMS),
    Principal("proxy", claims=MappingProxyType(CLAIMS)),
    Employee("bob", "sales"),
    noted(),
]


def _pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("leave", [copy.copy, copy.deepcopy, _pickled])
@pytest.mark.parametrize("principal", KINDS, ids=lambda each: f"{type(each).__name__} {each.id}")
def test_a_principal_is_copied_and_pickled_with_all_that_it_has(
    leave: Callable[[Any], Any], principal: Principal
) -> None:
    left = leave(principal)
    assert type(left) is type(principal)
    assert left == principal
    assert left.claims == principal.claims
    assert getattr(left, "team", "") == getattr(principal, "team", "")
    assert getattr(left, "note", "") == getattr(principal, "note", "")
    with pytest.raises(AttributeError, match="immutable"):
        left.id = "mallory"


def test_a_deep_copy_shares_nothing_that_can_be_changed() -> None:
    copied = copy.deepcopy(FULL)
    copied.claims["roles"].append("d")
    assert FULL.claims["roles"] == ["c"]


@pytest.mark.parametrize("principal", KINDS, ids=lambda each: f"{type(each).__name__} {each.id}")
def test_claims_are_json_and_cannot_be_changed(principal: Principal) -> None:
    claims: Any = principal.claims
    assert json.loads(json.dumps(claims)) == claims
    assert _pickled(claims) == copy.copy(claims) == copy.deepcopy(claims) == claims
    for change in (
        lambda: claims.update(id="mallory"),
        lambda: claims.__setitem__("id", "mallory"),
        lambda: claims.setdefault("id", "mallory"),
        lambda: claims.pop("team", None),
        lambda: claims.__ior__({"id": "mallory"}),
        lambda: claims.__delitem__("team"),
        claims.popitem,
        claims.clear,
    ):
        with pytest.raises(TypeError, match="read-only"):
            change()
    assert {**claims} | {"more": 1} == {**claims, "more": 1}


def test_what_a_program_does_with_its_own_dict_later_does_not_change_the_principal() -> None:
    mine = {"team": "a"}
    principal = Principal("alice", claims=mine)
    mine["team"] = "b"
    assert principal.claims == {"team": "a"}


def test_a_read_only_dict_is_one_again_after_pickling() -> None:
    assert type(_pickled(ReadOnlyDict(CLAIMS))) is type(copy.deepcopy(ReadOnlyDict(CLAIMS))) is ReadOnlyDict


@pytest.mark.parametrize("mine", [Employee("bob", "sales"), noted()])
def test_a_subclass_of_a_verifier_is_kept_with_its_attributes(mine: Principal) -> None:
    assert type(mine.authenticated_by("other")) is type(mine)

    def lookup(token: str) -> Principal:
        return mine

    auth = Auth(HTTPBearer(lookup))
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": "Bearer t0ken"})
    for _ in range(2):
        found = auth.authenticate(request)
        assert isinstance(found, Authentication)
        assert type(found.principal) is type(mine)
        assert found.principal.scheme == "HTTPBearer"
        assert getattr(found.principal, "team", "") == getattr(mine, "team", "")
        assert getattr(found.principal, "note", "") == getattr(mine, "note", "")
    with acting_as(mine):
        assert current_principal() is mine
    assert mine.scheme == ""
