"""Every name of `fastapi.security`, with its arguments: the import line is the only change."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import FunctionType
from typing import Any

import authmw_fastapi.security
import fastapi.security
import pytest

KEPT = {"SecurityBase", "SecurityScopes"}
"""FastAPI finds schemes by the one, and makes the other itself."""


takes_the_newest = pytest.mark.skipif(
    "refreshUrl" not in inspect.signature(fastapi.security.OAuth2PasswordBearer).parameters,
    reason="this FastAPI takes fewer arguments than the newest: tests/fastapi_suite holds what it does with them",
)


def modules() -> list[str]:
    return ["", *(f".{module.name}" for module in pkgutil.iter_modules(fastapi.security.__path__))]


def names() -> Iterator[tuple[str, str]]:
    """Each class and function that FastAPI defines, by every module of the package that has it."""
    for suffix in modules():
        for name, value in vars(import_module(f"fastapi.security{suffix}")).items():
            own = value.__module__ == f"fastapi.security{suffix}" if suffix and hasattr(value, "__module__") else True
            is_theirs = str(getattr(value, "__module__", "")).startswith("fastapi.security")
            if isinstance(value, type | FunctionType) and is_theirs and own:
                yield suffix, name


def both(suffix: str, name: str) -> tuple[Any, Any]:
    packages = ("fastapi.security", "authmw_fastapi.security")
    theirs, ours = (getattr(import_module(f"{package}{suffix}"), name) for package in packages)
    return theirs, ours


def shape(function: Any) -> list[tuple[str, str, Any]]:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.kind.name, _plain(each.default)) for each in parameters]


def _plain(default: Any) -> Any:
    """A default that can be compared: FastAPI's own is a model, or what its forms put in place of one."""
    return default if isinstance(default, str | bool | None) else type(default).__name__


NAMES = sorted(names())


def test_the_fifteen_names_are_there() -> None:
    assert len([name for suffix, name in NAMES if suffix == ""]) == 15


@takes_the_newest
@pytest.mark.parametrize("suffix, name", NAMES)
def test_a_name_is_ours_and_takes_the_same_arguments(suffix: str, name: str) -> None:
    theirs, ours = both(suffix, name)
    assert (ours is theirs) == (name in KEPT)
    if name not in KEPT:
        assert (ours.__name__, ours.__module__.split(".")[0]) == (name, "authmw_fastapi")
        assert shape(ours) == shape(theirs)


@takes_the_newest
@pytest.mark.parametrize("suffix, name", [each for each in NAMES if each[1] not in KEPT])
def test_the_methods_of_a_class_take_the_same_arguments(suffix: str, name: str) -> None:
    theirs, ours = both(suffix, name)
    methods = {key for key, value in inspect.getmembers(theirs, inspect.isfunction) if _is_public(key, value)}
    for method in methods:
        assert shape(getattr(ours, method)) == shape(getattr(theirs, method)), method


def _is_public(name: str, method: Any) -> bool:
    from_security = str(method.__module__).startswith("fastapi.security")
    return from_security and (not name.startswith("_") or name in {"__init__", "__call__"})


@pytest.mark.parametrize("suffix, name", [each for each in NAMES if each[1] not in KEPT])
def test_a_class_is_derived_from_what_fastapi_derives_it_from(suffix: str, name: str) -> None:
    theirs, ours = both(suffix, name)
    if isinstance(theirs, type):
        bases = {base.__name__ for base in theirs.__mro__}
        assert bases <= {base.__name__ for base in ours.__mro__}


@pytest.mark.parametrize("name", sorted(set(authmw_fastapi.security.__all__)))
def test_every_exported_name_is_there(name: str) -> None:
    assert hasattr(authmw_fastapi.security, name)
