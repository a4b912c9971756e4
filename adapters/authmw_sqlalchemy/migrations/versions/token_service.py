"""Second migration: the tables of the token service, for clients, families, nonces, throttles and revocations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and add to tokens the columns of their API and their family."""
    op.add_column("authmw_tokens", sa.Column("audience", sa.Text, nullable=False, server_default="[]"))
    op.add_column("authmw_tokens", sa.Column("family_id", sa.Text))
    _partial_index("authmw_tokens", "client_id", "client_id IS NOT NULL")
    _partial_index("authmw_tokens", "family_id", "family_id IS NOT NULL")
    op.create_table(
        "authmw_clients",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("auth_method", sa.Text, nullable=False),
        sa.Column("secrets", sa.Text, nullable=False),
        sa.Column("jwks", sa.Text),
        sa.Column("grant_types", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("audiences", sa.Text, nullable=False),
        sa.Column("disabled_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_authmw_clients"),
    )
    _make_families()
    op.create_table(
        "authmw_nonces",
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="pk_authmw_nonces"),
    )
    op.create_table(
        "authmw_throttle",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_authmw_throttle"),
    )
    op.create_table(
        "authmw_familiar_sources",
        sa.Column("pair", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("pair", name="pk_authmw_familiar_sources"),
    )
    op.create_table(
        "authmw_revocations",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_authmw_revocations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_authmw_revocations_kind_target_at", "authmw_revocations", ["kind", "target", "at"])
    for table in ("authmw_nonces", "authmw_throttle", "authmw_familiar_sources", "authmw_revocations"):
        op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])


def downgrade() -> None:
    """Drop the tables, with all their rows. Tokens stay, and are valid for any API again."""
    for table in (
        "authmw_revocations",
        "authmw_familiar_sources",
        "authmw_throttle",
        "authmw_nonces",
        "authmw_refresh_families",
        "authmw_clients",
    ):
        op.drop_table(table)
    op.drop_index("ix_authmw_tokens_family_id", "authmw_tokens")
    op.drop_index("ix_authmw_tokens_client_id", "authmw_tokens")
    op.drop_column("authmw_tokens", "family_id")
    op.drop_column("authmw_tokens", "audience")


def _make_families() -> None:
    table = "authmw_refresh_families"
    op.create_table(
        table,
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("current", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("idle_until", sa.Double, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("rotated_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("key", name=f"uq_{table}_key"),
    )
    op.create_index(f"ix_{table}_idle_until", table, ["idle_until"])
    _partial_index(table, "subject", "revoked_at IS NULL")
    _partial_index(table, "client_id", "revoked_at IS NULL")
    _partial_index(table, "revoked_at", "revoked_at IS NOT NULL")


def _partial_index(table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=condition, postgresql_where=condition)
