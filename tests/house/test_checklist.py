"""The checklist before production names commands that exist, and checks that the doctor makes."""

from __future__ import annotations

import ast
import re

import click
import pytest

from authmw.cli import group
from tests.support import ROOT

PAGE = (ROOT / "docs" / "security" / "checklist.md").read_text()
CHECKS = {
    check
    for named in re.findall(r"((?:`\w+`(?: and )?)+) of `authmw doctor`", PAGE)
    for check in re.findall(r"`(\w+)`", named)
}
COMMANDS = sorted(set(re.findall(r"authmw ([a-z]+(?: [a-z]+)?)(?: -| <|`| shop)", PAGE)))


def checks_of_the_doctor() -> set[str]:
    """The first argument of each `Finding` in the source of the doctor of an application."""
    files = (ROOT / "authmw" / "cli" / "doctor").glob("*.py")
    return {
        check
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
        for first in node.args[:1]
        if isinstance(first, ast.Constant) and isinstance(check := first.value, str)
    }


def test_the_doctor_makes_each_check_that_the_list_names() -> None:
    assert len(CHECKS) > 8
    assert checks_of_the_doctor() >= CHECKS


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_of_the_list_exists(line: str) -> None:
    command: click.Command = group
    for word in line.split():
        assert isinstance(command, click.Group), line
        assert word in command.commands, line
        command = command.commands[word]
