"""Faces: public is what the ``__init__`` of a package of `FACES` exports, and nothing else."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import types
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import authmw
from authmw.errors import FACES
from tests.house.test_docs import PAGES, blocks
from tests.support import ROOT, fresh_python

PACKAGES = {name: importlib.import_module(name) for name in FACES}
NAMES = sorted({name for package in PACKAGES.values() for name in package.__all__})
COPIED = {"authmw_fastapi.security", "authmw.testing.contract"}
"""Names of FastAPI's own, and classes of tests: public, and counted apart."""
every_face = pytest.mark.parametrize("face", FACES)


def imports_of(code: str) -> Iterator[tuple[str, str]]:
    """Each name that `code` imports from a package of authmw, with the module it is imported from."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition("_")[0].split(".")[0] == "authmw":
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("authmw"))


def seen_by_type_checkers(face: str) -> dict[str, str]:
    """Each name that a package imports, also for type checkers only, with its module."""
    return {name: module for module, name in imports_of(inspect.getsource(PACKAGES[face])) if name != "face"}


def test_about_65_names_are_in_authmw_and_about_280_in_all_faces() -> None:
    own = {name for face, package in PACKAGES.items() if face not in COPIED for name in package.__all__}
    assert 45 <= len(authmw.__all__) <= 68
    assert 150 <= len(own) < 295


@every_face
def test_the_list_is_sorted_and_is_exactly_what_type_checkers_see(face: str) -> None:
    exported = PACKAGES[face].__all__
    # Constants, classes, functions: the order that ruff keeps.
    assert list(exported) == sorted(set(exported), key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert set(seen_by_type_checkers(face)) == set(exported)


@every_face
def test_each_name_is_what_type_checkers_take_it_for_and_is_documented(face: str) -> None:
    for name, module in seen_by_type_checkers(face).items():
        value = getattr(PACKAGES[face], name)
        assert value is getattr(importlib.import_module(module), name), name
        assert not isinstance(value, type | types.FunctionType) or value.__doc__, name
    assert set(PACKAGES[face].__all__) <= set(dir(PACKAGES[face]))


@every_face
def test_nothing_else_is_public(face: str) -> None:
    here = {
        name
        for name, value in vars(PACKAGES[face]).items()
        # Modules become attributes of their package when anything imports them.
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and name not in {"TYPE_CHECKING", "face"}
    }
    assert here <= {*PACKAGES[face].__all__, "TYPE_CHECKING", "face"}


def callables_of(face: str) -> Iterator[tuple[str, object]]:
    """Each public function and class of a package, and each public method and constructor of its classes."""
    for name in PACKAGES[face].__all__:
        value = getattr(PACKAGES[face], name)
        yield name, value
        if isinstance(value, type):
            methods = (each for each in vars(value) if not each.startswith("_"))
            yield from ((f"{name}.{method}", getattr(value, method)) for method in methods)


def parameters_of(value: object) -> Iterator[inspect.Parameter]:
    try:
        yield from inspect.signature(value).parameters.values()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return  # it is not called, as a constant or a type, or it is a class of Python's own without a signature


@every_face
def test_no_signature_shows_the_address_of_an_object(face: str) -> None:
    shown = {
        f"{name}({parameter.name}={parameter.default!r})"
        for name, value in callables_of(face)
        for parameter in parameters_of(value)
    }
    assert {each for each in shown if " at 0x" in each} == set()


def test_every_other_package_says_what_it_is_and_exports_nothing() -> None:
    sources = [*ROOT.glob("authmw/**/__init__.py"), *ROOT.glob("adapters/**/__init__.py")]
    packages = {".".join(path.parent.relative_to(ROOT).parts).removeprefix("adapters."): path for path in sources}
    assert set(FACES) <= set(packages)
    # `authmw.cli` has the function that the command calls.
    inside = [path.read_text() for name, path in packages.items() if name not in {*FACES, "authmw.cli"}]
    assert [code for code in inside if len(ast.parse(code).body) != 1 or not code.startswith('"""')] == []


@every_face
def test_a_name_asked_of_the_wrong_package_is_answered_with_the_right_one(face: str) -> None:
    for name in NAMES:
        if name in PACKAGES[face].__all__ or find_spec(f"{face}.{name}"):
            continue
        with pytest.raises(ImportError) as answered:
            exec(f"from {face} import {name}", {})
        asked, _, places = str(answered.value).partition(" is in ")
        assert asked == name
        assert all(name in PACKAGES[place].__all__ for place in places.split(", ")), str(answered.value)
        assert name not in authmw.__all__ or places == "authmw"


def test_the_answer_imports_no_framework() -> None:
    asked = "import sys\ntry: from authmw import FlaskAuth\nexcept ImportError as e: print(e, 'flask' in sys.modules)"
    assert fresh_python("-c", asked).stdout == "FlaskAuth is in authmw_flask False\n"


@every_face
def test_any_other_name_is_an_attribute_error(face: str) -> None:
    assert not hasattr(PACKAGES[face], "no_such_name")
    with pytest.raises(AttributeError, match=f"module '{face}' has no attribute 'no_such_name'"):
        _ = PACKAGES[face].no_such_name


def test_the_sources_of_the_packages_are_not_read_to_import_a_module() -> None:
    asked = "from authmw.openapi import securing; from authmw import engine, errors; print(errors._places)"
    assert fresh_python("-c", asked).stdout == "{}\n"


def test_a_module_is_imported_although_its_name_is_public_elsewhere() -> None:
    asked = "from authmw_fastapi import security; print(security.__name__)"  # authmw.openapi exports `security`
    assert fresh_python("-c", asked).stdout == "authmw_fastapi.security\n"


def docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def shown_to_users() -> Iterator[tuple[Path, str]]:
    """The code of the pages, of the examples, and of the examples in docstrings."""
    for page in PAGES:
        yield from ((page, block.code) for block in blocks(page.read_text()))
    for path in ROOT.glob("examples/**/*.py"):
        yield path, path.read_text()
    parser = doctest.DocTestParser()
    for path in [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]:
        for docstring in docstrings(path):
            yield path, "".join(example.source for example in parser.get_examples(docstring))


def test_docs_examples_and_docstrings_import_from_faces_only() -> None:
    shown = list(shown_to_users())
    inside = {
        f"{path.relative_to(ROOT)}: from {module} import {name}"
        for path, code in shown
        for module, name in imports_of(code)
        if module not in PACKAGES or (name and name not in PACKAGES[module].__all__)
    }
    assert sum("import" in code for _, code in shown) > 150
    assert inside == set()
