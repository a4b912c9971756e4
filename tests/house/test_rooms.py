"""The diagram of the rooms in CONTRIBUTING.md: what the contracts and the packages say."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.support import ROOT


def sentence(module: str) -> str:
    """The first line of a package or module, as text without marks."""
    path = ROOT.joinpath(*module.split(".")) if module.startswith("authmw.") else ROOT / "adapters" / module
    source = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    docstring = ast.get_docstring(ast.parse(source.read_text())) or ""
    return docstring.splitlines()[0].replace("``", "`")


def diagram() -> str:
    """A line for each room: what a line imports stands below it. Rooms of one level are joined by a bracket."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = {contract["id"]: contract.get("layers", []) for contract in contracts}
    levels = [level for level in layers["adapters"] if level != "authmw"] + layers["rooms"]
    lines: list[str] = []
    for level in levels:
        rooms = re.split(r" [:|] ", level)
        for number, room in enumerate(rooms):
            mark = " " if len(rooms) == 1 else "┌" if number == 0 else "└" if number == len(rooms) - 1 else "│"
            lines.append(f"{mark} {room:17} {sentence(room if room.startswith('authmw_') else f'authmw.{room}')}")
    return "\n".join(lines)


def test_the_diagram_of_the_rooms_is_what_the_contracts_say() -> None:
    assert f"```text\n{diagram()}\n```\n" in (ROOT / "CONTRIBUTING.md").read_text()


def test_a_room_is_told_in_one_sentence() -> None:
    rooms = [path.parent for path in (ROOT / "authmw").glob("*/__init__.py")]
    docstrings = {room.name: ast.get_docstring(ast.parse((room / "__init__.py").read_text())) for room in rooms}
    assert {name: text for name, text in docstrings.items() if not text or "\n" in text or ". " in text} == {}
