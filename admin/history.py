"""What the history and the outbox add to the generated panel: words, and the way to a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import select

from admin.base import cells
from admin.base.columns import Column, Derived
from admin.base.view import RecordView
from admin.base.words import Words
from billing.letter_kinds import COPY, LETTERS, SECRET_KINDS
from models import History, Invoice, Label, OutgoingEmail, db

# What history rows can be about, in the words of ``billing.history.record_name``.
ABOUT = (
    ("invoice", "Invoice"),
    ("payment", "Payment"),
    ("application", "Application"),
    ("user", "User"),
    ("unit", "Unit"),
    ("site", "Site"),
    ("rental", "Rental"),
    ("form", "Form"),
    ("message", "Message"),
    ("outgoingemail", "E-mail"),
    ("staff", "Staff member"),
    ("role", "Role"),
    ("settings", "Settings"),
    ("label", "Label"),
    ("savedfilter", "Saved filter"),
    ("bulkrun", "Bulk action"),
    ("dispute", "Dispute"),
    ("gatewaynotification", "Gateway news"),
    ("predefinedcharge", "Predefined charge"),
)
NAMES = dict(ABOUT)
# What the outbox can hold: the letters with words of the office's own, and the others.
KINDS = (
    *((kind, letter.title) for kind, letter in LETTERS.items()),
    ("fresh_link", "Fresh link"),
    ("method_link", "Link to add a payment method"),
    ("sign_in", "Sign-in link"),
    ("message_preview", "Message preview"),
    ("copy", "Copy for the office"),
    ("staff_notice", "Notice to staff"),
    ("staff_digest", "Daily digest to staff"),
    ("staff_password", "Password of staff"),
)


def _of(record: str, column: Any) -> Derived:
    """Read ``column`` of the record that a row is about, with the page, by primary key."""
    key = column.class_.id
    return Derived(
        sql=lambda _words: (
            select(column)
            .where(key == History.record_id, History.record == record)
            .correlate(History)
            .scalar_subquery()
        ),
        of=lambda event, _words: (
            db.session.scalar(select(column).where(key == event.record_id))
            if event.record == record
            else None
        ),
    )


# An invoice is known by its number, which is not its id.
NUMBER = _of("invoice", Invoice.number)
# A label can be deleted, and has no page then.
LABEL = _of("label", Label.id)


def name_of(record: str, record_id: int, number: int | None = None) -> str:
    """Return what the history calls a record; ``number``: an invoice's own."""
    if record == "payment":
        number = record_id
    name = NAMES.get(record, cells.word(record))
    return name if number is None else f"{name} #{number}"


def address_of(record: str, record_id: int, words: Words, there: bool) -> str | None:
    """Return where a record of the history is shown; ``there``: whether a label still is."""
    return words.eye(record, record_id) if there or record != "label" else None


def _about(values: Sequence[Any], words: Words, full: bool) -> Any:
    record, record_id, number, label = values
    text = name_of(record, record_id, number)
    address = address_of(record, record_id, words, label is not None)
    return escape(text) if address is None else cells.link(address, text)


def _who(values: Sequence[Any], words: Words, full: bool) -> Any:
    name, kind = values
    return escape(name or cells.word(kind))


class HistoryView(RecordView):
    """The log, with a link to what each row is about."""

    record = History
    empty = "Whatever staff, customers or the system do is written down here."
    choices = {"record": ABOUT}

    def column(self, name: str) -> Column:
        column = super().column(name)
        if name == "record":
            return replace(column, sources=("record", "record_id", NUMBER, LABEL), render=_about)
        if name == "actor_name":
            return replace(column, sources=("actor_name", "actor_kind"), render=_who)
        return column

    def title_of(self, record: Any) -> str:
        return str(record.sentence)

    def badges(self, record: Any, words: Words) -> Markup:
        return Markup()


class EmailView(RecordView):
    """The outbox."""

    record = OutgoingEmail
    empty = "Every letter to a customer is kept here, from the moment it is due."
    choices = {"kind": KINDS}

    def title_of(self, record: Any) -> str:
        return str(record)

    def is_secret(self, email: OutgoingEmail) -> bool:
        """Whether the words of ``email`` are nobody's but the person's it was sent to."""
        return email.kind in SECRET_KINDS

    def copied(self, email: OutgoingEmail) -> OutgoingEmail | None:
        """Return the letter that ``email`` is a copy of, if it is one."""
        return db.session.get(OutgoingEmail, email.params["of"]) if email.kind == COPY else None
