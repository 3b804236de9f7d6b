"""What a refund's outcome does to the payment it pays back and to that payment's invoices.

The plan (how much, and whether the invoice is reopened or credited) is committed with the refund
before the gateway is called; this carries it out once the gateway has accepted.
"""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from billing import announcements, clock, diary, ledger, voids
from billing.actor import Actor
from billing.database import lock
from billing.history import note
from billing.office import in_words
from billing.transitions import may, move
from models import Invoice, Payment
from models.states import COLLECTED_PAYMENT_STATES, InvoiceState, PaymentKind, PaymentState

REOPEN = "reopen"
CREDIT = "credit"
# Nobody paid it back: a lost dispute took it, see ``billing.dispute_losses``.
DISPUTE = "dispute"


def new_refund(
    source: Payment, amount: int, *, reference: str, returns_to: str, why: str, actor: Actor
) -> Payment:
    """Return the record of ``amount`` minor units of ``source`` going back; it has no state yet.

    returns_to -- REOPEN, CREDIT or DISPUTE
    """
    return Payment(
        kind=PaymentKind.REFUND,
        refund_of_id=source.id,
        tender=source.tender,
        user_id=source.user_id,
        site_id=source.site_id,
        amount=amount,
        allocated=0,
        refunded=0,
        currency=source.currency,
        reference=reference,
        started_at=clock.now(),
        returns_to=returns_to,
        note=why,
        initiated_by=actor.kind,
        detached=False,
        send_receipt=False,
        checks=0,
    )


def void_of(session: Session, payment: Payment) -> Payment | None:
    """Return our own refund of all of a payment that a void of it carries out, locked.

    Also one that died before it was recorded, or that was given up because nobody knew of it.
    """
    unheard = and_(Payment.state == PaymentState.FAILED, Payment.not_found_at.is_not(None))
    found = session.scalar(
        select(Payment.id)
        .where(
            Payment.refund_of_id == payment.id,
            Payment.amount == payment.amount,
            or_(Payment.state == PaymentState.STARTED, unheard),
        )
        .order_by(Payment.id.desc())
        .limit(1)
    )
    return None if found is None else lock(session, Payment, found)


def record_refund(session: Session, refund: Payment, said: PaymentState, actor: Actor) -> None:
    """Bring ``refund`` to the state the gateway says; both payments and invoices are locked."""
    source = session.get_one(Payment, refund.refund_of_id)
    if refund.state is PaymentState.STARTED:
        if said in COLLECTED_PAYMENT_STATES:
            _carry_out(session, refund, source, said, "collect", actor)
        elif said in (PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED):
            verb = {"declined": "decline", "failed": "fail", "voided": "void"}[said]
            move(
                session, refund, verb, said, actor, "Refund not carried out", reason=refund.message
            )
    elif refund.state is PaymentState.FAILED and said in COLLECTED_PAYMENT_STATES:
        _surface(session, refund, source, said, actor)
    elif refund.state is PaymentState.SUBMITTED and said is PaymentState.SETTLED:
        refund.settled_at = clock.now()
        move(session, refund, "settle", PaymentState.SETTLED, actor, "Refund settled")
    elif said in (PaymentState.DECLINED, PaymentState.VOIDED):
        _come_back(session, refund, source, said, actor)


def _surface(
    session: Session, refund: Payment, source: Payment, state: PaymentState, actor: Actor
) -> None:
    """Late news of a refund that was given up: the money has gone, so it counts."""
    sentence = f"{in_words(session, refund.amount)} was paid back although it had been given up"
    if refund.amount <= source.amount - source.refunded:
        _carry_out(session, refund, source, state, "surface", actor)
    else:
        # A dispute has taken it meanwhile: no payment can give more than it brought.
        sentence += ". It is not recorded, because less than that was left of the payment"
    announcements.refund_surfaced(session, source, refund, sentence)


