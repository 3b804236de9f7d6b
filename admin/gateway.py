"""What the gateway brings by itself: disputes, and its news as it arrived."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from markupsafe import Markup
from sqlalchemy import or_, select

from admin.base import cells
from admin.base.access import holds
from admin.base.columns import Column
from admin.base.scope import in_scope
from admin.base.view import RecordView
from admin.base.words import Words
from billing.dispute_losses import dispute_of
from billing.notifications import unsettled
from models import Allocation, Dispute, GatewayNotification, Invoice, Payment, db

# What the gateway sends to an office like this one, in its own words and in people's.
NEWS = (
    ("transaction_settled", "Payment settled"),
    ("transaction_settlement_declined", "Payment returned"),
    ("transaction_disbursed", "Payment paid out"),
    ("transaction_reviewed", "Payment reviewed"),
    ("dispute_opened", "Dispute opened"),
    ("dispute_disputed", "Dispute answered"),
    ("dispute_under_review", "Dispute under review"),
    ("dispute_won", "Dispute won"),
    ("dispute_lost", "Dispute lost"),
    ("dispute_accepted", "Dispute accepted"),
    ("dispute_auto_accepted", "Dispute accepted by itself"),
    ("dispute_expired", "Dispute expired"),
    ("disbursement", "Paid out"),
    ("disbursement_exception", "Paying out failed"),
    ("refund_failed", "Refund failed"),
    ("check", "Test"),
)
NEWS_WORDS = dict(NEWS)
# What a letter of news may hold before it is shown as it came.
LONGEST = 200_000


def _word(values: Sequence[Any], words: Words, full: bool) -> Any:
    return cells.word(values[0]) if values[0] else cells.EMPTY


class DisputeView(RecordView):
    """Disputes; they are answered at the gateway, and what becomes of them arrives by itself."""

    record = Dispute
    empty = "When a cardholder complains at their bank, the gateway reports it here."

    def column(self, name: str) -> Column:
        column = super().column(name)
        return replace(column, render=_word) if name == "reason" else column

    def title_of(self, record: Any) -> str:
        return str(record)


def _kind(values: Sequence[Any], words: Words, full: bool) -> Any:
    return NEWS_WORDS.get(values[0], cells.word(values[0])) if values[0] else cells.EMPTY


def _payload(values: Sequence[Any], words: Words, full: bool) -> Any:
    return Markup('<pre class="payload">{}</pre>').format(readable(values[0]))


class NewsView(RecordView):
    """The gateway's webhooks, each kept as it came."""

    record = GatewayNotification
    empty = "The gateway's news appears here as soon as it is told this office's address."
    choices = {"kind": NEWS}
    elsewhere = frozenset({"payload"})

    def column(self, name: str) -> Column:
        column = super().column(name)
        if name == "kind":
            return replace(column, render=_kind)
        if name == "payload":
            return replace(column, render=_payload)
        return column

    def exported(self) -> list[Column]:
        return [column for column in super().exported() if column.name != "payload"]

    def title_of(self, record: Any) -> str:
        return NEWS_WORDS.get(record.kind, cells.word(record.kind)) if record.kind else "News"


def readable(payload: str) -> str:
    """Return a payload's XML indented; what can't be read is returned as it came."""
    try:
        text = base64.b64decode(payload[:LONGEST]).decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            return text
        # The gateway signed it, and it defines nothing of its own (see above).
        pretty = minidom.parseString(re.sub(r">\s+<", "><", text)).toprettyxml(indent="  ")  # noqa: S318
    except (binascii.Error, UnicodeDecodeError, ExpatError, ValueError):
        return payload
    return pretty.removeprefix('<?xml version="1.0" ?>').strip()


def disputes_of(record: Any) -> list[Dispute]:
    """Return the disputes about a payment, or about the payments of an invoice, newest first.

    Of what a lost dispute took, a record of its own, it is that dispute. Nothing for somebody who
    may not see disputes.
    """
    if not holds("disputes.view"):
        return []
    statement = select(Dispute).where(*in_scope(Dispute)).order_by(Dispute.id.desc())
    if isinstance(record, Payment):
        its_own = or_(Dispute.payment_id == record.id, Dispute.id == dispute_of(record))
        return list(db.session.scalars(statement.where(its_own)))
    assert isinstance(record, Invoice)
    shares = select(Allocation.payment_id).where(Allocation.invoice_id == record.id)
    return list(db.session.scalars(statement.where(Dispute.payment_id.in_(shares))))


def unsettled_here() -> list[Any]:
    """Return the conditions of news nobody has dealt with, as far as this person may see it."""
    return [unsettled(), *in_scope(GatewayNotification)]
