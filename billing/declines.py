"""Card guessing: so many declines an hour and bill, then a pause, which staff can end early."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note, record_name
from billing.office import get_settings
from models import Allocation, Application, History, Invoice, Payment
from models.states import PaymentState

PAUSE = dt.timedelta(hours=1)
_VERB = "let_try_again"
Bill = Invoice | Application


def check_declines(session: Session, invoice: Invoice) -> None:
    """Refuse another card for ``invoice`` while its cards are paused."""
    if paused_until(session, _bill_of(session, invoice)) is not None:
        raise Refusal(
            "Several cards were declined. Please wait an hour, or call the office.",
            "too_many_declines",
        )


def paused_until(session: Session, bill: Bill) -> dt.datetime | None:
    """Return until when cards are refused for ``bill``, or None if they are not.

    Of an application, the cards that its fees are paid with before it has an invoice.
    """
    most = get_settings(session).max_declines
    declined = (
        select(Payment.started_at)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(
            _of(bill),
            Payment.state == PaymentState.DECLINED,
            Payment.started_at > clock.now() - PAUSE,
        )
        .order_by(Payment.started_at.desc())
        .limit(most)
    )
    newest = list(session.scalars(declined))
    if len(newest) < most or newest[-1] <= _last_let_try(session, bill):
        return None
    return newest[-1] + PAUSE


def let_try_again(model: type[Bill], bill_id: int, *, actor: Actor) -> None:
    """End the pause: only cards declined from now on count.

    Refused when nothing is paused; ``NotFound`` without such a bill.
    """
    with transaction() as session:
        bill = lock(session, model, bill_id)
        if paused_until(session, bill) is None:
            raise Refusal("Cards are not paused here any more.", "not_paused")
        note(session, bill, _VERB, "Cards may be tried again after several declines", actor)


def _last_let_try(session: Session, bill: Bill) -> dt.datetime:
    rows = select(func.max(History.at)).where(
        History.record == record_name(bill), History.record_id == bill.id, History.verb == _VERB
    )
    return session.scalar(rows) or dt.datetime.min.replace(tzinfo=dt.UTC)


def _of(bill: Bill) -> ColumnElement[bool]:
    if isinstance(bill, Invoice):
        return Invoice.id == bill.id
    # A silent invoice goes with each declined card, so those of one application count together.
    return and_(Invoice.silent, Invoice.billable_id == bill.billable_id)


def _bill_of(session: Session, invoice: Invoice) -> Bill:
    if not invoice.silent:
        return invoice
    found = select(Application).where(Application.billable_id == invoice.billable_id)
    return session.scalars(found).one()
