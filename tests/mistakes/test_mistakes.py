"""Each mistake of the table is answered with a line to write, and the program with that line runs."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from tests.mistakes.table import MISTAKES, Mistake
from tests.support import fresh_python

every_mistake = pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)


class Said(logging.Handler):
    """What a program said: its log from WARNING on and the decisions about requests, what it printed, its exception."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.warnings: list[str] = []
        self.decisions: list[str] = []
        self.error = ""
        self.printed = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and "made new signing keys" not in record.msg:
            self.warnings.append(self.format(record))  # with its traceback
        elif record.name.startswith("authmw"):
            self.decisions.append(record.getMessage().replace("\\x20", " "))

    @property
    def text(self) -> str:
        return "\n".join([*self.warnings, *self.decisions, self.error, self.printed.getvalue()])


@contextmanager
def listening() -> Generator[Said]:
    said, root = Said(), logging.getLogger()
    level = root.level
    root.addHandler(said)
    root.setLevel(logging.INFO)
    try:
        yield said
    finally:
        root.removeHandler(said)
        root.setLevel(level)


def run(program: str, *, alone: bool = False) -> Said:
    with listening() as said, redirect_stdout(said.printed):
        if alone:
            done = fresh_python("-c", program)
            said.error = done.stderr if done.returncode else ""
        else:
            try:
                exec(compile(program, "shop.py", "exec"), {"__name__": "shop"})
            except Exception as error:
                said.error = f"{type(error).__name__}: {error}"
    return said


def is_an_instance_of(line: str, program: str) -> bool:
    """Whether `program` has `line`, with anything in place of each ``...``."""
    pattern = ".*".join(re.escape(part) for part in re.split(r"\.\.\.", line))
    return re.search(pattern, program, re.DOTALL) is not None


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@every_mistake
def test_a_mistake_is_answered_with_the_line_to_write(mistake: Mistake) -> None:
    said = run(mistake.program, alone=mistake.alone)
    assert mistake.line in said.text
    assert " at 0x" not in said.error


@every_mistake
def test_the_program_with_that_line_runs_and_leads_to_no_other_mistake(mistake: Mistake) -> None:
    assert is_an_instance_of(mistake.line, mistake.mended)
    said = run(mistake.mended, alone=mistake.alone)
    assert (said.error, said.warnings) == ("", [])
    assert re.search(r"^(400|401|403|422|5\d\d) ", said.printed.getvalue(), re.MULTILINE) is None


def test_the_table_has_more_than_twenty_five_mistakes() -> None:
    assert len(MISTAKES) == len({mistake.what for mistake in MISTAKES})
    assert len(MISTAKES) > 25
