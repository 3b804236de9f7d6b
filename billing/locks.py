"""Locking an invoice or a payment together with what it is about, in the agreed order.

The order is user, application, invoice, payment. Whoever may end up moving an application because
its invoice was paid takes the application's lock first.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.database import lock
from billing.errors import NotFound
from models import Allocation, Application, Invoice, Payment, User


def lock_application(session: Session, application_id: int) -> Application:
    """Return the application locked, with its sums read by a statement of their own afterwards.

    PostgreSQL takes sums that stand in the locking statement from before the wait for the lock.
    """
    application = lock(session, Application, application_id)
    read_sums(session, application)
    return application


def read_sums(session: Session, application: Application) -> None:
    """Read anew what the application's invoices come to, changes of this session included."""
    session.flush()
    session.refresh(application, ["invoiced", "outstanding_balance"])


def lock_applications_of(session: Session, invoice_ids: Iterable[int]) -> list[Application]:
    """Lock the applications these invoices are about and return them by id."""
    about = (
        select(Application.id)
        .join(Invoice, Invoice.billable_id == Application.billable_id)
        .where(Invoice.id.in_(list(invoice_ids)))
        .distinct()
        .order_by(Application.id)
    )
    return [lock(session, Application, number) for number in session.scalars(about).all()]


def lock_invoice(session: Session, invoice_id: int) -> Invoice:
    """Return the invoice locked, after the application it is about, if it is about one."""
    lock_applications_of(session, [invoice_id])
    return lock(session, Invoice, invoice_id)


def lock_user_and_invoice(session: Session, invoice_id: int) -> tuple[User, Invoice]:
    """Return the invoice locked, and its user, whose billing method can't change meanwhile."""
    user_id = session.scalar(select(Invoice.user_id).where(Invoice.id == invoice_id))
    if user_id is None:
        raise NotFound("invoice")
    user = lock(session, User, user_id)
    return user, lock_invoice(session, invoice_id)


def lock_payment(session: Session, payment_id: int) -> tuple[Payment, dict[int, Invoice]]:
    """Return a payment and the invoices it is or was for, locked in the agreed order.

    The applications the invoices are about are locked before them. A refund stands for the payment
    it pays back. What is left of a payment may be put on another invoice while we wait for it: its
    locks are let go then and taken anew in the right order, because changing an invoice without
    its lock loses money and taking the lock late ends in a deadlock.
    """
    source = session.scalar(select(Payment.refund_of_id).where(Payment.id == payment_id))
    while True:
        attempt = session.begin_nested()
        numbers = _invoices_of(session, source or payment_id)
        lock_applications_of(session, numbers)
        invoices = {number: lock(session, Invoice, number) for number in numbers}
        if source is not None:
            lock(session, Payment, source)
        payment = lock(session, Payment, payment_id)
        if _invoices_of(session, source or payment_id) == numbers:
            attempt.commit()
            return payment, invoices
        attempt.rollback()


def _invoices_of(session: Session, payment_id: int) -> list[int]:
    found = select(Allocation.invoice_id).where(Allocation.payment_id == payment_id).distinct()
    return sorted(session.scalars(found))
