"""The attempt to pay that has claimed an invoice: while it lives, nobody starts another."""

from __future__ import annotations

from babel.dates import format_date, format_time
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.errors import Refusal
from billing.office import get_settings, in_words
from models import Allocation, History, Invoice, Payment
from models.states import ActorKind, AllocationState, PaymentState, Tender

THE_CUSTOMER = "The customer"


def live_payment(session: Session, invoice: Invoice) -> Payment | None:
    """Return the live attempt that has claimed ``invoice``, if any."""
    return session.scalar(
        select(Payment)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(Allocation.invoice_id == invoice.id, Allocation.state == AllocationState.CLAIMED)
    )


def live_payment_about(session: Session, billable_id: int) -> Payment | None:
    """Return the oldest live attempt to pay any invoice about this billable, if there is one."""
    return session.scalars(
        select(Payment)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Invoice.billable_id == billable_id, Allocation.state == AllocationState.CLAIMED)
        .order_by(Payment.id)
        .limit(1)
    ).first()


def why_in_flight(session: Session, payment: Payment) -> Refusal:
    """Say who has started what and when, to everybody who wants to do something else meanwhile."""
    amount = in_words(session, payment.amount)
    who, since = who_and_since(session, payment)
    if payment.state is PaymentState.AUTHORISED:
        return Refusal(f"{who} has a card on hold for {amount} since {since}.", "live")
    who = who[0].lower() + who[1:] if who == THE_CUSTOMER else who
    if payment.state is PaymentState.PENDING or payment.tender is Tender.DIRECT_DEBIT:
        return Refusal(
            f"A direct debit of {amount}, started by {who} at {since}, is waiting for the bank.",
            "live",
        )
    return Refusal(
        f"A payment of {amount}, started by {who} at {since}, is being processed. "
        "Please do not pay again.",
        "live",
    )


def who_and_since(session: Session, payment: Payment) -> tuple[str, str]:
    """Who started a payment, and when on the office's clock. Customers are never named."""
    started = session.scalars(
        select(History)
        .where(
            History.record == "payment",
            History.record_id == payment.id,
            History.verb == "start",
        )
        .limit(1)
    ).first()
    by_customer = payment.initiated_by == ActorKind.CUSTOMER
    who = THE_CUSTOMER if by_customer or started is None else started.actor_name
    settings = get_settings(session)
    moment = clock.local(payment.started_at, settings.timezone)
    since = format_time(moment, "short", locale=settings.locale)
    if moment.date() != clock.today(settings.timezone):
        since = f"{since} on {format_date(moment, 'medium', locale=settings.locale)}"
    return who or "Somebody", since
