"""What a user's page says about money: owed, overdue, not invoiced yet, not used yet."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from billing import clock
from billing.database import transaction
from billing.refund_outcomes import CREDIT, new_refund
from models import Invoice, Payment
from models.states import PaymentState, Tender
from tests.support import STAFF, Factory, fetch

Build = Callable[..., FlaskClient]


def figures_of(client: FlaskClient, user_id: int) -> dict[str, tuple[str, bool]]:
    """The strip at the top of the page: label → (amount, whether it is red)."""
    answer: Any = client.get(f"/admin/user/details/?id={user_id}")
    assert answer.status_code == 200
    body = html.unescape(answer.get_data(as_text=True))
    found = re.findall(r'<div class="(\w*)"><dt>(.*?)</dt><dd>(.*?)</dd></div>', body)
    return {
        label: (re.sub(r"<[^>]+>", "", amount), tone == "overdue") for tone, label, amount in found
    }


def cash(user: int, amount: int, state: PaymentState = PaymentState.SETTLED) -> Payment:
    return Payment(
        user_id=user,
        tender=Tender.CASH,
        state=state,
        amount=amount,
        allocated=0,
        refunded=0,
        currency="USD",
        reference=f"cf-{amount}",
        started_at=clock.now(),
    )


def test_owed_and_overdue(make: Factory, staff_client: Build) -> None:
    user = make.user()
    make.settings(overdue_age=0)
    make.invoice(user, total=2000)
    late = make.invoice(user, total=3000)
    make.invoice(user, total=9900, state="draft")
    with transaction() as session:
        session.get_one(Invoice, late).overdue_on = clock.now().date() - dt.timedelta(days=3)
    figures = figures_of(staff_client(), user)
    assert figures["Outstanding balance"] == ("$50.00", False)
    (label,) = (name for name in figures if name.startswith("Overdue"))
    assert label.startswith("Overdue: 1 invoice since ")
    assert figures[label] == ("$30.00", True)


def test_credit_is_what_received_payments_have_left(make: Factory, staff_client: Build) -> None:
    user, neighbour = make.user(), make.user()
    make.add(cash(user, 4000))
    make.add(cash(user, 9900, PaymentState.RETURNED))
    make.add(cash(neighbour, 7700))
    client = staff_client()
    assert figures_of(client, user)["Credit not used yet"] == ("$40.00", False)
    assert "Credit not used yet" not in figures_of(staff_client(["users.view"]), user)
    assert "Credit not used yet" not in figures_of(client, make.user())


def test_what_a_refund_may_have_taken_is_offered_nowhere(
    make: Factory, staff_client: Build
) -> None:
    user = make.user()
    make.invoice(user)
    paid = make.add(cash(user, 4000))
    client = staff_client()
    pages = (f"/admin/user/details/?id={user}", "/admin/")
    said = ("is not used by any invoice", "1 payment is not fully used")
    for page, sentence in zip(pages, said, strict=True):
        assert sentence in client.get(page).text
    refund = new_refund(
        fetch(Payment, paid), 4000, reference="r", returns_to=CREDIT, why="x", actor=STAFF
    )
    refund.state = PaymentState.STARTED
    make.add(refund)
    for page, sentence in zip(pages, said, strict=True):
        assert sentence not in client.get(page).text
    assert "Credit not used yet" not in figures_of(client, user)


def test_fees_that_no_invoice_asks_for_yet(make: Factory, staff_client: Build) -> None:
    user = make.user()
    make.application(user, fees=2500)
    make.application(user, fees=9900, state="draft")
    figures = figures_of(staff_client(), user)
    assert figures["Not yet invoiced"] == ("$25.00", False)
    assert figures["Outstanding balance"] == ("$0.00", False)
