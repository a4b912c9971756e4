"""Check of the tables, and the migrations that create and upgrade them.

Alembic is imported only when a migration is run or printed. A new SQLite file gets its tables without it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.schema import CreateIndex, CreateTable

from authmw.errors import ConfigurationError
from authmw_sqlalchemy.errors import as_unavailable
from authmw_sqlalchemy.tables import VERSION_TABLE, metadata
from authmw_sqlalchemy.urls import checked_sqlite, checked_url, create_private, missing_file

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

FIRST: Final = "0001"
"""The revision of databases that were made before there were migrations."""
HEAD: Final = "0005"
"""The newest revision."""
_UPGRADE_TIMEOUT_MS: Final = 10_000
"""Milliseconds for which SQLite waits while another process makes or upgrades the tables."""

_UPGRADE: Final = "run `authmw db upgrade`"
_MAKE_VERSION_TABLE: Final = (
    f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} "
    f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
)
COLUMNS_OF: Final = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c "
    "WHERE t.type = 'table' AND substr(t.name, 1, 7) = 'authmw_'",
    "postgresql": "SELECT t.relname, c.attname FROM pg_catalog.pg_class AS t "
    "JOIN pg_catalog.pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped "
    "WHERE t.relkind IN ('r', 'p') AND starts_with(t.relname::text, 'authmw_') "
    "AND pg_catalog.pg_table_is_visible(t.oid)",
}
"""The query for the tables and columns of authmw that a connection finds, by dialect."""


def upgrade(target: str | URL | Engine) -> None:
    """Run every pending migration, in one transaction. Several processes may do so at once.

    Args:
        target: a URL, or an `Engine` of the application.

    Raises:
        ConfigurationError: authmw does not support the database of `target`.
        StoreUnavailable: the database failed.
    """
    with _engine(target) as engine, as_unavailable(), exclusive(engine) as connection:
        migrate(connection)


def check(target: str | URL | Engine) -> list[str]:
    """A sentence for each thing that is missing; empty if all is current. Changes nothing.

    Args:
        target: a URL, or an `Engine` of the application.

    Raises:
        ConfigurationError: authmw does not support the database of `target`.
        StoreUnavailable: the database failed.
    """
    url = checked_url(target.url if isinstance(target, Engine) else target)
    absent = missing_file(url)
    if absent is not None:
        return [f"there is no database {absent}: {_UPGRADE}"]
    with _engine(target, create=False) as engine, as_unavailable(), engine.connect() as connection:
        found = columns(connection)
        sentences = missing(found)
        version = _version(connection, found)
    if sentences:
        return sentences
    if version is not None and version > HEAD:
        return [f"the database is at revision {version}, but this authmw knows only up to {HEAD}: upgrade authmw"]
    if version is not None and version < HEAD:
        return [f"the migrations after {version} have not been run: {_UPGRADE}"]
    return []


def upgrade_sql(target: str | URL) -> str:
    """The SQL of all migrations for an empty database, to read, or to run by other means.

    Args:
        target: ``sqlite`` or ``postgresql``, or a URL.
    """
    name = target if isinstance(target, str) and target in COLUMNS_OF else checked_url(target).get_backend_name()
    written = StringIO()
    with _environment(HEAD, as_sql=True) as environment:
        environment.configure(
            dialect_name=name, output_buffer=written, version_table=VERSION_TABLE, target_metadata=metadata
        )
        with environment.begin_transaction():
            environment.run_migrations()
    return written.getvalue()


def columns(connection: Connection) -> list[tuple[str, str]]:
    """The tables and columns of authmw that exist."""
    found = connection.exec_driver_sql(COLUMNS_OF[connection.dialect.name])
    return [(table, column) for table, column in found]


def missing(found: Iterable[tuple[str, str]]) -> list[str]:
    """A sentence for each table and column that is not among those that were `found`."""
    there = set(found)
    tables = {table for table, _ in there}
    if tables.isdisjoint(metadata.tables):
        return [f"the database has no tables of authmw: {_UPGRADE}"]
    sentences = [f"the table {name} is missing: {_UPGRADE}" for name in metadata.tables if name not in tables]
    return sentences + [
        f"the column {table.name}.{column.name} is missing: {_UPGRADE}"
        for table in metadata.sorted_tables
        for column in table.c
        if table.name in tables and (table.name, column.name) not in there
    ]


def create(connection: Connection) -> None:
    """Create all tables as the migrations would, in a database that has none of them."""
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))
    _stamp(connection, HEAD)


def migrate(connection: Connection) -> None:
    """Run every pending migration. A database that is older than the first migration is recognised."""
    found = columns(connection)
    version = _version(connection, found)
    if version is None and any(table == "authmw_users" for table, _ in found):
        version = FIRST if missing(found) else HEAD
        _stamp(connection, version)
    if version is None or version < HEAD:
        run_migrations(connection, HEAD)


def run_migrations(connection: Connection, destination: str, *, down: bool = False) -> None:
    """Run the migrations up to a revision, or undo those after it, in the transaction of `connection`."""
    with _environment(destination, down=down) as environment:
        environment.configure(connection=connection, version_table=VERSION_TABLE, target_metadata=metadata)
        environment.run_migrations()


@contextmanager
def exclusive(engine: Engine) -> Generator[Connection, None, None]:
    """A transaction during which no other one changes the tables of authmw."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock(hashtext('{VERSION_TABLE}'))"))
            yield connection
            connection.commit()
            return
        driver: Any = connection.connection.driver_connection
        level, driver.isolation_level = driver.isolation_level, None
        (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
        try:
            driver.execute(f"PRAGMA busy_timeout = {_UPGRADE_TIMEOUT_MS}")
            if not driver.in_transaction:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
        finally:
            connection.rollback()
            driver.execute(f"PRAGMA busy_timeout = {patience}")
            driver.isolation_level = level


def _version(connection: Connection, found: list[tuple[str, str]]) -> str | None:
    if (VERSION_TABLE, "version_num") not in found:
        return None
    version: str | None = connection.scalar(text(f"SELECT max(version_num) FROM {VERSION_TABLE}"))  # noqa: S608 - a constant name
    return version


def _stamp(connection: Connection, version: str) -> None:
    connection.exec_driver_sql(_MAKE_VERSION_TABLE)
    connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:version)"), {"version": version})  # noqa: S608


@contextmanager
def _engine(target: str | URL | Engine, *, create: bool = True) -> Generator[Engine, None, None]:
    if isinstance(target, Engine):
        checked_url(target.url)
        yield target
        return
    url = checked_url(target)
    if url.get_backend_name() == "sqlite":
        checked_sqlite(url)
        if create:
            create_private(url)
    engine = create_engine(url, hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _environment(destination: str, *, down: bool = False, as_sql: bool = False) -> Generator[EnvironmentContext]:
    try:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory
    except ModuleNotFoundError:
        raise ConfigurationError('migrations need Alembic: pip install "authmw[sql]"') from None
    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    with EnvironmentContext(
        Config(), scripts, fn=_steps(scripts, destination, down), as_sql=as_sql, destination_rev=destination
    ) as environment:
        yield environment


def _steps(scripts: ScriptDirectory, destination: str, down: bool) -> Any:
    def steps(revision: Any, _: object) -> Any:
        plan: Any = scripts
        return plan._downgrade_revs(destination, revision) if down else plan._upgrade_revs(destination, revision)

    return steps
