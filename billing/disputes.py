"""Disputes: a cardholder complains at their bank about a payment, and the bank decides.

A gateway goes on calling such a payment settled, so no look at the payment can tell. News therefore
only says which dispute to look at; the dispute as the gateway shows it then is recorded here, so
repeated, delayed and reordered news all end in the same place.
"""

from __future__ import annotations

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock, dispute_losses, hooks, ledger
from billing.actor import Actor
from billing.database import transaction
from billing.gateway import DisputeNews
from billing.history import note
from billing.locks import lock_payment
from billing.mailing import notify_staff
from billing.office import get_settings, in_words
from billing.transitions import move
from models import Dispute, History, Invoice, Payment
from models.states import DisputeState, PaymentKind, PaymentState

Invoices = dict[int, Invoice]


def record(payment_id: int, news: DisputeNews, *, actor: Actor) -> bool:
    """Bring a dispute to where the gateway says it is; False when it was there already.

    Lost: what the disputed part of the payment had paid is owed again. Lost and won after all: the
    money is back and is not applied to any invoice, because the invoices may have been paid
    otherwise since.
    """
    with transaction() as session:
        payment, invoices = lock_payment(session, payment_id)
        if payment.kind is PaymentKind.REFUND:
            return False
        dispute = session.scalars(
            select(Dispute).where(Dispute.gateway_id == news.gateway_id).with_for_update()
        ).one_or_none()
        fresh = dispute is None
        if dispute is None:
            dispute = _new(payment, news)
        elif dispute.state is news.state:
            _correct(session, dispute, news, actor)
            return False
        elif news.state is DisputeState.OPEN:
            # It ended meanwhile, and an ended dispute does not open again.
            return False
        else:
            _correct(session, dispute, news, actor)
        if news.state is DisputeState.LOST:
            _lose(session, dispute, payment, invoices, actor)
            return True
        if fresh:
            tell = news.state is DisputeState.OPEN
            _open(session, dispute, payment, invoices, actor, tell=tell)
        if news.state is DisputeState.WON:
            _win(session, dispute, payment, invoices, actor, retrieval=news.retrieval)
        return True


def _new(payment: Payment, news: DisputeNews) -> Dispute:
    return Dispute(
        gateway_id=news.gateway_id,
        payment_id=payment.id,
        user_id=payment.user_id,
        site_id=payment.site_id,
        amount=payment.amount if news.amount is None else news.amount,
        reason=news.reason[:80],
        opened_at=news.opened_at or clock.now(),
        reply_by=news.reply_by,
    )


def _correct(session: Session, dispute: Dispute, news: DisputeNews, actor: Actor) -> None:
    """The bank may give more time, or dispute another part; what ended stays as it ended."""
    if dispute.state is DisputeState.LOST or dispute.state is news.state is DisputeState.WON:
        return
    before = (dispute.reply_by, dispute.amount)
    dispute.reply_by = news.reply_by or dispute.reply_by
    dispute.amount = dispute.amount if news.amount is None else news.amount
    if before != (dispute.reply_by, dispute.amount):
        by = f"; answer by {_day(session, dispute)}" if dispute.reply_by else ""
        sentence = f"The bank changed it: {in_words(session, dispute.amount)} is disputed{by}"
        note(session, dispute, "correct", sentence, actor)


def _open(
    session: Session,
    dispute: Dispute,
    payment: Payment,
    invoices: Invoices,
    actor: Actor,
    *,
    tell: bool,
) -> None:
    by = f"; answer by {_day(session, dispute)}" if dispute.reply_by else ""
    why = f" ({_reason(dispute)})" if dispute.reason else ""
    sentence = f"{in_words(session, dispute.amount)} is disputed at the cardholder's bank{why}{by}"
    move(session, dispute, "open", DisputeState.OPEN, actor, sentence)
    _note(session, payment, invoices, "dispute_open", sentence, actor)
    if tell:
        _tell(session, dispute, payment, "A payment is disputed", sentence)


