"""What a refund's outcome does to the payment it pays back and to that payment's invoices.

The plan (how much, and whether the invoice is reopened or credited) is committed with the refund
before the gateway is called; this carries it out once the gateway has accepted.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import announcements, clock, diary, ledger, voids
from billing.actor import Actor
from billing.history import note
from billing.office import in_words
from billing.transitions import may, move
from models import Invoice, Payment
from models.states import COLLECTED_PAYMENT_STATES, InvoiceState, PaymentState

REOPEN = "reopen"
CREDIT = "credit"
# Nobody paid it back: a lost dispute took it, see ``billing.dispute_losses``.
DISPUTE = "dispute"


def record_refund(session: Session, refund: Payment, said: PaymentState, actor: Actor) -> None:
    """Bring ``refund`` to the state the gateway says; both payments and invoices are locked."""
    source = session.get_one(Payment, refund.refund_of_id)
    if refund.state is PaymentState.STARTED:
        if said in COLLECTED_PAYMENT_STATES:
            _carry_out(session, refund, source, said, actor)
        elif said in (PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED):
            verb = {"declined": "decline", "failed": "fail", "voided": "void"}[said]
            move(
                session, refund, verb, said, actor, "Refund not carried out", reason=refund.message
            )
    elif refund.state is PaymentState.SUBMITTED and said is PaymentState.SETTLED:
        refund.settled_at = clock.now()
        move(session, refund, "settle", PaymentState.SETTLED, actor, "Refund settled")
    elif said in (PaymentState.DECLINED, PaymentState.VOIDED):
        _come_back(session, refund, source, said, actor)


def _carry_out(
    session: Session, refund: Payment, source: Payment, state: PaymentState, actor: Actor
) -> None:
    refund.collected_at = clock.now()
    refund.settled_at = clock.now() if state is PaymentState.SETTLED else None
    sentence = f"{in_words(session, refund.amount)} {_done(refund)}"
    move(session, refund, "collect", state, actor, sentence, reason=refund.note)
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
    if may(invoice, "reopen"):
        invoice.paid_at = None
        words = f"{sentence}; open again"
        move(session, invoice, "reopen", InvoiceState.SENT, actor, words, reason=refund.note)
    else:
        # A draft, or an invoice with another payment under way: its state says so already.
        note(session, invoice, "refund", f"{sentence}; due again", actor, reason=refund.note)
    ledger.refund_share(session, source, refund, invoice, share)
