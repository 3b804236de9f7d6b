"""Letters and notices that follow from what happened to money.

Each is queued in the transaction of its cause, under an occasion that makes it unique.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.history import note
from billing.mailing import notify_staff, queue_email
from billing.office import in_words
from billing.retry_plan import with_next_try
from models import History, Invoice, Payment, User
from models.states import ActorKind, Tender

_FORMS = {
    Tender.CARD: "a card payment",
    Tender.DIRECT_DEBIT: "a direct debit",
    Tender.CHECK: "a check",
    Tender.CASH: "a cash payment",
    Tender.OTHER: "a payment by other means",
}


def receipt(session: Session, payment: Payment, *, resend: str = "") -> bool:
    """Queue the receipt of a payment, once; ``resend`` names a further, asked-for copy."""
    if not payment.send_receipt and not resend:
        return False
    user = session.get_one(User, payment.user_id)
    occasion = f"receipt:{payment.id}" + (f":{resend}" if resend else "")
    invoice = _first_invoice(session, payment)
    email = queue_email(session, "receipt", occasion, user, invoice=invoice, payment=payment)
    return email is not None


def failed(session: Session, payment: Payment, invoice: Invoice) -> None:
    """Tell the customer and the office that a registered payment method was declined."""
    user = session.get_one(User, payment.user_id)
    occasion = f"payment-failed:{payment.id}"
    queue_email(session, "payment_failed", occasion, user, invoice=invoice, payment=payment)
    said = f"{in_words(session, payment.amount)} could not be charged: {payment.message}"
    notify_staff(
        session,
        occasion,
        f"Charge failed on invoice #{invoice.number}",
        f"{with_next_try(session, said, invoice.retry_on)}.",
        kind="charge_failed",
        invoice=invoice,
        payment=payment,
    )


def payment_returned(session: Session, payment: Payment, invoice: Invoice) -> None:
    """Tell the customer that a payment did not last and the invoice is open again."""
    user = session.get_one(User, payment.user_id)
    queue_email(
        session,
        "payment_returned",
        f"payment-returned:{payment.id}:{invoice.id}",
        user,
        invoice=invoice,
        payment=payment,
    )


def taken_back(
    session: Session,
    payment: Payment,
    sentence: str,
    *,
    kind: str = "money_returned",
    title: str = "A payment was taken back",
) -> None:
    """Tell the office that money went away again, each time it does."""
    returns = select(func.count(History.id)).where(
        History.record == "payment", History.record_id == payment.id, History.verb == "return"
    )
    times = session.scalar(returns) or 0
    notify_staff(
        session,
        f"taken-back:{payment.id}" + (f":{times}" if times > 1 else ""),
        title,
        f"{sentence}. What it had paid is open again.",
        kind=kind,
        invoice=_first_invoice(session, payment),
        payment=payment,
    )


def refund_came_back(session: Session, payment: Payment, refund: Payment, sentence: str) -> None:
    """Tell the office that a refund failed after it had been accepted."""
    notify_staff(
        session,
        f"refund-failed:{refund.id}",
        "A refund failed",
        f"{sentence}. It is not applied to any invoice: apply it, or pay it back another way.",
        kind="refund_failed",
        payment=payment,
    )


def refund_surfaced(session: Session, payment: Payment, refund: Payment, sentence: str) -> None:
    """Tell the office that a refund took place which it had been told came to nothing."""
    notify_staff(
        session,
        f"refund-surfaced:{refund.id}",
        "A refund took place after all",
        f"{sentence}. Look whether it was paid back in another way meanwhile.",
        kind="refund_failed",
        payment=payment,
    )


def unapplied(session: Session, payment: Payment, actor: Actor, *, given_up: bool = False) -> None:
    """Tell the office that money arrived which no invoice uses: apply it or pay it back.

    given_up -- whether nobody waited for it any more, because its attempt had come to nothing
    """
    amount = in_words(session, payment.unapplied)
    sentence = f"{amount} of payment {payment.id} is not applied to any invoice"
    note(session, payment, "unapplied", sentence, actor)
    if actor.kind is ActorKind.STAFF:
        # Whoever records money sees on the page where it went.
        return
    notify_staff(
        session,
        f"unapplied:{payment.id}",
        "Money without an invoice",
        f"{_what_came(session, payment, given_up)}. Apply it to an invoice or pay it back.",
        kind="unapplied",
        payment=payment,
        user=session.get_one(User, payment.user_id),
    )


def _what_came(session: Session, payment: Payment, given_up: bool) -> str:
    """Say which money it is, of which payment, and why no invoice uses it."""
    left, amount = in_words(session, payment.unapplied), in_words(session, payment.amount)
    of = "" if payment.unapplied == payment.amount else f"{left} of "
    why = "is not applied to any invoice"
    if given_up:
        why = "arrived late, although it had been given up"
    elif payment.detached:
        why = "arrived late, after its invoice was set back to draft"
    said = f"{of}payment {payment.id}, {_FORMS[payment.tender]} of {amount}, {why}"
    return said[0].upper() + said[1:]


def _first_invoice(session: Session, payment: Payment) -> Invoice | None:
    session.flush()
    session.refresh(payment, ["allocations"])
    for allocation in payment.allocations:
        return session.get(Invoice, allocation.invoice_id)
    return None
