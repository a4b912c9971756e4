"""The tables. All are named ``authmw_…``; nothing in them is a secret in clear.

Times are seconds since the epoch. Scopes are one text, separated by spaces (RFC 6749 §3.3). Keys and tokens refer to
a principal's id without a foreign key, since services have keys too and are no users.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Double, ForeignKey, Index, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

users: Final = Table(
    "authmw_users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    Column("scopes", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
)

# Each row takes the place of a password for its realm (DIG-8). Only users who log in by Digest have any.
user_digests: Final = Table(
    "authmw_user_digests",
    metadata,
    Column("user_id", Text, ForeignKey(users.c.id, ondelete="CASCADE"), primary_key=True),
    Column("realm", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("ha1", Text, nullable=False),
    Column("userhash", Text, nullable=False),
    UniqueConstraint("userhash", "realm", "algorithm"),
)

api_keys: Final = Table(
    "authmw_api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
)
Index(None, api_keys.c.owner)

tokens: Final = Table(
    "authmw_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client_id", Text),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)
Index(None, tokens.c.subject)
Index(None, tokens.c.expires_at)
