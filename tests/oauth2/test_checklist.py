"""Every point that the endpoints must hold has a test that bears its name: ``test_t9_…`` for T9."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.support import ROOT

POINTS: Final = (
    *(f"g{number}" for number in range(1, 12)),
    *(f"c{number}" for number in range(1, 7)),
    *("t1", "t2", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t16"),
)
"""What concerns every endpoint (G), clients (C) and the grants that there are (T)."""


def _named() -> frozenset[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/oauth2").rglob("test_*.py"))
    names = re.findall(r"def test_((?:[a-z][0-9]+_)+)", text)
    return frozenset(point for name in names for point in name.strip("_").split("_"))


@pytest.mark.parametrize("point", POINTS)
def test_every_point_of_the_checklist_has_a_test_of_its_name(point: str) -> None:
    assert point in _named()