def _win(
    session: Session,
    dispute: Dispute,
    payment: Payment,
    invoices: Invoices,
    actor: Actor,
    *,
    retrieval: bool,
) -> None:
    lost_before = dispute.state is DisputeState.LOST
    dispute.closed_at = clock.now()
    title = "A dispute was won"
    sentence = f"The dispute of {in_words(session, dispute.amount)} was won"
    if retrieval:
        title = "A dispute has ended"
        sentence = "The bank asked for papers; no money was taken"
    took_all = lost_before and payment.state is PaymentState.RETURNED and _took(session, dispute)
    move(session, dispute, "win", DisputeState.WON, actor, sentence)
    if took_all:
        _regain(session, dispute, payment, actor)
    elif lost_before and (back := dispute_losses.give_back(session, dispute, payment, actor)):
        words = _came_back(session, back)
        note(session, payment, "regain", words, actor)
        _tell_regained(session, dispute, payment, words)
    else:
        _note(session, payment, invoices, "dispute_win", sentence, actor)
        _tell(session, dispute, payment, title, f"{sentence}. The money stays")
    if lost_before:
        dispute_losses.settle_up(session, payment, invoices, actor)


def _regain(session: Session, dispute: Dispute, payment: Payment, actor: Actor) -> None:
    """Take back a whole payment a lost dispute had cost: it is the user's until staff apply it."""
    before = payment.state
    words = _came_back(session, payment.unapplied)
    move(session, payment, "regain", PaymentState.SETTLED, actor, words)
    _tell_regained(session, dispute, payment, words)
    # No invoice changed by it.
    hooks.payment_changed(session, hooks.Change(payment, before, payment.state), [], actor)


def _came_back(session: Session, amount: int) -> str:
    return f"{in_words(session, amount)} came back: the lost dispute was won after all"


def _tell_regained(session: Session, dispute: Dispute, payment: Payment, words: str) -> None:
    sentence = f"{words}. It is not applied to any invoice: apply it, or pay it back"
    _tell(session, dispute, payment, "A lost dispute was won after all", sentence)


def _took(session: Session, dispute: Dispute) -> bool:
    """Whether it took anything when it was last lost; its payment may have been gone by then."""
    lost = select(History.details).where(
        History.record == "dispute", History.record_id == dispute.id, History.verb == "lose"
    )
    details = session.scalars(lost.order_by(History.id.desc()).limit(1)).one()
    return bool(details.get("took", True))


def _lose(
    session: Session, dispute: Dispute, payment: Payment, invoices: Invoices, actor: Actor
) -> None:
    sentence = f"The dispute of {in_words(session, dispute.amount)} was lost"
    dispute.closed_at = clock.now()
    all_of_it = dispute_losses.takes_all(session, dispute, payment)
    amount = payment.amount if all_of_it else dispute_losses.missing(session, dispute, payment)
    details = {"took": amount}
    move(session, dispute, "lose", DisputeState.LOST, actor, sentence, details=details)
    if all_of_it:
        dispute_losses.take_all(session, dispute, payment, invoices, actor)
    elif amount:
        dispute_losses.take_part(session, dispute, payment, invoices, amount, actor)
    else:
        sentence = f"{sentence}, but nothing of the payment was left"
        _note(session, payment, invoices, "dispute_lose", sentence, actor)
        _tell(session, dispute, payment, "A dispute was lost", sentence)


def _note(
    session: Session, payment: Payment, invoices: Invoices, verb: str, sentence: str, actor: Actor
) -> None:
    """Write what happened into the history of the payment and of each invoice it is on."""
    note(session, payment, verb, sentence, actor)
    for invoice_id in sorted({share.invoice_id for share in ledger.applied_of(session, payment)}):
        note(session, invoices[invoice_id], verb, sentence, actor)


def _tell(session: Session, dispute: Dispute, payment: Payment, title: str, sentence: str) -> None:
    occasion = f"dispute:{dispute.id}:{dispute.state.value}:{clock.now():%Y%m%d%H%M%S}"
    text = f"Payment {payment.id}: {sentence}."
    notify_staff(session, occasion, title, text, kind="dispute", payment=payment)


def _day(session: Session, dispute: Dispute) -> str:
    return str(format_date(dispute.reply_by, "medium", locale=get_settings(session).locale))


def _reason(dispute: Dispute) -> str:
    return dispute.reason.replace("_", " ")
