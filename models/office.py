"""The office's own settings, the gateway's news, and the timetable of its jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.payment import Payment
from models.states import BillingTrigger, OverdueBasis, state_type

MAX_OVERDUE_AGE_DAYS = 3650


class Settings(Base):
    """What the office decides about itself: one row, edited in one checked form."""

    __tablename__ = "settings"
    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint(
            f"overdue_age IS NULL OR overdue_age BETWEEN 0 AND {MAX_OVERDUE_AGE_DAYS}",
            name="overdue_age_in_days",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    organisation: Mapped[str] = mapped_column(String(160), info=labelled("Name"))
    tagline: Mapped[str] = mapped_column(String(160), default="", info=labelled("Office"))
    address: Mapped[str] = mapped_column(Text, default="", info=labelled("Address", "multiline"))
    phone: Mapped[str] = mapped_column(String(40), default="", info=labelled("Phone", "phone"))
    email: Mapped[str] = mapped_column(
        String(254), default="", info=labelled("E-mail", "email", "Replies to letters go here.")
    )
    website: Mapped[str] = mapped_column(String(254), default="", info=labelled("Website", "link"))
    accent: Mapped[str] = mapped_column(
        String(7), default="#1f5f5b", info=labelled("Colour", "colour", "Of buttons and links.")
    )
    invoice_footer: Mapped[str] = mapped_column(
        Text, default="", info=labelled("Text at the foot of invoices", "multiline")
    )
    currency: Mapped[str] = mapped_column(
        String(3), default="USD", info=labelled("Currency", "currency")
    )
    locale: Mapped[str] = mapped_column(
        String(16), default="en_US", info=labelled("Language of dates and money", "locale")
    )
    timezone: Mapped[str] = mapped_column(
        String(64), default="UTC", info=labelled("Time zone", "timezone")
    )
    overdue_age: Mapped[int | None] = mapped_column(
        info=labelled(
            "Invoice overdue age",
            "days",
            "Days after the due date until an invoice is overdue. Empty: never.",
        )
    )
    overdue_basis: Mapped[OverdueBasis] = mapped_column(
        state_type(OverdueBasis, "overdue_basis"),
        default=OverdueBasis.ISSUED,
        info=labelled("Without a due date, count from", "choice"),
    )
    billing_trigger: Mapped[BillingTrigger] = mapped_column(
        state_type(BillingTrigger, "billing_trigger"),
        default=BillingTrigger.MANUAL,
        info=labelled("Billing trigger", "choice"),
    )
    link_days: Mapped[int] = mapped_column(
        default=365, info=labelled("Invoice links work for", "days")
    )
    hold_minutes: Mapped[int] = mapped_column(
        default=60, info=labelled("Release card holds after", "minutes")
    )
    max_declines: Mapped[int] = mapped_column(
        default=5,
        info=labelled(
            "Declined cards an hour", "number", "After these an invoice can't be paid for an hour."
        ),
    )
    manual_methods: Mapped[list[str]] = mapped_column(
        JSON,
        default=list,
        info=labelled("Other ways to pay in person", "lines", "One a line."),
    )
    retry_days: Mapped[list[int]] = mapped_column(
        JSON,
        default=lambda: [3, 5, 7],
        info=labelled(
            "Charge again after a soft decline",
            "day_list",
            "Days after each failed charge, such as 3, 5, 7: three more tries at most. "
            "Empty: never.",
        ),
    )
    other_amounts: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        server_default=sql("false"),
        info=labelled("Customers may pay a part of an invoice", "yes_no"),
    )
    direct_debit: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        server_default=sql("false"),
        info=labelled(
            "Customers may register a bank account",
            "yes_no",
            "SEPA direct debit in euro, a US bank account in US dollars.",
        ),
    )
    creditor_id: Mapped[str] = mapped_column(
        String(35),
        default="",
        server_default="",
        info=labelled("SEPA creditor identifier", hint="Shown in the mandate."),
    )
    expiry_days: Mapped[int] = mapped_column(
        default=30,
        server_default="30",
        info=labelled(
            "Announce an expiring card", "days", "Days before a registered card expires."
        ),
    )
    # Read by the one page that shows it, not with every look at the settings.
    logo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, info=labelled("Logo"))
    logo_type: Mapped[str] = mapped_column(String(20), default="", server_default="")
    email_texts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GatewayNotification(Base):
    """A webhook as it arrived: stored raw first, acted on afterwards, never lost.

    ``matched`` is False once it was looked at and names no payment of ours.
    """

    __tablename__ = "gateway_notifications"
    __panel__ = Panel(
        label="Gateway news",
        plural="Gateway news",
        area="gateway",
        icon="radio",
        group="Office",
        columns=("received_at", "kind", "gateway_id", "outcome", "matched", "deliveries"),
        filters=("matched", "kind", "received_at"),
        sections=(
            ("News", ("kind", "gateway_id", "outcome", "matched", "payment")),
            ("Delivery", ("received_at", "processed_at", "deliveries", "payload")),
        ),
        title="kind",
        site_path="payment.site_id",
    )
    __table_args__ = (
        Index(
            "ix_gateway_notifications_waiting",
            "id",
            postgresql_where=sql("processed_at IS NULL"),
            sqlite_where=sql("processed_at IS NULL"),
        ),
        # "IS", as SQLAlchemy writes the question, else SQLite does not see that it may use it.
        Index(
            "ix_gateway_notifications_unmatched",
            "id",
            postgresql_where=sql("matched IS false"),
            sqlite_where=sql("matched IS 0"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(60), default="", info=labelled("Kind"))
    gateway_id: Mapped[str] = mapped_column(String(64), default="", info=labelled("Gateway id"))
    signature: Mapped[str] = mapped_column(Text)
    payload: Mapped[str] = mapped_column(Text, info=labelled("As it arrived", "multiline"))
    deliveries: Mapped[int] = mapped_column(default=1, info=labelled("Deliveries"))
    received_at: Mapped[datetime] = mapped_column(
        UtcDateTime, info=labelled("Received", "datetime")
    )
    processed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Processed", "datetime")
    )
    outcome: Mapped[str] = mapped_column(Text, default="", info=labelled("Outcome"))
    matched: Mapped[bool] = mapped_column(
        Boolean, default=True, server_default=sql("true"), info=labelled("Known to us", "yes_no")
    )
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)

    payment: Mapped[Payment | None] = relationship(info=labelled("Payment"))

    def __str__(self) -> str:
        return (self.kind or "news").replace("_", " ").capitalize()


class JobRun(Base):
    """The timetable's memory: one row a job, so that two schedulers never run a slot twice."""

    __tablename__ = "job_runs"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger, default=0)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Last started", "datetime")
    )
    finished_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Last finished", "datetime")
    )
    ok: Mapped[bool] = mapped_column(Boolean, default=True)
    message: Mapped[str] = mapped_column(Text, default="", info=labelled("Result"))