def _carry_out(
    session: Session,
    refund: Payment,
    source: Payment,
    state: PaymentState,
    verb: str,
    actor: Actor,
) -> None:
    refund.collected_at = clock.now()
    refund.settled_at = clock.now() if state is PaymentState.SETTLED else None
    sentence = f"{in_words(session, refund.amount)} {_done(refund)}"
    move(session, refund, verb, state, actor, sentence, reason=refund.note)
    left = refund.amount - max(0, min(source.unapplied, refund.amount))
    for invoice_id, share in shares_to_take(session, source, left):
        _undo_share(session, source, refund, session.get_one(Invoice, invoice_id), share, actor)
    ledger.count_refund(source, refund.amount)
    if voids.is_void(refund):
        # Said once for all: a voided charge can't change any more and is not asked about again.
        source.gateway_status = refund.gateway_status
        diary.plan(source)


def _done(refund: Payment) -> str:
    return "voided before it was charged" if voids.is_void(refund) else "paid back"


def _come_back(
    session: Session, refund: Payment, source: Payment, said: PaymentState, actor: Actor
) -> None:
    """The bank could not pay it out after all: the money is the user's credit with us again."""
    sentence = f"{in_words(session, refund.amount)} could not be paid back after all"
    if refund.state is PaymentState.SUBMITTED:
        move(session, refund, "undo", said, actor, sentence, reason=refund.message)
    elif refund.state is PaymentState.SETTLED and refund.gateway_id is not None:
        target = PaymentState.RETURNED
        move(session, refund, "return", target, actor, sentence, reason=refund.message)
    else:
        return
    ledger.count_refund(source, -refund.amount)
    if source.state in COLLECTED_PAYMENT_STATES:
        announcements.refund_came_back(session, source, refund, sentence)


def shares_to_take(session: Session, source: Payment, amount: int) -> list[tuple[int, int]]:
    """Return how much of ``amount`` minor units to take off which invoice, the latest paid first.

    So the debts that were paid first, usually the oldest, stay paid.
    """
    net: dict[int, int] = {}
    last: dict[int, int] = {}
    for allocation in ledger.applied_of(session, source):
        net[allocation.invoice_id] = net.get(allocation.invoice_id, 0) + allocation.amount
        if allocation.amount > 0:
            last[allocation.invoice_id] = allocation.id
    shares = []
    for invoice_id in sorted(net, key=lambda number: last.get(number, 0), reverse=True):
        share = min(amount, net[invoice_id])
        if share > 0:
            shares.append((invoice_id, share))
            amount -= share
    return shares


def _undo_share(
    session: Session,
    source: Payment,
    refund: Payment,
    invoice: Invoice,
    share: int,
    actor: Actor,
) -> None:
    """Reopen the invoice by ``share``, or credit it so that it stays as paid as it was."""
    sentence = f"{in_words(session, share)} {_done(refund)}"
    if refund.returns_to == CREDIT:
        with session.no_autoflush:
            ledger.refund_share(session, source, refund, invoice, share)
            ledger.give_credit(session, invoice, share, refund.note or "Refunded", refund)
        sentence += " and credited; the invoice stays closed"
        note(session, invoice, "refund", sentence, actor, reason=refund.note)
        return
    words, why = f"{sentence}; open again", refund.note
    if not reopen(session, invoice, "reopen", InvoiceState.SENT, actor, words, why):
        note(session, invoice, "refund", f"{sentence}; due again", actor, reason=why)
    ledger.refund_share(session, source, refund, invoice, share)


def reopen(
    session: Session,
    invoice: Invoice,
    verb: str,
    target: InvoiceState,
    actor: Actor,
    sentence: str,
    reason: str = "",
) -> bool:
    """Have an invoice ask again for money that goes away; the caller takes it off afterwards.

    The state goes before the money does: a paid invoice may have no balance at any moment. False
    for a draft or an invoice with another payment under way, whose state says so already.
    """
    if not may(invoice, verb):
        return False
    invoice.paid_at = None
    move(session, invoice, verb, target, actor, sentence, reason=reason)
    return True
