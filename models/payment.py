"""Movements of money, attempts at them included, and what they paid for."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.search import Searchable
from models.states import AllocationState, PaymentKind, PaymentState, Tender, state_type

if TYPE_CHECKING:
    from models.invoice import Invoice
    from models.user import PaymentMethod, User

_CLAIMED = text("state = 'claimed'")
_REFUND_STARTED = text("kind = 'refund' AND state = 'started'")
_WATCHED = text("check_at IS NOT NULL")


class Payment(Searchable, Base):
    """One movement of money or attempt at it. Amounts are minor units, always positive.

    ``reference`` is our unique name for the attempt, chosen before the gateway is called;
    ``gateway_id`` is the gateway's. ``allocated`` and ``refunded`` are written by
    ``billing.ledger`` alone; what is left of a collected payment is the user's credit.
    """

    __tablename__ = "payments"
    __search__ = ("reference", "gateway_id", "note", "check_number")
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("allocated >= 0 AND refunded >= 0", name="shares_not_negative"),
        CheckConstraint("allocated + refunded <= amount", name="never_overspent"),
        CheckConstraint("(kind = 'refund') = (refund_of_id IS NOT NULL)", name="refund_has_source"),
        Index("ix_payments_state_id", "state", "id"),
        Index("ix_payments_user_id_id", "user_id", "id"),
        Index(
            "uq_payments_live_refund",
            "refund_of_id",
            unique=True,
            postgresql_where=_REFUND_STARTED,
            sqlite_where=_REFUND_STARTED,
        ),
        Index(
            "ix_payments_watched_check_at",
            "check_at",
            postgresql_where=_WATCHED,
            sqlite_where=_WATCHED,
        ),
    )
    __panel__ = Panel(
        label="Payment",
        plural="Payments",
        area="payments",
        icon="banknote",
        group="Money",
        columns=("id", "user", "kind", "tender", "amount", "state", "started_at"),
        filters=("state", "tender", "kind", "started_at"),
        sections=(
            ("Payment", ("kind", "tender", "amount", "state", "user", "started_at")),
            ("Where it went", ("allocated", "refunded", "unapplied")),
            (
                "At the gateway",
                ("reference", "gateway_id", "gateway_status", "code", "message", "instrument"),
            ),
            ("Details", ("check_number", "check_date", "payer", "note")),
        ),
        related=(("Invoices", "allocations"),),
        site_path="site_id",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, info=labelled("Payment", "number"))
    kind: Mapped[PaymentKind] = mapped_column(
        state_type(PaymentKind, "kind"), default=PaymentKind.CHARGE, info=labelled("Kind", "choice")
    )
    tender: Mapped[Tender] = mapped_column(
        state_type(Tender, "tender"), info=labelled("Paid with", "choice")
    )
    state: Mapped[PaymentState] = mapped_column(
        state_type(PaymentState, "state"),
        default=PaymentState.STARTED,
        info=labelled("State", "state"),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    payment_method_id: Mapped[int | None] = mapped_column(ForeignKey("payment_methods.id"))
    refund_of_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))
    allocated: Mapped[int] = mapped_column(
        BigInteger, default=0, info=labelled("Applied to invoices", "money")
    )
    refunded: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Refunded", "money"))
    currency: Mapped[str] = mapped_column(String(3))
    reference: Mapped[str] = mapped_column(
        String(64), unique=True, info=labelled("Reference", "code")
    )
    gateway_id: Mapped[str | None] = mapped_column(
        String(64), unique=True, info=labelled("Gateway id", "code")
    )
    gateway_status: Mapped[str] = mapped_column(
        String(40), default="", info=labelled("Gateway status")
    )
    code: Mapped[str] = mapped_column(String(16), default="", info=labelled("Code", "code"))
    message: Mapped[str] = mapped_column(Text, default="", info=labelled("What was answered"))
    soft: Mapped[bool | None] = mapped_column(Boolean)
    instrument: Mapped[str] = mapped_column(
        String(80), default="", info=labelled("Card or account")
    )
    # What the invoice returns to when this attempt comes to nothing.
    returns_to: Mapped[str] = mapped_column(String(16), default="")
    detached: Mapped[bool] = mapped_column(Boolean, default=False)
    initiated_by: Mapped[str] = mapped_column(String(16), default="customer")
    client_ip: Mapped[str] = mapped_column(String(64), default="")
    check_number: Mapped[str] = mapped_column(
        String(40), default="", info=labelled("Check no. or reference")
    )
    check_date: Mapped[date | None] = mapped_column(Date, info=labelled("Dated", "date"))
    payer: Mapped[str] = mapped_column(String(160), default="", info=labelled("Bank or payer"))
    note: Mapped[str] = mapped_column(Text, default="", info=labelled("Note", "multiline"))
    send_receipt: Mapped[bool] = mapped_column(Boolean, default=True)
    hold_expires_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Hold expires", "datetime")
    )
    # Reconciliation's diary: when to look again, how often it did, when it found nothing.
    check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checks: Mapped[int] = mapped_column(default=0)
    not_found_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Started", "datetime"))
    # When the gateway was last asked to change this payment (start, capture).
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    collected_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Received", "datetime")
    )
    settled_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Settled", "datetime")
    )

    user: Mapped[User] = relationship(back_populates="payments", info=labelled("User"))
    payment_method: Mapped[PaymentMethod | None] = relationship()
    refund_of: Mapped[Payment | None] = relationship(remote_side="Payment.id")
    allocations: Mapped[list[Allocation]] = relationship(
        back_populates="payment",
        order_by="Allocation.id",
        foreign_keys="Allocation.payment_id",
        info=labelled("Invoices"),
    )

    @property
    def unapplied(self) -> int:
        """Minor units of this payment that no invoice and no refund has used."""
        return self.amount - self.allocated - self.refunded

    def __str__(self) -> str:
        return f"Payment {self.id}"


class Allocation(Base):
    """How much of a payment goes to an invoice, in minor units.

    A refund that reopens takes its share back with a negative row, so the sum of the applied rows
    is always what counts. While *claimed*, no other attempt can claim the same invoice: the
    partial unique index is one of the three walls against charging twice.
    """

    __tablename__ = "allocations"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        CheckConstraint("amount > 0 OR refund_id IS NOT NULL", name="only_refunds_take_back"),
        Index(
            "uq_allocations_one_live_attempt",
            "invoice_id",
            unique=True,
            postgresql_where=_CLAIMED,
            sqlite_where=_CLAIMED,
        ),
        Index("ix_allocations_invoice_id_id", "invoice_id", "id"),
        Index("ix_allocations_payment_id_id", "payment_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    state: Mapped[AllocationState] = mapped_column(
        state_type(AllocationState, "state"), info=labelled("State", "state")
    )
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("On", "datetime"))

    payment: Mapped[Payment] = relationship(
        back_populates="allocations", foreign_keys=[payment_id], info=labelled("Payment")
    )
    invoice: Mapped[Invoice] = relationship(back_populates="allocations", info=labelled("Invoice"))
