"""Writes the reference into docs/reference: a page for each face, with the names that it exports.

A page lists its names in groups, each with the first sentence of its docstring. What is below is folded: a click opens
it, and so does a link to its anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import griffe

from authmw.errors import FACES

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "reference"
_INDEX = """# Reference

Every public name, from its docstring. Public is what these packages export, and nothing else: import from them, and
from no module inside.
"""

_OF_AUTHMW = {
    "Set up": ("engine.auth", "engine.inherited", "issuers.issuer", "crypto"),
    "Security schemes": ("schemes", "issuers.openid_connect"),
    "Verifiers": ("verifiers",),
    "Rules of views": ("engine.decorators", "engine.declarations", "identity.requirement"),
    "The caller": ("engine", "identity.principal", "identity.validity"),
    "Credentials and verdicts": ("identity",),
    "Requests and refusals": ("http",),
    "Errors and logs": ("errors", "events"),
}
"""What the names of `authmw` are for, by the modules that they come from; the longest fits."""
_KINDS = ("Functions", "Classes", "Protocols", "Records", "Enumerations", "Exceptions", "Values and types")
_ELSEWHERE = "Names of authmw that are here too"
_FRAMEWORKS = "Names of the framework"
FOREIGN = (_ELSEWHERE, _FRAMEWORKS)
_OF_FACES = {
    "authmw_sqlalchemy": "Databases",
    "authmw_redis": "Databases",
    "authmw_opentelemetry": "Observability",
    "authmw_prometheus": "Observability",
}
_SENTENCE = re.compile(r"(.+?[.!?])(?:\s+[A-Z`(]|\s*$)", re.DOTALL)


def page(face: str) -> str:
    """The page of a package: its docstring, and each of its names."""
    groups = grouped(face)
    parts = ["---\nhide:\n  - toc\n---", f"# {face}", _directive(face, members="false", show_root_heading="false")]
    for title, names in groups.items():
        parts.append(f"## {title}")
        if title == _FRAMEWORKS:
            parts.extend(f"`{name}` is the framework's own." for name in names)
        elif title == _ELSEWHERE:
            parts.append(", ".join(f"[`{name}`][authmw.{name}]" for name in names) + ".")
        else:
            parts.extend(_entry(face, name) for name in names)
    return "\n\n".join(parts) + "\n"


def grouped(face: str) -> dict[str, list[str]]:
    """The names of a package, by what they are for or what they are."""
    module = import_module(face)
    order = [*_OF_AUTHMW] if face == "authmw" else [*_KINDS]
    groups: dict[str, list[str]] = {title: [] for title in [*order, _ELSEWHERE, _FRAMEWORKS]}
    for name in module.__all__:
        groups[_group(face, module, name)].append(name)
    return {title: names for title, names in groups.items() if names}


def _group(face: str, module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    if face == "authmw":
        return _purpose(target(face, name).path.removeprefix("authmw."))
    if _is_of_authmw(value, name):
        return _ELSEWHERE
    if isinstance(value, type) and not value.__module__.startswith("authmw"):
        return _FRAMEWORKS
    return _kind(value)


def _purpose(path: str) -> str:
    starts = ((start, title) for title, starts in _OF_AUTHMW.items() for start in starts)
    return max((len(start), title) for start, title in starts if path.startswith(start))[1]


def _kind(value: Any) -> str:
    if not isinstance(value, type):
        return "Functions" if callable(value) and hasattr(value, "__code__") else "Values and types"
    if issubclass(value, BaseException):
        return "Exceptions"
    if issubclass(value, Enum):
        return "Enumerations"
    if getattr(value, "_is_protocol", False):
        return "Protocols"
    if hasattr(value, "_fields") or getattr(getattr(value, "__dataclass_params__", None), "frozen", False):
        return "Records"
    return "Classes"


def _is_of_authmw(value: object, name: str) -> bool:
    authmw = import_module("authmw")
    return name in authmw.__all__ and value is getattr(authmw, name)


def _entry(face: str, name: str) -> str:
    """A folded entry. The line that stays is no part of what the search finds: the entry itself is."""
    sentence = _inline(first_sentence(face, name))
    summary = f"<summary data-search-exclude><code>{name}</code> <span>{sentence}</span></summary>"
    return f'<details class="entry" markdown="block">\n{summary}\n\n{_directive(f"{face}.{name}")}\n\n</details>'


def _inline(text: str) -> str:
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text, quote=False))


@cache
def _loader() -> griffe.GriffeLoader:
    """All packages, as mkdocstrings reads them: without importing them."""
    loader = griffe.GriffeLoader(search_paths=[ROOT, ROOT / "adapters"])
    for package in {face.partition(".")[0] for face in FACES}:
        loader.load(package)
    return loader


def target(face: str, name: str) -> griffe.Object:
    """What a name of a package stands for."""
    return target_of(f"{face}.{name}")


def target_of(path: str) -> griffe.Object:
    """What a dotted name stands for."""
    found = _loader().modules_collection[path]
    return found.final_target if isinstance(found, griffe.Alias) else found


def first_sentence(face: str, name: str) -> str:
    """The promise of a docstring."""
    docstring = target(face, name).docstring
    text = " ".join(docstring.value.partition("\n\n")[0].split()) if docstring else ""
    found = _SENTENCE.match(text)
    return found[1] if found else text


def _directive(path: str, **options: str) -> str:
    lines = [f"::: {path}", *(["    options:"] if options else [])]
    return "\n".join([*lines, *(f"      {option}: {value}" for option, value in options.items())])


def _groups_of_faces() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for face in FACES:
        title = "The core" if face.startswith("authmw.") else _OF_FACES.get(face, "Frameworks")
        groups.setdefault("" if face == "authmw" else title, []).append(face)
    return groups


def _rows(faces: Sequence[str]) -> Iterator[str]:
    yield "| Package | What is in it |\n|---|---|"
    for face in faces:
        yield f"| [`{face}`]({face}.md) | {(import_module(face).__doc__ or '').splitlines()[0]} |"


def write() -> None:
    """Write every page, the index and the order of the pages."""
    PAGES.mkdir(exist_ok=True)
    index, nav = [_INDEX], ["nav:", "  - index.md"]
    for title, faces in _groups_of_faces().items():
        index.append("\n".join([*([f"## {title}\n"] if title else []), *_rows(faces)]) + "\n")
        nav.extend([f"  - {title}:"] if title else [])
        nav.extend(f"  {'    ' if title else ''}- {face}.md" for face in faces)
    (PAGES / "index.md").write_text("\n".join(index))
    (PAGES / ".nav.yml").write_text("\n".join(nav) + "\n")
    for face in FACES:
        (PAGES / f"{face}.md").write_text(page(face))


if __name__ == "__main__":
    write()
