"""Pages of the refusal codes: those of the docs, which the wheel has too, as text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from authmw.errors import ConfigurationError
from authmw.http.reasons import Reason

_IN_CHECKOUT: Final = Path(__file__).resolve().parents[3] / "docs" / "reasons"
_IN_WHEEL: Final = "extra_metadata/reasons"
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_RULE: Final = re.compile(r"\|[-|]+\|")
_WORDS_OF_TABLE: Final = ("status", "error", "seen by the client as", "told to the client")


def codes() -> tuple[str, ...]:
    """Every code that has a page: those of the log, and those that a client sees, without ``authmw.``."""
    found = (code for reason in Reason for code in (reason.code, reason.public_code))
    return tuple(dict.fromkeys(code.removeprefix("authmw.") for code in found))


def page_of(code: str) -> str:
    """The page of `code` as Markdown.

    Args:
        code: with or without ``authmw.``; the address of its page, as the ``type`` of a problem has it, counts too.

    Raises:
        ConfigurationError: there is no such code; the message names one that is like it.

    >>> page_of("authmw.token-expired").splitlines()[0]
    '# `authmw.token-expired`'
    """
    from importlib.metadata import distribution

    slug = re.split(r"[/#]", code.strip().rstrip("/"))[-1].removeprefix("authmw.").lower()
    if slug not in codes():
        close = get_close_matches(slug, codes(), n=1)
        hint = f"did you mean authmw.{close[0]}?" if close else "the log has it, as code=authmw.token-expired"
        raise ConfigurationError(f"there is no refusal code {code!r}: {hint}")
    if _IN_CHECKOUT.is_dir():
        return (_IN_CHECKOUT / f"{slug}.md").read_text("utf-8")
    page = distribution("authmw").read_text(f"{_IN_WHEEL}/{slug}.md")
    if page is None:
        raise ConfigurationError(f"authmw was installed without its pages, so that of authmw.{slug} is not here")
    return page


def plain(markdown: str) -> str:
    """`markdown` for a terminal: without links and marks, its first table as one line.

    >>> print(plain("# `authmw.x`\\n\\nSee [here](there.md), **now**.\\n"))
    authmw.x
    <BLANKLINE>
    See here, now.
    """
    lines = "\n".join(_without_tables(markdown.strip().splitlines()))
    text = _LINK.sub(r"\1", lines).replace("**", "").replace("`", "")
    return text.removeprefix("# ")


def _without_tables(lines: list[str]) -> Iterator[str]:
    titles: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            titles = []
            yield line
        elif not titles:
            titles = _cells(line)
        elif not _RULE.fullmatch(line):
            cells = _cells(line)
            words = _WORDS_OF_TABLE if titles[0] == "status" else ("",) * len(cells)
            yield "; ".join(f"{word} {cell}".strip() for word, cell in zip(words, cells, strict=True))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
