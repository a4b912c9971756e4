"""Whatever the packages raise or export as a frozen type can be copied and pickled: pools and queues do that."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import pytest
from authmw_flask.refusing import RefusedByFlask

from authmw import (
    AccessRefused,
    Authenticated,
    Challenge,
    ConfigurationError,
    Key,
    Principal,
    Reason,
    Refusal,
    Rejected,
    Requirement,
    any_of,
)
from authmw.errors import FACES
from authmw.http.refusal import Allowed
from authmw.issuers import PROFILES, Profile
from authmw.oauth2 import Runtime
from authmw.openapi import Operation
from authmw.stores import CHEAPEST, Argon2Profile, DigestUser, Stores, User

PACKAGES: Final = tuple(face for face in FACES if "." not in face)
CAUGHT_HERE: Final = ("authmw.cli", "authmw_sqlalchemy.postgres")
"""The modules whose exceptions do not leave them."""
REFUSAL: Final = Refusal(Reason.SCOPE_MISSING, (Challenge("Bearer"),), ("read",), detail="why")
ARGUMENTS: Final[dict[Any, tuple[Any, ...]]] = {
    AccessRefused: (REFUSAL,),
    RefusedByFlask: (REFUSAL,),
    ConfigurationError: ("one mistake", "another mistake"),
}


def _pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


LEAVE: Final[tuple[Callable[[Any], Any], ...]] = (_pickled, copy.copy, copy.deepcopy)


def modules() -> Iterator[Any]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for each in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not each.name.endswith("__main__"):
                yield importlib.import_module(each.name)


def raised() -> Iterator[BaseException]:
    """One exception of each class that is defined in the packages."""
    for module in modules():
        for kind in cast("dict[str, Any]", vars(module)).values():
            is_exception = isinstance(kind, type) and issubclass(kind, BaseException)
            if is_exception and kind.__module__ == module.__name__ and not kind.__module__.startswith(CAUGHT_HERE):
                yield kind(*ARGUMENTS.get(kind, ("why",)))


@pytest.mark.parametrize("leave", LEAVE)
def test_each_exception_is_the_same_in_another_process(leave: Callable[[Any], Any]) -> None:
    found = list(raised())
    assert len(found) > 10
    for error in found:
        left = leave(error)
        assert type(left) is type(error)
        assert (str(left), left.args) == (str(error), error.args)
        for name, value in vars(error).items():
            if name != "response":  # Werkzeug compares it by identity
                assert getattr(left, name) == value, (type(error), name)


# What holds keys, stores or functions stays in its process.
STAY: Final = (Key, Runtime, Stores)
USER: Final = User("alice", "Alice", "$argon2id$hash", frozenset({"read"}), attributes={"team": ["a"]})
SAMPLES: Final[dict[Any, Any]] = {
    Argon2Profile: CHEAPEST,
    Authenticated: Authenticated(Principal("alice"), 1.0),
    Profile: PROFILES["keycloak"],
    Refusal: REFUSAL,
    Rejected: Rejected(Reason.TOKEN_EXPIRED, "why", 5, (("A", "b"),)),
    Requirement: Requirement.all_of("read", any_of("a", "b")),
    User: USER,
    DigestUser: DigestUser(USER, "ha1"),
    Operation: Operation(path="/", method="GET", requirement=Requirement()),
}
BY_TYPE: Final[dict[Any, Any]] = {"int": 1, "float": 1.0, "bytes": b"x", "frozenset[str]": frozenset({"x"})}


def samples() -> Iterator[Any]:
    """One object of each frozen dataclass that the faces export."""
    for face in map(importlib.import_module, FACES):
        for name in face.__all__:
            kind = getattr(face, name)
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind not in STAY:
                yield SAMPLES[kind] if kind in SAMPLES else _made(kind)


def _made(kind: Any) -> Any:
    needed = [each for each in dataclasses.fields(kind) if each.default is each.default_factory is dataclasses.MISSING]
    return kind(**{each.name: BY_TYPE.get(each.type, "x") for each in needed})


@pytest.mark.parametrize("leave", LEAVE)
def test_each_frozen_type_is_the_same_in_another_process(leave: Callable[[Any], Any]) -> None:
    found = list(samples())
    assert len(found) > 30
    for each in found:
        left = leave(each)
        assert type(left) is type(each)
        assert left == each
        assert repr(left) == repr(each)
    assert leave(Allowed.ALLOWED) is Allowed.ALLOWED
    assert leave(Reason.TOKEN_EXPIRED) is Reason.TOKEN_EXPIRED


def test_the_attributes_of_a_user_stay_read_only_in_another_process() -> None:
    received = _pickled(USER)
    with pytest.raises(TypeError):
        received.attributes["team"] = "b"
    assert received.password_hash == USER.password_hash


@pytest.mark.parametrize("user", [USER, User("alice", "Alice", "$argon2id$hash"), _pickled(USER)])
def test_no_document_that_is_made_of_a_user_by_mistake_has_the_password_hash(user: User) -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(user)
