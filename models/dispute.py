"""A cardholder's complaint at their bank about a payment, from its opening to its end."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.payment import Payment
from models.states import DisputeState, state_type
from models.user import User


class Dispute(Base):
    """One dispute as the gateway reports it. ``amount`` is in minor units, what is disputed."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_state_id", "state", "id"),)
    __panel__ = Panel(
        label="Dispute",
        plural="Disputes",
        area="disputes",
        icon="scale",
        group="Money",
        columns=("gateway_id", "user", "payment", "amount", "state", "reason", "reply_by"),
        filters=("state", "opened_at"),
        sections=(
            ("Dispute", ("gateway_id", "state", "amount", "reason", "user", "payment")),
            ("Dates", ("opened_at", "reply_by", "closed_at")),
        ),
        site_path="site_id",
        title="gateway_id",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    gateway_id: Mapped[str] = mapped_column(
        String(64), unique=True, info=labelled("Dispute", "code")
    )
    state: Mapped[DisputeState] = mapped_column(
        state_type(DisputeState, "state"),
        default=DisputeState.OPEN,
        info=labelled("State", "state"),
    )
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"), index=True)
    amount: Mapped[int] = mapped_column(BigInteger, info=labelled("Amount", "money"))
    reason: Mapped[str] = mapped_column(String(80), default="", info=labelled("Reason"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Opened", "datetime"))
    reply_by: Mapped[date | None] = mapped_column(Date, info=labelled("Reply by", "date"))
    closed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Closed", "datetime")
    )

    payment: Mapped[Payment] = relationship(info=labelled("Payment"))
    user: Mapped[User] = relationship(info=labelled("User"))

    def __str__(self) -> str:
        return f"Dispute {self.gateway_id}"
