"""A direct debit from pending to its end, and back again: told by webhook, or found by polling."""

from __future__ import annotations

from typing import Any

import pytest

from billing import notifications
from billing.database import reading
from jobs.letters import render
from models import History, Invoice, OutgoingEmail, Payment, StaffNotice
from sandbox.server import Server
from tests.billing.helpers import charge, check_all, debit_pending, rows_of, signed_news
from tests.support import Clock, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")
WAYS = pytest.mark.parametrize("way", ["webhook", "polling"])


@pytest.fixture
def learn(sandbox: Any, sandbox_server: Server, time: Clock) -> Any:
    """``learn(way, payment, kind)``: we hear from the gateway, or look by ourselves; twice."""

    def build(way: str, payment: Payment, kind: str) -> None:
        time.advance(days=2)
        for _ in range(2):
            if way == "polling":
                check_all()
                continue
            news = signed_news(sandbox_server, payment.gateway_id, kind)
            notifications.process(notifications.receive(*news))

    return build


def pending(make: Factory) -> tuple[int, Payment]:
    make.staff(["notices.receive"])
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    return invoice, payment


def told() -> list[str]:
    return [row.kind for row in rows_of(StaffNotice)]


@WAYS
def test_it_settles(app: Any, make: Factory, sandbox: Any, learn: Any, way: str) -> None:
    invoice, payment = pending(make)
    sandbox.control(f"transactions/{payment.gateway_id}/settle")
    learn(way, payment, "transaction_settled")
    assert fetch(Invoice, invoice).state == "paid"
    assert fetch(Payment, payment.id).state == "settled"
    assert len(emails("receipt")) == 1
    assert told() == []


@WAYS
def test_it_is_declined(app: Any, make: Factory, sandbox: Any, learn: Any, way: str) -> None:
    invoice, payment = pending(make)
    sandbox.control(f"transactions/{payment.gateway_id}/decline")
    learn(way, payment, "transaction_settlement_declined")
    failed = fetch(Invoice, invoice)
    assert (failed.state, failed.balance) == ("failed", 2000)
    assert fetch(Payment, payment.id).state == "declined"
    assert len(emails("payment_failed")) == 1
    assert emails("receipt") == []
    assert told() == ["charge_failed"]
    [row] = rows_of(History, History.record == "invoice", History.to_state == "failed")
    assert row.reason
    assert charge(invoice).outcome == "pending"


@WAYS
def test_it_comes_back_after_it_settled(
    app: Any, make: Factory, sandbox: Any, learn: Any, way: str
) -> None:
    invoice, payment = pending(make)
    sandbox.control(f"transactions/{payment.gateway_id}/settle")
    learn(way, payment, "transaction_settled")
    sandbox.control(f"transactions/{payment.gateway_id}/return")
    learn(way, payment, "transaction_settlement_declined")
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("failed", 2000, None)
    assert fetch(Payment, payment.id).state == "returned"
    assert told() == ["money_returned"]
    [letter] = emails("payment_returned")
    with reading() as session:
        written = render(session.get_one(OutgoingEmail, letter.id), session)
    assert "$20.00" in written.text
    # The receipt that is not true any more comes again, corrected.
    assert [each.content_type for each in written.attachments] == ["application/pdf"]
    assert charge(invoice).outcome == "pending"
