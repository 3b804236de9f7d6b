"""What staff write down about a user, unit, application or invoice; never changed or removed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime
from models.panel import labelled


class Note(Base):
    """One remark. ``record`` and ``record_id`` name what it is about, as in the history.

    The text stays out of the history: it may tell about a person, who can be erased.
    """

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_record_record_id_id", "record", "record_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    record: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int] = mapped_column(BigInteger)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    author_name: Mapped[str] = mapped_column(String(160), default="", info=labelled("By"))
    text: Mapped[str] = mapped_column(Text, info=labelled("Note", "multiline"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("On", "datetime"))

    def __str__(self) -> str:
        return self.text
