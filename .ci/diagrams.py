"""Drawings: fences of Mermaid in pages, and the pictures that `make pictures` makes of them in docs/diagrams.

A fence begins with its title between two lines `---`. The title is unique and names the picture. `figure` is the
formatter of pymdownx.superfences that puts a picture in the place of its fence: no script draws in the browser.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import dedent
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PICTURES = DOCS / "diagrams"
_BUILT = ("site", ".cache", "reference")
_FENCE = re.compile(r"^(?P<open> *)```mermaid\n(?P<source>.*?)^(?P=open)```$", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r"---\ntitle: (?P<title>\S.*)\n---\n(?P<text>.+)", re.DOTALL)
_DIGEST = re.compile(r'data-source="([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as its text.

    Args:
        title: unique among all drawings.
        text: what Mermaid reads, without the title.
    """

    title: str
    text: str

    @classmethod
    def from_source(cls, source: str) -> Drawing:
        """The drawing of a fence.

        Raises:
            ValueError: the fence has no title.
        """
        found = _SOURCE.fullmatch(source.rstrip() + "\n")
        if found is None:
            raise ValueError(f"a drawing begins with '---', 'title: …' and '---':\n{source}")
        return cls(found["title"].strip(), found["text"].strip() + "\n")

    @property
    def slug(self) -> str:
        """The title as a file name, and as an id."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def digest(self) -> str:
        """What the picture carries, so that one that was made of another text is found."""
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()[:16]

    @property
    def picture(self) -> Path:
        """The file of its picture."""
        return PICTURES / f"{self.slug}.svg"


def pages() -> list[Path]:
    """The pages that may have drawings."""
    written = (path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] not in _BUILT)
    return [ROOT / "README.md", *sorted(written)]


def drawings(text: str) -> Iterator[Drawing]:
    """The drawings of a page."""
    for found in _FENCE.finditer(text):
        yield Drawing.from_source(dedent(found["source"]))


def digest_of(picture: str) -> str | None:
    """The digest that a picture carries."""
    found = _DIGEST.search(picture)
    return found and found[1]


def figure(source: str, *_: Any, **__: Any) -> str:
    """The HTML in the place of a fence: the picture, inline, with its title below.

    Raises:
        SuperFencesException: there is no picture of this text.
    """
    from pymdownx.superfences import SuperFencesException  # only where the docs are built

    try:
        drawing = Drawing.from_source(source)
    except ValueError as error:
        raise SuperFencesException(str(error)) from error
    picture = drawing.picture.read_text() if drawing.picture.exists() else ""
    if digest_of(picture) != drawing.digest:
        raise SuperFencesException(f"docs/diagrams/{drawing.slug}.svg is not made of this text: run `make pictures`")
    width = re.search(r'width="([\d.]+em)"', picture)
    # The style sheet lets it shrink to a part of its width; a box that scrolls is reached by the keyboard.
    box = f'<div tabindex="0" style="--width: {width[1] if width else "100%"}">{picture}</div>'
    caption = f"<figcaption>{escape(drawing.title, quote=False)}</figcaption>"
    # The search would find its words out of their order.
    return f'<figure class="diagram" data-search-exclude>{box}{caption}</figure>'
