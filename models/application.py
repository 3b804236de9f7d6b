"""What one applies for (a form), and a user's request for it with its fees."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    cast,
    false,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.invoice import Credit, Invoice
from models.panel import Panel, labelled
from models.search import Searchable
from models.states import ApplicationState, FeeRule, InvoiceState, state_type

if TYPE_CHECKING:
    from models.places import Billable, Site
    from models.user import User


def _whole(total: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum as a whole number, also of nothing: PostgreSQL sums BIGINT to NUMERIC."""
    return cast(func.coalesce(total, 0), BigInteger)


class Form(Searchable, Base):
    """What one applies for, with the fees it usually costs."""

    __tablename__ = "forms"
    __search__ = ("name", "description")
    __panel__ = Panel(
        label="Form",
        plural="Forms",
        area="applications",
        icon="clipboard-list",
        group="Applications",
        columns=("name", "site", "active"),
        filters=("site", "active"),
        form=("name", "description", "site", "active", "item_name"),
        sections=(
            ("Form", ("name", "description", "site", "active")),
            ("Fee rules", ("item_name", "resident_places")),
        ),
        related=(("Fees", "fees"),),
        site_path="site_id",
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    name: Mapped[str] = mapped_column(String(160), info=labelled("Name"))
    description: Mapped[str] = mapped_column(
        Text, default="", info=labelled("Description", "multiline")
    )
    active: Mapped[bool] = mapped_column(
        Boolean, default=True, info=labelled("Open for applications", "yes_no")
    )
    item_name: Mapped[str] = mapped_column(
        String(80),
        default="",
        server_default="",
        info=labelled("What is counted", hint="Such as “dog”. Empty: nothing is."),
    )
    resident_places: Mapped[list[str]] = mapped_column(
        JSON,
        default=list,
        server_default=text("'[]'"),
        info=labelled(
            "Where residents live",
            "lines",
            "Postal codes and towns, one a line. Empty: everyone is a resident.",
        ),
    )

    site: Mapped[Site | None] = relationship(info=labelled("Site"))
    fees: Mapped[list[FormFee]] = relationship(
        back_populates="form", order_by="FormFee.id", info=labelled("Fees")
    )

    def __str__(self) -> str:
        return self.name


class FormFee(Base):
    """One price on a form, and whom it is for. ``per_item``: once for each item counted."""

    __tablename__ = "form_fees"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount_not_negative"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("forms.id"), index=True)
    label: Mapped[str] = mapped_column(String(160), info=labelled("Fee"))
    rule: Mapped[FeeRule] = mapped_column(
        state_type(FeeRule, "rule"),
        default=FeeRule.EVERYONE,
        server_default=FeeRule.EVERYONE.value,
        info=labelled("For", "choice"),
    )
    per_item: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false(), info=labelled("For each", "yes_no")
    )
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))

    form: Mapped[Form] = relationship(back_populates="fees")

    def __str__(self) -> str:
        return self.label


class Application(Searchable, Base):
    """A user's request for a form. What it owes is its fees less what its invoices brought."""

    __tablename__ = "applications"
    __search__ = ("reference",)
    __table_args__ = (
        Index("ix_applications_state_id", "state", "id"),
        CheckConstraint("fees_total >= 0", name="fees_not_negative"),
    )
    __panel__ = Panel(
        label="Application",
        plural="Applications",
        area="applications",
        icon="file-text",
        group="Applications",
        columns=(
            "reference",
            "user",
            "form",
            "state",
            "fees_total",
            "outstanding_balance",
            "submitted_at",
        ),
        filters=("state", "form", "site"),
        sections=(
            ("Application", ("reference", "user", "form", "state", "submitted_at", "decided_at")),
            ("Money", ("fees_total", "invoiced", "outstanding_balance")),
            ("Decision", ("reason",)),
        ),
        related=(("Fees", "fees"), ("Invoices", "invoices")),
        site_path="site_id",
        title="reference",
        hidden=("draft",),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    reference: Mapped[str] = mapped_column(String(40), unique=True, info=labelled("Number"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("forms.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    billable_id: Mapped[int] = mapped_column(ForeignKey("billables.id"), unique=True)
    state: Mapped[ApplicationState] = mapped_column(
        state_type(ApplicationState, "state"),
        default=ApplicationState.DRAFT,
        info=labelled("State", "state"),
    )
    answers: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, info=labelled("Answers", "json")
    )
    fees_total: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Fees", "money"))
    submitted_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Submitted", "datetime")
    )
    decided_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Decided", "datetime")
    )
    reason: Mapped[str] = mapped_column(
        Text, default="", info=labelled("Changes requested", "multiline")
    )
    link_version: Mapped[int] = mapped_column(default=1, server_default="1")

    # Correlated, so a page of a grid reads them with its rows in one statement. A credit given
    # because fees fell takes back what was invoiced; it pays nothing.
    invoiced: Mapped[int] = column_property(
        select(_whole(func.sum(Invoice.total)))
        .where(Invoice.billable_id == billable_id, Invoice.state != InvoiceState.DELETED)
        .correlate_except(Invoice)
        .scalar_subquery()
        - select(_whole(func.sum(Credit.amount)))
        .where(Credit.application_id == id)  # noqa: A003
        .correlate_except(Credit)
        .scalar_subquery(),
        info=labelled("Invoiced", "money"),
    )
    outstanding_balance: Mapped[int] = column_property(
        fees_total
        + select(_whole(func.sum(Credit.amount)))
        .where(Credit.application_id == id)  # noqa: A003
        .correlate_except(Credit)
        .scalar_subquery()
        - select(_whole(func.sum(Invoice.allocated + Invoice.credited)))
        .where(Invoice.billable_id == billable_id, Invoice.state != InvoiceState.DELETED)
        .correlate_except(Invoice)
        .scalar_subquery(),
        info=labelled("Outstanding balance", "money"),
    )

    user: Mapped[User] = relationship(back_populates="applications", info=labelled("User"))
    form: Mapped[Form] = relationship(info=labelled("Form"))
    site: Mapped[Site | None] = relationship(info=labelled("Site"))
    billable: Mapped[Billable] = relationship()
    fees: Mapped[list[ApplicationFee]] = relationship(
        back_populates="application", order_by="ApplicationFee.id", info=labelled("Fees")
    )
    invoices: Mapped[list[Invoice]] = relationship(
        primaryjoin="Application.billable_id == foreign(Invoice.billable_id)",
        viewonly=True,
        order_by="Invoice.id",
        info=labelled("Invoices"),
    )

    @property
    def difference(self) -> int:
        """Minor units by which the fees exceed what was invoiced; below zero: they fell since."""
        return self.fees_total - self.invoiced

    def __str__(self) -> str:
        return self.reference


class ApplicationFee(Base):
    """One fee of an application, as its form's rules made it."""

    __tablename__ = "application_fees"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    label: Mapped[str] = mapped_column(String(160), info=labelled("Fee"))
    quantity: Mapped[int] = mapped_column(default=1, info=labelled("Quantity"))
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))

    application: Mapped[Application] = relationship(back_populates="fees")

    def __str__(self) -> str:
        return self.label
