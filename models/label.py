"""Short words an office sticks on users, units and invoices to find them again."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id
from models.panel import Panel, labelled


def _join(owner: str) -> Table:
    """Return the table of which ``owner`` has which label."""
    return Table(
        f"{owner}_labels",
        Base.metadata,
        Column(f"{owner}_id", Id, ForeignKey(f"{owner}s.id"), primary_key=True),
        Column("label_id", Id, ForeignKey("labels.id"), primary_key=True, index=True),
    )


user_labels = _join("user")
unit_labels = _join("unit")
invoice_labels = _join("invoice")


class Label(Base):
    """A word to mark records with. The same labels serve users, units and invoices."""

    __tablename__ = "labels"
    # A deleted label's id never comes again: a saved filter that names it must not find another.
    __table_args__ = ({"sqlite_autoincrement": True},)
    __panel__ = Panel(
        label="Label",
        plural="Labels",
        area="labels",
        icon="tag",
        group="Office",
        columns=("name", "note"),
        form=("name", "note"),
        sections=(("Label", ("name", "note")),),
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True, info=labelled("Name"))
    note: Mapped[str] = mapped_column(
        String(200), default="", info=labelled("What it means", hint="For the other staff.")
    )

    def __str__(self) -> str:
        return self.name
