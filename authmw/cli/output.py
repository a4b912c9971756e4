"""Output of the commands: one JSON document, or aligned lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click

from authmw.cli.options import OptionDecorator

json_option: OptionDecorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)


_STATES: Final = {
    "active": "green",
    "ok": "green",
    "disabled": "red",
    "expired": "red",
    "revoked": "red",
    "WRONG": "red",
    "UNPROTECTED": "red",
    "MISPLACED": "red",
}
"""Colours of states in tables, on a terminal."""
_STATE_COLUMNS: Final = ("", "STATUS", "PROTECTION")


def show(document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print `document` as JSON, or `text`."""
    if as_json:
        click.echo(json.dumps(document), color=False)
    else:
        click.echo(text)


def wants_colour(environ: Mapping[str, str]) -> bool | None:
    """Whether to print in colour: never or always, as the environment says; None for on a terminal only.

    ``NO_COLOR`` (no-color.org) counts before ``FORCE_COLOR``; of both an empty text counts as nothing.

    >>> wants_colour({"NO_COLOR": "1", "FORCE_COLOR": "1"}), wants_colour({"FORCE_COLOR": "1"}), wants_colour({})
    (False, True, None)
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return False if environ.get("TERM") == "dumb" else None


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns under their titles, two spaces apart, with codes for colours that `click.echo` may take out.

    >>> print(click.unstyle(table(["NAME", "SCOPES"], [["alice", "orders:read"]])))
    NAME   SCOPES
    alice  orders:read
    """
    lines = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in (titles, *lines)) for column in range(len(titles))]
    title = _aligned([click.style(each, bold=True) if each else each for each in titles], titles, widths)
    return "\n".join([title, *(_aligned(list(map(_coloured, titles, line)), line, widths) for line in lines)])


def _aligned(shown: Sequence[str], cells: Sequence[str], widths: Sequence[int]) -> str:
    """`shown`, which are `cells` with codes for colours, padded to `widths`."""
    padded = [f"{text}{' ' * (width - len(cell))}" for text, cell, width in zip(shown, cells, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _coloured(title: str, cell: str) -> str:
    colour = _STATES.get(cell) if title in _STATE_COLUMNS else None
    return cell if colour is None else click.style(cell, fg=colour)


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
