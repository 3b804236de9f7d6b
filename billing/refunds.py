"""Paying money back, and undoing a manual payment that was entered wrongly."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing import (
    attempts,
    credit_use,
    diary,
    guards,
    hooks,
    ledger,
    outcomes,
    reconciliation,
    runtime,
    voids,
)
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import end_reading, lock, reading, transaction
from billing.errors import GatewayError, Refusal
from billing.gateway import Answer, Verdict
from billing.locks import lock_payment, lock_user_and_invoice
from billing.office import in_words
from billing.refund_outcomes import CREDIT, REOPEN, new_refund, reopen
from billing.shown import check_shown
from billing.transitions import move
from models import Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    InvoiceState,
    PaymentKind,
    PaymentState,
    Tender,
)

GATEWAY_TENDERS = (Tender.CARD, Tender.DIRECT_DEBIT)
# The gateway's word for money on its way to us, of which it pays a part back already.
_SETTLING = "settling"


def why_not_refund(payment: Payment) -> Refusal | None:
    """Only collected charges with something left can be paid back."""
    if payment.kind is PaymentKind.REFUND or payment.state not in COLLECTED_PAYMENT_STATES:
        return Refusal("Only a payment that was received can be paid back.", "not_collected")
    if voids.was_voided(payment):
        return Refusal("This payment was voided; the customer was never charged.", "all_refunded")
    if left_of(payment) <= 0:
        return Refusal("All of this payment was paid back already.", "all_refunded")
    return None


def left_of(payment: Payment) -> int:
    """Return the minor units of a payment that were not paid back."""
    return payment.amount - payment.refunded


def can_only_be_voided(payment: Payment) -> bool:
    """Whether it has not settled yet, by what the gateway said last: all of it or nothing."""
    unsettled = payment.state is PaymentState.SUBMITTED and payment.gateway_status != _SETTLING
    return payment.tender in GATEWAY_TENDERS and unsettled


def why_not_part(payment: Payment, amount: int) -> Refusal | None:
    """A part, ``amount`` minor units, can be paid back only once the payment has settled."""
    if amount >= payment.amount or not can_only_be_voided(payment):
        return None
    return Refusal(
        "This payment has not settled yet, so only all of it can be paid back. A part can be paid "
        "back once it has settled, usually within a few days.",
        "not_settled",
        "amount",
    )


def why_not_reverse(payment: Payment) -> Refusal | None:
    """Reverse: a manual payment entered wrongly, of which nothing was paid back."""
    if payment.tender in GATEWAY_TENDERS or payment.kind is PaymentKind.REFUND:
        return Refusal("Payments of the gateway are refunded, not reversed.", "not_manual")
    if payment.refunded or payment.state is not PaymentState.SETTLED:
        return Refusal("This payment can't be reversed any more.", "not_collected")
    return None


def why_not_apply(session: Session, payment: Payment) -> Refusal | None:
    """Apply: money that was received and that no invoice and no refund uses."""
    if payment.kind is PaymentKind.REFUND or payment.state not in COLLECTED_PAYMENT_STATES:
        return Refusal("Only money that was received can be applied.", "not_collected")
    if payment.unapplied <= 0:
        return Refusal("All of this payment is used.", "nothing_left")
    if session.scalar(select(credit_use.going_back(payment.id))):
        return Refusal(
            "A refund of this payment is under way. Wait until the gateway has answered.", "live"
        )
    return None


def refund_payment(
    payment_id: int, *, amount: int, shown_left: int, then: str, reason: str, actor: Actor
) -> Attempt:
    """Pay ``amount`` minor units of a payment back.

    shown_left -- minor units the page said can be paid back: a request, checked under lock
    then       -- "reopen" the invoice it paid, or "credit" it so that the invoice stays closed.
                  What of the payment no invoice uses is paid back first and touches no invoice.

    The gateway is asked to void where nothing has settled and all is paid back, else to refund.
    """
    if then not in (REOPEN, CREDIT):
        raise Refusal("Choose what becomes of the invoice.", "no_choice", "then")
    if not reason.strip():
        raise Refusal("Say why.", "no_reason", "reason")
    _look_at_news(payment_id, amount)
    with transaction() as session:
        source, _invoices = lock_payment(session, payment_id)
        _check(session, source, amount, shown_left)
        refund = _write_down(session, source, amount, then, reason.strip(), actor)
        refund_id = refund.id
        if source.tender not in GATEWAY_TENDERS:
            answer = Answer(Verdict.ACCEPTED, PaymentState.SETTLED)
            outcomes.record(session, refund_id, answer, actor)
            return _in_words(session, refund)
        gateway_id, currency = source.gateway_id or "", source.currency
        reference = refund.reference
    gateway = runtime.current().gateway
    attempts.ask(refund_id, lambda: gateway.refund(gateway_id, amount, currency, reference), actor)
    with transaction() as session:
        return _in_words(session, lock(session, Payment, refund_id))


def reverse_payment(payment_id: int, *, reason: str, actor: Actor) -> None:
    """Undo a manual payment that was entered wrongly; it stays visible with its reason."""
    if not reason.strip():
        raise Refusal("Say why.", "no_reason", "reason")
    with transaction() as session:
        payment, invoices = lock_payment(session, payment_id)
        guards.require(why_not_reverse(payment))
        sentence = f"{in_words(session, payment.amount)} was entered wrongly and reversed"
        for allocation in ledger.applied_of(session, payment):
            invoice = invoices[allocation.invoice_id]
            reopen(session, invoice, "reopen", InvoiceState.SENT, actor, sentence, reason)
            ledger.take_back(allocation, payment, invoice)
        before = payment.state
        move(session, payment, "reverse", PaymentState.REVERSED, actor, sentence, reason=reason)
        change = hooks.Change(payment, before, payment.state)
        hooks.payment_changed(session, change, list(invoices.values()), actor)


def apply_payment(
    payment_id: int, invoice_id: int, *, amount: int, shown_left: int, actor: Actor
) -> None:
    """Put ``amount`` minor units of a payment's unapplied money on an open invoice of its user.

    shown_left -- minor units the page said no invoice uses: a request, checked under lock
    """
    with transaction() as session:
        _user, invoice = lock_user_and_invoice(session, invoice_id)
        payment = lock(session, Payment, payment_id)
        guards.require(why_not_apply(session, payment))
        guards.require(guards.why_not_cover(session, invoice))
        if invoice.user_id != payment.user_id:
            raise Refusal("That invoice is another user's.", "other_user", "invoice")
        what = "of this payment is not used now. Nothing was applied."
        check_shown(session, shown_left, payment.unapplied, what)
        credit_use.put_on(session, invoice, [(payment, amount)], actor)


def _look_at_news(payment_id: int, amount: int) -> None:
    """Ask the gateway first when a part would be refused: it may have settled since we asked."""
    with reading() as session:
        payment = session.get(Payment, payment_id)
    if payment is None or why_not_refund(payment) or amount <= 0:
        return
    if why_not_part(payment, amount) is not None:
        end_reading()
        with suppress(GatewayError):
            reconciliation.check_payment(payment_id)


def _check(session: Session, source: Payment, amount: int, shown_left: int) -> None:
    guards.require(why_not_refund(source))
    left = left_of(source)
    check_shown(session, shown_left, left, "can be paid back now. Nothing was paid back.")
    if not 0 < amount <= left:
        words = in_words(session, left)
        raise Refusal(f"Between nothing and {words} can be paid back.", "too_much", "amount")
    guards.require(why_not_part(source, amount))


def _write_down(
    session: Session, source: Payment, amount: int, then: str, reason: str, actor: Actor
) -> Payment:
    reference = attempts.new_reference()
    refund = new_refund(
        source, amount, reference=reference, returns_to=then, why=reason, actor=actor
    )
    sentence = f"Paying back {in_words(session, amount)} of payment {source.id}"
    try:
        move(session, refund, "start", PaymentState.STARTED, actor, sentence, reason=reason)
    except IntegrityError as error:
        raise Refusal("A refund of this payment is under way already.", "live") from error
    diary.plan(refund)
    return refund


def _in_words(session: Session, refund: Payment) -> Attempt:
    amount = in_words(session, refund.amount)
    if voids.is_void(refund):
        sentence = f"The payment of {amount} was voided; the customer was never charged."
        return Attempt(refund.id, "refunded", sentence, refund.code, refund.message)
    outcome, sentence = {
        PaymentState.STARTED: ("unknown", "The gateway has not answered yet; we keep asking."),
        PaymentState.SUBMITTED: ("refunded", f"{amount} is being paid back."),
        PaymentState.SETTLED: ("refunded", f"{amount} was paid back."),
        PaymentState.DECLINED: ("declined", "The bank declined the refund."),
    }.get(refund.state, ("failed", f"Nothing was paid back: {refund.message}."))
    return Attempt(refund.id, outcome, sentence, refund.code, refund.message)
