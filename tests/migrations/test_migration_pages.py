"""Each page ``docs/migrations/from-*.md`` has its test, two programs, and no block of Python that nothing runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.test_docs import blocks
from tests.migrations.conftest import PAGES, sections_of
from tests.programs.page import files_in, requirements_in

ALL = sorted(PAGES.glob("from-*.md"))
WITHOUT_LIBRARY = {"the-flask-tutorial"}
"""Pages whose program before needs nothing but its framework."""


def test_each_page_has_its_test() -> None:
    tests = {path.stem.removeprefix("test_").replace("_", "-") for path in Path(__file__).parent.glob("test_from_*.py")}
    assert {page.stem for page in ALL} == tests


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_the_programs_of_a_page_are_those_that_run(page: Path) -> None:
    text = page.read_text()
    sections = sections_of(text)
    old, new = files_in(sections["Before"]), files_in(sections["After"])
    python = [code for files in (old, new) for name, code in files.items() if name.endswith(".py")]
    assert python == [block.code for block in blocks(text) if block.is_file]
    library = page.stem.removeprefix("from-")
    assert [any(each.startswith(library) for each in requirements_in(sections[name])) for name in sections][:3] == [
        False,
        library not in WITHOUT_LIBRARY,
        False,
    ]
    assert not [name for name, code in old.items() if "authmw" in code]
    assert not [name for name, code in new.items() if library.replace("-", "_") in code]


def test_a_page_is_cut_at_its_headings() -> None:
    text = "# From X\n\nIntroduction.\n\n## Before\n\nold\n\n### More\n\n## After\n\nnew\n"
    assert sections_of(text) == {"Before": "\nold\n\n### More\n\n", "After": "\nnew\n"}
