"""Why something can't be done: one sentence a rule, used by the verb and by the greyed button.

Each ``why_not_…`` returns None when the verb may go ahead. Verbs ask again under lock; buttons ask
when a page is drawn, so the two can never disagree about the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from babel.dates import format_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import claims, clock
from billing.errors import Refusal
from billing.office import get_settings
from models import (
    Application,
    Invoice,
    Item,
    Payment,
    PaymentMethod,
    User,
)
from models.states import (
    ApplicationState,
    BillingMethod,
    InvoiceState,
    PaymentState,
)

I = InvoiceState  # noqa: E741


def require(why_not: Refusal | None) -> None:
    """Raise the refusal, if there is one."""
    if why_not is not None:
        raise why_not


def why_not_generate(session: Session, application: Application) -> Refusal | None:
    """Generate Invoice: only approved applications with a debt that no open invoice carries."""
    if application.state is not ApplicationState.APPROVED:
        return Refusal(
            f"This application is {application.state}, not approved.", "application_not_approved"
        )
    if application.outstanding_balance <= 0:
        return Refusal("Nothing is outstanding on this application.", "nothing_outstanding")
    if application.difference <= 0:
        payment = claims.live_payment_about(session, application.billable_id)
        if payment is not None:
            return claims.why_in_flight(session, payment)
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
    if invoice.state in (I.PAID, I.DELETED):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    if invoice.state is not I.DRAFT:
        return Refusal("Only drafts can be edited. Set it back to draft first.", "not_draft")
    return _why_attempt_is_live(session, invoice)


def why_not_pay(session: Session, invoice: Invoice) -> Refusal | None:
    """Pay, by the customer."""
    return for_customer(why_not_cover(session, invoice))


def for_customer(why_not: Refusal | None) -> Refusal | None:
    """Leave out who is paying and how much: a link may be in anybody's hands."""
    if why_not is None or why_not.code != "live":
        return why_not
    return Refusal("A payment is being processed already. Please do not pay again.", "live")


def why_not_cover(session: Session, invoice: Invoice) -> Refusal | None:
    """Put money on an open invoice, by whomever."""
    if invoice.state is I.PAID:
        return Refusal("This invoice has already been paid.", "already_paid")
    if invoice.state not in (I.SENT, I.FAILED, I.PENDING):
        return Refusal("This invoice can't be paid at the moment.", "not_open")
    return (
        _why_attempt_is_live(session, invoice) or _why_pending(invoice) or _why_no_balance(invoice)
    )


def why_not_process(session: Session, invoice: Invoice) -> Refusal | None:
    """Process Invoice In-Person."""
    if invoice.state not in (I.DRAFT, I.SENT, I.FAILED, I.PENDING):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    return _why_attempt_is_live(session, invoice) or _why_no_balance(invoice)


def why_not_capture(
    session: Session, payment: Payment, invoices: Sequence[Invoice]
) -> Refusal | None:
    """The second step of an in-person card payment: only what is still on hold and still owed."""
    if payment.state is not PaymentState.AUTHORISED:
        return Refusal("Authorize the card first.", "not_authorised")
    if payment.hold_expires_at is not None and payment.hold_expires_at <= clock.now():
        return Refusal("The hold on the card has expired. Authorize again.", "hold_expired")
    if (
        len(invoices) != 1
        or payment.amount > invoices[0].balance_now
        or _fees_differ(session, invoices[0])
    ):
        return Refusal("The amount due has changed. Authorize the card again.", "amount_changed")
    return None


def _fees_differ(session: Session, invoice: Invoice) -> bool:
    """Whether an application's fees changed since its silent invoice was made for them."""
    if not invoice.silent or invoice.state is not I.DRAFT:
        return False
    about = select(Application).where(Application.billable_id == invoice.billable_id)
    application = session.scalars(about.execution_options(populate_existing=True)).one()
    return application.difference != 0


def why_not_take(session: Session, invoice: Invoice) -> Refusal | None:
    """The page of Process Invoice In-Person: a hold that waits there keeps it open to everybody."""
    payment = claims.live_payment(session, invoice)
    if payment is not None and payment.state is PaymentState.AUTHORISED:
        return None
    return why_not_process(session, invoice)


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
    return (
        _why_method_unusable(session, user)
        or _why_attempt_is_live(session, invoice)
        or _why_pending(invoice)
        or _why_no_balance(invoice)
    )


def why_not_redraft(session: Session, invoice: Invoice) -> Refusal | None:
    """Set back to draft."""
    if invoice.state is I.DRAFT:
        return Refusal("This invoice is a draft already.", "already_draft")
    if invoice.state in (I.PAID, I.DELETED):
        return Refusal(f"This invoice is {invoice.state}.", "not_open")
    payment = claims.live_payment(session, invoice)
    if payment is not None and payment.state is PaymentState.STARTED:
        return Refusal(
            "A payment was started and nobody has answered yet. Wait until that is known.",
            "unknown_outcome",
        )
    if payment is not None and payment.state is PaymentState.AUTHORISED:
        why = claims.why_in_flight(session, payment)
        return Refusal(f"{why.sentence} Release it first.", "live")
    return None


def why_not_delete(session: Session, invoice: Invoice) -> Refusal | None:
    """Delete: drafts that no money ever touched."""
    if invoice.state is I.DELETED:
        return Refusal("This invoice is deleted already.", "already_deleted")
    if invoice.state is I.PAID:
        return Refusal("A paid invoice can't be deleted.", "not_draft")
    if invoice.state is not I.DRAFT:
        return Refusal("Only drafts can be deleted. Set it back to draft first.", "not_draft")
    if invoice.allocated or invoice.credited:
        return Refusal("Money was already applied to this invoice.", "has_money")
    return _why_attempt_is_live(session, invoice)


def _why_method_unusable(session: Session, user: User) -> Refusal | None:
    method = default_method(session, user.id)
    if method is None:
        return Refusal("This user has no payment method on file.", "no_payment_method")
    settings = get_settings(session)
    if method.expires_on is None or method.expires_on >= clock.today(settings.timezone):
        return None
    expired = format_date(method.expires_on, "long", locale=settings.locale)
    return Refusal(
        f"The card on file expired on {expired}; ask the customer for a new one.",
        "method_expired",
    )


def default_method(session: Session, user_id: int) -> PaymentMethod | None:
    """Return the registered payment method a charge of this user would use."""
    return session.scalar(
        select(PaymentMethod).where(
            PaymentMethod.user_id == user_id,
            PaymentMethod.is_default,
            PaymentMethod.removed_at.is_(None),
        )
    )


def _why_pending(invoice: Invoice) -> Refusal | None:
    if invoice.state is not I.PENDING:
        return None
    return Refusal("A payment is being processed.", "live")


def _why_no_balance(invoice: Invoice) -> Refusal | None:
    if invoice.balance_now > 0:
        return None
    return Refusal("Nothing is left to pay on this invoice.", "no_balance")


def _why_attempt_is_live(session: Session, invoice: Invoice) -> Refusal | None:
    payment = claims.live_payment(session, invoice)
    if payment is None:
        return None
    return claims.why_in_flight(session, payment)


def why_not_mark(record: Any) -> Refusal | None:
    """Labels and notes say nothing about money, but a deleted invoice stays as it is."""
    if isinstance(record, Invoice) and record.state is InvoiceState.DELETED:
        return Refusal("This invoice is deleted: it can only be looked at.", "deleted")
    return None
