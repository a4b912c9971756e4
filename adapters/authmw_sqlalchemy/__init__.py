"""Where records live: all that authmw keeps in SQLite or PostgreSQL, by way of SQLAlchemy Core."""

try:
    import sqlalchemy as sqlalchemy
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'authmw_sqlalchemy needs SQLAlchemy: pip install "authmw[sql]"', name="sqlalchemy"
    ) from _error

from authmw_sqlalchemy.clients import SQLClients
from authmw_sqlalchemy.families import SQLFamilies
from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.nonces import SQLNonces
from authmw_sqlalchemy.pruning import Pruned
from authmw_sqlalchemy.revocations import SQLRevocations
from authmw_sqlalchemy.schema import check, upgrade, upgrade_sql
from authmw_sqlalchemy.stores import SQLStores
from authmw_sqlalchemy.stores_async import AsyncSQLStores
from authmw_sqlalchemy.tables import include_tables
from authmw_sqlalchemy.throttle import SQLThrottle
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.users import SQLUsers

__all__ = [
    "AsyncSQLStores",
    "Pruned",
    "SQLApiKeys",
    "SQLClients",
    "SQLFamilies",
    "SQLNonces",
    "SQLRevocations",
    "SQLStores",
    "SQLThrottle",
    "SQLTokens",
    "SQLUsers",
    "check",
    "include_tables",
    "upgrade",
    "upgrade_sql",
]
