"""What a lost dispute costs: the whole of a payment, or the part of it that was disputed.

The whole of a payment of which nothing was paid back is simple: the payment itself is *returned*.
A part is a record of its own, a payment of kind *refund* of the disputed one, as when staff pay a
part back: whatever adds up, proves or prints money knows that form already, and a dispute that is
won after all ends it like any refund that came back. ``returns_to`` says that a dispute took it,
the beginning of its ``reference`` which one; it has no transaction at the gateway.

Money that no invoice uses goes first: nobody should be asked for an invoice while we keep their
credit. Then goes what was applied last, so that the oldest debts stay paid.

A dispute never takes more than is left of its payment. What it is short of it takes as soon as
there is something again: a refund that failed, or another dispute of the payment that was won.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import announcements, hooks, ledger
from billing.actor import Actor
from billing.database import lock
from billing.history import note
from billing.mailing import notify_staff
from billing.office import in_words
from billing.refund_outcomes import DISPUTE, new_refund, reopen, shares_to_take
from billing.transitions import move
from models import Dispute, Invoice, Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    DisputeState,
    InvoiceState,
    PaymentKind,
    PaymentState,
)

Invoices = dict[int, Invoice]


def takes_all(session: Session, dispute: Dispute, payment: Payment) -> bool:
    """Whether a lost dispute costs the whole payment, which is *returned* then."""
    whole = dispute.amount >= payment.amount and payment.refunded == 0
    settled = payment.state is PaymentState.SETTLED
    return whole and settled and not _under_way(session, payment)


def missing(session: Session, dispute: Dispute, payment: Payment) -> int:
    """Return the minor units a lost dispute has not taken yet and can take of its payment."""
    if payment.state not in COLLECTED_PAYMENT_STATES:
        return 0
    left = payment.amount - payment.refunded - _under_way(session, payment)
    taken = sum(part.amount for part in _taken(session, dispute))
    return max(0, min(dispute.amount - taken, left))


def take_all(
    session: Session, dispute: Dispute, payment: Payment, invoices: Invoices, actor: Actor
) -> None:
    """Take all that a settled payment had paid off its invoices again."""
    before = payment.state
    sentence = f"{in_words(session, payment.amount)} was taken back after a lost dispute"
    move(session, payment, "return", PaymentState.RETURNED, actor, sentence)
    applied = ledger.applied_of(session, payment)
    for invoice_id in sorted({share.invoice_id for share in applied}):
        invoice = invoices[invoice_id]
        _reopen(session, invoice, sentence, actor)
        for share in applied:
            if share.invoice_id == invoice_id:
                ledger.take_back(share, payment, invoice)
    title = "A dispute was lost"
    announcements.taken_back(session, payment, sentence, kind="dispute", title=title)
    change = hooks.Change(payment, before, payment.state)
    hooks.payment_changed(session, change, list(invoices.values()), actor)


def take_part(
    session: Session,
    dispute: Dispute,
    payment: Payment,
    invoices: Invoices,
    amount: int,
    actor: Actor,
) -> None:
    """Take ``amount`` minor units of a received payment, and off the invoices it had paid."""
    part = _write_down(session, dispute, payment, amount, actor)
    sentence = _sentence(session, dispute, payment, amount)
    note(session, payment, "lose_dispute", sentence, actor)
    shares = shares_to_take(session, payment, amount - min(payment.unapplied, amount))
    for invoice_id, share in shares:
        words = f"{in_words(session, share)} was taken back after a lost dispute"
        _reopen(session, invoices[invoice_id], words, actor)
        ledger.refund_share(session, payment, part, invoices[invoice_id], share)
    ledger.count_refund(payment, amount)
    rest = "What it had paid is open again" if shares else "No invoice had used it"
    notify_staff(
        session,
        f"dispute-took:{part.id}",
        "A dispute was lost",
        f"Payment {payment.id}: {sentence}. {rest}.",
        kind="dispute",
        invoice=invoices[shares[0][0]] if shares else None,
        payment=payment,
    )
    # It is new, and what it took has just gone.
    change = hooks.Change(part, PaymentState.STARTED, part.state)
    changed = [invoices[invoice_id] for invoice_id, _share in shares]
    hooks.payment_changed(session, change, changed, actor)


def give_back(session: Session, dispute: Dispute, payment: Payment, actor: Actor) -> int:
    """Have what a lost dispute took come back, not applied to any invoice; return the minor units.

    Parts alone: a payment that was returned as a whole is the caller's.
    """
    total = 0
    for part in _taken(session, dispute):
        words = f"{in_words(session, part.amount)} came back: the dispute was won after all"
        before = part.state
        move(session, part, "return", PaymentState.RETURNED, actor, words)
        ledger.count_refund(payment, -part.amount)
        total += part.amount
        # No invoice changed by it.
        hooks.payment_changed(session, hooks.Change(part, before, part.state), [], actor)
    return total


def settle_up(session: Session, payment: Payment, invoices: Invoices, actor: Actor) -> None:
    """Let lost disputes take what they are short of, where something of ``payment`` is left again.

    The payment and ``invoices``, all it is or was on, are locked.
    """
    lost = select(Dispute).where(
        Dispute.payment_id == payment.id, Dispute.state == DisputeState.LOST
    )
    for dispute in session.scalars(lost.order_by(Dispute.id)).all():
        amount = missing(session, dispute, payment)
        if amount:
            take_part(session, dispute, payment, invoices, amount, actor)


def dispute_of(part: Payment) -> int | None:
    """Return the id of the dispute that took ``part``, or None when it is no such record."""
    if part.kind is not PaymentKind.REFUND or part.returns_to != DISPUTE:
        return None
    return int(part.reference.split("-")[1])


def _under_way(session: Session, payment: Payment) -> int:
    """Minor units of refunds nobody has answered yet: they may have left already."""
    started = select(func.coalesce(func.sum(Payment.amount), 0)).where(
        Payment.refund_of_id == payment.id, Payment.state == PaymentState.STARTED
    )
    return int(session.scalar(started) or 0)


def _named(dispute: Dispute) -> str:
    return f"dispute-{dispute.id}-"


def _taken(session: Session, dispute: Dispute) -> list[Payment]:
    """Return what the dispute has taken and not given back, locked; a new one has taken nothing."""
    numbers = select(Payment.id).where(
        Payment.refund_of_id == dispute.payment_id,
        Payment.reference.startswith(_named(dispute)),
        Payment.state == PaymentState.SETTLED,
    )
    found = session.scalars(numbers.order_by(Payment.id)).all()
    return [lock(session, Payment, number) for number in found]


def _write_down(
    session: Session, dispute: Dispute, payment: Payment, amount: int, actor: Actor
) -> Payment:
    earlier = select(func.count(Payment.id)).where(
        Payment.refund_of_id == payment.id, Payment.reference.startswith(_named(dispute))
    )
    part = new_refund(
        payment,
        amount,
        reference=f"{_named(dispute)}{(session.scalar(earlier) or 0) + 1}",
        returns_to=DISPUTE,
        why=f"Lost dispute {dispute.gateway_id}",
        actor=actor,
    )
    part.instrument = payment.instrument
    part.collected_at = part.settled_at = part.started_at
    sentence = f"{in_words(session, amount)} of payment {payment.id} lost in a dispute"
    move(session, part, "lose_dispute", PaymentState.SETTLED, actor, sentence)
    return part


def _sentence(session: Session, dispute: Dispute, payment: Payment, amount: int) -> str:
    words = (
        f"{in_words(session, amount)} of {in_words(session, payment.amount)} was taken back "
        f"after a lost dispute of {in_words(session, dispute.amount)}"
    )
    short = dispute.amount - sum(part.amount for part in _taken(session, dispute))
    return f"{words}. No more of the payment was left" if short > 0 else words


def _reopen(session: Session, invoice: Invoice, sentence: str, actor: Actor) -> None:
    if not reopen(session, invoice, "lose_dispute", InvoiceState.SENT, actor, sentence):
        note(session, invoice, "lose_dispute", sentence, actor)
