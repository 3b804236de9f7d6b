"""A crash between any two steps ends where it would have ended, through reconciliation."""

from __future__ import annotations

from typing import Any

import pytest

from applications import settling
from models import Invoice, Payment
from tests.applications.helpers import (
    DECLINED,
    apply,
    authorise,
    cash,
    invoices_about,
    owed,
    pay_online,
    state_of,
)
from tests.billing.helpers import reconcile, refusal_of, rows_of
from tests.support import STAFF, Factory, emails

pytestmark = pytest.mark.usefixtures("proven")


def test_the_answer_to_an_online_payment_is_lost_after_it_was_charged(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    application = apply(make, state="rejected")
    sandbox.fault("sale", "drop", "after")
    assert pay_online(application).outcome == "unknown"
    assert state_of(application) == "rejected"
    refusal = refusal_of(lambda: cash(application, shown=1500))
    assert "started by the customer" in refusal.sentence
    time.advance(minutes=3)
    reconcile()
    assert (state_of(application), owed(application)) == ("pending", 0)
    assert len(sandbox.transactions()) == 1
    assert len(emails("receipt")) == 1


def test_an_online_payment_never_reaches_the_gateway(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    application = apply(make, state="rejected")
    sandbox.fault("sale", "drop", "before")
    assert pay_online(application).outcome == "unknown"
    for _ in range(4):
        time.advance(minutes=12)
        reconcile()
    assert [payment.state for payment in rows_of(Payment)] == ["failed"]
    assert (state_of(application), owed(application)) == ("rejected", 1500)
    assert [invoice.state for invoice in invoices_about(application)] == ["deleted"]
    cash(application)
    assert state_of(application) == "approved"


def test_the_answer_to_the_capture_of_a_hold_is_lost(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    application = apply(make)
    authorise(application)
    sandbox.fault("capture", "drop", "after")
    assert settling.process_settlement(application, actor=STAFF).outcome == "unknown"
    assert state_of(application) == "pending"
    time.advance(minutes=6)
    reconcile()
    assert (state_of(application), owed(application)) == ("approved", 0)
    assert len(emails("application_approved")) == 1


def test_the_answer_to_a_hold_is_lost(app: Any, make: Factory, sandbox: Any, time: Any) -> None:
    application = apply(make)
    sandbox.fault("sale", "drop", "after")
    assert authorise(application).outcome == "unknown"
    time.advance(minutes=3)
    reconcile()
    assert [payment.state for payment in rows_of(Payment)] == ["authorised"]
    assert settling.process_settlement(application, actor=STAFF).outcome == "paid"
    assert state_of(application) == "approved"


def test_numbers_have_no_gap_after_declines_and_deleted_silent_invoices(
    app: Any, make: Factory, sandbox: Any
) -> None:
    application = apply(make)
    sandbox.control("settings", {"amounts": "plain"})
    pay_online(application, DECLINED)
    pay_online(application)
    assert [(row.number, row.state) for row in rows_of(Invoice)] == [(1, "deleted"), (2, "paid")]
