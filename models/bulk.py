"""One verb carried out on many invoices: who asked, on which, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.invoice import Invoice
from models.staff import Staff
from models.states import BulkResult, state_type


class BulkRun(Base):
    """A verb over a list of invoices that was fixed when staff confirmed it.

    ``params`` is what the verb needs besides (a label's id). ``file`` is what it made, if it makes
    one. It is done when ``finished_at`` is set; ``stopped_at``: staff stopped it, the rest is left.
    One worker at a time has it, until ``lease_until``.
    """

    __tablename__ = "bulk_runs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    verb: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Read by the one page that hands it out, not with every look at the run.
    file: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    file_name: Mapped[str] = mapped_column(String(120), default="")

    staff: Mapped[Staff] = relationship()
    rows: Mapped[list[BulkRow]] = relationship(back_populates="run", order_by="BulkRow.id")


class BulkRow(Base):
    """One invoice of a run. ``shown_balance``: minor units staff saw when they confirmed."""

    __tablename__ = "bulk_rows"
    __table_args__ = (
        Index("uq_bulk_rows_run_id_invoice_id", "run_id", "invoice_id", unique=True),
        Index(
            "ix_bulk_rows_waiting",
            "run_id",
            "id",
            postgresql_where=text("result = 'waiting'"),
            sqlite_where=text("result = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("bulk_runs.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    shown_balance: Mapped[int] = mapped_column(BigInteger, default=0)
    result: Mapped[BulkResult] = mapped_column(
        state_type(BulkResult, "result"), default=BulkResult.WAITING
    )
    sentence: Mapped[str] = mapped_column(Text, default="")
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    run: Mapped[BulkRun] = relationship(back_populates="rows")
    invoice: Mapped[Invoice] = relationship()
