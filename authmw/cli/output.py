"""Output of the commands: one JSON document, or aligned lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from authmw.cli.options import OptionDecorator

json_option: OptionDecorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


def show(document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print `document` as JSON, or `text`."""
    click.echo(json.dumps(document) if as_json else text)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns under their titles, two spaces apart.

    >>> print(table(["NAME", "SCOPES"], [["alice", "orders:read"]]))
    NAME   SCOPES
    alice  orders:read
    """
    lines = [titles, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def printable(text: str) -> str:
    r"""`text` with every character escaped that a terminal could take for a command.

    >>> printable("ali\x1b[2Jce")
    'ali\\x1b[2Jce'
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def moment(at: float | None) -> str:
    """A time in seconds since the epoch, as text in UTC; ``-`` for None.

    >>> moment(0.0), moment(None)
    ('1970-01-01 00:00:00Z', '-')
    """
    return "-" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"


def listed(scopes: Iterable[str]) -> str:
    """Scopes as text, sorted; ``-`` for no scopes."""
    return " ".join(sorted(scopes)) or "-"
