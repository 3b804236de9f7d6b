"""One-time links by which customers sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime


class SignInLink(Base):
    """A link that was asked for, whether or not anybody has that address.

    Neither the link nor what it is made from alone is kept: ``seed`` makes the token only together
    with the application's secret, ``digest`` is the token's SHA-256.
    """

    __tablename__ = "sign_in_links"
    __table_args__ = (
        Index("ix_sign_in_links_address_asked_at", "address", "asked_at"),
        Index("ix_sign_in_links_ip_asked_at", "ip", "asked_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    seed: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    address: Mapped[str] = mapped_column(String(254))
    ip: Mapped[str] = mapped_column(String(64), default="")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
