"""The files of docs/diagrams: of each drawing its SVG, and of those of the README the drawing in characters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path
from typing import Final

from diagrams import PICTURES, Drawing, drawings, pages

from tests.pictures.package import render
from tests.support import ROOT

_ROOT_TAG: Final = re.compile(r'<svg [^>]*viewBox="0 0 (?P<width>[\d.]+) (?P<height>[\d.]+)"[^>]*>')
_STYLE: Final = re.compile(r"<style>.*?</style>", re.DOTALL)
_ID: Final = re.compile(r'(?<= id=")|(?<=url\(#)')
_DATA: Final = re.compile(r' data-[a-z-]+="[^"]*"')
_LONG_NUMBER: Final = re.compile(r"\d+\.\d{2,}")
_PIXELS_PER_EM: Final = 16
_LABEL: Final = re.compile(r"\w[\[({]+\"?([^\[\](){}|\"]+)\"?[\])}]|\|([^|]+)\|")

_STYLE_SHEET: Final = """
.drawing {
  --bg: #fff; --fg: #1f2430; --muted: #4d5566; --line: #5c6475; --accent: #23408e; --surface: #f0f3fa;
  --border: #7d879c;
  --_text: var(--fg); --_text-sec: var(--muted); --_text-muted: var(--muted);
  --_line: var(--line); --_arrow: var(--accent); --_node-fill: var(--surface); --_node-stroke: var(--border);
  --_group-fill: var(--bg); --_group-hdr: var(--surface); --_inner-stroke: var(--bg); --_key-badge: var(--surface);
  background: var(--bg);
}
.drawing text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
@media (prefers-color-scheme: dark) {
  .drawing {
    --bg: #14161d; --fg: #e6e9f0; --muted: #b4bbca; --line: #98a1b3; --accent: #a9bdff; --surface: #232734;
    --border: #737d92;
  }
}
"""


def found() -> list[Drawing]:
    """The drawings of all pages."""
    return [drawing for page in pages() for drawing in drawings(page.read_text())]


def finished(drawing: Drawing, svg: str) -> str:
    """The picture as it is kept.

    It has a name for those who do not see it, ids that no other picture on a page has, the size of the text around it,
    and colours that a page may set: alone it follows the reader's system.
    """
    opening = _ROOT_TAG.search(svg)
    if opening is None:
        raise ValueError("this is no SVG of beautiful-mermaid")
    missing = [label for label in _labels(drawing.text) if label not in unescape(svg)]
    if missing:
        raise ValueError(f"{drawing.title!r} shows no {missing[0]!r}: a label stands where its box is named first")
    body = _STYLE.sub("", svg[opening.end() :], count=1)
    body = _ID.sub(f"{drawing.slug}-", _DATA.sub("", body))
    body = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), body)
    width, height = (f"{float(opening[side]) / _PIXELS_PER_EM:.2f}em" for side in ("width", "height"))
    name = f"{drawing.slug}-name"
    view = " ".join(f"{float(opening[side]):.0f}" for side in ("width", "height"))
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" aria-labelledby="{name}" '
        f'data-source="{drawing.digest}" viewBox="0 0 {view}" width="{width}" height="{height}">'
    )
    title = f'<title id="{name}">{escape(drawing.title, quote=False)}</title>'
    lines = [line for line in body.splitlines() if line.strip()]
    return "\n".join([root, title, f"<style>{_STYLE_SHEET}</style>", *lines]) + "\n"


def _labels(text: str) -> list[str]:
    if not text.startswith("flowchart"):
        return []
    return [(of_box or of_arrow).strip() for of_box, of_arrow in _LABEL.findall(text)]


def made(all_drawings: Sequence[Drawing]) -> dict[Path, str]:
    """What docs/diagrams has to hold: each file and its text."""
    of_readme = {drawing.slug for drawing in drawings((ROOT / "README.md").read_text())}
    files: dict[Path, str] = {}
    rendered = render([drawing.text for drawing in all_drawings])
    for drawing, (svg, characters) in zip(all_drawings, rendered, strict=True):
        files[drawing.picture] = finished(drawing, svg)
        if drawing.slug in of_readme:
            files[drawing.picture.with_suffix(".txt")] = _trimmed(characters)
    return files


def kept() -> dict[Path, str]:
    """What docs/diagrams holds."""
    return {path: path.read_text() for path in PICTURES.iterdir()}


def write() -> list[Path]:
    """Make docs/diagrams hold what it has to.

    Returns:
        The files that were written or removed.
    """
    PICTURES.mkdir(exist_ok=True)
    wanted, there = made(found()), kept()
    for path in there.keys() - wanted.keys():
        path.unlink()
    changed = [path for path, text in wanted.items() if there.get(path) != text]
    for path in changed:
        path.write_text(wanted[path])
    return sorted([*changed, *(there.keys() - wanted.keys())])


def _trimmed(characters: str) -> str:
    return "\n".join(line.rstrip() for line in characters.strip("\n").splitlines()) + "\n"
