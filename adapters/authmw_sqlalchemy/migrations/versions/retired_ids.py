"""Fourth migration: the ids of deleted users, as digests, so that none is given again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. Processes of the version before may go on: they delete no user."""
    op.create_table(
        "authmw_retired_ids",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("retired_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_authmw_retired_ids"),
    )


def downgrade() -> None:
    """Drop the table. Then the ids of deleted users are free again."""
    op.drop_table("authmw_retired_ids")
