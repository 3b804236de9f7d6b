"""One invoice of every kind that a bulk action may meet, made through the verbs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from billing import bulk, clock
from billing.actor import Actor
from billing.bulk import begin_run, forecast
from billing.bulk_outcomes import BulkVerb
from billing.database import reading, transaction
from billing.in_person import Manual, authorise_card, process_manual
from billing.invoicing import delete_invoice, edit_draft
from billing.items import Line
from billing.redraft import set_back_to_draft
from billing.reminding import remind
from models import Invoice, PaymentMethod, User
from models.states import BillingMethod, Tender
from tests.billing.helpers import HARD_DECLINE, VISA, charge, debit_pending, keep, pay
from tests.support import STAFF, Factory

EVERYTHING: list[Any] = [Invoice.id > 0]
FIVE = Manual(Tender.CASH, 500, 500)


def every_kind(make: Factory) -> dict[str, int]:
    """Return the invoices by what is special about them."""
    with_card = make.user()
    keep(with_card)
    kinds = {
        "draft": make.invoice(state="draft"),
        "draft of somebody with a card": make.invoice(with_card, state="draft"),
        "empty draft": make.invoice(with_card, total=0, state="draft"),
        "draft over nothing": _draft_over_nothing(make, with_card),
        "covered draft": _covered_draft(make, with_card),
        "deleted": _deleted(make),
        "sent": make.invoice(),
        "sent to somebody with a card": make.invoice(with_card),
        "partly paid": _partly_paid(make, with_card),
        "failed": _failed(make),
        "paid": _paid(make),
        "pending": debit_pending(make),
        "on hold": _on_hold(make, with_card),
        "without e-mail": make.invoice(make.user(email=None, no_email=True)),
        "draft without e-mail": make.invoice(make.user(email=None, no_email=True), state="draft"),
        "of somebody erased": _of_somebody(make, erased_at=clock.now()),
        "billed by invoice": _of_somebody(make, billing_method=BillingMethod.INVOICE),
        "card expired": _with_card_until(make, clock.today("UTC") - dt.timedelta(days=40)),
        "card expires": _with_card_until(make, clock.today("UTC") + dt.timedelta(days=40)),
        "card removed": _with_card_removed(make),
        "reminded today": make.invoice(with_card),
    }
    remind(kinds["reminded today"], actor=STAFF)
    return kinds


def _draft_over_nothing(make: Factory, user: int) -> int:
    invoice = make.invoice(user, state="draft")
    _edit(invoice, 0)
    return invoice


def _edit(invoice: int, amount: int) -> None:
    lines = [Line("Something", amount)]
    edit_draft(invoice, description="Something", due_on=None, lines=lines, actor=STAFF)


def _covered_draft(make: Factory, user: int) -> int:
    """Set back to draft after a part was paid, then made no dearer than that."""
    invoice = _partly_paid(make, user)
    set_back_to_draft(invoice, reason="Wrong items", actor=STAFF)
    _edit(invoice, 500)
    return invoice


def _partly_paid(make: Factory, user: int) -> int:
    invoice = make.invoice(user)
    process_manual(invoice, payment=FIVE, shown_balance=2000, actor=STAFF)
    return invoice


def _deleted(make: Factory) -> int:
    invoice = make.invoice(state="draft")
    delete_invoice(invoice, actor=STAFF)
    return invoice


def _failed(make: Factory) -> int:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=HARD_DECLINE)
    assert charge(invoice).outcome == "declined"
    return invoice


def _paid(make: Factory) -> int:
    invoice = make.invoice()
    pay(invoice, VISA)
    return invoice


def _on_hold(make: Factory, user: int) -> int:
    invoice = make.invoice(user)
    attempt = authorise_card(invoice, nonce=VISA, amount=2000, shown_balance=2000, actor=STAFF)
    assert attempt.outcome == "held"
    return invoice


def _of_somebody(make: Factory, **values: Any) -> int:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    with transaction() as session:
        for name, value in values.items():
            setattr(session.get_one(User, user), name, value)
    return invoice


def _with_card_until(make: Factory, day: dt.date) -> int:
    user = make.user()
    method = keep(user)
    with transaction() as session:
        session.get_one(PaymentMethod, method).expires_on = day
    return make.invoice(user)


def _with_card_removed(make: Factory) -> int:
    user = make.user()
    method = keep(user)
    with transaction() as session:
        session.get_one(PaymentMethod, method).removed_at = clock.now()
    return make.invoice(user)


def only(*ids: int) -> list[Any]:
    """Return the condition that selects these invoices."""
    return [Invoice.id.in_(ids)]


def look(verb: BulkVerb, conditions: list[Any], by: Actor = STAFF, **params: Any) -> bulk.Forecast:
    with reading() as session:
        return forecast(session, verb, conditions, params, staff_id=by.id or 0)


def begin(verb: BulkVerb, conditions: list[Any], actor: Actor, **params: Any) -> int:
    """Confirm what is shown at once."""
    mark = look(verb, conditions, actor, **params).mark
    return begin_run(verb, conditions, params, mark=mark, actor=actor)
