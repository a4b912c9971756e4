"""Where records live: users, API keys and opaque tokens in SQLite, by way of SQLAlchemy Core."""

try:
    import sqlalchemy as sqlalchemy
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        'authmw_sqlalchemy needs SQLAlchemy: pip install "authmw[sql]"', name="sqlalchemy"
    ) from _error

from authmw_sqlalchemy.keys import SQLApiKeys
from authmw_sqlalchemy.stores import SQLStores
from authmw_sqlalchemy.tokens import SQLTokens
from authmw_sqlalchemy.users import SQLUsers

__all__ = ["SQLApiKeys", "SQLStores", "SQLTokens", "SQLUsers"]
