"""`authmw.__all__` is the truth about the public names, for people and for type checkers."""

from __future__ import annotations

import ast
import importlib
import inspect
import types

import pytest

import authmw


def seen_by_type_checkers() -> dict[str, str]:
    """Each name that authmw imports for type checkers, with its module."""
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(authmw))) if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: node.module
        for node in imports
        if node.module and node.module.startswith("authmw.")
        for alias in node.names
    }


def test_type_checkers_see_exactly_the_public_names() -> None:
    assert set(seen_by_type_checkers()) == set(authmw.__all__)


@pytest.mark.parametrize("name, module", sorted(seen_by_type_checkers().items()))
def test_a_public_name_is_what_type_checkers_take_it_for(name: str, module: str) -> None:
    assert getattr(authmw, name) is getattr(importlib.import_module(module), name)


def test_nothing_else_is_public() -> None:
    here = {
        name
        for name, value in vars(authmw).items()
        # Modules become attributes of their package when anybody imports them.
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "TYPE_CHECKING"
    }
    assert here <= set(authmw.__all__)


def test_the_list_is_sorted_and_holds_each_name_once() -> None:
    assert list(authmw.__all__) == sorted(set(authmw.__all__))


def test_every_public_name_is_documented() -> None:
    undocumented = [
        name
        for name in authmw.__all__
        if isinstance(value := getattr(authmw, name), type | types.FunctionType) and not value.__doc__
    ]
    assert undocumented == []


def test_dir_shows_the_public_names() -> None:
    assert set(authmw.__all__) <= set(dir(authmw))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = authmw.no_such_name  # type: ignore[attr-defined]  # that is the point
