"""Fixture `program`: the program of a page in ``docs/programs``, installed once and kept in ``.venvs/programs``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.programs.environment import is_cached, prepare
from tests.programs.page import requirements_in, text_of, write_files
from tests.programs.program import Program
from tests.support import require

MakeProgram = Callable[..., Program]
"""Called with the name of a page, as ``datasette``, and with what only the test installs beside it, as its client."""

_SECONDS = 1200
"""A limit for the first test of a page: it installs the program."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of programs the time that an installation takes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("programs"):
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> MakeProgram:
    """Make a program: each call has a new folder, and the calls of one page share an environment.

    Without a network, the test of a page that is not installed yet is skipped.

    Raises:
        ValueError: two calls name other clients for one page, which has one environment.
    """
    clients_of: dict[str, tuple[str, ...]] = {}

    def make(page: str, *clients: str) -> Program:
        if clients_of.setdefault(page, clients) != clients:
            raise ValueError(f"name the same clients in each program({page!r}, ...): they share an environment")
        text = text_of(page)
        requirements = [*requirements_in(text), *clients]
        if not is_cached(page, requirements):
            require("package-index")
        folder = tmp_path_factory.mktemp(page)
        write_files(text, folder)
        return Program(prepare(page, requirements), folder)

    return make
