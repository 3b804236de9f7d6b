"""Issuing: a number, the dates, the frozen words, and the letter. Nothing here touches money.

Each function is part of the caller's transaction, which holds the invoice's lock.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing import clock, guards
from billing.actor import SYSTEM, Actor
from billing.content import freeze
from billing.history import note
from billing.mailing import queue_email
from billing.office import get_settings, local_today
from billing.overdue import is_overdue, overdue_on
from billing.transitions import move
from models import Counter, Invoice, OutgoingEmail, User
from models.states import InvoiceState

_LETTERS = ("invoice", "invoice_again")


@dataclass(frozen=True)
class Issued:
    """An invoice that was issued; ``emailed`` is False when its customer has no e-mail."""

    invoice_id: int
    number: int
    emailed: bool


def send(session: Session, invoice: Invoice, actor: Actor) -> Issued:
    """Issue a draft, or send an open invoice again; a draft without balance closes as paid."""
    guards.require(guards.why_not_send(session, invoice))
    if invoice.state is not InvoiceState.DRAFT:
        # Asking again gives nobody more time: an overdue invoice stays overdue.
        invoice.sent_at = clock.now()
        move(session, invoice, "resend", invoice.state, actor, "Sent again")
        return announce(session, invoice, invoice.user, actor)
    issue(session, invoice)
    if invoice.balance_now == 0:
        invoice.paid_at = clock.now()
        sentence = "Closed as paid: nothing was left to pay"
        move(session, invoice, "close", InvoiceState.PAID, actor, sentence)
        return Issued(invoice.id, _number(invoice), emailed=False)
    sentence = f"Invoice #{invoice.number} issued"
    move(session, invoice, "send", InvoiceState.SENT, actor, sentence)
    return announce(session, invoice, invoice.user, actor)


def issue(session: Session, invoice: Invoice) -> None:
    """Give a draft its number and dates. The caller moves it on in the same transaction."""
    if invoice.number is None:
        give_number(session, invoice)
    stamp(session, invoice)


def issue_for_payment(session: Session, invoice: Invoice) -> None:
    """Issue a draft because money is asked or taken for it: nobody sends it, so freeze it here."""
    issue(session, invoice)
    freeze(session, invoice)


def give_number(session: Session, invoice: Invoice) -> None:
    """Give the next number, and today as the invoice's date."""
    today = local_today(session)
    # The counter's row stays locked until the commit, so a number that is rolled back is given
    # again: no gap and no duplicate, however many issue at once.
    number = session.execute(
        update(Counter)
        .where(Counter.name == "invoice")
        .values(value=Counter.value + 1)
        .returning(Counter.value)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    invoice.number, invoice.issued_on = number, today


def stamp(session: Session, invoice: Invoice) -> None:
    """Note that the invoice is being issued now, and when that makes it overdue."""
    settings = get_settings(session)
    invoice.sent_at = clock.now()
    invoice.sent_on = clock.today(settings.timezone)
    invoice.overdue_on = overdue_on(invoice, settings)
    if not is_overdue(invoice, invoice.sent_on):
        invoice.overdue_marked_at = None


def announce(session: Session, invoice: Invoice, user: User, actor: Actor) -> Issued:
    """Freeze what is being sent, and queue the e-mail that says so."""
    version = freeze(session, invoice)
    kind = "invoice_again" if _was_announced(session, invoice) else "invoice"
    email = queue_email(
        session, kind, f"invoice:{invoice.id}:version:{version}", user, invoice=invoice
    )
    if email is None:
        sentence = "Nothing was e-mailed: this user has no e-mail"
    else:
        sentence = "E-mail with the link queued"
    note(session, invoice, "announce", sentence, actor if email else SYSTEM)
    return Issued(invoice.id, _number(invoice), emailed=email is not None)


def _was_announced(session: Session, invoice: Invoice) -> bool:
    """Whether its customer was written to before; a version alone may be of a charge."""
    written = select(OutgoingEmail.id).where(
        OutgoingEmail.invoice_id == invoice.id, OutgoingEmail.kind.in_(_LETTERS)
    )
    return session.scalar(written.limit(1)) is not None


def _number(invoice: Invoice) -> int:
    if invoice.number is None:
        raise RuntimeError("An issued invoice has a number.")
    return invoice.number
