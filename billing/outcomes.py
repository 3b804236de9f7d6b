"""What the gateway's word does to a payment and to the invoices it is for.

One function, ``record``, is the third step of every gateway verb and the whole of reconciliation
and webhooks. It takes what the gateway says *now*, compares it with what we know, and moves payment
and invoices along their tables. Asked twice, or in another order, it ends in the same place.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from billing import (
    announcements,
    clock,
    content,
    diary,
    dispute_losses,
    hooks,
    ledger,
    retry_plan,
)
from billing.actor import Actor
from billing.gateway import Answer
from billing.history import state_before
from billing.hooks import Change
from billing.late_news import GONE, surface, was_overtaken
from billing.locks import lock_payment
from billing.losses import lose
from billing.office import in_words
from billing.payment_words import by, reason_of
from billing.refund_outcomes import record_refund, void_of
from billing.transitions import move
from models import Invoice, Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    LIVE_PAYMENT_STATES,
    InvoiceState,
    PaymentKind,
    PaymentState,
    Tender,
)

P = PaymentState


def record(
    session: Session,
    payment_id: int,
    answer: Answer,
    actor: Actor,
    asked_at: dt.datetime | None = None,
) -> Change:
    """Bring payment and invoices to where ``answer`` says they are, in the caller's transaction.

    asked_at -- when the gateway was asked (UTC); None: the answer is of this moment

    Locks what the payment is for, then the payment, and decides on what it reads then: a late
    decline never overrides money that arrived in the meantime, nor late news of money a void. What
    other rooms registered in ``billing.hooks`` happens in the same transaction.
    """
    payment, invoices = lock_payment(session, payment_id)
    if was_overtaken(payment, asked_at):
        payment.check_at = clock.now()
        return Change(payment, payment.state, payment.state)
    _note_answer(payment, answer)
    return _bring(session, payment, invoices, answer.state, actor)


def _bring(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    said: PaymentState,
    actor: Actor,
) -> Change:
    """Take a locked payment to the state the gateway says, with all that follows from it."""
    before = payment.state
    if payment.kind is PaymentKind.REFUND:
        record_refund(session, payment, said, actor)
        source = session.get_one(Payment, payment.refund_of_id)
        dispute_losses.settle_up(session, source, invoices, actor)
    else:
        _step(session, payment, invoices, said, actor)
    diary.plan(payment)
    change = Change(payment, before, payment.state)
    if change.moved:
        hooks.payment_changed(session, change, list(invoices.values()), actor)
    session.flush()
    return change


def _note_answer(payment: Payment, answer: Answer) -> None:
    payment.answered_at = clock.now()
    payment.gateway_status = answer.status or payment.gateway_status
    payment.gateway_id = payment.gateway_id or answer.gateway_id
    payment.instrument = answer.instrument or payment.instrument
    payment.hold_expires_at = answer.hold_expires_at or payment.hold_expires_at
    if answer.code or answer.message:
        payment.code, payment.message, payment.soft = answer.code, answer.message, answer.soft
    if answer.tender is Tender.DIRECT_DEBIT:
        payment.tender = answer.tender


def _step(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    said: PaymentState,
    actor: Actor,
) -> None:
    now_state = payment.state
    if now_state in LIVE_PAYMENT_STATES:
        _step_live(session, payment, invoices, said, actor)
    elif now_state is P.SUBMITTED and said is P.SETTLED:
        payment.settled_at = clock.now()
        move(session, payment, "settle", P.SETTLED, actor, "Settled")
    elif now_state is P.SUBMITTED and said is P.VOIDED:
        _follow_void(session, payment, invoices, actor)
    elif now_state is P.SUBMITTED and said is P.DECLINED:
        lose(session, payment, invoices, "undo", said, actor)
    elif now_state is P.SETTLED and said in (P.DECLINED, P.RETURNED):
        lose(session, payment, invoices, "return", P.RETURNED, actor)
    elif now_state in GONE and said in (P.PENDING, *COLLECTED_PAYMENT_STATES):
        surface(session, payment, said, actor)


def _follow_void(
    session: Session, payment: Payment, invoices: dict[int, Invoice], actor: Actor
) -> None:
    """A void is our own refund of all of it, or the bank's doing."""
    if payment.refunded == payment.amount:
        return
    refund = void_of(session, payment)
    if refund is None:
        lose(session, payment, invoices, "undo", P.VOIDED, actor)
        return
    refund.gateway_status = payment.gateway_status
    _bring(session, refund, invoices, P.SETTLED, actor)


def _step_live(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    said: PaymentState,
    actor: Actor,
) -> None:
    if payment.state is P.AUTHORISED and said in (P.AUTHORISED, P.FAILED):
        _keep_hold(session, payment, invoices, said, actor)
    elif said in COLLECTED_PAYMENT_STATES:
        _collect(session, payment, invoices, said, actor)
    elif said in GONE and (said is not P.FAILED or payment.state is P.STARTED):
        _come_to_nothing(session, payment, invoices, said, actor)
    elif payment.state is P.STARTED and said is P.AUTHORISED:
        sentence = f"Hold of {in_words(session, payment.amount)} placed{by(payment)}"
        move(session, payment, "authorise", P.AUTHORISED, actor, sentence)
    elif payment.state is P.STARTED and said is P.PENDING:
        sentence = f"Direct debit of {in_words(session, payment.amount)} sent to the bank"
        move(session, payment, "await", P.PENDING, actor, sentence)


