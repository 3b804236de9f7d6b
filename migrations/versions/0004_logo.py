"""The office's logo, kept with its settings.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("settings", sa.Column("logo", sa.LargeBinary(), nullable=True))
    op.add_column(
        "settings",
        sa.Column("logo_type", sa.String(length=20), nullable=False, server_default=""),
    )


def downgrade() -> None:
    with op.batch_alter_table("settings") as table:
        table.drop_column("logo_type")
        table.drop_column("logo")
