"""What a run of the benchmarks measured, as JSON: ``python -m tests.benchmarks --json docs/performance.json``.

A case that is measured again takes the place of what the file had of it, with the versions that it was measured with.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PINNED = """
PyJWT joserfc Authlib Flask-JWT-Extended Flask-HTTPAuth Flask-Login Flask-Session Flask starlette fastapi
SQLAlchemy psycopg redis uvicorn gunicorn granian argon2-cffi
""".split()


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of a table.

    Args:
        label: how the table calls it.
        median: of the ratios that were taken inside of a round. A unit stands at the end of the label: ``[us]``,
            ``[ms]``, ``[B]``, ``[1/s]``.
        low: the tenth percentile.
        high: the ninetieth percentile.
        goal: what the project aims at: this or less.
        bad: what becomes of bad credentials, as "expired 401, audience 200".
    """

    label: str
    median: float
    low: float
    high: float
    goal: float | None = None
    bad: str = ""

    @property
    def misses(self) -> bool:
        """Whether it has a goal, and is above it by more than rounding."""
        return self.goal is not None and round(self.median, 3) > self.goal

    @classmethod
    def of(cls, label: str, values: Sequence[float], *, goal: str = "", bad: str = "") -> Figure:
        """The figure of all values that were measured.

        Raises:
            IndexError: there are none.
        """
        ordered = sorted(values)
        size = len(ordered)
        middle = (ordered[(size - 1) // 2] + ordered[size // 2]) / 2
        low, high = ordered[size // 10], ordered[-1 - size // 10]
        return cls(label, round(middle, 4), round(low, 4), round(high, 4), goal=float(goal) if goal else None, bad=bad)


@dataclass(frozen=True, slots=True)
class Table:
    """A case with its rows, and what it was measured with.

    Args:
        title: what the ratios are.
        processes: how many there were, one after the other.
        rounds: of each.
        python: implementation and version.
        versions: of the packages that are measured, by name.
        figures: the rows.
    """

    title: str
    processes: int
    rounds: int
    python: str
    versions: Mapping[str, str]
    figures: Sequence[Figure]

    @classmethod
    def now(cls, title: str, figures: Sequence[Figure], *, processes: int, rounds: int) -> Table:
        """A table that was just measured."""
        python = f"{platform.python_implementation()} {platform.python_version()}"
        versions = {name: importlib.metadata.version(name) for name in PINNED}
        return cls(title, processes, rounds, python, versions, figures)


def read(path: Path) -> dict[str, Table]:
    """The tables of a file, by the name of their case; none where there is no file."""
    if not path.exists():
        return {}
    known: dict[str, Any] = json.loads(path.read_text())
    return {name: _table(**table) for name, table in known.items()}


def _table(figures: list[dict[str, Any]], **rest: Any) -> Table:
    return Table(figures=[Figure(**figure) for figure in figures], **rest)


def add(path: Path, name: str, table: Table) -> None:
    """Write the table of a case into the file, in the place of an older one."""
    tables = {**read(path), name: table}
    path.write_text(json.dumps({each: asdict(tables[each]) for each in tables}, indent=1) + "\n")
