"""The docs for programs that read text: the Markdown of each page beside its HTML, and llms.txt (llmstxt.org).

The pages of the reference are written from what their names are; links lead from Markdown to Markdown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import griffe
import reference
import yaml
from fenced_doctests import fenced

_BUILT = ("site", ".cache")
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+\.md)(?=[)#])")
_COMMENT = re.compile(r"^ *<!-- .*? -->\n", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
_FENCE = re.compile(r"^( *)(```+).*?^\1\2$", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s+[A-Z`\[(]|\s*$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as Markdown.

    Args:
        source: its path in docs.
        text: what is served.
    """

    source: PurePosixPath
    text: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return str(served(self.source))

    @property
    def title(self) -> str:
        """Its heading."""
        return self.text.partition("\n")[0].removeprefix("# ").replace("`", "")

    @property
    def summary(self) -> str:
        """The first sentence below its heading."""
        below = _FENCE.sub("", self.text.partition("\n")[2])
        paragraphs = (each.strip() for each in below.split("\n\n"))
        first = next((each for each in paragraphs if each and each[0] not in "#|<-!="), "")
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(first.split()))
        found = _SENTENCE.match(plain)
        return found[1] if found else plain


def served(source: PurePosixPath) -> PurePosixPath:
    """Where the Markdown of a page is: beside its index.html."""
    return source if source.name == "index.md" else source.with_suffix("") / "index.md"


def pages(docs: Path) -> dict[PurePosixPath, Page]:
    """All pages, by their path in docs."""
    found: dict[PurePosixPath, Page] = {}
    for path in sorted(docs.rglob("*.md")):
        source = PurePosixPath(path.relative_to(docs).as_posix())
        if source.parts[0] not in _BUILT:
            face = source.stem if source.parts[0] == "reference" and source.stem != "index" else ""
            text = reference_text(face) if face else _cleaned(path.read_text())
            found[source] = Page(source, _with_links_to_markdown(source, text))
    return found


def _cleaned(text: str) -> str:
    return _COMMENT.sub("", _FRONT_MATTER.sub("", text))


def _with_links_to_markdown(source: PurePosixPath, text: str) -> str:
    def moved(link: re.Match[str]) -> str:
        target = PurePosixPath(os.path.normpath(source.parent / link["path"]))
        return os.path.relpath(served(target), served(source).parent)

    return _LINK.sub(moved, text)


def order(docs: Path) -> list[tuple[str, list[PurePosixPath]]]:
    """The sections of the navigation at the top, each with its pages in order."""
    entries = yaml.safe_load((docs / ".nav.yml").read_text())["nav"]
    sections = [(title, below) for entry in entries for title, below in entry.items()]
    return [(title, list(_listed(docs, PurePosixPath(), below))) for title, below in sections]


def _listed(docs: Path, folder: PurePosixPath, entry: object) -> Iterator[PurePosixPath]:
    if isinstance(entry, list):
        for each in entry:
            yield from _listed(docs, folder, each)
    elif isinstance(entry, dict):
        for below in entry.values():
            yield from _listed(docs, folder, below)
    elif str(entry).endswith(".md"):
        yield folder / str(entry)
    else:
        inside = folder / str(entry)
        nav = docs / inside / ".nav.yml"
        names = sorted(path.name for path in (docs / inside).glob("*.md"))
        below = (
            yaml.safe_load(nav.read_text())["nav"]
            if nav.exists()
            else sorted(names, key=lambda name: name != "index.md")
        )
        yield from _listed(docs, inside, below)


def reference_text(face: str) -> str:
    """The page of a package: each name with its signature, its docstring and its members."""
    parts = [f"# {face}", _docstring(reference.target_of(face))]
    for title, names in reference.grouped(face).items():
        parts.append(f"## {title}")
        if title in reference.FOREIGN:
            parts.append(", ".join(f"`{name}`" for name in names) + ".")
        else:
            parts.extend(part for name in names for part in _entry(reference.target(face, name), name, level=3))
    return "\n\n".join(part for part in parts if part) + "\n"


def _entry(found: griffe.Object, name: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {name}"
    signature = _signature(found, name)
    if signature:
        yield f"```python\n{signature}\n```"
    yield _docstring(found)
    if isinstance(found, griffe.Class):
        for member, inside in found.all_members.items():
            if not member.startswith("_") and inside.has_docstring:
                target = inside.final_target if isinstance(inside, griffe.Alias) else inside
                yield from _entry(target, f"{name}.{member}", level + 1)


def _signature(found: griffe.Object, name: str) -> str:
    if isinstance(found, griffe.Class | griffe.Function):
        keyword = "class " if isinstance(found, griffe.Class) else "async def " if "async" in found.labels else "def "
        return keyword + found.signature(name=name.rpartition(".")[2])
    if isinstance(found, griffe.Attribute):
        annotation = f": {found.annotation}" if found.annotation else ""
        value = f" = {found.value}" if found.value else ""
        return f"{name.rpartition('.')[2]}{annotation}{value}"
    return ""


def _docstring(found: griffe.Object) -> str:
    return fenced(found.docstring.value) if found.docstring else ""


def write(docs: Path, site: Path, name: str, description: str) -> None:
    """Write the Markdown of all pages, llms.txt and llms-full.txt into a built site."""
    found = pages(docs)
    for page in found.values():
        (site / page.address).parent.mkdir(parents=True, exist_ok=True)
        (site / page.address).write_text(page.text)
    sections = [(title, [found[source] for source in listed]) for title, listed in order(docs)]
    in_order = {page.source: page for _, listed in sections for page in listed}
    sections.append(("Optional", [page for source, page in found.items() if source not in in_order]))
    index = [f"# {name}\n\n> {description}\n"]
    for title, listed in sections:
        lines = (f"- [{page.title}]({page.address}): {page.summary}" for page in listed)
        index.append("\n".join([f"## {title}\n", *lines]) + "\n")
    (site / "llms.txt").write_text("\n".join(index))
    everything = [page for _, listed in sections for page in listed]
    (site / "llms-full.txt").write_text("\n\n".join(f"<!-- {page.address} -->\n{page.text}" for page in everything))
