"""Statements and operations of the stores, independent of the database that runs them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import URL, ClauseElement, ColumnElement, CursorResult, Dialect, Engine, Executable, Table, select
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
"""A step that an operation may yield."""

Operation: TypeAlias = Generator[Step, CursorResult[Any], T]
"""Several statements in one transaction: ``row = (yield statement).one_or_none()``. Raising rolls it back."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL for a driver, and the order of its values.

    Args:
        sql: the statement.
        order: for each parameter of the SQL, the index of its value; None if the values are given in this order.
        constants: values that the dialect adds to the given ones.
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
        build: makes the statement with the ``insert`` of a dialect.
        parameters: the names of all its bind parameters, in the order in which their values are given.
    """

    def __init__(self, build: Callable[[Callable[[Table], Any]], ClauseElement], *parameters: str) -> None:
        self._build = build
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
        compiled = cast("SQLCompiler", self._build(insert).compile(dialect=dialect))
        names = compiled.positiontup or []
        added = [name for name in names if name not in self._parameters]
        order = tuple(map([*self._parameters, *added].index, names))
        as_given = order == tuple(range(len(self._parameters)))
        return Compiled(str(compiled), None if as_given else order, tuple(compiled.params[name] for name in added))


class Database(Protocol):
    """The database of the stores. An asynchronous one returns awaitables of the types written here."""

    @property
    def read_mode(self) -> CallMode:
        """The call mode of `read`. If it is ASYNC, the other methods are asynchronous too."""
        ...

    @property
    def location(self) -> URL | Engine:
        """Where the database is."""
        ...

    def insert(self, table: Table) -> Any:
        """An ``INSERT`` that supports ``ON CONFLICT``."""
        ...

    def read(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run a query that only reads, and convert all its rows."""
        ...

    def write(self, query: Query, values: tuple[object, ...], convert: Callable[[Sequence[Row]], T]) -> T:
        """Run one statement that writes, and convert all rows that it returns."""
        ...

    def run(self, operation: Callable[..., Operation[T]], *args: object) -> T:
        """Run `operation` as one transaction, and return its result."""
        ...


def in_order(table: Table, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """The rows that meet a condition, for an ``UPDATE``, locked in the order of their keys.

    Two transactions that change several of the same rows wait for each other in turn, and never both at once.
    """
    (key,) = table.primary_key.columns
    locked = select(key).where(condition).order_by(key).with_for_update().cte("locked")
    return key.in_(select(locked.c[key.name]))


def first(convert: Callable[[Row], T]) -> Callable[[Sequence[Row]], T | None]:
    """A function that converts the only row, or returns None if there is no row."""
    return lambda rows: convert(rows[0]) if rows else None


def every(convert: Callable[[Row], T]) -> Callable[[Sequence[Row]], tuple[T, ...]]:
    """A function that converts all rows."""
    return lambda rows: tuple(map(convert, rows))


def nothing(_: Sequence[Row]) -> None:
    """Ignore all rows."""


def _psycopg() -> Dialect:
    make: Callable[..., Dialect] = postgresql.psycopg.dialect
    return make(paramstyle="format")
