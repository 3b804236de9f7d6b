"""How payments and their refunds read: on their pages, in the list, at the invoice, in sums."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import redraft
from models import Payment
from tests.admin.counter import newest_payment, text_of
from tests.billing.helpers import check_all, debit_pending, pay
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, fetch, payments_of

Build = Callable[..., FlaskClient]
pytestmark = pytest.mark.usefixtures("sandbox")


def page(client: FlaskClient, name: str, number: int) -> str:
    answer = client.get(f"/admin/{name}/details/?id={number}")
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(answer)).split())


def refund(payment: int, amount: int = 2000) -> None:
    pay_back(payment, amount=amount, then="reopen", reason="Twice", actor=STAFF)


def test_a_voided_charge_reads_as_voided_everywhere(make: Factory, staff_client: Build) -> None:
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    client = staff_client()
    assert "Received this month $20.00" in page_of_dashboard(client)
    refund(payment)
    back = newest_payment().id
    shown = page(client, "payment", payment)
    assert "Voided, never charged" in shown
    assert "Submitted" not in shown
    assert "before it settled: the customer was never charged. Why: Twice" in shown
    assert f"Refund #{back}" in shown
    assert "Check with the gateway now" not in shown
    assert f"Refund of payment #{payment} . Voided on" in page(client, "payment", back)
    at_invoice = page(client, "invoice", invoice)
    assert f"Payment #{payment} Voided, never charged $20.00" in at_invoice
    assert f"Refund of payment #{payment} Voided -$20.00" in at_invoice.replace("−", "-")
    listed = text_of(client.get("/admin/payment/"))
    assert ">Voided</span>" in listed
    assert ">Submitted</span>" not in listed
    assert "Received this month $0.00" in page_of_dashboard(client)


@pytest.mark.parametrize("query", ["", "&q=cf"])
def test_the_filter_by_state_goes_by_what_the_badge_says(
    make: Factory, staff_client: Build, query: str
) -> None:
    voided, kept = pay(make.invoice()).payment_id, pay(make.invoice()).payment_id
    refund(voided)
    client = staff_client()
    for state, word, found in (("voided", "Voided", voided), ("submitted", "Submitted", kept)):
        listed = text_of(client.get(f"/admin/payment/?state={state}{query}"))
        assert listed.count(f">{word}</span>") == 1
        assert f"/details/?id={found}" in listed
        assert re.search(rf"{word}\s+1\b", re.sub(r"<[^>]+>", " ", listed))
        csv = text_of(client.get(f"/admin/payment/export/csv/?state={state}{query}"))
        assert [line.split(",")[0] for line in csv.splitlines()[1:]] == [str(found)]


def test_a_refund_has_nothing_to_apply(
    make: Factory, staff_client: Build, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    sandbox.advance(days=2)
    time.advance(days=2)
    check_all()
    refund(payment, 500)
    back = newest_payment().id
    client = staff_client()
    assert "Not applied" not in page(client, "payment", back)
    shown = page(client, "payment", payment)
    assert "Not applied $0.00" in shown
    assert "$5.00 is being paid back since" in shown
    assert "Received this month $15.00" in page_of_dashboard(client)
    words = page(client, "invoice", invoice).replace("−", "-")
    assert f"Refund of payment #{payment} Refunded -$5.00" in words
    assert f"Payment #{payment} Applied $20.00" in words


def test_a_debit_that_was_given_up_reads_as_it_stands(
    make: Factory, staff_client: Build, sandbox: Any, time: Any
) -> None:
    make.settings(direct_debit=True)
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    sandbox.control("settings", {"bank_debits_voidable": False})
    redraft.set_back_to_draft(
        invoice, reason="Desk", confirmed=True, switch_billing_method=True, actor=STAFF
    )
    client = staff_client()
    assert "Given up, still on its way" in page(client, "invoice", invoice)
    sandbox.advance(days=5)
    time.advance(days=5)
    check_all()
    assert fetch(Payment, payment.id).state == "settled"
    shown = page(client, "invoice", invoice)
    assert "Arrived as credit" in shown
    assert "Came to nothing" not in shown


def test_a_declined_payment_says_that_it_came_to_nothing(
    make: Factory, staff_client: Build
) -> None:
    invoice = make.invoice(total=200_000)
    payment = pay(invoice).payment_id
    client = staff_client()
    assert "Came to nothing" in page(client, "invoice", invoice)
    assert "Not applied" not in page(client, "payment", payment)


def page_of_dashboard(client: FlaskClient) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(client.get("/admin/"))).split())
