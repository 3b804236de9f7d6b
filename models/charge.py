"""What an office bills again and again: a line of an invoice, ready to be put on one."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id
from models.panel import Panel, labelled


class PredefinedCharge(Base):
    """A line to start from. An invoice copies it, so changing it never changes an invoice.

    ``unit_amount`` is in minor units a piece, tax included when ``tax_inclusive``; ``tax_rate`` is
    in percent.
    """

    __tablename__ = "predefined_charges"
    __table_args__ = (
        CheckConstraint("unit_amount >= 0", name="unit_amount_not_negative"),
        CheckConstraint("tax_rate >= 0 AND tax_rate <= 100", name="tax_rate_is_percent"),
    )
    __panel__ = Panel(
        label="Predefined charge",
        plural="Predefined charges",
        area="charges",
        icon="list-plus",
        group="Money",
        columns=("name", "unit_amount", "tax_rate", "tax_inclusive", "active"),
        filters=("active",),
        form=("name", "unit_amount", "tax_rate", "tax_inclusive", "active"),
        sections=(("Charge", ("name", "unit_amount", "tax_rate", "tax_inclusive", "active")),),
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(
        String(200), info=labelled("Name", hint="What the customer reads on the invoice.")
    )
    unit_amount: Mapped[int] = mapped_column(BigInteger, default=0, info=labelled("Price", "money"))
    tax_rate: Mapped[Decimal] = mapped_column(
        Numeric(7, 4), default=Decimal(0), info=labelled("Tax", "percent")
    )
    tax_inclusive: Mapped[bool] = mapped_column(
        Boolean, default=False, info=labelled("Price includes the tax", "yes_no")
    )
    active: Mapped[bool] = mapped_column(Boolean, default=True, info=labelled("Offered", "yes_no"))

    def __str__(self) -> str:
        return self.name
