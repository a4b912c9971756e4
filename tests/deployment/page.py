"""Configuration files of the pages in ``docs/deployment``, and the few lines of them that a test has to change."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.programs.page import files_in
from tests.support import ROOT

PAGES: Final = ROOT / "docs" / "deployment"


def text_of(page: str) -> str:
    """The text of the page ``docs/deployment/<page>.md``."""
    return (PAGES / f"{page}.md").read_text()


def file_of(page: str, title: str) -> str:
    """The code block of the page that has this title."""
    return files_in(text_of(page))[title]


def fitted(text: str, changes: Mapping[str, str]) -> str:
    """`text` with each key of `changes` replaced: addresses and paths that this machine does not have.

    Raises:
        ValueError: the text does not have a key, so that the page and the test have become different.
    """
    for old, new in changes.items():
        if old not in text:
            raise ValueError(f"the page does not have {old!r}")
        text = text.replace(old, new)
    return text


def settings_of(page: str, title: str) -> dict[str, str]:
    """The lines ``NAME=value`` of a block."""
    lines = [line for line in file_of(page, title).splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def command_of(page: str, program: str) -> list[str]:
    """The words of the one line of the page that starts `program` in a shell.

    Raises:
        ValueError: the page starts it by several different lines, or by none.
    """
    lines = set(re.findall(rf"^\$ ({re.escape(program)} .+)$", text_of(page), re.MULTILINE))
    if len(lines) != 1:
        raise ValueError(f"{page} has {len(lines)} lines that start {program}")
    return shlex.split(lines.pop())


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file of a test."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
