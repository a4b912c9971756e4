"""`authmw.__all__` is the truth about the public names."""

from __future__ import annotations

import types

import authmw


def test_every_listed_name_is_there() -> None:
    assert [name for name in authmw.__all__ if not hasattr(authmw, name)] == []


def test_every_public_name_that_is_there_is_listed() -> None:
    here = {
        name
        for name, value in vars(authmw).items()
        # Modules become attributes of their package when anybody imports them.
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "annotations"
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
