"""Page of ``docs/programs``: what it installs, and the files of its program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support import ROOT

PAGES: Final = ROOT / "docs" / "programs"
_INSTALL: Final = re.compile(r"^ *\$ pip install (.+)$", re.MULTILINE)
_FILE: Final = re.compile(
    r'^(?P<indent> *)```\w* title="(?P<name>[\w./-]+)"\n(?P<text>.*?)^(?P=indent)```$', re.MULTILINE | re.DOTALL
)


def requirements_in(text: str) -> list[str]:
    """The arguments of each ``$ pip install ...`` of the page, in their order.

    >>> requirements_in('$ pip install "authmw[flask]" uvicorn')
    ['authmw[flask]', 'uvicorn']
    """
    return [each for line in _INSTALL.findall(text) for each in shlex.split(line)]


def files_in(text: str) -> Mapping[str, str]:
    """The text of each code block that has a title, by its title: the name of the file.

    Raises:
        ValueError: two blocks have the same title, so that a reader would overwrite one by the other.
    """
    files: dict[str, str] = {}
    for block in _FILE.finditer(text):
        if block["name"] in files:
            raise ValueError(f"two blocks have the title {block['name']}")
        indent = len(block["indent"])
        files[block["name"]] = "".join(
            line[indent:] if line.strip() else "\n" for line in block["text"].splitlines(keepends=True)
        )
    return files


def text_of(page: str) -> str:
    """The text of the page ``docs/programs/<page>.md``."""
    return (PAGES / f"{page}.md").read_text()


def write_files(text: str, folder: Path) -> None:
    """Write the files of the page into `folder`, as its reader does."""
    for name, content in files_in(text).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
