"""Each drawing of a page has its picture, made of the text that the page has now; and there is no other picture."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from diagrams import PICTURES, Drawing, digest_of, drawings, figure, pages

from tests.support import ROOT, require

DRAWINGS = [drawing for page in pages() for drawing in drawings(page.read_text())]
FILES = sorted(PICTURES.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def test_each_drawing_has_the_picture_of_its_text() -> None:
    stale = [drawing.title for drawing in DRAWINGS if digest_of(_text(drawing.picture)) != drawing.digest]
    assert stale == []  # `make pictures`


def test_each_picture_is_of_a_drawing() -> None:
    slugs = {drawing.slug for drawing in DRAWINGS}
    of_readme = {drawing.slug for drawing in drawings((ROOT / "README.md").read_text())}
    assert {path.stem for path in FILES} == slugs
    assert {path.stem for path in PICTURES.glob("*.txt")} == of_readme
    assert {path.suffix for path in PICTURES.iterdir()} <= {".svg", ".txt"}


def test_no_two_drawings_have_one_title() -> None:
    assert [slug for slug, count in Counter(drawing.slug for drawing in DRAWINGS).items() if count > 1] == []


def test_every_fence_of_mermaid_is_a_drawing() -> None:
    for page in pages():
        text = page.read_text()
        assert len(list(drawings(text))) == len(re.findall(r"^ *```+ *mermaid", text, re.MULTILINE)), page


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_has_a_name_and_nothing_that_a_page_may_not_have(path: Path) -> None:
    text = _text(path)
    root = ElementTree.fromstring(text)
    ids = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
    assert root.attrib["role"] == "img"
    assert ids[root.attrib["aria-labelledby"]].tag == f"{SVG}title"
    assert ids[root.attrib["aria-labelledby"]].text in {drawing.title for drawing in DRAWINGS}
    assert all(each.startswith(f"{path.stem}-") for each in ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= ids.keys()
    assert {element.tag for element in root.iter()} & {f"{SVG}{tag}" for tag in ("script", "image", "a")} == set()
    assert re.findall(r" on\w+=|@import|https?://(?!www\.w3\.org/2000/svg)", text) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_has_colours_that_a_page_may_set(path: Path) -> None:
    root = ElementTree.fromstring(_text(path))
    colours = {element.attrib[kind] for element in root.iter() for kind in ("fill", "stroke") if kind in element.attrib}
    assert {colour for colour in colours if not colour.startswith("var(--")} <= {"none"}
    assert all(element.attrib.get("style") is None for element in root.iter())


def test_a_drawing_begins_with_its_title() -> None:
    (drawing,) = drawings("1. x\n\n    ```mermaid\n    ---\n    title: A way in\n    ---\n    flowchart LR\n    ```\n")
    assert (drawing.title, drawing.text, drawing.slug) == ("A way in", "flowchart LR\n", "a-way-in")
    with pytest.raises(ValueError, match="begins with"):
        list(drawings("```mermaid\nflowchart LR\n```\n"))


def test_the_text_and_the_title_are_in_the_digest() -> None:
    drawing = Drawing("A way in", "flowchart LR\n")
    others = (Drawing("A way out", drawing.text), Drawing(drawing.title, "flowchart TB\n"))
    assert drawing.digest not in {other.digest for other in others}


@pytest.mark.slow  # it needs what builds the docs
def test_the_docs_are_not_built_with_a_picture_of_another_text() -> None:
    require("zensical")
    drawing = DRAWINGS[0]
    source = f"---\ntitle: {drawing.title}\n---\n{drawing.text}"
    assert f'data-source="{drawing.digest}"' in figure(source)
    with pytest.raises(Exception, match="make pictures"):
        figure(f"{source}  a --> b\n")
    with pytest.raises(Exception, match="begins with"):
        figure(drawing.text)


def test_each_picture_of_the_docs_is_shown_and_each_that_is_shown_is_there() -> None:
    shown = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages()
        for target in re.findall(r"!\[[^\]]*\]\(([^):]+)\)", page.read_text())
    }
    there = set((ROOT / "docs" / "pictures").iterdir())
    assert {path for path in shown if not path.is_file()} == set()
    assert there <= shown
    assert {path.name for path in there if path.stat().st_size > 60_000} == set()


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
