"""The built docs as files: no dead link, Markdown beside each page, an index for programs that read text."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs_site import built
from tests.support import ROOT, require

pytestmark = pytest.mark.slow

CODE: Final = re.compile(r"^( *)(```+).*?^\1\2$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def site() -> Path:
    require("zensical")
    return built()


class Links(HTMLParser):
    """What a page links to or loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is not None and (name in {"href", "src"}):
                self.targets.append(value)
            if value and name == "id":
                self.ids.append(value)
            if value and (name == "id" or (name == "name" and tag == "a")):
                self.anchors.add(value)


@cache
def links_of(page: Path) -> Links:
    """What a page links to."""
    return Links(page.read_text())


def dead_links(site: Path) -> list[str]:
    """Each link within the site that leads to no file, or to no anchor of its page."""
    pages = {path: links_of(path) for path in site.rglob("*.html") if path.name != "404.html"}
    dead: list[str] = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if not parts.scheme and not parts.netloc and not _leads_somewhere(path, parts.path, parts.fragment, pages):
                dead.append(f"{path.relative_to(site)}: {target}")
    return dead


def _leads_somewhere(path: Path, address: str, anchor: str, pages: dict[Path, Links]) -> bool:
    goal = (path.parent / unquote(address)).resolve() if address else path
    if goal.is_dir():
        goal /= "index.html"
    return goal.is_file() and (not anchor or goal not in pages or unquote(anchor) in pages[goal].anchors)


def test_no_link_is_dead(site: Path) -> None:
    assert dead_links(site) == []


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text('<a href="a/#there">1</a><a href="a/#gone">2</a><img src="gone.png">')
    (tmp_path / "a" / "index.html").write_text('<h2 id="there">x</h2><a href="../">3</a>')
    assert dead_links(tmp_path) == ["index.html: a/#gone", "index.html: gone.png"]


def test_no_page_has_an_id_twice(site: Path) -> None:
    for path in site.rglob("*.html"):
        ids = [each for each in links_of(path).ids if not each.startswith("__")]
        assert len(ids) == len(set(ids)), path


def test_each_drawing_is_inline_and_nothing_draws_in_the_browser(site: Path) -> None:
    from diagrams import drawings, pages

    for source in pages():
        if source.is_relative_to(ROOT / "docs"):
            below = source.relative_to(ROOT / "docs").with_suffix("")
            built_page = site / (below.parent if below.name == "index" else below) / "index.html"
            text = built_page.read_text()
            assert all(f'data-source="{each.digest}"' in text for each in drawings(source.read_text())), source
            assert 'class="mermaid"' not in text


def test_beside_each_page_is_its_markdown(site: Path) -> None:
    for path in site.rglob("index.html"):
        text = path.with_name("index.md").read_text()
        assert text.startswith("# "), path
        assert '<a href="index.md"' in path.read_text()
        assert re.findall(r"^::: |<!-- ", CODE.sub("", text), re.MULTILINE) == [], path


def test_links_of_the_markdown_lead_to_files(site: Path) -> None:
    dead: list[str] = []
    for path in site.rglob("*.md"):
        targets: list[str] = LINK.findall(CODE.sub("", path.read_text()))
        for target in targets:
            address = urlsplit(target)
            # A docstring may show code that looks like a link.
            if not address.scheme and address.path.endswith(".md") and not (path.parent / address.path).is_file():
                dead.append(f"{path.relative_to(site)}: {target}")
    assert dead == []


def test_the_index_for_programs_has_each_page_once_in_the_order_of_the_tabs(site: Path) -> None:
    text = (site / "llms.txt").read_text()
    assert re.match(r"# authmw\n\n> \S.+\n\n## Start\n\n- \[", text)
    listed: list[str] = re.findall(r"^- \[[^\]]+\]\(([^)]+)\)", text, re.MULTILINE)
    assert sorted(listed) == sorted(str(path.relative_to(site)) for path in site.rglob("*.md"))
    assert len(listed) == len(set(listed))
    tabs: list[str] = re.findall(r'class="md-tabs__link">\s*(.+?)\s*</a>', (site / "index.html").read_text())
    assert [*tabs, "Optional"] == re.findall(r"^## (.+)$", text, re.MULTILINE)


def test_all_pages_are_in_one_file_too(site: Path) -> None:
    everything = (site / "llms-full.txt").read_text()
    for path in site.rglob("*.md"):
        assert path.read_text() in everything


def test_the_reference_is_text_too(site: Path) -> None:
    text = (site / "reference" / "authmw" / "index.md").read_text()
    assert "### KeyRing\n\n```python\nclass KeyRing(" in text
    assert "#### KeyRing.rotate\n\n```python\ndef rotate(" in text


def test_only_what_is_served_is_in_the_site(site: Path) -> None:
    assert {path.suffix for path in site.iterdir() if path.is_file()} <= {
        ".html",
        ".md",
        ".txt",
        ".json",
        ".xml",
        ".inv",
    }
    assert list(site.rglob(".*")) == []
