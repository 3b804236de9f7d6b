"""Messages to many: whom each goes to, how far it got, and who wants no more of them.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime
from models.search import index_ddl

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PERMISSIONS = ("messages.view", "messages.edit", "messages.send")


def upgrade() -> None:
    _create_tables()
    for statement in index_ddl("messages", op.get_bind().dialect.name):
        op.execute(statement)
    _grant()


def downgrade() -> None:
    raise RuntimeError("Messages and unsubscriptions would be lost. Restore a backup instead.")


def _grant() -> None:
    """Who may change applications writes their messages too, until the office says otherwise."""
    roles = sa.table("roles", sa.column("id", sa.Integer), sa.column("permissions", sa.JSON))
    connection = op.get_bind()
    for role_id, held in connection.execute(sa.select(roles.c.id, roles.c.permissions)).all():
        missing = [name for name in PERMISSIONS if name not in held]
        if "applications.edit" in held and missing:
            connection.execute(
                sa.update(roles).where(roles.c.id == role_id).values(permissions=[*held, *missing])
            )


def _create_tables() -> None:
    op.create_table(
        "unsubscribes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsubscribes")),
        sa.UniqueConstraint("address", name=op.f("uq_unsubscribes_address")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("author", sa.String(length=160), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "sending",
                "paused",
                "sent",
                "archived",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("search_text", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "recipients >= 0 AND sent >= 0 AND failed >= 0 AND skipped >= 0",
            name=op.f("ck_messages_counts_not_negative"),
        ),
        sa.CheckConstraint(
            "sent + failed <= recipients", name=op.f("ck_messages_never_more_than_all")
        ),
        sa.ForeignKeyConstraint(["form_id"], ["forms.id"], name=op.f("fk_messages_form_id_forms")),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_messages_site_id_sites")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_form_id"), "messages", ["form_id"], unique=False)
    op.create_index(
        "ix_messages_running_lease_until",
        "messages",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
        sqlite_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_messages_site_id_id", "messages", ["site_id", "id"], unique=False)
    op.create_index("ix_messages_state_id", "messages", ["state", "id"], unique=False)
    op.create_table(
        "message_exclusions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_exclusions_message_id_messages")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_exclusions")),
    )
    op.create_index(
        op.f("ix_message_exclusions_message_id"), "message_exclusions", ["message_id"], unique=False
    )
    op.create_table(
        "message_extras",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_extras_message_id_messages")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_extras")),
    )
    op.create_index(
        op.f("ix_message_extras_message_id"), "message_extras", ["message_id"], unique=False
    )
    op.create_table(
        "message_recipients",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "message_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "application_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("address_key", sa.String(length=254), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sending",
                "sent",
                "failed",
                "unknown",
                "skipped",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "inactive",
                "no_email",
                "excluded",
                "unpaid",
                "unsubscribed",
                "same_address",
                "stopped",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=True,
        ),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'skipped') = (reason IS NOT NULL)",
            name=op.f("ck_message_recipients_skipped_has_reason"),
        ),
        sa.CheckConstraint(
            "state = 'skipped' OR address_key IS NOT NULL",
            name=op.f("ck_message_recipients_has_address"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_message_recipients_application_id_applications"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_message_recipients_message_id_messages")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_message_recipients_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_recipients")),
    )
    op.create_index(
        "ix_message_recipients_claimed",
        "message_recipients",
        ["message_id", "claimed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
        sqlite_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_message_recipients_message_id_id",
        "message_recipients",
        ["message_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_message_recipients_troubled",
        "message_recipients",
        ["message_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('failed', 'unknown')"),
        sqlite_where=sa.text("state IN ('failed', 'unknown')"),
    )
    op.create_index(
        op.f("ix_message_recipients_user_id"), "message_recipients", ["user_id"], unique=False
    )
    op.create_index(
        "ix_message_recipients_waiting",
        "message_recipients",
        ["message_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_message_recipients_message_id_address_key",
        "message_recipients",
        ["message_id", "address_key"],
        unique=True,
        postgresql_where=sa.text("state <> 'skipped'"),
        sqlite_where=sa.text("state <> 'skipped'"),
    )
