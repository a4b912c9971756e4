"""Writes ``docs/performance.md`` from ``page.md`` and ``docs/performance.json``: ``python -m tests.benchmarks.page``.

A line ``{{table CASE}}`` of ``page.md`` stands for the table of a case, ``{{chart CASE}}`` for its bars, which
``make pictures`` draws, and ``{{versions}}`` for what all of it was measured with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.results import Figure, Table, read

DOCS: Final = Path(__file__).parents[2] / "docs"
NUMBERS: Final = DOCS / "performance.json"
PAGE: Final = DOCS / "performance.md"
TEMPLATE: Final = Path(__file__).with_name("page.md")

_PLACE: Final = re.compile(r"^\{\{(?P<what>table|chart|versions)(?: (?P<case>[\w-]+))?\}\}$", re.MULTILINE)
_ANSWERS: Final = "bad credentials"
_UNITS: Final = {"us": "(µs)", "ms": "(ms)", "B": "(bytes)", "1/s": "(requests per second)"}
_UNIT: Final = re.compile(rf"\[({'|'.join(_UNITS)})\]$")
_NO_BAR: Final = ("alone", "lookup", "feed", "misses", "by a class", "flattened", " / ")
"""What stands in labels of rows that are no choice of a user: floors, variants of another row, and comparisons."""


def page(template: str, tables: Mapping[str, Table]) -> str:
    """The page.

    Raises:
        KeyError: a case that the template shows was not measured.
    """
    shown: dict[str, Callable[[Table], str]] = {"table": _table, "chart": _chart}

    def part(found: re.Match[str]) -> str:
        if found["what"] == "versions":
            return _versions(list(tables.values()))
        return shown[found["what"]](tables[found["case"]])

    return _PLACE.sub(part, template)


def _chart(table: Table) -> str:
    bars = {
        figure.label.replace("authmw, raw ", "authmw, "): figure.median
        for figure in table.figures
        if not figure.label.endswith("]") and not any(word in figure.label for word in _NO_BAR)
    }
    unit = f"times {table.title.rpartition(' / ')[2].strip('()')}"
    return "\n".join(
        [
            "```mermaid",
            "---",
            f"title: {table.title.partition(':')[0]}",
            "---",
            "xychart-beta horizontal",
            f"  x-axis [{', '.join(label.replace(',', '') for label in bars)}]",
            f'  y-axis "{unit}" 0 --> {max(bars.values()) * 1.05:.2g}',
            f"  bar [{', '.join(_number(value) for value in bars.values())}]",
            "```",
        ]
    )


def _table(table: Table) -> str:
    figures = [figure for figure in table.figures if not _is_time_of_a_floor(figure)]
    columns = ["", "measured"]
    columns += ["goal"] if any(figure.goal is not None for figure in figures) else []
    columns += [_ANSWERS] if any(figure.bad for figure in figures) else []
    lines = [f"**{table.title}**", "", _line(columns), _line(["---"] * len(columns))]
    return "\n".join([*lines, *(_line(_cells(figure, columns)) for figure in figures)])


def _is_time_of_a_floor(figure: Figure) -> bool:
    """Whether it says more of the machine than of authmw."""
    return figure.label.endswith("[us]") and " - " not in figure.label


def _cells(figure: Figure, columns: Sequence[str]) -> list[str]:
    cells = {
        "": _UNIT.sub(lambda found: _UNITS[found[1]], figure.label).replace("|", "\\|"),
        "measured": _measured(figure),
        "goal": "" if figure.goal is None else f"{figure.goal:g}{', **missed**' if figure.misses else ''}",
        _ANSWERS: _by_answer(figure.bad),
    }
    return [cells[column] for column in columns]


def _measured(figure: Figure) -> str:
    """The median with its spread, where it was measured more than once."""
    median = _number(figure.median)
    if figure.low == figure.median == figure.high:
        return median
    return f"{median} [{_number(figure.low)} to {_number(figure.high)}]"


def _by_answer(bad: str) -> str:
    """What was sent, by what was answered.

    >>> _by_answer("none 401, garbage 422, expired 401")
    '401: none, expired; 422: garbage'
    >>> _by_answer("none 401, garbage 401")
    '401'
    """
    answers: dict[str, list[str]] = {}
    for each in filter(None, bad.split(", ")):
        sent, _, answer = each.rpartition(" ")
        answers.setdefault(answer, []).append(sent)
    if len(answers) == 1:
        return next(iter(answers))
    return "; ".join(f"{answer}: {', '.join(sent)}" for answer, sent in answers.items())


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _versions(tables: Sequence[Table]) -> str:
    """A list: each set of versions with the cases that were measured with it."""
    titles: dict[str, list[str]] = {}
    for table in tables:
        packages = ", ".join(f"{name} {version}" for name, version in table.versions.items())
        runs = f"{table.processes} processes of {table.rounds} rounds"
        titles.setdefault(f"{table.python}, {packages}, {runs}", []).append(table.title.partition(":")[0])
    if len(titles) == 1:
        return f"{next(iter(titles))}."
    return "\n".join(f"- {versions}: {'; '.join(of)}." for versions, of in titles.items())


if __name__ == "__main__":
    PAGE.write_text(page(TEMPLATE.read_text(), read(NUMBERS)))
