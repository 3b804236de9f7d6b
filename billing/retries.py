"""Charging again what was declined softly, on the day that was planned for it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from billing import charging, guards
from billing.actor import SYSTEM, Actor
from billing.attempts import Attempt
from billing.database import reading, transaction
from billing.errors import Refusal
from billing.locks import lock_user_and_invoice
from billing.office import local_today
from billing.retry_plan import plan_retry, stop_retries, stop_retry
from models import Invoice
from models.states import OPEN_INVOICE_STATES

__all__ = ["due_condition", "due_retries", "plan_retry", "retry_charge", "stop_retries"]

# Rules that will say no tomorrow as well: the plan is given up, so nobody counts on it.
_LASTING = ("billing_method_invoice", "no_payment_method", "method_expired")


def due_condition(session: Session) -> ColumnElement[bool]:
    """Return the condition that an invoice is charged again by tonight's run."""
    return and_(Invoice.retry_on <= local_today(session), Invoice.state.in_(OPEN_INVOICE_STATES))


def due_retries(limit: int = 500, after: int = 0) -> list[int]:
    """Return invoices whose planned day has come, by id, those after ``after`` only."""
    with reading() as session:
        due = select(Invoice.id).where(due_condition(session), Invoice.id > after)
        return list(session.scalars(due.order_by(Invoice.id).limit(limit)))


def retry_charge(invoice_id: int, *, actor: Actor = SYSTEM) -> Attempt | None:
    """Charge the balance of an invoice whose planned day has come.

    Done twice on one day it charges once: a decline has planned another day or none by then. An
    attempt that did not get to the gateway leaves the plan as it is, for the next night; one that
    the gateway would not make ends it. Raises ``Refusal`` when it is not to be charged now; returns
    None when it never will be and the plan was dropped.
    """
    with transaction() as session:
        _user, invoice = lock_user_and_invoice(session, invoice_id)
        _require_due(session, invoice)
        why_not = guards.why_not_charge(session, invoice)
        if why_not is not None and why_not.code in _LASTING:
            stop_retry(session, invoice, why_not.sentence, actor)
            return None
        guards.require(why_not)
        amount = invoice.balance_now
        order, payment_id = charging.start_charge(
            session, invoice, amount, actor, charging.RECURRING
        )
    return charging.ask_for_sale(payment_id, order, actor)


def _require_due(session: Session, invoice: Invoice) -> None:
    if invoice.retry_on is None or invoice.retry_on > local_today(session):
        raise Refusal("No further charge of this invoice is due.", "not_due")
