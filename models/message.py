"""A message to many, whom it goes to, and who wants no more of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.search import Searchable
from models.states import LeftOut, MessageState, RecipientState, state_type

if TYPE_CHECKING:
    from models.application import Application, Form
    from models.places import Site
    from models.user import User

_WAITING = text("state = 'waiting'")
_CLAIMED = text("state = 'sending'")
_TROUBLED = text("state IN ('failed', 'unknown')")
_ADDRESSED = text("state <> 'skipped'")
_RUNNING = text("state = 'sending'")


class Message(Searchable, Base):
    """A letter to everybody with an approved application of a form, and to addresses by hand.

    ``state`` is written by ``billing.transitions.move`` alone. The counts are kept in the same
    transaction as the recipients they count, so a progress bar reads one row. ``lease_until`` is
    when a worker that has gone silent loses its turn.
    """

    __tablename__ = "messages"
    __search__ = ("subject", "body")
    __table_args__ = (
        CheckConstraint(
            "recipients >= 0 AND sent >= 0 AND failed >= 0 AND skipped >= 0",
            name="counts_not_negative",
        ),
        CheckConstraint("sent + failed <= recipients", name="never_more_than_all"),
        Index("ix_messages_state_id", "state", "id"),
        Index("ix_messages_site_id_id", "site_id", "id"),
        Index(
            "ix_messages_running_lease_until",
            "lease_until",
            postgresql_where=_RUNNING,
            sqlite_where=_RUNNING,
        ),
    )
    __panel__ = Panel(
        label="Message",
        plural="Messages",
        area="messages",
        icon="megaphone",
        group="Applications",
        columns=("subject", "form", "state", "recipients", "sent", "failed", "updated_at"),
        filters=("state", "form", "site"),
        sections=(
            ("Message", ("subject", "body", "form", "site", "state")),
            ("Delivery", ("recipients", "sent", "failed", "skipped", "trouble")),
            ("Dates", ("author", "created_at", "updated_at", "started_at", "finished_at")),
        ),
        site_path="site_id",
        title="subject",
        hidden=("archived",),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    form_id: Mapped[int | None] = mapped_column(ForeignKey("forms.id"), index=True)
    author: Mapped[str] = mapped_column(String(160), default="", info=labelled("Written by"))
    state: Mapped[MessageState] = mapped_column(
        state_type(MessageState, "state"),
        default=MessageState.DRAFT,
        info=labelled("State", "state"),
    )
    subject: Mapped[str] = mapped_column(String(200), info=labelled("Subject"))
    body: Mapped[str] = mapped_column(Text, info=labelled("Text", "multiline"))
    recipients: Mapped[int] = mapped_column(default=0, info=labelled("Recipients", "number"))
    sent: Mapped[int] = mapped_column(default=0, info=labelled("Sent", "number"))
    failed: Mapped[int] = mapped_column(default=0, info=labelled("Failed", "number"))
    skipped: Mapped[int] = mapped_column(default=0, info=labelled("Left out", "number"))
    trouble: Mapped[str] = mapped_column(
        Text, default="", info=labelled("What holds it up", "multiline")
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Created", "datetime"))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("Changed", "datetime"))
    started_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Sending began", "datetime")
    )
    finished_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Sending ended", "datetime")
    )
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    site: Mapped[Site | None] = relationship(info=labelled("Site"))
    form: Mapped[Form | None] = relationship(info=labelled("Form"))
    extra: Mapped[list[MessageExtra]] = relationship(
        order_by="MessageExtra.id", cascade="all, delete-orphan"
    )
    excluded: Mapped[list[MessageExclusion]] = relationship(
        order_by="MessageExclusion.id", cascade="all, delete-orphan"
    )

    def __str__(self) -> str:
        return self.subject


class MessageExtra(Base):
    """An address a message goes to besides the form's applicants, as staff typed it."""

    __tablename__ = "message_extras"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    address: Mapped[str] = mapped_column(String(254), info=labelled("Address", "email"))


class MessageExclusion(Base):
    """An address a message must not go to, as staff typed it."""

    __tablename__ = "message_exclusions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    address: Mapped[str] = mapped_column(String(254), info=labelled("Address", "email"))


class MessageRecipient(Base):
    """One letter of a message, or one person it was not sent to and why.

    Written when the message is sent and never decided anew. ``address_key`` is the address in lower
    case: one address gets one letter of a message, however many users share it. ``claimed_at``
    names the claim a worker reports about, so a report that comes late can't count twice.
    """

    __tablename__ = "message_recipients"
    __table_args__ = (
        CheckConstraint("state = 'skipped' OR address_key IS NOT NULL", name="has_address"),
        CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped_has_reason"),
        Index(
            "uq_message_recipients_message_id_address_key",
            "message_id",
            "address_key",
            unique=True,
            postgresql_where=_ADDRESSED,
            sqlite_where=_ADDRESSED,
        ),
        Index("ix_message_recipients_message_id_id", "message_id", "id"),
        Index(
            "ix_message_recipients_waiting",
            "message_id",
            "id",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index(
            "ix_message_recipients_claimed",
            "message_id",
            "claimed_at",
            postgresql_where=_CLAIMED,
            sqlite_where=_CLAIMED,
        ),
        Index(
            "ix_message_recipients_troubled",
            "message_id",
            "state",
            "id",
            postgresql_where=_TROUBLED,
            sqlite_where=_TROUBLED,
        ),
    )
    __panel__ = Panel(
        label="Recipient",
        plural="Recipients",
        area="messages",
        icon="users",
        group="Applications",
        columns=("address", "user", "state", "reason", "error", "tries", "sent_at"),
        filters=("state", "reason"),
        sections=(
            ("Recipient", ("message", "user", "application", "address")),
            ("Delivery", ("state", "reason", "error", "tries", "claimed_at", "sent_at")),
        ),
        site_path="message.site_id",
        title="address",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    application_id: Mapped[int | None] = mapped_column(ForeignKey("applications.id"))
    address: Mapped[str | None] = mapped_column(String(254), info=labelled("Address", "email"))
    address_key: Mapped[str | None] = mapped_column(String(254))
    state: Mapped[RecipientState] = mapped_column(
        state_type(RecipientState, "state"), info=labelled("State", "state")
    )
    reason: Mapped[LeftOut | None] = mapped_column(
        state_type(LeftOut, "reason"), info=labelled("Left out because", "choice")
    )
    error: Mapped[str] = mapped_column(Text, default="", info=labelled("Why it failed"))
    tries: Mapped[int] = mapped_column(default=0, info=labelled("Tries", "number"))
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=labelled("Last try", "datetime")
    )
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=labelled("Sent", "datetime"))

    message: Mapped[Message] = relationship(info=labelled("Message"))
    user: Mapped[User | None] = relationship(info=labelled("User"))
    application: Mapped[Application | None] = relationship(info=labelled("Application"))

    def __str__(self) -> str:
        return self.address or "No address"


class Unsubscribe(Base):
    """An address, in lower case, whose owner wants no more messages. Invoices still reach it."""

    __tablename__ = "unsubscribes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address: Mapped[str] = mapped_column(String(254), unique=True, info=labelled("Address"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("When", "datetime"))
