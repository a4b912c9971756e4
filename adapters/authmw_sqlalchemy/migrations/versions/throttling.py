"""Third migration: what is in flight and who is in line, for throttles, and the account of each familiar source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Processes of the version before may go on: they leave them empty."""
    op.add_column("authmw_throttle", sa.Column("state", sa.Text, nullable=False, server_default=""))
    op.add_column("authmw_familiar_sources", sa.Column("account", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_authmw_familiar_sources_account", "authmw_familiar_sources", ["account"])


def downgrade() -> None:
    """Drop the columns."""
    op.drop_index("ix_authmw_familiar_sources_account", "authmw_familiar_sources")
    op.drop_column("authmw_familiar_sources", "account")
    op.drop_column("authmw_throttle", "state")
