"""Stores in SQLite or PostgreSQL, by way of SQLAlchemy Core: everything that authmw keeps."""

from typing import TYPE_CHECKING

try:
    import sqlalchemy as sqlalchemy
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'authmw_sqlalchemy needs SQLAlchemy: pip install "authmw[sql]"', name="sqlalchemy"
    ) from _error

from authmw.errors import face
from authmw_sqlalchemy.schema import check, upgrade, upgrade_sql
from authmw_sqlalchemy.stores import SQLStores
from authmw_sqlalchemy.stores_async import AsyncSQLStores
from authmw_sqlalchemy.tables import include_tables
from authmw_sqlalchemy.throttle import SQLThrottle

__all__ = [
    "AsyncSQLStores",
    "SQLStores",
    "SQLThrottle",
    "check",
    "include_tables",
    "upgrade",
    "upgrade_sql",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
