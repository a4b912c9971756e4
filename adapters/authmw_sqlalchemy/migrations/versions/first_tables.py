"""First migration: the tables of users, API keys and opaque tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "authmw_users",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("disabled_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_authmw_users"),
        sa.UniqueConstraint("username", name="uq_authmw_users_username"),
    )
    op.create_table(
        "authmw_user_digests",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("realm", sa.Text, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("ha1", sa.Text, nullable=False),
        sa.Column("userhash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "realm", "algorithm", name="pk_authmw_user_digests"),
        sa.UniqueConstraint("userhash", "realm", "algorithm", name="uq_authmw_user_digests_userhash_realm_algorithm"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["authmw_users.id"], ondelete="CASCADE", name="fk_authmw_user_digests_user_id"
        ),
    )
    op.create_table(
        "authmw_api_keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.Column("last_used_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_authmw_api_keys"),
        sa.UniqueConstraint("digest", name="uq_authmw_api_keys_digest"),
    )
    op.create_index("ix_authmw_api_keys_owner", "authmw_api_keys", ["owner"])
    op.create_table(
        "authmw_tokens",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_authmw_tokens"),
        sa.UniqueConstraint("digest", name="uq_authmw_tokens_digest"),
    )
    op.create_index("ix_authmw_tokens_subject", "authmw_tokens", ["subject"])
    op.create_index("ix_authmw_tokens_expires_at", "authmw_tokens", ["expires_at"])


def downgrade() -> None:
    """Drop the tables, with all their rows."""
    for table in ("authmw_tokens", "authmw_api_keys", "authmw_user_digests", "authmw_users"):
        op.drop_table(table)
