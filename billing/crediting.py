"""Writing off, or crediting, a part of what an open invoice still asks for.

A credit is not a payment: no money moved, so no receipt goes out. It reduces the balance with a
reason that stays in the history; an invoice that nothing is left to pay on is closed.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import clock, guards, ledger
from billing.actor import Actor
from billing.charging import check_part
from billing.database import transaction
from billing.errors import Refusal
from billing.history import note
from billing.locks import lock_invoice
from billing.office import in_words
from billing.shown import TO_PAY, check_shown
from billing.transitions import move
from models import Invoice
from models.states import InvoiceState

MAX_REASON = 1000


def why_not_credit(session: Session, invoice: Invoice) -> Refusal | None:
    """Write off / credit: an open invoice with a balance and no payment under way."""
    if invoice.state is InvoiceState.DRAFT:
        return Refusal("This is a draft: change its items instead.", "draft")
    return guards.why_not_process(session, invoice)


def credit_invoice(
    invoice_id: int, *, amount: int, shown_balance: int, reason: str, actor: Actor
) -> int:
    """Take ``amount`` minor units off the balance and return what is left to pay.

    shown_balance -- minor units staff saw: a request, checked under lock
    reason        -- required, at most 1,000 characters; kept in the history

    Raises ``Refusal`` when the invoice is not open, a payment is under way, the balance is another
    than the one shown, or the amount is nothing or more than the balance.
    """
    why = _checked(reason)
    with transaction() as session:
        invoice = lock_invoice(session, invoice_id)
        guards.require(why_not_credit(session, invoice))
        check_shown(session, shown_balance, invoice.balance_now, TO_PAY)
        check_part(session, invoice, amount)
        ledger.give_credit(session, invoice, amount, why)
        left = invoice.balance_now
        sentence = f"{in_words(session, amount)} credited"
        if left:
            words = f"{sentence}; {in_words(session, left)} left to pay"
            note(session, invoice, "credit", words, actor, reason=why)
        else:
            invoice.paid_at = clock.now()
            words = f"{sentence}; nothing is left to pay"
            move(session, invoice, "close", InvoiceState.PAID, actor, words, reason=why)
        return left


def _checked(reason: str) -> str:
    plain = reason.replace("\0", "").strip()
    if not plain:
        raise Refusal("Say why.", "no_reason", "reason")
    if len(plain) > MAX_REASON:
        raise Refusal(f"Use at most {MAX_REASON:,} characters.", "too_long", "reason")
    return plain
