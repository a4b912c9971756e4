"""Writes the reference into docs/reference: a page for each face, with the names that it exports."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from authmw.errors import FACES

PAGES = Path(__file__).parents[1] / "docs" / "reference"
_INDEX = """# Reference

Public is what these packages export, and nothing else.

| Package | What is in it |
|---|---|
"""


def page(face: str) -> str:
    """The page of a package: its docstring, and each of its names; of a name of `authmw` the link."""
    module = import_module(face)
    elsewhere = [] if face == "authmw" else [name for name in module.__all__ if _is_of_authmw(module, name)]
    parts = [f"# {face}", _directive(face, members="false", show_root_heading="false")]
    if elsewhere:
        links = ", ".join(f"[`{name}`][authmw.{name}]" for name in elsewhere)
        parts.append(f"The names of [`authmw`](authmw.md) that views need are here too: {links}.")
    for name in module.__all__:
        if name not in elsewhere:
            parts.append(_directive(f"{face}.{name}") if _is_own(module, name) else f"`{name}` is the framework's own.")
    return "\n\n".join(parts) + "\n"


def _is_of_authmw(module: ModuleType, name: str) -> bool:
    authmw = import_module("authmw")
    return name in authmw.__all__ and getattr(module, name) is getattr(authmw, name)


def _is_own(module: ModuleType, name: str) -> bool:
    value = getattr(module, name)
    return not isinstance(value, type) or value.__module__.startswith("authmw")


def _directive(path: str, **options: str) -> str:
    lines = [f"::: {path}", *(["    options:"] if options else [])]
    return "\n".join([*lines, *(f"      {option}: {value}" for option, value in options.items())])


def write() -> None:
    """Write every page, the index and the order of the pages."""
    PAGES.mkdir(exist_ok=True)
    rows = [f"| [`{face}`]({face}.md) | {(import_module(face).__doc__ or '').splitlines()[0]} |" for face in FACES]
    (PAGES / "index.md").write_text(_INDEX + "\n".join(rows) + "\n")
    (PAGES / ".nav.yml").write_text("nav:\n  - index.md\n" + "".join(f"  - {face}.md\n" for face in FACES))
    for face in FACES:
        (PAGES / f"{face}.md").write_text(page(face))


if __name__ == "__main__":
    write()
