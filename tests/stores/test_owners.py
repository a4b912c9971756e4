"""The table of docs/operating/throttling.md is what the simulation finds, and says what was promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authmw.stores import MemoryThrottle
from tests.benchmarks.owners import HEADER, VISITS, simulated

PAGE = Path(__file__).parents[2] / "docs" / "operating" / "throttling.md"


def printed() -> dict[int, str]:
    """The rows of the table in the docs, by the number of networks."""
    _, _, table = PAGE.read_text().partition(HEADER + "\n")
    rows = re.findall(r"^\| ([\d,]+) \|.*$", table.partition("\n\n")[0], re.MULTILINE)
    lines = table.splitlines()
    return {int(networks.replace(",", "")): line for networks, line in zip(rows, lines, strict=False)}


def test_the_page_has_each_row() -> None:
    assert list(printed()) == list(VISITS)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("networks", [1, 10])
def test_the_page_shows_what_is_simulated_and_that_is_what_was_aimed_at(networks: int) -> None:
    row = simulated(networks)
    assert str(row) == printed()[networks]
    assert row.per_hour < 100
    assert sum(row.waits) / len(row.waits) < 60.0
    assert row.longest <= 60.0 * networks + 1.0


@pytest.mark.slow
@pytest.mark.no_cover
def test_what_is_computed_is_what_the_throttle_answers() -> None:
    assert simulated(40) == simulated(40, MemoryThrottle)
