"""What staff are told about, each at once or in a daily digest, as they chose."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime

_WAITING = text("digested_at IS NULL")


class StaffNotice(Base):
    """One thing one member of staff is told, at once or in their daily digest.

    ``digested_at`` is when a letter took it along: the moment it was made for one wanted at once,
    nothing while it waits for the digest. ``occasion`` is unique for each member of staff: the same
    news told twice is one line.
    """

    __tablename__ = "staff_notices"
    __table_args__ = (
        Index("uq_staff_notices_staff_id_occasion", "staff_id", "occasion", unique=True),
        Index(
            "ix_staff_notices_waiting",
            "staff_id",
            "id",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index("ix_staff_notices_staff_id_created_at", "staff_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(40))
    occasion: Mapped[str] = mapped_column(String(160))
    title: Mapped[str] = mapped_column(String(200))
    sentence: Mapped[str] = mapped_column(Text)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
