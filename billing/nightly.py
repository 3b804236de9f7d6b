"""The nightly run: users billed automatically are charged where that is possible, else written to.

It takes drafts that were never issued. Whoever has a usable payment method on file, and the billing
method ``gateway``, is charged; everybody else is sent the invoice. An expired card is no usable
method. Users billed manually are left alone, and so is what a person set back to draft. What the
gateway would not even try is not tried again with the same payment method.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import charging, guards
from billing.actor import SYSTEM, Actor
from billing.billing_choice import trigger_of
from billing.database import reading, transaction
from billing.errors import Refusal
from billing.issuing import send
from billing.left_alone import TAKEN_BACK, refused_condition, waits_for_a_person
from billing.locks import lock_user_and_invoice
from billing.nightly_plan import REASONS, Why, candidates, preview
from billing.office import get_settings
from billing.retries import due_retries, retry_charge
from billing.rounds import Piece, Result, Tally, go_on, result_of
from models import Invoice, User
from models.states import BillingTrigger, InvoiceState

__all__ = ["charge_or_send", "due_drafts", "preview", "run_nightly", "run_retries"]

# What keeps the registered method from being charged, but not the invoice from being sent.
# Sending a draft that credit has paid closes it.
_SENT_INSTEAD = ("billing_method_invoice", "no_payment_method", "method_expired", "no_balance")


def due_drafts(limit: int, after: int = 0) -> list[int]:
    """Return drafts the run takes, by id, those after ``after`` only."""
    with reading() as session:
        wanted = (
            select(Invoice.id)
            .join(User, User.id == Invoice.user_id)
            .where(candidates(get_settings(session)), Invoice.id > after)
        )
        return list(session.scalars(wanted.order_by(Invoice.id).limit(limit)))


def charge_or_send(invoice_id: int, *, actor: Actor = SYSTEM) -> Result:
    """Charge one draft to the registered method, or send it where that can't be charged.

    Raises ``Refusal`` when the run has no business with it, or not any more.
    """
    with transaction() as session:
        user, invoice = lock_user_and_invoice(session, invoice_id)
        guards.require(why_not_tonight(session, user, invoice))
        why_not = guards.why_not_charge(session, invoice)
        if why_not is not None and why_not.code in _SENT_INSTEAD:
            send(session, invoice, actor)
            return Result.SENT
        guards.require(why_not or _why_refused_before(session, invoice))
        amount = invoice.balance_now
        order, payment_id = charging.start_charge(
            session, invoice, amount, actor, charging.RECURRING
        )
    return result_of(charging.ask_for_sale(payment_id, order, actor))


def why_not_tonight(session: Session, user: User, invoice: Invoice) -> Refusal | None:
    """The nightly run: the same rules as ``nightly_plan.candidates``, for one locked invoice."""
    if invoice.state is not InvoiceState.DRAFT or invoice.silent:
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    if trigger_of(user, get_settings(session)) is not BillingTrigger.AUTOMATIC:
        return Refusal("This user is billed manually.", "manual")
    if user.erased_at is not None:
        return Refusal("This user was erased.", "erased")
    if invoice.number is not None and session.scalar(select(waits_for_a_person(invoice.id))):
        return Refusal(TAKEN_BACK, "set_back")
    return None


def _why_refused_before(session: Session, invoice: Invoice) -> Refusal | None:
    method = guards.default_method(session, invoice.user_id)
    if method is None or not session.scalar(select(refused_condition(invoice.id, method.id))):
        return None
    return Refusal(f"{REASONS[Why.REFUSED]}.", "method_refused")


def run_nightly(after: int = 0, tally: Tally | None = None) -> Piece:
    """Go on with the run after an invoice's id, and return how far it got."""
    return go_on(due_drafts, charge_or_send, after, tally)


def run_retries(after: int = 0, tally: Tally | None = None) -> Piece:
    """Go on with charging again what was planned for today or earlier."""
    return go_on(due_retries, _retry, after, tally)


def _retry(invoice_id: int) -> Result:
    attempt = retry_charge(invoice_id)
    return Result.SKIPPED if attempt is None else result_of(attempt)
