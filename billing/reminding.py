"""Reminding a customer of an open invoice: a letter that says what is left, once a day at most.

The letter is written when it is delivered, so it never asks for money that came in meanwhile, and
it calls nothing overdue that ``billing.overdue`` does not.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import claims, guards
from billing.actor import Actor
from billing.database import transaction
from billing.errors import Refusal
from billing.history import note
from billing.locks import lock_invoice
from billing.mailing import queue_email
from billing.office import in_words, local_today
from models import Invoice, OutgoingEmail
from models.states import OPEN_INVOICE_STATES, InvoiceState

KIND = "reminder"


def why_not_remind(session: Session, invoice: Invoice) -> Refusal | None:
    """Remind: an open invoice with a balance, of somebody with an e-mail, once a day."""
    if invoice.state is InvoiceState.PENDING:
        return Refusal("A payment is being processed.", "pending")
    if invoice.state is InvoiceState.DRAFT:
        return Refusal("This is a draft: send it first.", "draft")
    if invoice.state not in OPEN_INVOICE_STATES:
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    payment = claims.live_payment(session, invoice)
    if payment is not None:
        return claims.why_in_flight(session, payment)
    if invoice.balance_now <= 0:
        return Refusal("Nothing is left to pay on this invoice.", "no_balance")
    if not invoice.user.reachable:
        return Refusal("This user has no e-mail.", "no_email")
    told = select(OutgoingEmail.id).where(
        OutgoingEmail.occasion == occasion(invoice.id, local_today(session))
    )
    if session.scalar(told) is not None:
        return Refusal("This user was reminded of it today. Once a day is enough.", "reminded")
    return None


def occasion(invoice_id: int, day: dt.date) -> str:
    """Return what makes a day's reminder of an invoice the only one; ``day`` is the office's."""
    return f"{KIND}:{invoice_id}:{day.isoformat()}"


def remind(invoice_id: int, *, actor: Actor) -> None:
    """Queue a letter that says what is left to pay, until when, and how.

    Raises ``Refusal`` when the invoice is not open, nothing is left, a payment is under way, the
    user has no e-mail or was reminded today.
    """
    with transaction() as session:
        invoice = lock_invoice(session, invoice_id)
        guards.require(why_not_remind(session, invoice))
        once = occasion(invoice.id, local_today(session))
        queue_email(session, KIND, once, invoice.user, invoice=invoice)
        left = in_words(session, invoice.balance_now)
        note(session, invoice, "remind", f"Reminder of {left} queued", actor)
