"""Sites, their units, who rents them, and what an invoice can be about."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Subquery,
    Text,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id
from models.label import Label, unit_labels
from models.panel import Panel, labelled
from models.search import Searchable

if TYPE_CHECKING:
    from models.invoice import Invoice
    from models.payment import Payment
    from models.user import User


class Site(Searchable, Base):
    """A place: a city's office, a storage facility. Staff can be bound to sites."""

    __tablename__ = "sites"
    __search__ = ("name", "address")
    __panel__ = Panel(
        label="Site",
        plural="Sites",
        area="sites",
        icon="building",
        group="People and places",
        columns=("name", "address", "phone"),
        form=("name", "address", "phone", "email"),
        sections=(("Site", ("name", "address", "phone", "email")),),
        related=(
            ("Invoices", "invoices"),
            ("Payments", "payments"),
            ("Units", "units"),
            ("Rentals", "rentals"),
        ),
        site_path="id",
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True, info=labelled("Name"))
    address: Mapped[str] = mapped_column(Text, default="", info=labelled("Address", "multiline"))
    phone: Mapped[str] = mapped_column(String(40), default="", info=labelled("Phone", "phone"))
    email: Mapped[str] = mapped_column(String(254), default="", info=labelled("E-mail", "email"))

    units: Mapped[list[Unit]] = relationship(
        back_populates="site", order_by="Unit.id", info=labelled("Units")
    )
    # For reading only: an invoice keeps its own site, whatever becomes of its unit.
    invoices: Mapped[list[Invoice]] = relationship(
        viewonly=True, order_by="Invoice.id", info={**labelled("Invoices"), "back": "site"}
    )
    payments: Mapped[list[Payment]] = relationship(
        viewonly=True, order_by="Payment.id", info=labelled("Payments")
    )
    rentals: Mapped[list[Rental]] = relationship(
        secondary="units",
        viewonly=True,
        order_by="Rental.id",
        info={**labelled("Rentals"), "back": "site"},
    )

    def __str__(self) -> str:
        return self.name


class Billable(Base):
    """What an invoice can be about.

    Units, applications and record types an office adds each point here by a unique foreign key:
    real integrity without inheritance. ``label`` is its name at the time it was made or renamed.
    """

    __tablename__ = "billables"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), index=True, info=labelled("Kind"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    label: Mapped[str] = mapped_column(String(200), info=labelled("About"))

    def __str__(self) -> str:
        return self.label


def _payment() -> type[Payment]:
    from models.payment import Payment

    return Payment


@cache
def _paid_for() -> Subquery:
    """Return which payments went to invoices about which billable, each pair once."""
    from models.invoice import Invoice
    from models.payment import Allocation

    pairs = select(Invoice.billable_id, Allocation.payment_id).join(
        Allocation, Allocation.invoice_id == Invoice.id
    )
    return pairs.distinct().subquery()


class Unit(Searchable, Base):
    """A rentable space at a site."""

    __tablename__ = "units"
    __search__ = ("name", "size")
    __table_args__ = (
        Index("uq_units_site_id_name", "site_id", "name", unique=True),
        CheckConstraint("rate >= 0", name="rate_not_negative"),
    )
    __panel__ = Panel(
        label="Unit",
        plural="Units",
        area="sites",
        icon="warehouse",
        group="People and places",
        columns=("name", "site", "size", "rate", "active", "labels"),
        filters=("site", "active", "labels"),
        form=("site", "name", "size", "rate", "active"),
        sections=(("Unit", ("name", "site", "size", "rate", "active")),),
        related=(("Invoices", "invoices"), ("Payments", "payments"), ("Rentals", "rentals")),
        site_path="site_id",
        title="name",
        beside="site",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), index=True)
    billable_id: Mapped[int] = mapped_column(ForeignKey("billables.id"), unique=True)
    name: Mapped[str] = mapped_column(String(80), info=labelled("Name"))
    size: Mapped[str] = mapped_column(String(80), default="", info=labelled("Size"))
    rate: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Rate", "money"))
    active: Mapped[bool] = mapped_column(Boolean, default=True, info=labelled("In use", "yes_no"))

    site: Mapped[Site] = relationship(back_populates="units", info=labelled("Site"))
    billable: Mapped[Billable] = relationship()
    labels: Mapped[list[Label]] = relationship(
        secondary=unit_labels, order_by="Label.name", info=labelled("Labels")
    )
    rentals: Mapped[list[Rental]] = relationship(
        back_populates="unit", order_by="Rental.id", info=labelled("Rentals")
    )
    # For reading only: they belong to what is billed, which outlives who rents it.
    invoices: Mapped[list[Invoice]] = relationship(
        primaryjoin="Unit.billable_id == foreign(Invoice.billable_id)",
        viewonly=True,
        order_by="Invoice.id",
        info={**labelled("Invoices"), "back": "unit"},
    )
    payments: Mapped[list[Payment]] = relationship(
        secondary=lambda: _paid_for(),
        primaryjoin=lambda: Unit.billable_id == _paid_for().c.billable_id,
        secondaryjoin=lambda: _paid_for().c.payment_id == _payment().id,
        viewonly=True,
        order_by="Payment.id",
        info=labelled("Payments"),
    )

    def __str__(self) -> str:
        return self.name


class Rental(Base):
    """A user's occupation of a unit, first to last day (None: still there)."""

    __tablename__ = "rentals"
    __table_args__ = (
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
    )
    __panel__ = Panel(
        label="Rental",
        plural="Rentals",
        area="sites",
        icon="key",
        group="People and places",
        columns=("unit", "unit.site", "user", "started_on", "ended_on"),
        filters=("unit.site",),
        form=("unit", "user", "started_on", "ended_on"),
        sections=(("Rental", ("unit", "unit.site", "user", "started_on", "ended_on")),),
        site_path="unit.site_id",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("units.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    started_on: Mapped[date] = mapped_column(Date, info=labelled("From", "date"))
    ended_on: Mapped[date | None] = mapped_column(Date, info=labelled("Until", "date"))

    unit: Mapped[Unit] = relationship(back_populates="rentals", info=labelled("Unit"))
    user: Mapped[User] = relationship(back_populates="rentals", info=labelled("User"))

    def __str__(self) -> str:
        return f"{self.unit} · {self.user}"
