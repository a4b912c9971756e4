"""What the stores ask a database: a statement, or an operation of several. Neither knows how it is run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import ClauseElement, CursorResult, Dialect, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from authmw.flow.call_mode import CallMode

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

T = TypeVar("T")

Row: TypeAlias = Sequence[Any]
"""A row, its columns in the order of the statement."""


class Exclusive:
    """An exclusive lock on writing `table`, until the transaction ends. SQLite has one writer anyway."""

    def __init__(self, table: Table) -> None:
        self.table = table


class AsyncCommit:
    """A commit that does not wait for the disk: it may be lost when the machine fails, not when a process does."""


Step: TypeAlias = Executable | Exclusive | AsyncCommit
"""What an operation may yield."""

Operation: TypeAlias = Generator[Step, CursorResult[Any], T]
"""Several statements in one transaction: ``row = (yield statement).one_or_none()``. Raising rolls it back."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL for a driver, and where in it the values go; None for one after the other.

    Args:
        constants: what the dialect adds to the values that are given.
    """

    sql: Any  # a str, which psycopg's types want to be a literal
    order: tuple[int, ...] | None
    constants: tuple[object, ...]

    def arranged(self, values: tuple[object, ...]) -> tuple[object, ...]:
        """The values as the driver takes them."""
        if self.order is None:
            return values
        every = values + self.constants
        return tuple([every[place] for place in self.order])


class Query:
    """One statement, compiled once for each database.

    Args:
        write: makes the statement, of the ``insert`` of the dialect it is for.
        parameters: the names of all its bind parameters, in the order in which their values are given.
    """

    def __init__(self, write: Callable[[Callable[[Table], Any]], ClauseElement], *parameters: str) -> None:
        self._write = write
        self._parameters = parameters

    @classmethod
    def of(cls, statement: ClauseElement, *parameters: str) -> Query:
        """A statement that is the same for each database."""
        return cls(lambda _: statement, *parameters)

    @cached_property
    def sqlite(self) -> Compiled:
        """The SQL for the driver of SQLite."""
        return self._compiled(sqlite.insert, sqlite.dialect(paramstyle="qmark"))

    @cached_property
    def postgres(self) -> Compiled:
        """The SQL for psycopg."""
        return self._compiled(postgresql.insert, _psycopg())

    def _compiled(self, insert: Callable[[Table], Any], dialect: Dialect) -> Compiled:
        compiled = cast("SQLCompiler", self._write(insert).compile(dialect=dialect))
        names = compiled.positiontup or []
        added = [name for name in names if name not in self._parameters]
        order = tuple(map([*self._parameters, *added].index, names))
        as_given = order == tuple(range(len(self._parameters)))
        return Compiled(str(compiled), None if as_given else order, tuple(compiled.params[name] for name in added))


class Database(Protocol):
    """A database as the stores see it. An asynchronous one returns awaitables of what is written here."""

    @property
    def reads(self) -> CallMode:
        """How what only reads is called. Where it returns awaitables, all else does so too."""
        ...

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that can have ``ON CONFLICT``."""
        ...

    def ask(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """What `answer` makes of all rows that `query` finds."""
        ...

    def tell(self, query: Query, values: tuple[object, ...], answer: Callable[[Sequence[Row]], T]) -> T:
        """The same for one statement that writes."""
        ...

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """What `operation` returns, run as one transaction."""
        ...


def first(read: Callable[[Row], T]) -> Callable[[Sequence[Row]], T | None]:
    """Answers the only row, or None."""
    return lambda rows: read(rows[0]) if rows else None


def every(read: Callable[[Row], T]) -> Callable[[Sequence[Row]], tuple[T, ...]]:
    """Answers all rows."""
    return lambda rows: tuple(map(read, rows))


def nothing(_: Sequence[Row]) -> None:
    """Answers nothing."""


def _psycopg() -> Dialect:
    make: Callable[..., Dialect] = postgresql.psycopg.dialect
    return make(paramstyle="format")
