"""Settle Outstanding Balance: one debt, collected by staff, approves by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from models.states import InvoiceState, PaymentState
from tests.admin.counter import (
    VISA,
    application_eye,
    at_settle,
    change_fees,
    newest_payment,
    step,
    text_of,
)
from tests.applications.helpers import apply, invoices_about, owed, state_of
from tests.billing.helpers import everything
from tests.support import Factory, emails, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def settling(application_id: int, tender: str, **typed: str) -> dict[str, str]:
    balance = owed(application_id)
    return {
        "do": "process",
        "tender": tender,
        "amount": f"{balance / 100:.2f}",
        "shown_balance": str(balance),
        **typed,
    }


def test_settling_in_cash_approves_by_itself(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make)
    client = staff_client()
    assert "Settle Outstanding Balance" in text_of(client.get(application_eye(application)))
    page = text_of(client.get(at_settle(application)))
    assert "$15.00" in page
    assert "Authorize card for $15.00" in page
    form = settling(application, "cash", received="20", send_receipt="y")
    answer = post(client, at_settle(application), form)
    assert answer.location == application_eye(application)
    told = text_of(client.get(answer.location))
    assert "Change due: $5.00." in told
    assert "The application is approved." in told
    assert (state_of(application), owed(application)) == ("approved", 0)
    [invoice] = invoices_about(application)
    assert (invoice.silent, invoice.state) == (True, InvoiceState.PAID)
    assert (len(emails("receipt")), emails("invoice")) == (1, [])
    again = post(client, at_settle(application), form)
    assert again.status_code == 422
    assert "Nothing is outstanding on this application." in text_of(again)


def test_settling_by_card_authorizes_first(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    application = apply(make, state="rejected")
    client = staff_client()
    refused = post(client, at_settle(application), settling(application, "card", nonce=VISA))
    assert (refused.status_code, "Authorize the card first." in text_of(refused)) == (422, True)
    form = settling(application, "card", do="authorise", nonce=VISA)
    answer = post(client, at_settle(application), form)
    hold = newest_payment()
    assert "$15.00 is on hold" in text_of(client.get(answer.location))
    other = staff_client()
    assert at_settle(application) in text_of(other.get(application_eye(application)))
    done = post(other, at_settle(application), step(hold, "capture"))
    assert done.location == application_eye(application)
    assert state_of(application) == "approved"
    assert payments_of(invoices_about(application)[0].id)[0].state is PaymentState.SUBMITTED


def test_fees_that_change_under_a_hold_ask_for_another_one(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    application = apply(make)
    client = staff_client()
    form = settling(application, "card", do="authorise", nonce=VISA)
    post(client, at_settle(application), form)
    hold = newest_payment()
    change_fees(application, 2500)
    page = text_of(client.get(at_settle(application)))
    assert "The amount due has changed. Authorize the card again." in page
    refused = post(client, at_settle(application), step(hold, "capture"))
    assert (refused.status_code, "amount due has changed" in text_of(refused)) == (422, True)
    post(client, at_settle(application), step(hold, "release"))
    assert "Authorize card for $30.00" in text_of(client.get(at_settle(application)))
    assert state_of(application) == "pending"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "5.00"}, "Settling takes the whole balance of $15.00."),
        ({"shown_balance": "100"}, "The amount has changed: $15.00 is outstanding now."),
        ({"received": "14.99"}, "Less cash was received than is to be paid."),
        ({"tender": "check"}, "Enter the number of the check."),
        ({"tender": "other:Barter"}, "Choose a form of payment."),
        ({"amount": ""}, "Enter the amount."),
    ],
)
def test_a_refused_settlement_changes_nothing(
    make: Factory, staff_client: Build, post: Post, typed: dict[str, str], sentence: str
) -> None:
    application = apply(make)
    client = staff_client()
    before = everything()
    answer = post(client, at_settle(application), {**settling(application, "cash"), **typed})
    assert (answer.status_code, sentence in text_of(answer)) == (422, True)
    assert everything() == before
