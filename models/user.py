"""A customer, and the cards and bank accounts kept for them at the gateway."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.label import Label, user_labels
from models.panel import Panel, labelled
from models.search import Searchable
from models.states import BillingMethod, BillingTrigger, Tender, state_type
from models.within import users_within

if TYPE_CHECKING:
    from models.application import Application
    from models.invoice import Invoice
    from models.payment import Payment
    from models.places import Rental, Site


class User(Searchable, Base):
    """A customer, with or without an e-mail address; several may share one."""

    __tablename__ = "users"
    __search__ = ("name", "email", "phone")
    __table_args__ = (
        CheckConstraint("NOT (no_email AND email IS NOT NULL)", name="no_email_has_no_address"),
        Index("ix_users_site_id_id", "site_id", "id"),
    )
    __panel__ = Panel(
        label="User",
        plural="Users",
        area="users",
        icon="users",
        group="People and places",
        columns=("name", "email", "site", "billing_method", "labels"),
        filters=("site", "billing_method", "no_email", "labels"),
        form=(
            "name",
            "email",
            "no_email",
            "phone",
            "street",
            "city",
            "region",
            "postal_code",
            "country",
            "site",
        ),
        sections=(
            ("Person", ("name", "email", "no_email", "phone", "site")),
            ("Address", ("street", "city", "region", "postal_code", "country")),
            ("Billing", ("billing_method", "billing_trigger", "created_at")),
        ),
        related=(
            ("Invoices", "invoices"),
            ("Applications", "applications"),
            ("Payments", "payments"),
            ("Rentals", "rentals"),
        ),
        site_path="site_id",
        within=users_within,
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(160), info=labelled("Name"))
    email: Mapped[str | None] = mapped_column(
        String(254), index=True, info=labelled("E-mail", "email")
    )
    no_email: Mapped[bool] = mapped_column(
        Boolean,
        default=False,
        info=labelled("No e-mail", "yes_no", "Nothing is ever sent to this person."),
    )
    phone: Mapped[str] = mapped_column(String(40), default="", info=labelled("Phone", "phone"))
    street: Mapped[str] = mapped_column(String(200), default="", info=labelled("Street"))
    city: Mapped[str] = mapped_column(String(120), default="", info=labelled("City"))
    region: Mapped[str] = mapped_column(String(120), default="", info=labelled("State or region"))
    postal_code: Mapped[str] = mapped_column(String(20), default="", info=labelled("Postal code"))
    country: Mapped[str] = mapped_column(String(80), default="", info=labelled("Country"))
    billing_method: Mapped[BillingMethod] = mapped_column(
        state_type(BillingMethod, "billing_method"),
        default=BillingMethod.GATEWAY,
        info=labelled("Billing method", "choice"),
    )
    billing_trigger: Mapped[BillingTrigger] = mapped_column(
        state_type(BillingTrigger, "billing_trigger"),
        default=BillingTrigger.DEFAULT,
        info=labelled("Billing trigger", "choice"),
    )
    # Raised to make every link to add a payment method that was given out stop working.
    link_version: Mapped[int] = mapped_column(default=1, server_default="1")
    gateway_customer_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Since", "datetime"))
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    site: Mapped[Site | None] = relationship(info=labelled("Site"))
    labels: Mapped[list[Label]] = relationship(
        secondary=user_labels, order_by="Label.name", info=labelled("Labels")
    )
    rentals: Mapped[list[Rental]] = relationship(
        back_populates="user", order_by="Rental.id", info=labelled("Rentals")
    )
    applications: Mapped[list[Application]] = relationship(
        back_populates="user", order_by="Application.id", info=labelled("Applications")
    )
    invoices: Mapped[list[Invoice]] = relationship(
        back_populates="user", order_by="Invoice.id", info=labelled("Invoices")
    )
    payments: Mapped[list[Payment]] = relationship(
        back_populates="user", order_by="Payment.id", info=labelled("Payments")
    )
    payment_methods: Mapped[list[PaymentMethod]] = relationship(
        back_populates="user", order_by="PaymentMethod.id", info=labelled("Payment methods")
    )

    @property
    def address(self) -> str:
        """The postal address as lines, without the empty ones."""
        town = " ".join(part for part in (self.city, self.region, self.postal_code) if part)
        return "\n".join(line for line in (self.street, town, self.country) if line)

    @property
    def reachable(self) -> bool:
        """Whether an e-mail may be sent to this person."""
        return bool(self.email) and not self.no_email and self.erased_at is None

    def __str__(self) -> str:
        return self.name


class PaymentMethod(Base):
    """A card or bank account kept at the gateway under a token; never its number."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index(
            "uq_payment_methods_default",
            "user_id",
            unique=True,
            postgresql_where=text("is_default AND removed_at IS NULL"),
            sqlite_where=text("is_default AND removed_at IS NULL"),
        ),
        CheckConstraint("tender <> 'direct_debit' OR mandate <> ''", name="debit_has_mandate"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    tender: Mapped[Tender] = mapped_column(state_type(Tender, "tender"))
    brand: Mapped[str] = mapped_column(String(40), default="", info=labelled("Kind"))
    last_four: Mapped[str] = mapped_column(String(4), default="", info=labelled("Last four"))
    expires_on: Mapped[date | None] = mapped_column(Date, info=labelled("Expires", "date"))
    holder: Mapped[str] = mapped_column(String(160), default="", info=labelled("Holder"))
    mandate: Mapped[str] = mapped_column(Text, default="", info=labelled("Mandate", "multiline"))
    is_default: Mapped[bool] = mapped_column(
        Boolean, default=True, info=labelled("Default", "yes_no")
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Added", "datetime"))
    # The customer was told once that it is about to expire.
    expiry_announced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="payment_methods", info=labelled("User"))

    def __str__(self) -> str:
        name = self.brand or str(self.tender)
        return f"{name} ending in {self.last_four}" if self.last_four else name

    @property
    def in_a_sentence(self) -> str:
        """Its name after other words: a brand keeps its capital, "bank account" has none."""
        return str(self) if self.tender is Tender.CARD else str(self).lower()
