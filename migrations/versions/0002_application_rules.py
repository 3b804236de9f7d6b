"""Fee rules of forms, credits of fees that fell, notes, links to applications, sign-in by e-mail.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_tables()
    _forms()
    _applications()
    with op.batch_alter_table("credits") as table:
        table.add_column(sa.Column("application_id", _ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_credits_application_id_applications"),
            "applications",
            ["application_id"],
            ["id"],
        )
        table.create_index(op.f("ix_credits_application_id"), ["application_id"])


def downgrade() -> None:
    raise RuntimeError("Notes and fee rules would be lost. Restore a backup instead.")


def _create_tables() -> None:
    op.create_table(
        "notes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("record", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", _ID, nullable=True),
        sa.Column("author_name", sa.String(length=160), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["staff.id"], name=op.f("fk_notes_author_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_record_record_id_id", "notes", ["record", "record_id", "id"])
    op.create_index(op.f("ix_notes_author_id"), "notes", ["author_id"])
    op.create_table(
        "sign_in_links",
        sa.Column("id", _ID, nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_links_digest")),
    )
    op.create_index(op.f("ix_sign_in_links_asked_at"), "sign_in_links", ["asked_at"])
    op.create_index("ix_sign_in_links_address_asked_at", "sign_in_links", ["address", "asked_at"])
    op.create_index("ix_sign_in_links_ip_asked_at", "sign_in_links", ["ip", "asked_at"])


def _forms() -> None:
    """Give forms their rules; what an office wrote in its own words becomes the rule it means."""
    # No batch here: building the table anew on SQLite would drop its search triggers.
    op.add_column(
        "forms", sa.Column("item_name", sa.String(length=80), server_default="", nullable=False)
    )
    op.add_column(
        "forms",
        sa.Column("resident_places", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    rules = sa.Enum(
        "everyone",
        "resident",
        "non_resident",
        name="rule",
        native_enum=False,
        create_constraint=True,
        length=16,
    )
    with op.batch_alter_table("form_fees") as table:
        table.add_column(sa.Column("rule", rules, server_default="everyone", nullable=False))
        table.add_column(
            sa.Column("per_item", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    op.execute("""
        UPDATE form_fees SET rule = CASE
            WHEN lower(applies_to) LIKE '%non%resident%' THEN 'non_resident'
            WHEN lower(applies_to) LIKE '%resident%' THEN 'resident'
            ELSE 'everyone' END
    """)
    with op.batch_alter_table("form_fees") as table:
        table.drop_column("applies_to")


def _applications() -> None:
    """Links to applications can be replaced; what stood in one big note becomes the first note."""
    op.add_column(
        "applications", sa.Column("link_version", sa.Integer(), server_default="1", nullable=False)
    )
    op.execute("""
        INSERT INTO notes (record, record_id, author_name, text, at)
        SELECT 'application', id, '', notes, coalesce(decided_at, submitted_at, CURRENT_TIMESTAMP)
        FROM applications WHERE notes <> ''
    """)
    op.execute("ALTER TABLE applications DROP COLUMN notes")
