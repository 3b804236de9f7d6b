"""A lost dispute: the cardholder's bank took settled money back; what it had paid is owed again.

A gateway goes on calling such a payment settled, so no look at it can tell; only its news does.
"""

from __future__ import annotations

from billing import announcements, hooks, ledger, outcomes
from billing.actor import Actor
from billing.database import transaction
from billing.history import note
from billing.office import in_words
from billing.transitions import may, move
from models.states import InvoiceState, PaymentKind, PaymentState


def lose_dispute(payment_id: int, *, actor: Actor) -> bool:
    """Take all that a settled payment had paid off its invoices again; False if it had settled not
    or was taken back before, so that news delivered twice does nothing more.
    """
    with transaction() as session:
        payment, invoices = outcomes.lock_payment(session, payment_id)
        if payment.kind is PaymentKind.REFUND or payment.state is not PaymentState.SETTLED:
            return False
        before = payment.state
        sentence = f"{in_words(session, payment.amount)} was taken back after a lost dispute"
        move(session, payment, "return", PaymentState.RETURNED, actor, sentence)
        applied = ledger.applied_of(session, payment)
        for invoice_id in sorted({share.invoice_id for share in applied}):
            invoice = invoices[invoice_id]
            if may(invoice, "lose_dispute"):
                invoice.paid_at = None
                move(session, invoice, "lose_dispute", InvoiceState.SENT, actor, sentence)
            else:
                note(session, invoice, "lose_dispute", sentence, actor)
            for share in applied:
                if share.invoice_id == invoice_id:
                    ledger.take_back(share, payment, invoice)
        announcements.taken_back(session, payment, sentence)
        change = hooks.Change(payment, before, payment.state)
        hooks.payment_changed(session, change, list(invoices.values()), actor)
        return True
