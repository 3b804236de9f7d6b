"""Why something can't be done with an application: one sentence a rule, for verb and button."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import claims, guards
from billing.errors import Refusal
from billing.guards import require
from billing.office import in_words
from models import Application, Invoice
from models.states import OPEN_INVOICE_STATES, ApplicationState, InvoiceState

__all__ = ["require"]

A = ApplicationState


def why_not_approve(
    session: Session, application: Application, *, with_balance: bool = False
) -> Refusal | None:
    """Approve: a pending application, paid for unless staff say otherwise."""
    if application.state is not A.PENDING:
        return _wrong_state(application, "Only a pending application can be approved")
    if application.outstanding_balance > 0 and not with_balance:
        owed = in_words(session, application.outstanding_balance)
        return Refusal(
            f"{owed} is outstanding. Settle it first, or approve with the balance.",
            "outstanding_balance",
            "with_balance",
        )
    return None


def why_not_reject(_session: Session, application: Application) -> Refusal | None:
    """Reject: asks the user for changes, so only while it waits for a decision."""
    if application.state is not A.PENDING:
        return _wrong_state(application, "Only a pending application can be rejected")
    return None


def why_not_deactivate(_session: Session, application: Application) -> Refusal | None:
    """Mark Inactive: for people who moved or died, or whose permit was revoked."""
    if application.state in (A.DRAFT, A.INACTIVE):
        return _wrong_state(application, "Only what was handed in can be marked inactive")
    return None


def why_not_activate(_session: Session, application: Application) -> Refusal | None:
    """Mark Active."""
    if application.state is not A.INACTIVE:
        return _wrong_state(application, "Only an inactive application can be marked active")
    return None


def why_not_submit(_session: Session, application: Application) -> Refusal | None:
    """Hand in, by the customer."""
    if application.state is not A.DRAFT:
        return _wrong_state(application, "Only a draft can be handed in")
    return None


def why_not_change(application: Application, *, by_staff: bool) -> Refusal | None:
    """Change the answers: the customer until it is decided, staff as long as it is active."""
    if application.state is A.INACTIVE:
        return Refusal("This application is inactive.", "inactive")
    if application.state is A.APPROVED and not by_staff:
        return Refusal(
            "This application is approved. Please ask the office to change it.", "approved"
        )
    return None


def why_not_settle(session: Session, application: Application) -> Refusal | None:
    """Settle Outstanding Balance, by staff."""
    return why_not_settle_state(application) or why_not_collect(session, application)


def why_not_settle_state(application: Application) -> Refusal | None:
    """Settling is for what was handed in and is in use."""
    if application.state in (A.DRAFT, A.INACTIVE):
        return _wrong_state(application, "Nothing can be settled on it")
    return None


def why_not_pay_balance(session: Session, application: Application) -> Refusal | None:
    """Pay the balance, by the customer on the application's page."""
    if application.state is A.APPROVED:
        return Refusal(
            "This application is approved: its balance is paid by an invoice.", "by_invoice"
        )
    if application.state in (A.DRAFT, A.INACTIVE):
        return _wrong_state(application, "Nothing can be paid on it")
    return guards.for_customer(why_not_collect(session, application))


def why_not_collect(session: Session, application: Application) -> Refusal | None:
    """One debt is collected once: through what carries it already, or through a silent invoice."""
    carriers = carriers_of(session, application)
    for invoice in carriers:
        payment = claims.live_payment(session, invoice)
        if payment is not None:
            return claims.why_in_flight(session, payment)
    if application.outstanding_balance <= 0:
        return Refusal("Nothing is outstanding on this application.", "nothing_outstanding")
    if carriers and (len(carriers) > 1 or application.difference != 0):
        names = " and ".join(_name(invoice) for invoice in carriers)
        return Refusal(
            f"Part of this balance is on {names}. Process or correct that first.", "on_an_invoice"
        )
    return None


def why_not_invoice_difference(session: Session, application: Application) -> Refusal | None:
    """Invoice the difference: fees rose after something was invoiced."""
    if application.invoiced <= 0:
        return Refusal("Nothing was invoiced yet: generate an invoice.", "no_invoice")
    if application.difference <= 0:
        return Refusal("The fees are not more than what was invoiced.", "no_difference")
    return guards.why_not_generate(session, application)


def why_not_credit_difference(session: Session, application: Application) -> Refusal | None:
    """Credit the difference: fees fell after something was invoiced that is still open."""
    if application.difference >= 0:
        return Refusal("The fees are not less than what was invoiced.", "no_difference")
    carriers = carriers_of(session, application)
    for invoice in carriers:
        payment = claims.live_payment(session, invoice)
        if payment is not None:
            return claims.why_in_flight(session, payment)
    if not any(invoice.state in OPEN_INVOICE_STATES for invoice in carriers):
        over = in_words(session, -application.difference)
        return Refusal(
            f"{over} too much was invoiced, but no open invoice is left to credit. Pay it back "
            "with a refund that reopens the invoice, then credit the difference.",
            "nothing_open",
        )
    return None


def carriers_of(session: Session, application: Application) -> list[Invoice]:
    """Return the invoices that ask for a part of this application's fees, by id."""
    unpaid = select(Invoice).where(
        Invoice.billable_id == application.billable_id,
        Invoice.state.not_in((InvoiceState.PAID, InvoiceState.DELETED)),
    )
    return list(session.scalars(unpaid.order_by(Invoice.id)))


def _name(invoice: Invoice) -> str:
    return f"invoice #{invoice.number}" if invoice.number else "a draft invoice"


def _wrong_state(application: Application, sentence: str) -> Refusal:
    return Refusal(f"{sentence}; this one is {application.state}.", "wrong_state")