def _collect(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    state: PaymentState,
    actor: Actor,
) -> None:
    """Money: apply what was claimed, close or hand on the invoices, send the receipt."""
    now = clock.now()
    payment.collected_at = now
    payment.settled_at = now if state is P.SETTLED else None
    amount = in_words(session, payment.amount)
    move(session, payment, "collect", state, actor, f"{amount} received{by(payment)}")
    claims = ledger.claims_of(session, payment)
    for allocation in claims:
        invoice = invoices[allocation.invoice_id]
        share = ledger.apply_claim(allocation, payment, invoice)
        _advance(session, payment, invoice, share, actor)
    if claims:
        announcements.receipt(session, payment)
    if payment.unapplied:
        announcements.unapplied(session, payment, actor)


def _advance(
    session: Session, payment: Payment, invoice: Invoice, share: int, actor: Actor
) -> None:
    words = f"{in_words(session, share)} paid{by(payment)}"
    if invoice.state is not InvoiceState.PENDING:
        # An in-person payment leaves the invoice where it was until the money is there.
        move(session, invoice, "process", InvoiceState.PENDING, actor, "Payment processed")
    session.flush()
    if invoice.balance_now == 0:
        invoice.paid_at = clock.now()
        session.flush()
        move(session, invoice, "settle", InvoiceState.PAID, actor, f"{words}. Paid in full")
    else:
        retry_plan.take_its_place(payment, invoice)
        left = in_words(session, invoice.balance_now)
        sentence = f"{words}. {left} left to pay"
        move(session, invoice, "settle", InvoiceState.SENT, actor, sentence)


def _come_to_nothing(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    state: PaymentState,
    actor: Actor,
) -> None:
    """Declined, voided, or never attempted: release the claims and hand the invoices back."""
    verb = {P.DECLINED: "decline", P.VOIDED: "void", P.FAILED: "fail"}[state]
    reason = reason_of(payment)
    amount = in_words(session, payment.amount)
    words = {P.DECLINED: "declined", P.VOIDED: "voided", P.FAILED: "not carried out"}[state]
    sentence = f"Payment of {amount}{by(payment)} {words}"
    move(session, payment, verb, state, actor, sentence, reason=reason)
    for allocation in ledger.claims_of(session, payment):
        ledger.release(allocation)
        session.flush()
        invoice = invoices[allocation.invoice_id]
        if invoice.state is not InvoiceState.PENDING:
            continue
        if state is P.DECLINED and payment.payment_method_id is not None:
            _fail(session, payment, invoice, sentence, actor)
        else:
            back = _came_from(session, payment, invoice)
            said = retry_plan.leave_to_people(payment, invoice, sentence)
            _hand_back(session, payment, invoice, back, said, actor)


def _fail(
    session: Session, payment: Payment, invoice: Invoice, sentence: str, actor: Actor
) -> None:
    """A registered method was declined: say so to everybody, and when it is tried again."""
    retry_on = retry_plan.plan_retry(session, payment, invoice)
    move(
        session,
        invoice,
        "decline",
        InvoiceState.FAILED,
        actor,
        retry_plan.with_next_try(session, sentence, retry_on),
        reason=reason_of(payment),
        details={"retry_on": retry_on.isoformat()} if retry_on else None,
    )
    announcements.failed(session, payment, invoice)


def _hand_back(
    session: Session,
    payment: Payment,
    invoice: Invoice,
    back: InvoiceState,
    sentence: str,
    actor: Actor,
) -> None:
    if back is InvoiceState.DRAFT:
        content.unfreeze(session, invoice, payment.started_at)
    move(session, invoice, "hand_back", back, actor, sentence, reason=reason_of(payment))


def _came_from(session: Session, payment: Payment, invoice: Invoice) -> InvoiceState:
    """Where the invoice was before this attempt; one attempt at several may find them apart."""
    before = payment.returns_to or state_before(session, invoice, InvoiceState.PENDING)
    return InvoiceState(before)


def _keep_hold(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    said: PaymentState,
    actor: Actor,
) -> None:
    """The capture did not take place: the hold stays, the invoice goes back to where it was.

    A hold that merely *looks* uncaptured counts only when the capture can't be under way any more.
    """
    asked = payment.asked_at or payment.started_at
    if said is P.AUTHORISED and clock.now() - asked < diary.NOT_FOUND_AFTER:
        return
    for invoice in invoices.values():
        if invoice.state is InvoiceState.PENDING:
            sentence = "The card hold could not be processed; it is still there"
            back = InvoiceState(payment.returns_to)
            _hand_back(session, payment, invoice, back, sentence, actor)
