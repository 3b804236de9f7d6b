"""The outbox: every e-mail the office owes somebody, written with what it announces."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.states import EmailState, state_type
from models.within import letters_within

if TYPE_CHECKING:
    from models.invoice import Invoice
    from models.user import User

_UNSENT = text("state IN ('queued', 'sending')")


class OutgoingEmail(Base):
    """One e-mail. ``occasion`` is unique: what it is about and the how-manieth time.

    The text is rendered when it is first delivered and then kept, so staff see what was sent.
    """

    __tablename__ = "outgoing_emails"
    __table_args__ = (
        Index("ix_outgoing_emails_state_id", "state", "id"),
        Index("ix_outgoing_emails_invoice_id", "invoice_id"),
        Index(
            "ix_outgoing_emails_unsent_next_try_at",
            "next_try_at",
            postgresql_where=_UNSENT,
            sqlite_where=_UNSENT,
        ),
    )
    __panel__ = Panel(
        label="E-mail",
        plural="E-mails",
        area="emails",
        icon="mail",
        group="Office",
        columns=("id", "to_address", "subject", "kind", "state", "tries", "queued_at", "sent_at"),
        filters=("state", "kind", "queued_at"),
        sections=(
            ("E-mail", ("to_address", "subject", "kind", "state", "invoice", "user")),
            ("Delivery", ("queued_at", "sent_at", "tries", "next_try_at", "error")),
        ),
        title="subject",
        within=letters_within,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, info=labelled("E-mail", "number"))
    kind: Mapped[str] = mapped_column(String(40), info=labelled("Kind", "choice"))
    occasion: Mapped[str] = mapped_column(String(160), unique=True)
    state: Mapped[EmailState] = mapped_column(
        state_type(EmailState, "state"),
        default=EmailState.QUEUED,
        info=labelled("State", "state"),
    )
    to_address: Mapped[str] = mapped_column(String(254), info=labelled("To", "email"))
    subject: Mapped[str] = mapped_column(String(255), default="", info=labelled("Subject"))
    html: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(String(255), default="")
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)
    tries: Mapped[int] = mapped_column(default=0, info=labelled("Tries"))
    error: Mapped[str] = mapped_column(Text, default="", info=labelled("Why it failed"))
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Queued", "datetime"))
    next_try_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Next try", "datetime")
    )
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=labelled("Sent", "datetime"))

    user: Mapped[User | None] = relationship(info=labelled("User"))
    invoice: Mapped[Invoice | None] = relationship(
        back_populates="emails", info=labelled("Invoice")
    )

    def __str__(self) -> str:
        return self.subject or self.kind
