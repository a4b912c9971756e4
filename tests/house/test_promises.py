"""A sentence of the docs that says *never*, *always* or *any* has a test that would show it false, or promises nothing.

The file promises.toml has these sentences. An entry has the page, the sentence or a part of it that no other sentence
has, and the tests; or, in `no_promise`, why it says nothing about what authmw does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support import ROOT

ENTRIES: Final = ROOT / "tests" / "house" / "promises.toml"
_CODE: Final = re.compile(r"^[ ]*(`{3,}|~{3,}).*?^[ ]*\1", re.MULTILINE | re.DOTALL)
_ABSOLUTE: Final = re.compile(r"\b(never|always|any)\b", re.IGNORECASE)
_BREAKS: Final = re.compile(r"(?<=[.!?:])\s+(?=[A-Z*`\[(])|\n\s*\n|\n(?=\s*[-*|#>]|\s*\d+\.\s)")


class Entry(NamedTuple):
    """A sentence, and what holds it."""

    page: str
    sentence: str
    tests: tuple[str, ...]
    no_promise: str


def sentences(text: str) -> Iterator[str]:
    """The sentences of a page outside of its programs that say never, always or any, each on one line."""
    for sentence in _BREAKS.split(_CODE.sub("\n\n", text)):
        if _ABSOLUTE.search(sentence):
            yield " ".join(sentence.split())


def entries() -> list[Entry]:
    found: list[Entry] = []
    for each in tomllib.loads(ENTRIES.read_text())["promise"]:
        tests, no_promise = tuple(each.get("tests", ())), each.get("no_promise", "")
        found.append(Entry(each["page"], " ".join(each["sentence"].split()), tests, no_promise))
    return found


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


ALL: Final = {page.relative_to(ROOT).as_posix(): list(sentences(page.read_text())) for page in pages()}


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
    assert bool(entry.tests) != bool(entry.no_promise), "tests, or a reason why it is no promise"
    for test in entry.tests:
        path, _, name = test.partition("::")
        source = (ROOT / path).read_text()
        assert not name or re.search(rf"^\s*(async )?def {re.escape(name)}\(", source, re.MULTILINE), test
