"""Set back to draft, also from pending.

A pending charge is voided at the gateway where that is still possible. Where it isn't, staff are
told and must confirm; the payment becomes *detached*: no longer live, still watched. If its money
arrives after all it is the user's credit, and staff hear about it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import attempts, claims, guards, ledger, runtime
from billing.actor import Actor
from billing.billing_choice import change_method
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.transitions import move
from models import Invoice, Payment, User
from models.states import BillingMethod, InvoiceState, PaymentState

# What the gateway voids by itself; with later statuses the bank has the debit already.
_STILL_HERE = ("authorized", "submitted_for_settlement")


def can_probably_be_stopped(payment: Payment) -> bool:
    """Whether a void will probably work, by what the gateway said last; nobody is asked."""
    return payment.gateway_status in _STILL_HERE


def set_back_to_draft(
    invoice_id: int,
    *,
    reason: str,
    confirmed: bool = False,
    switch_billing_method: bool = False,
    actor: Actor,
) -> None:
    """Take an issued invoice back so that it can be edited; its number stays its own.

    reason                -- required, kept in the history
    confirmed             -- staff know that a debit in flight can't be stopped any more
    switch_billing_method -- set the user's billing method to ``invoice`` in the same step

    Raises ``Refusal``: code ``still_charges`` while the billing method would charge again,
    ``cannot_stop`` when the debit can't be voided and that was not confirmed,
    ``unknown_outcome`` while nobody has answered whether it was.
    """
    if not reason.strip():
        raise Refusal("Say why.", "no_reason", "reason")
    in_flight = _prepare(invoice_id, switch_billing_method)
    if in_flight is not None:
        _try_to_void(in_flight, actor)
    with transaction() as session:
        if switch_billing_method:
            _switch_billing_method(session, invoice_id, actor)
        _finish(session, invoice_id, reason.strip(), confirmed, actor)


def _switch_billing_method(session: Session, invoice_id: int, actor: Actor) -> None:
    user_id = session.scalar(select(Invoice.user_id).where(Invoice.id == invoice_id))
    user = lock(session, User, user_id or 0)
    change_method(session, user, BillingMethod.INVOICE, actor)


def _prepare(invoice_id: int, switch_billing_method: bool) -> int | None:
    """Check the rules and return the pending payment that should be voided first, if any."""
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        guards.require(guards.why_not_redraft(session, invoice))
        payment = claims.live_payment(session, invoice)
        if invoice.state is not InvoiceState.PENDING or payment is None:
            return None
        user = session.get_one(User, invoice.user_id)
        if user.billing_method is BillingMethod.GATEWAY and not switch_billing_method:
            raise Refusal(
                "This user's billing method still charges. Set it to invoice as well.",
                "still_charges",
                "switch_billing_method",
            )
        return payment.id if payment.state is PaymentState.PENDING else None


def _try_to_void(payment_id: int, actor: Actor) -> None:
    with transaction() as session:
        payment = lock(session, Payment, payment_id)
        gateway_id, reference = payment.gateway_id or "", f"{payment.reference}-void"
    gateway = runtime.current().gateway
    attempts.ask_for_void(payment_id, lambda: gateway.void(gateway_id, reference), actor)


def _finish(session: Session, invoice_id: int, reason: str, confirmed: bool, actor: Actor) -> None:
    invoice = lock(session, Invoice, invoice_id)
    if invoice.state is InvoiceState.DRAFT:
        # The void has just handed it back: it was charged as a draft.
        note(session, invoice, "redraft", "Set back to draft", actor, reason=reason)
        return
    guards.require(guards.why_not_redraft(session, invoice))
    payment = claims.live_payment(session, invoice)
    if payment is not None:
        if not confirmed:
            raise Refusal(
                "The bank has this debit already and it can't be stopped any more. Confirm "
                "that the invoice should go back to draft all the same.",
                "cannot_stop",
                "confirmed",
            )
        _detach(session, payment, invoice, actor, reason)
    sentence = "Set back to draft"
    move(session, invoice, "redraft", InvoiceState.DRAFT, actor, sentence, reason=reason)


def _detach(
    session: Session, payment: Payment, invoice: Invoice, actor: Actor, reason: str
) -> None:
    """Give up this invoice's share; other invoices of the same debit go on waiting for the bank."""
    payment = lock(session, Payment, payment.id)
    payment.detached = True
    for allocation in ledger.claims_of(session, payment):
        if allocation.invoice_id == invoice.id:
            ledger.release(allocation)
    sentence = "Detached from its invoice: if the money arrives it is the user's credit"
    note(session, payment, "detach", sentence, actor, reason=reason)
