"""Why something can't be done: one sentence a rule, used by the verb and by the greyed button.

Each ``why_not_…`` returns None when the verb may go ahead. Verbs ask again under lock; buttons ask
when a page is drawn, so the two can never disagree about the rule.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.errors import Refusal
from billing.office import in_words
from models import Allocation, Application, Invoice, Item, Payment, PaymentMethod, User
from models.states import (
    AllocationState,
    ApplicationState,
    BillingMethod,
    InvoiceState,
    PaymentState,
    Tender,
)

I = InvoiceState  # noqa: E741


def require(why_not: Refusal | None) -> None:
    """Raise the refusal, if there is one."""
    if why_not is not None:
        raise why_not


def live_payment(session: Session, invoice: Invoice) -> Payment | None:
    """Return the live attempt that has claimed ``invoice``, if any."""
    return session.scalar(
        select(Payment)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Allocation.invoice_id == invoice.id, Allocation.state == AllocationState.CLAIMED)
    )


def why_not_generate(session: Session, application: Application) -> Refusal | None:
    """Generate Invoice: only approved applications with a debt that no open invoice carries."""
    if application.state is not ApplicationState.APPROVED:
        return Refusal(
            f"This application is {application.state}, not approved.", "application_not_approved"
        )
    if application.outstanding_balance <= 0:
        return Refusal("Nothing is outstanding on this application.", "nothing_outstanding")
    if application.fees_total - application.invoiced <= 0:
        number = session.scalar(
            select(func.max(Invoice.number)).where(
                Invoice.billable_id == application.billable_id,
                Invoice.state.not_in((I.PAID, I.DELETED)),
            )
        )
        name = f"invoice #{number}" if number else "a draft invoice"
        return Refusal(f"This debt is already on {name}.", "already_invoiced")
    return None


def why_not_send(session: Session, invoice: Invoice) -> Refusal | None:
    """Send and Resend."""
    if invoice.state is I.PENDING:
        return Refusal("A payment is being processed.", "pending")
    if invoice.state in (I.PAID, I.DELETED):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    if invoice.state is I.DRAFT:
        has_items = session.scalar(select(func.count(Item.id)).where(Item.invoice_id == invoice.id))
        if not has_items:
            return Refusal("This draft has no items yet.", "no_items")
        if invoice.total <= 0:
            return Refusal("The total must be more than zero.", "no_total")
    return _why_attempt_is_live(session, invoice)


def why_not_edit(session: Session, invoice: Invoice) -> Refusal | None:
    """Items and dates change in drafts only: what was sent is frozen."""
    if invoice.state is not I.DRAFT:
        return Refusal("Only drafts can be edited. Set it back to draft first.", "not_draft")
    return _why_attempt_is_live(session, invoice)


def why_not_pay(session: Session, invoice: Invoice) -> Refusal | None:
    """Pay, by the customer."""
    if invoice.state is I.PAID:
        return Refusal("This invoice has already been paid.", "already_paid")
    if invoice.state is I.PENDING:
        return _why_attempt_is_live(session, invoice) or Refusal(
            "A payment for this invoice is being processed. Please do not pay again.", "live"
        )
    if invoice.state not in (I.SENT, I.FAILED):
        return Refusal("This invoice can't be paid at the moment.", "not_open")
    return _why_attempt_is_live(session, invoice) or _why_no_balance(invoice)


def why_not_process(session: Session, invoice: Invoice) -> Refusal | None:
    """Process Invoice In-Person."""
    if invoice.state not in (I.DRAFT, I.SENT, I.FAILED, I.PENDING):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    return _why_attempt_is_live(session, invoice) or _why_no_balance(invoice)


def why_not_charge(session: Session, invoice: Invoice) -> Refusal | None:
    """Charge customer: uses the registered payment method, so the billing method decides."""
    if invoice.state not in (I.DRAFT, I.SENT, I.FAILED, I.PENDING):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    user = session.get_one(User, invoice.user_id)
    if user.billing_method is BillingMethod.INVOICE:
        return Refusal(
            "This user's billing method is invoice: nothing is charged to a registered method.",
            "billing_method_invoice",
        )
    if default_method(session, user.id) is None:
        return Refusal("This user has no payment method on file.", "no_payment_method")
    return _why_attempt_is_live(session, invoice) or _why_no_balance(invoice)


def why_not_redraft(session: Session, invoice: Invoice) -> Refusal | None:
    """Set back to draft."""
    if invoice.state is I.DRAFT:
        return Refusal("This invoice is a draft already.", "already_draft")
    if invoice.state in (I.PAID, I.DELETED):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    payment = live_payment(session, invoice)
    if payment is not None and payment.state is PaymentState.STARTED:
        return Refusal(
            "A payment was started and nobody has answered yet. Wait until that is known.",
            "unknown_outcome",
        )
    if payment is not None and payment.state is PaymentState.AUTHORISED:
        return Refusal("A card is on hold for this invoice. Release it first.", "live")
    return None


def why_not_delete(session: Session, invoice: Invoice) -> Refusal | None:
    """Delete: drafts that no money ever touched."""
    if invoice.state is I.DELETED:
        return Refusal("This invoice is deleted already.", "already_deleted")
    if invoice.state is not I.DRAFT:
        return Refusal("Only drafts can be deleted. Set it back to draft first.", "not_draft")
    if invoice.allocated or invoice.credited:
        return Refusal("Money was already applied to this invoice.", "has_money")
    return _why_attempt_is_live(session, invoice)


def default_method(session: Session, user_id: int) -> PaymentMethod | None:
    """Return the registered payment method a charge of this user would use."""
    return session.scalar(
        select(PaymentMethod).where(
            PaymentMethod.user_id == user_id,
            PaymentMethod.is_default,
            PaymentMethod.removed_at.is_(None),
        )
    )


def _why_no_balance(invoice: Invoice) -> Refusal | None:
    if invoice.balance_now > 0:
        return None
    return Refusal("Nothing is left to pay on this invoice.", "no_balance")


def _why_attempt_is_live(session: Session, invoice: Invoice) -> Refusal | None:
    payment = live_payment(session, invoice)
    if payment is None:
        return None
    amount = in_words(session, payment.amount)
    if payment.state is PaymentState.AUTHORISED:
        return Refusal(f"A card is on hold for {amount}.", "live")
    if payment.state is PaymentState.PENDING or payment.tender is Tender.DIRECT_DEBIT:
        return Refusal(f"A direct debit over {amount} is waiting for the bank.", "live")
    return Refusal(f"A payment of {amount} is being processed. Please do not pay again.", "live")
