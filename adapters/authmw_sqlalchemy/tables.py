"""Tables of authmw, all named ``authmw_…``. None of them holds a secret in clear text.

Times are seconds since the epoch. Scopes are one text, separated by spaces (RFC 6749 §3.3); words that may hold a space
are a JSON array. Keys, tokens, families and sessions refer to a principal's id without a foreign key: a service has
keys too and is no user, and users may be stored elsewhere.

Every constraint gets its name here. So it has the same name in the `MetaData` of an application, whatever names that
gives to its own constraints (`include_tables`).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)

VERSION_TABLE: Final = "authmw_alembic_version"
"""The table in which Alembic notes the migrations that were run, apart from the application's own."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def include_tables(target: MetaData, *, schema: str | None = None) -> dict[str, Table]:
    """Copy the tables of authmw into the `MetaData` of an application, for its joins and its Alembic.

    If the application's own migrations create the tables, do not run ``authmw db upgrade``.

    Args:
        target: the application's.
        schema: the schema of the tables, if it is not the first one in ``search_path``, which the stores use.

    Returns:
        The copies, by name.

    >>> sorted(include_tables(MetaData()))[0]
    'authmw_api_keys'
    """
    placed = schema or target.schema
    return {
        table.name: table.to_metadata(target) if placed is None else table.to_metadata(target, schema=placed)
        for table in metadata.sorted_tables
    }


def _partial_index(column: Column[Any], where: ColumnElement[bool]) -> None:
    Index(None, column, sqlite_where=where, postgresql_where=where)


users: Final = Table(
    "authmw_users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("password_hash", Text),
    Column("scopes", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
    Column("email", Text, nullable=False, server_default=""),
    # By which a user is found, without case: NULL where there is no address.
    Column("email_folded", Text),
    Column("email_verified", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("username"),
)
_partial_index(users.c.email_folded, users.c.email_folded.is_not(None))

# An HA1 is equivalent to the password for its realm (RFC 7616 §5.2). Only users who log in by Digest have one.
user_digests: Final = Table(
    "authmw_user_digests",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("realm", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("ha1", Text, nullable=False),
    Column("userhash", Text, nullable=False),
    ForeignKeyConstraint(["user_id"], [users.c.id], ondelete="CASCADE"),
    UniqueConstraint("userhash", "realm", "algorithm"),
)

# The SHA-256 of the ids of deleted users, so that no later user or client gets one of them. The ids are not kept.
retired_ids: Final = Table(
    "authmw_retired_ids",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("retired_at", Double, nullable=False),
)

api_keys: Final = Table(
    "authmw_api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
    UniqueConstraint("digest"),
)
Index(None, api_keys.c.owner)

tokens: Final = Table(
    "authmw_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client_id", Text),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
    Column("audience", Text, nullable=False, server_default="[]"),
    Column("family_id", Text),
    UniqueConstraint("digest"),
)
Index(None, tokens.c.subject)
Index(None, tokens.c.expires_at)
_partial_index(tokens.c.client_id, tokens.c.client_id.is_not(None))
_partial_index(tokens.c.family_id, tokens.c.family_id.is_not(None))

clients: Final = Table(
    "authmw_clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("auth_method", Text, nullable=False),
    Column("secrets", Text, nullable=False),
    Column("jwks", Text),
    Column("grant_types", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("audiences", Text, nullable=False),
    Column("disabled_at", Double),
    Column("created_at", Double, nullable=False),
)

refresh_families: Final = Table(
    "authmw_refresh_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("current", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("client_id", Text),
    Column("scopes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("idle_until", Double, nullable=False),
    Column("previous", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("rotated_at", Double, nullable=False),
    Column("last_used_at", Double),
    Column("revoked_at", Double),
    Column("name", Text, nullable=False),
    Column("session_id", Text),
    UniqueConstraint("key"),
)
Index(None, refresh_families.c.idle_until)
_partial_index(refresh_families.c.session_id, refresh_families.c.session_id.is_not(None))
_partial_index(refresh_families.c.subject, refresh_families.c.revoked_at.is_(None))
_partial_index(refresh_families.c.client_id, refresh_families.c.revoked_at.is_(None))
_partial_index(refresh_families.c.revoked_at, refresh_families.c.revoked_at.is_not(None))

sessions: Final = Table(
    "authmw_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("current", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("authenticated_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("idle_for", Double, nullable=False),
    Column("idle_until", Double, nullable=False),
    Column("last_used_at", Double, nullable=False),
    Column("amr", Text, nullable=False),
    Column("acr", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("renewed_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("remembered", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("key"),
)
Index(None, sessions.c.subject)
Index(None, sessions.c.idle_until)
_partial_index(sessions.c.ended_at, sessions.c.ended_at.is_not(None))

pending: Final = Table(
    "authmw_pending",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("data", Text, nullable=False),
)
Index(None, pending.c.subject)
Index(None, pending.c.expires_at)

nonces: Final = Table(
    "authmw_nonces",
    metadata,
    Column("nonce", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),
)
Index(None, nonces.c.expires_at)

throttle: Final = Table(
    "authmw_throttle",
    metadata,
    Column("key", Text, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("state", Text, nullable=False, server_default=""),
)
Index(None, throttle.c.expires_at)

familiar_sources: Final = Table(
    "authmw_familiar_sources",
    metadata,
    Column("pair", Text, primary_key=True),
    Column("expires_at", Double, nullable=False),
    Column("account", Text, nullable=False, server_default=""),
)
Index(None, familiar_sources.c.account)
Index(None, familiar_sources.c.expires_at)

# Rows are appended and pruned, never changed. SQLite must not give the number of a pruned row to a new one.
revocations: Final = Table(
    "authmw_revocations",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    sqlite_autoincrement=True,
)
Index(None, revocations.c.kind, revocations.c.target, revocations.c.at)
Index(None, revocations.c.expires_at)
