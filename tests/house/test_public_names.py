"""`__all__` is the truth about the public names of `authmw` and `authmw.oauth2`, for people and for type checkers."""

from __future__ import annotations

import ast
import importlib
import inspect
import types

import pytest

import authmw
import authmw.oauth2

PACKAGES = [authmw, authmw.oauth2]
every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)


def seen_by_type_checkers(package: types.ModuleType) -> dict[str, str]:
    """Each name that a package imports for type checkers, with its module."""
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(package))) if isinstance(node, ast.ImportFrom)]
    names = {
        alias.asname or alias.name: node.module
        for node in imports
        if node.module and node.module.startswith("authmw.")
        for alias in node.names
    }
    return {name: module for name, module in names.items() if not name.startswith("_")}


@every_package
def test_type_checkers_see_exactly_the_public_names(package: types.ModuleType) -> None:
    assert set(seen_by_type_checkers(package)) == set(package.__all__)


@pytest.mark.parametrize(
    "package, name, module",
    [(package, *names) for package in PACKAGES for names in sorted(seen_by_type_checkers(package).items())],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_public_name_is_what_type_checkers_take_it_for(package: types.ModuleType, name: str, module: str) -> None:
    assert getattr(package, name) is getattr(importlib.import_module(module), name)


@every_package
def test_nothing_else_is_public(package: types.ModuleType) -> None:
    here = {
        name
        for name, value in vars(package).items()
        # Modules become attributes of their package when anybody imports them.
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "TYPE_CHECKING"
    }
    assert here <= set(package.__all__)


@every_package
def test_the_list_is_sorted_and_holds_each_name_once(package: types.ModuleType) -> None:
    assert list(package.__all__) == sorted(set(package.__all__))


@every_package
def test_every_public_name_is_documented(package: types.ModuleType) -> None:
    undocumented = [
        name
        for name in package.__all__
        if isinstance(value := getattr(package, name), type | types.FunctionType) and not value.__doc__
    ]
    assert undocumented == []


@every_package
def test_dir_shows_the_public_names(package: types.ModuleType) -> None:
    assert set(package.__all__) <= set(dir(package))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = authmw.no_such_name  # type: ignore[attr-defined]  # that is the point
