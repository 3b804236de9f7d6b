"""An amount owed, its lines, and every version of it that was sent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.label import Label, invoice_labels
from models.panel import Panel, labelled
from models.search import Searchable
from models.states import InvoiceState, Rounding, state_type

if TYPE_CHECKING:
    from models.email import OutgoingEmail
    from models.payment import Allocation
    from models.places import Billable, Rental, Site
    from models.user import User

_OPEN = text("state IN ('sent', 'failed')")


class Invoice(Searchable, Base):
    """An amount owed by a user. Amounts are minor units of the organisation's currency.

    ``state`` is written by ``billing.transitions.move`` alone, ``allocated`` and ``credited`` by
    ``billing.ledger`` alone; ``balance`` is computed by the database from them. The invoice keeps
    its own user, site and rental, so a former tenant's debt never shows on the next one.
    """

    __tablename__ = "invoices"
    __search__ = ("number", "description")
    __table_args__ = (
        CheckConstraint("total >= 0", name="total_not_negative"),
        CheckConstraint("allocated >= 0 AND credited >= 0", name="shares_not_negative"),
        CheckConstraint("allocated + credited <= total", name="never_overpaid"),
        CheckConstraint("state <> 'paid' OR allocated + credited = total", name="paid_in_full"),
        CheckConstraint(
            "number IS NOT NULL OR state IN ('draft', 'deleted')", name="issued_has_number"
        ),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="issued_has_date"),
        Index("ix_invoices_state_id", "state", "id"),
        Index("ix_invoices_user_id_id", "user_id", "id"),
        Index("ix_invoices_site_id_id", "site_id", "id"),
        Index("ix_invoices_billable_id", "billable_id"),
        Index(
            "ix_invoices_retry_on",
            "retry_on",
            postgresql_where=text("retry_on IS NOT NULL"),
            sqlite_where=text("retry_on IS NOT NULL"),
        ),
        Index(
            "ix_invoices_open_overdue_on", "overdue_on", postgresql_where=_OPEN, sqlite_where=_OPEN
        ),
    )
    __panel__ = Panel(
        label="Invoice",
        plural="Invoices",
        area="invoices",
        icon="receipt",
        group="Money",
        columns=(
            "number",
            "user",
            "description",
            "labels",
            "total",
            "state",
            "due_on",
            "created_at",
        ),
        filters=("state", "site", "user", "issued_on", "due_on", "created_at", "labels"),
        sections=(
            ("Invoice", ("number", "state", "description", "billable", "site")),
            ("Customer", ("user", "user.email")),
            ("Dates", ("created_at", "issued_on", "sent_at", "due_on", "overdue_on", "viewed_at")),
            ("Amount", ("total", "allocated", "credited", "balance")),
        ),
        related=(("Items", "items"), ("Payments", "allocations"), ("E-mails", "emails")),
        site_path="site_id",
        title="number",
        hidden=("deleted",),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int | None] = mapped_column(unique=True, info=labelled("Number", "number"))
    state: Mapped[InvoiceState] = mapped_column(
        state_type(InvoiceState, "state"),
        default=InvoiceState.DRAFT,
        info=labelled("State", "state"),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    rental_id: Mapped[int | None] = mapped_column(ForeignKey("rentals.id"), index=True)
    billable_id: Mapped[int | None] = mapped_column(ForeignKey("billables.id"))
    currency: Mapped[str] = mapped_column(String(3))
    description: Mapped[str] = mapped_column(Text, info=labelled("Description", "multiline"))
    total: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Amount", "money"))
    allocated: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Paid", "money"))
    credited: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Credited", "money"))
    balance: Mapped[int] = mapped_column(
        BigInteger,
        Computed("total - allocated - credited", persisted=True),
        info=labelled("Balance", "money"),
    )
    due_on: Mapped[date | None] = mapped_column(Date, info=labelled("Due", "date"))
    issued_on: Mapped[date | None] = mapped_column(Date, info=labelled("Invoice date", "date"))
    sent_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Last sent", "datetime")
    )
    sent_on: Mapped[date | None] = mapped_column(Date)
    paid_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Paid on", "datetime")
    )
    viewed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Opened by the customer", "datetime")
    )
    overdue_on: Mapped[date | None] = mapped_column(
        Date, info=labelled("Becomes overdue on", "date")
    )
    overdue_marked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of a failed charge that may work later: the office's local date of the next try.
    retry_on: Mapped[date | None] = mapped_column(Date, info=labelled("Charged again on", "date"))
    retries: Mapped[int] = mapped_column(default=0, server_default="0")
    link_version: Mapped[int] = mapped_column(default=1)
    silent: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Created", "datetime"))

    user: Mapped[User] = relationship(back_populates="invoices", info=labelled("User"))
    site: Mapped[Site | None] = relationship(info=labelled("Site"))
    rental: Mapped[Rental | None] = relationship(info=labelled("Rental"))
    billable: Mapped[Billable | None] = relationship(info=labelled("About"))
    labels: Mapped[list[Label]] = relationship(
        secondary=invoice_labels, order_by="Label.name", info=labelled("Labels")
    )
    items: Mapped[list[Item]] = relationship(
        back_populates="invoice",
        order_by="Item.position",
        cascade="all, delete-orphan",
        info=labelled("Items"),
    )
    allocations: Mapped[list[Allocation]] = relationship(
        back_populates="invoice", order_by="Allocation.id", info=labelled("Payments")
    )
    credits: Mapped[list[Credit]] = relationship(
        back_populates="invoice", order_by="Credit.id", info=labelled("Credits")
    )
    emails: Mapped[list[OutgoingEmail]] = relationship(
        back_populates="invoice", order_by="OutgoingEmail.id", info=labelled("E-mails")
    )

    @property
    def balance_now(self) -> int:
        """Minor units still to pay, changes of this session included.

        ``balance`` is the database's and is only as new as the last read.
        """
        return self.total - self.allocated - self.credited

    def __str__(self) -> str:
        if self.number:
            return f"Invoice #{self.number}"
        return "Deleted draft" if self.state is InvoiceState.DELETED else "Draft invoice"


class Item(Base):
    """One line of an invoice.

    ``net + tax = gross``; all three are stored, because a rate or rounding rule that changes later
    must not change what was invoiced. ``tax_rate`` is in percent.
    """

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("net + tax = gross", name="adds_up"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("tax_rate >= 0 AND tax_rate <= 100", name="tax_rate_is_percent"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    position: Mapped[int] = mapped_column(default=1)
    description: Mapped[str] = mapped_column(String(500), info=labelled("Item"))
    quantity: Mapped[Decimal] = mapped_column(
        Numeric(12, 3), default=Decimal(1), info=labelled("Quantity", "number")
    )
    unit_amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Price", "money"))
    discount: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Discount", "money"))
    tax_rate: Mapped[Decimal] = mapped_column(
        Numeric(7, 4), default=Decimal(0), info=labelled("Tax rate", "percent")
    )
    tax_inclusive: Mapped[bool] = mapped_column(Boolean, default=False)
    rounding: Mapped[Rounding] = mapped_column(
        state_type(Rounding, "rounding"), default=Rounding.HALF_UP
    )
    net: Mapped[int] = mapped_column(BigInteger, info=labelled("Net", "money"))
    tax: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Tax", "money"))
    gross: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))

    invoice: Mapped[Invoice] = relationship(back_populates="items")


class InvoiceVersion(Base):
    """What was sent, frozen: the customer's page, PDF and receipt show this, not today's data."""

    __tablename__ = "invoice_versions"
    __table_args__ = (
        Index("uq_invoice_versions_invoice_id_version", "invoice_id", "version", unique=True),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"))
    version: Mapped[int] = mapped_column()
    frozen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    total: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class Credit(Base):
    """An amount that need not be paid: a write-off or a credit note, with its reason."""

    __tablename__ = "credits"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        # A refund of a payment that paid several invoices credits each of them once.
        UniqueConstraint("refund_id", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    # Whose fees fell: such a credit corrects what was invoiced and pays none of what is owed.
    application_id: Mapped[int | None] = mapped_column(ForeignKey("applications.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))
    reason: Mapped[str] = mapped_column(Text, info=labelled("Reason", "multiline"))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("On", "datetime"))

    invoice: Mapped[Invoice] = relationship(back_populates="credits")


class Counter(Base):
    """A row that is locked to hand out the next number without a gap."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
