"""Fixture `migration`: the two programs of a page ``docs/migrations/from-*.md``, each in an environment of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.programs.environment import is_cached, prepare
from tests.programs.page import requirements_in, write_files
from tests.programs.program import Program
from tests.support import ROOT, require

PAGES: Final = ROOT / "docs" / "migrations"
_SECONDS: Final = 1200
_SECTION: Final = re.compile(r"^## (?P<title>[^\n]+)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def sections_of(text: str) -> Mapping[str, str]:
    """The text of each section of a page, by its heading."""
    return {found["title"]: found["text"] for found in _SECTION.finditer(text)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of migrations the time that an installation takes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("programs"):
            item.add_marker(pytest.mark.timeout(_SECONDS))


class Migration:
    """The two programs of a page, in one folder with one database: `move` writes the second over the first.

    Args:
        library: the name of the library in the page's name.
        folder: of the programs.
    """

    def __init__(self, library: str, folder: Path) -> None:
        sections = sections_of((PAGES / f"from-{library}.md").read_text())
        self._after = sections["After"]
        self.before = _program(f"from-{library}-before", sections["Before"], folder)
        """With the old library, which is installed beside neither authmw nor anything else of the program after."""
        self.after = _program(f"from-{library}-after", self._after, folder)
        """With authmw, without the old library."""
        write_files(sections["Before"], folder)

    def move(self) -> Program:
        """Write the files of the program after, and return it."""
        write_files(self._after, self.after.folder)
        return self.after


def _program(name: str, section: str, folder: Path) -> Program:
    requirements = requirements_in(section)
    if not is_cached(name, requirements):
        require("package-index")
    return Program(prepare(name, requirements), folder)


@pytest.fixture(scope="session")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Migration]:
    """Make a migration, in a new folder. Without a network it is skipped, if it is not installed yet."""
    return lambda library: Migration(library, tmp_path_factory.mktemp(library))
