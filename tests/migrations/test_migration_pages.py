"""Each page ``docs/migrations/from-*.md`` has its test, two programs, and no block of Python that nothing runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.house.test_docs import blocks
from tests.migrations.conftest import PAGES, sections_of
from tests.programs.page import files_in, requirements_in


@dataclass(frozen=True, slots=True)
class Library:
    """The library that a page leaves.

    Args:
        packages: each is installed for the program before, and none for the program after.
        imports: each stands in the program before, and none in the program after.
    """

    packages: tuple[str, ...]
    imports: tuple[str, ...]


OTHERS: Final[Mapping[str, Library]] = {
    "django-sessions": Library(("django",), ()),  # its program stays
    "drf-simplejwt": Library(("djangorestframework-simplejwt",), ("rest_framework_simplejwt",)),
    "fastapi-users-bearer": Library(("fastapi-users",), ("fastapi_users",)),
    "starlette-authentication": Library(
        ("starlette", "bcrypt"), ("AuthenticationBackend", "starlette.middleware.authentication", "import bcrypt")
    ),
    "the-flask-tutorial": Library((), ("check_password_hash",)),  # before, it needs nothing but its framework
    "the-fastapi-tutorial": Library(("pyjwt", "pwdlib"), ("import jwt", "pwdlib", "fastapi.security")),
}
"""The libraries of pages that are not named after a package."""
ALL = sorted(PAGES.glob("from-*.md"))


def library_of(page: Path) -> Library:
    """The library that a page leaves: flask-login, of ``from-flask-login.md``."""
    name = page.stem.removeprefix("from-")
    return OTHERS.get(name, Library((name,), (name.replace("-", "_"),)))


def python_in(files: Mapping[str, str]) -> str:
    """The text of all modules among `files`."""
    return "".join(code for name, code in files.items() if name.endswith(".py"))


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
    assert "authmw" not in python_in(old)
    assert "authmw" in python_in(new)


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_the_library_of_a_page_is_in_the_program_before_alone(page: Path) -> None:
    sections, library = sections_of(page.read_text()), library_of(page)
    for package in library.packages:
        installed = {
            title
            for title, section in sections.items()
            if any(each.startswith(package) for each in requirements_in(section))
        }
        assert installed == {"Before"}, package
    for text in library.imports:
        old, new = (python_in(files_in(sections[title])) for title in ("Before", "After"))
        assert (text in old, text in new) == (True, False), text


def test_only_pages_that_exist_have_another_library() -> None:
    assert {f"from-{name}" for name in OTHERS} <= {page.stem for page in ALL}


def test_a_page_is_cut_at_its_headings() -> None:
    text = "# From X\n\nIntroduction.\n\n## Before\n\nold\n\n### More\n\n## After\n\nnew\n"
    assert sections_of(text) == {"Before": "\nold\n\n### More\n\n", "After": "\nnew\n"}
