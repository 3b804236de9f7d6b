"""The storage office: labels, predefined charges, bulk actions, disputes, notices, retries.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A new permission, and the one whose holders get it until the office says otherwise.
GRANTS = {
    "users.billing": "invoices.charge",
    "invoices.label": "invoices.edit",
    "charges.view": "invoices.edit",
    "charges.edit": "invoices.edit",
    "labels.view": "invoices.edit",
    "labels.edit": "invoices.edit",
    "filters.share": "settings.view",
    "disputes.view": "payments.view",
    "notices.receive": "invoices.charge",
    "gateway.view": "payments.view",
}


def upgrade() -> None:
    _create_tables()
    _add_columns()
    _grant()


def downgrade() -> None:
    raise RuntimeError("Labels, disputes and notices would be lost. Restore a backup instead.")


def _grant() -> None:
    roles = sa.table("roles", sa.column("id", sa.Integer), sa.column("permissions", sa.JSON))
    connection = op.get_bind()
    for role_id, held in connection.execute(sa.select(roles.c.id, roles.c.permissions)).all():
        fresh = [name for name, like in GRANTS.items() if like in held and name not in held]
        if fresh:
            connection.execute(
                sa.update(roles).where(roles.c.id == role_id).values(permissions=[*held, *fresh])
            )


def _add_columns() -> None:
    op.add_column(
        "gateway_notifications",
        sa.Column("matched", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.create_index(
        "ix_gateway_notifications_unmatched",
        "gateway_notifications",
        ["id"],
        unique=False,
        postgresql_where=sa.text("matched IS false"),
        sqlite_where=sa.text("matched IS 0"),
    )

    op.add_column("invoices", sa.Column("retry_on", sa.Date(), nullable=True))
    op.add_column(
        "invoices", sa.Column("retries", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_invoices_retry_on",
        "invoices",
        ["retry_on"],
        unique=False,
        postgresql_where=sa.text("retry_on IS NOT NULL"),
        sqlite_where=sa.text("retry_on IS NOT NULL"),
    )

    # The rule comes with a column, because SQLite adds none to a table that is there already.
    has_mandate = sa.CheckConstraint(
        "tender <> 'direct_debit' OR mandate <> ''",
        name=op.f("ck_payment_methods_debit_has_mandate"),
    )
    op.add_column(
        "payment_methods",
        sa.Column("expiry_announced_at", UtcDateTime(), has_mandate, nullable=True),
    )

    op.add_column(
        "settings", sa.Column("retry_days", sa.JSON(), server_default="[3, 5, 7]", nullable=False)
    )
    op.add_column(
        "settings",
        sa.Column("other_amounts", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "settings",
        sa.Column("direct_debit", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "settings",
        sa.Column("creditor_id", sa.String(length=35), server_default="", nullable=False),
    )
    op.add_column(
        "settings", sa.Column("expiry_days", sa.Integer(), server_default="30", nullable=False)
    )

    op.add_column(
        "users", sa.Column("link_version", sa.Integer(), server_default="1", nullable=False)
    )


def _create_tables() -> None:
    op.create_table(
        "labels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("name", name=op.f("uq_labels_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "predefined_charges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("tax_inclusive", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "tax_rate >= 0 AND tax_rate <= 100",
            name=op.f("ck_predefined_charges_tax_rate_is_percent"),
        ),
        sa.CheckConstraint(
            "unit_amount >= 0", name=op.f("ck_predefined_charges_unit_amount_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predefined_charges")),
    )
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verb", sa.String(length=20), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_bulk_runs_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_runs")),
    )
    op.create_index(op.f("ix_bulk_runs_staff_id"), "bulk_runs", ["staff_id"], unique=False)

    op.create_table(
        "saved_filters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grid", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_saved_filters_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
    )
    op.create_index(
        "ix_saved_filters_grid_staff_id", "saved_filters", ["grid", "staff_id"], unique=False
    )

    op.create_table(
        "user_labels",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_user_labels_label_id_labels")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_labels_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", "label_id", name=op.f("pk_user_labels")),
    )
    op.create_index(op.f("ix_user_labels_label_id"), "user_labels", ["label_id"], unique=False)

    op.create_table(
        "unit_labels",
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_unit_labels_label_id_labels")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_unit_labels_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("unit_id", "label_id", name=op.f("pk_unit_labels")),
    )
    op.create_index(op.f("ix_unit_labels_label_id"), "unit_labels", ["label_id"], unique=False)

    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gateway_id", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "won",
                "lost",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("reply_by", sa.Date(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id_payments")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_disputes_site_id_sites")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_disputes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_disputes_gateway_id")),
    )
    op.create_index(op.f("ix_disputes_payment_id"), "disputes", ["payment_id"], unique=False)
    op.create_index(op.f("ix_disputes_site_id"), "disputes", ["site_id"], unique=False)
    op.create_index("ix_disputes_state_id", "disputes", ["state", "id"], unique=False)
    op.create_index(op.f("ix_disputes_user_id"), "disputes", ["user_id"], unique=False)

    op.create_table(
        "bulk_rows",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("shown_balance", sa.BigInteger(), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "refused",
                "declined",
                "unknown",
                "failed",
                "stopped",
                name="result",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_bulk_rows_invoice_id_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["bulk_runs.id"], name=op.f("fk_bulk_rows_run_id_bulk_runs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_rows")),
    )
    op.create_index(op.f("ix_bulk_rows_invoice_id"), "bulk_rows", ["invoice_id"], unique=False)
    op.create_index(
        "ix_bulk_rows_waiting",
        "bulk_rows",
        ["run_id", "id"],
        unique=False,
        postgresql_where=sa.text("result = 'waiting'"),
        sqlite_where=sa.text("result = 'waiting'"),
    )
    op.create_index(
        "uq_bulk_rows_run_id_invoice_id", "bulk_rows", ["run_id", "invoice_id"], unique=True
    )

    op.create_table(
        "invoice_labels",
        sa.Column(
            "invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("label_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_labels_invoice_id_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_invoice_labels_label_id_labels")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "label_id", name=op.f("pk_invoice_labels")),
    )
    op.create_index(
        op.f("ix_invoice_labels_label_id"), "invoice_labels", ["label_id"], unique=False
    )

    op.create_table(
        "staff_notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("staff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("occasion", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column(
            "invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("digested_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_staff_notices_invoice_id_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payments.id"], name=op.f("fk_staff_notices_payment_id_payments")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_notices_staff_id_staff")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_staff_notices_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_notices")),
    )
    op.create_index(
        op.f("ix_staff_notices_invoice_id"), "staff_notices", ["invoice_id"], unique=False
    )
    op.create_index(
        op.f("ix_staff_notices_payment_id"), "staff_notices", ["payment_id"], unique=False
    )
    op.create_index(op.f("ix_staff_notices_user_id"), "staff_notices", ["user_id"], unique=False)
    op.create_index(
        "ix_staff_notices_waiting",
        "staff_notices",
        ["staff_id", "id"],
        unique=False,
        postgresql_where=sa.text("digested_at IS NULL"),
        sqlite_where=sa.text("digested_at IS NULL"),
    )
    op.create_index(
        "ix_staff_notices_staff_id_created_at",
        "staff_notices",
        ["staff_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_staff_notices_staff_id_occasion", "staff_notices", ["staff_id", "occasion"], unique=True
    )
