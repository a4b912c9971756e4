"""Fifth migration: browser sessions, what is pending for persons, and the e-mail addresses of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIMES = ("created_at", "authenticated_at", "expires_at", "idle_for", "idle_until", "last_used_at")


def upgrade() -> None:
    """Create the tables, and add the columns.

    Processes of the version before may go on: they leave the columns empty, and know no session. Whom they disable has
    sessions that they do not end; the revocation of the user, which they publish, refuses these.
    """
    op.add_column("authmw_users", sa.Column("email", sa.Text, nullable=False, server_default=""))
    op.add_column("authmw_users", sa.Column("email_folded", sa.Text))
    op.add_column("authmw_users", sa.Column("email_verified", sa.Boolean, nullable=False, server_default=sa.false()))
    _partial_index("authmw_users", "email_folded")
    op.add_column("authmw_refresh_families", sa.Column("session_id", sa.Text))
    _partial_index("authmw_refresh_families", "session_id")
    _make_sessions()
    op.create_table(
        "authmw_pending",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_authmw_pending"),
    )
    op.create_index("ix_authmw_pending_subject", "authmw_pending", ["subject"])
    op.create_index("ix_authmw_pending_expires_at", "authmw_pending", ["expires_at"])


def downgrade() -> None:
    """Drop the tables and the columns. Everybody who is logged in by a session logs in again."""
    op.drop_table("authmw_pending")
    op.drop_table("authmw_sessions")
    op.drop_index("ix_authmw_refresh_families_session_id", "authmw_refresh_families")
    op.drop_column("authmw_refresh_families", "session_id")
    op.drop_index("ix_authmw_users_email_folded", "authmw_users")
    for column in ("email_verified", "email_folded", "email"):
        op.drop_column("authmw_users", column)


def _make_sessions() -> None:
    table = "authmw_sessions"
    op.create_table(
        table,
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("current", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in _TIMES),
        sa.Column("amr", sa.Text, nullable=False),
        sa.Column("acr", sa.Text, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("renewed_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("remembered", sa.Boolean, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("key", name=f"uq_{table}_key"),
    )
    op.create_index(f"ix_{table}_subject", table, ["subject"])
    op.create_index(f"ix_{table}_idle_until", table, ["idle_until"])
    _partial_index(table, "ended_at")


def _partial_index(table: str, column: str) -> None:
    where = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"ix_{table}_{column}", table, [column], sqlite_where=where, postgresql_where=where)
