"""A sentence of the docs with *never*, *always*, *any* or a number has a test that shows it false, or promises nothing.

The numbers are those of seconds, octets, attempts and the like; what test_numbers_in_docs.py holds is not listed again,
and pages of programs and of measurements are left out. The file promises.toml has the sentences. An entry has the page,
the sentence or a part of it that no other sentence has, and the tests; in `no_promise`, why it says nothing about what
authmw does; or, in `untested`, the number in the code that no test holds so far.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.house.test_numbers_in_docs import NUMBERS
from tests.support import ROOT

ENTRIES: Final = ROOT / "tests" / "house" / "promises.toml"
_CODE: Final = re.compile(r"^[ ]*(`{3,}|~{3,}).*?^[ ]*\1", re.MULTILINE | re.DOTALL)
_ABSOLUTE: Final = re.compile(r"\b(never|always|any)\b", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|thirty|sixty|a hundred|a thousand)[\s-]+"
    r"(?:seconds?|minutes?|hours?|days?|milliseconds?|ms|s\b|KiB|MiB|KB|kB|bytes|octets|characters|attempts|guesses|times|"
    r"bits|requests|tokens|entries|keys|networks|addresses|percent|%|µs)"
)
_OTHER_NUMBERS: Final = ("docs/performance", "docs/migrations/", "docs/tutorial/", "docs/programs/")
_BREAKS: Final = re.compile(r"(?<=[.!?:])\s+(?=[A-Z*`\[(])|\n\s*\n|\n(?=\s*[-*|#>]|\s*\d+\.\s)")


class Entry(NamedTuple):
    """A sentence, and what holds it."""

    page: str
    sentence: str
    tests: tuple[str, ...]
    no_promise: str
    untested: str


def sentences(page: str, text: str) -> Iterator[str]:
    """The sentences of a page outside of its programs that have to be listed, each on one line."""
    known = [" ".join(each[1].split()) for each in NUMBERS if each[0] == page]
    for sentence in (" ".join(each.split()) for each in _BREAKS.split(_CODE.sub("\n\n", text))):
        has_number = _NUMBER.search(sentence) and not page.startswith(_OTHER_NUMBERS)
        is_held = any(each in sentence or sentence in each for each in known)
        if _ABSOLUTE.search(sentence) or (has_number and not is_held):
            yield sentence


def entries() -> list[Entry]:
    found: list[Entry] = []
    for each in tomllib.loads(ENTRIES.read_text())["promise"]:
        sentence = " ".join(each["sentence"].split())
        tests, *others = tuple(each.get("tests", ())), each.get("no_promise", ""), each.get("untested", "")
        found.append(Entry(each["page"], sentence, tests, *others))
    return found


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _all() -> dict[str, list[str]]:
    names = {page.relative_to(ROOT).as_posix(): page for page in pages()}
    return {name: list(sentences(name, page.read_text())) for name, page in names.items()}


ALL: Final = _all()


def test_each_such_sentence_is_listed() -> None:
    listed = entries()
    missing = [
        (page, sentence)
        for page, found in ALL.items()
        for sentence in found
        if not any(each.page == page and each.sentence in sentence for each in listed)
    ]
    assert missing == []


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: f"{entry.page}: {entry.sentence[:40]}")
def test_what_is_listed_is_there(entry: Entry) -> None:
    assert len([each for each in ALL[entry.page] if entry.sentence in each]) == 1, "one sentence of the page"
    assert sum(map(bool, entry[2:])) == 1, "tests, or a reason why there are none"
    for test in entry.tests:
        path, _, name = test.partition("::")
        source = (ROOT / path).read_text()
        assert not name or re.search(rf"^\s*(async )?def {re.escape(name)}\(", source, re.MULTILINE), test
