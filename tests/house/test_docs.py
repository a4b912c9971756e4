"""The docs tell the truth: every Python block runs, every refusal has its page, the built pages stay on their host.

The blocks of a page share one namespace, in order. A block that must not run has ``<!-- not run: why -->`` on the line
above its fence. In ``docs/programs`` a block with a title is a file of a program, and ``tests/programs`` runs it. Lines
typed into a shell (``console`` blocks) are the demo's, and tested with it.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine

from authmw.errors import FACES
from authmw.http.reasons import Reason
from tests.docs_site import BUILT, built
from tests.support import ROOT, require

PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.relative_to(ROOT / "docs").parts[0] not in BUILT),
]
_FENCE = re.compile(
    r"^(?:(?P<indent> *)<!-- not run: (?P<why>[^>]+) -->\n)?"
    r"^(?P<open> *)```(?:python|py)\b(?P<title> title=)?[^\n]*\n(?P<code>.*?)^(?P=open)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A Python block of a page."""

    code: str
    line: int
    skipped: str
    is_file: bool = False
    """It has a title."""


def blocks(text: str) -> Iterator[Block]:
    for found in _FENCE.finditer(text):
        indent = len(found["open"])
        code = "".join(line[indent:] if line.strip() else "\n" for line in found["code"].splitlines(keepends=True))
        line = text.count("\n", 0, found.start("code"))
        yield Block(code, line, (found["why"] or "").strip(), is_file=found["title"] is not None)


def run_page(page: Path) -> None:
    module = ModuleType("__docs__")
    sys.modules["__docs__"] = module  # Litestar looks up the types of a function in its module
    namespace = vars(module)
    is_of_program = page.is_relative_to(ROOT / "docs" / "programs")
    for block in blocks(page.read_text()):
        if not block.skipped and not (block.is_file and is_of_program):
            # The empty lines above make a traceback name the line of the page.
            exec(compile("\n" * block.line + block.code, str(page), "exec", dont_inherit=True), namespace)
    for made in namespace.values():
        if isinstance(made, Engine):
            made.dispose()  # Python 3.13 warns of connections that are left open


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page)


def test_a_block_that_fails_is_noticed_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as failed:
        run_page(page)
    assert failed.traceback[-1].lineno == 7


def test_only_marked_blocks_are_left_out() -> None:
    marked = "<!-- not run: it serves for ever -->\n```python\n1\n```\n"
    page = marked + "\n- item\n\n    ```python\n    2\n    ```\n```console\n3\n```\n"
    assert [(block.code, block.skipped) for block in blocks(page)] == [("1\n", "it serves for ever"), ("2\n", "")]


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_every_refusal_has_its_page(reason: Reason) -> None:
    page = ROOT / "docs" / "reasons" / f"{reason.code.removeprefix('authmw.')}.md"
    assert page.read_text().startswith(f"# `{reason.code}`\n")


def test_every_page_of_a_refusal_is_about_one_that_exists() -> None:
    slugs = {code.removeprefix("authmw.") for reason in Reason for code in (reason.code, reason.public_code)}
    assert {path.stem for path in (ROOT / "docs" / "reasons").glob("*.md")} - {"index"} == slugs


def test_the_page_of_a_code_says_what_its_table_says() -> None:
    for reason in Reason:
        page = (ROOT / "docs" / "reasons" / f"{reason.code.removeprefix('authmw.')}.md").read_text()
        error = f"`{reason.error}`" if reason.error else "none"
        assert f"| {reason.status} | {error} | `{reason.public_code}` | {reason.description} |" in page


def test_the_page_of_a_public_code_names_every_code_that_it_stands_for() -> None:
    for code in {reason.public_code for reason in Reason} - {reason.code for reason in Reason}:
        page = (ROOT / "docs" / "reasons" / f"{code.removeprefix('authmw.')}.md").read_text()
        listed = re.findall(r"^\d+\. \[`(authmw\.[a-z-]+)`\]", page, re.MULTILINE)
        assert sorted(listed) == sorted(reason.code for reason in Reason if reason.public_code == code)


@pytest.fixture(scope="module")
def site() -> Path:
    """The docs as `make docs` builds them."""
    require("zensical")
    return built()


@pytest.mark.slow
def test_the_docs_build_strictly(site: Path) -> None:
    assert (site / "index.html").is_file()


@pytest.mark.slow
def test_the_reference_is_what_faces_export(site: Path) -> None:
    entries = re.compile(
        r'<details class="entry">\s*<summary[^>]*><code>(\w+)</code> <span>(\S[^\n]*?)</span></summary>'
        r'.*?<h2 id="([\w.]+)" class="doc doc-heading"',
        re.DOTALL,
    )
    for face in FACES:
        page = (site / "reference" / face / "index.html").read_text()
        others = re.findall(r'<a [^>]*href="../authmw/#authmw.(\w+)"><code>\w+</code></a>', page)
        frameworks = re.findall(r"<code>(\w+)</code> is the framework's own", page)
        shown = entries.findall(page)
        assert [f"{face}.{name}" for name, _, _ in shown] == [anchor for _, _, anchor in shown]
        assert {*(name for name, _, _ in shown), *others, *frameworks} == set(importlib.import_module(face).__all__)
    assert {path.parent.name for path in (site / "reference").glob("*/index.html")} == set(FACES)


@pytest.mark.slow
def test_the_examples_of_docstrings_are_shown_as_code(site: Path) -> None:
    page = (site / "reference" / "authmw" / "index.html").read_text()
    assert 'class="language-pycon highlight"' in page


@pytest.mark.slow
def test_the_built_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
    )
    assert [str(page) for page in site.rglob("*.html") if loads.search(page.read_text())] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*;", styles) == []
