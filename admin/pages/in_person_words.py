"""What staff are told about a payment in person: the hold, how an attempt ended, the receipt."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin.base.access import holds
from admin.base.words import words
from billing import claims
from billing.office import get_settings
from models import Payment, User
from models.states import AllocationState, PaymentState, Tender

_BY = {
    Tender.CARD: "by card",
    Tender.DIRECT_DEBIT: "by direct debit",
    Tender.CHECK: "by check",
    Tender.CASH: "in cash",
}


@dataclass(frozen=True)
class Hold:
    """An amount reserved on a card: how much, which card, by whom, since when, until when."""

    payment: Payment
    who: str
    since: str
    until: str

    @classmethod
    def of(cls, session: Session, payment: Payment) -> Hold:
        """Read what the page shows of a hold."""
        who, _since = claims.who_and_since(session, payment)
        kept = dt.timedelta(minutes=get_settings(session).hold_minutes)
        ends = [payment.started_at + kept]
        if payment.hold_expires_at is not None:
            ends.append(payment.hold_expires_at)
        moment = words().moment
        return cls(payment, who, moment(payment.started_at), moment(min(ends)))


def came_to(payment: Payment) -> str:
    """Say how an attempt ended that brought no money, with the processor's answer for staff."""
    said = f"{payment.message} (code {payment.code})" if payment.code else payment.message
    if payment.state is PaymentState.DECLINED:
        advice = {None: "", True: " It may work later.", False: " Try another card."}[payment.soft]
        return f"The card was declined: {said or 'no reason given'}. Nothing was charged.{advice}"
    if payment.state is PaymentState.VOIDED:
        return "The hold was released. Nothing was charged."
    if payment.state is PaymentState.AUTHORISED:
        why = said or "no reason given"
        return f"It could not be processed: {why}. The hold is still there."
    return f"The card was not charged: {said or 'it never reached the gateway'}."


def receipt_words(payment: Payment, user: User, change: int, left: int) -> Markup:
    """Say what was paid, what is left, the change, and what became of the receipt.

    change -- minor units to hand back
    left   -- minor units still to pay

    Where nothing was e-mailed, the receipt's PDF is offered to print.
    """
    money = words().money
    by = _BY.get(payment.tender) or f"by {payment.instrument or 'other means'}"
    parts = [Markup("{} {} was recorded.").format(money(payment.amount), by)]
    if left:
        parts.append(Markup("{} is left to pay.").format(money(left)))
    if change:
        parts.append(Markup("<strong>Change due: {}.</strong>").format(money(change)))
    if payment.send_receipt and user.reachable:
        parts.append(Markup("The receipt is e-mailed to {}.").format(user.email))
    else:
        parts.append(not_emailed(user))
        parts += [paper] if (paper := _paper(payment)) else []
    return Markup(" ").join(parts)


def not_emailed(user: User) -> Markup:
    """Say why no receipt was e-mailed."""
    if user.reachable:
        return Markup("No receipt was e-mailed.")
    return Markup("This user has no e-mail, so no receipt was sent.")


def _paper(payment: Payment) -> Markup | None:
    """Return the link to the printable receipt, for those who may see it."""
    applied = [s for s in payment.allocations if s.state is AllocationState.APPLIED]
    if not applied or not (holds("invoices.view") and holds("payments.view")):
        return None
    address = url_for("invoice_papers.receipt", id=applied[0].invoice_id, payment=payment.id)
    return Markup('<a href="{}">Print or save the receipt (PDF)</a>').format(address)
