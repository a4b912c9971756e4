"""Every class of bypass and every item of the checklist that the threat page names has a test that bears its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.support import ROOT

CLASSES: Final = range(1, 38)
LATER: Final[Mapping[int, str]] = {
    15: "fetching the keys of others: issuers elsewhere",
    29: "the state of a login is bound to the browser: clients of OpenID providers",
    30: "redirect_uri matching: an authorization endpoint",
    31: "open redirects: logging in by browser",
    37: "resets of forgotten passwords, and other flows",
}
"""What there is no code for yet, with where it will be."""

ITEMS: Final = {
    "jwt": 7,
    "bas": 5,
    "dig": 8,
    "key": 4,
    "pwd": 7,
    "tok": 3,
    "hdr": 6,
    "path": 4,
    "err": 3,
    "log": 2,
}
"""The areas of the checklist, and how many items each has."""

UNNUMBERED: Final = ("wsgi", "asgi")


def _named() -> set[str]:
    """``class_13``, ``jwt_2`` …: whatever the names of tests begin with, several of them joined."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    areas = "|".join(["class", *ITEMS])
    names = re.findall(rf"def test_((?:(?:{areas})_[0-9]+_)+)", text)
    names += [f"{area}_" for area in UNNUMBERED if re.search(rf"def test_{area}_", text)]
    return {item for name in names for item in re.findall(r"[a-z]+_[0-9]*", name)}


NAMED: Final = {item.rstrip("_") for item in _named()}


@pytest.mark.parametrize("number", [number for number in CLASSES if number not in LATER])
def test_every_class_of_bypass_has_a_test_of_its_name(number: int) -> None:
    assert f"class_{number}" in NAMED


@pytest.mark.parametrize("number", LATER)
def test_a_class_that_is_left_for_later_has_no_test_yet(number: int) -> None:
    assert f"class_{number}" not in NAMED, "it has one now: take it out of LATER"


@pytest.mark.parametrize(
    "item", [f"{area}_{number}" for area, count in ITEMS.items() for number in range(1, count + 1)]
)
def test_every_item_of_the_checklist_has_a_test_of_its_name(item: str) -> None:
    assert item in NAMED


@pytest.mark.parametrize("area", UNNUMBERED)
def test_every_area_without_numbers_has_tests_of_its_name(area: str) -> None:
    assert area in NAMED
