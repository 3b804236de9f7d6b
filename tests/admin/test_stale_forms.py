"""A form about money that was posted before, or is older than what happened since."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from models import Invoice, Payment
from tests.admin.counter import text_of
from tests.billing.helpers import everything, give_credit
from tests.support import Factory, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def left_on(page: str) -> dict[str, str]:
    """Return the hidden field a page carries along."""
    [shown] = re.findall(r'name="shown_left" value="(\d+)"', page)
    return {"shown_left": shown}


def test_a_refund_posted_again_pays_nothing_back(
    make: Factory, staff_client: Build, post: Post
) -> None:
    payment = give_credit(make, make.user(), 9900)
    address = f"/admin/payment/do/refund/?id={payment}"
    client = staff_client()
    form = {"amount": "20.00", "then": "credit", "reason": "Too much"}
    form |= left_on(text_of(client.get(address)))
    assert post(client, address, form).status_code == 303
    before = everything()
    again = post(client, address, form)
    assert again.status_code == 422
    said = "The amount has changed: $80.00 can be paid back now. Nothing was paid back."
    assert said in text_of(again)
    assert everything() == before
    # Whoever reads that and means it presses once more.
    assert post(client, address, form | left_on(text_of(again))).status_code == 303
    assert fetch(Payment, payment).refunded == 4000


def test_money_applied_again_stays_where_it_is(
    make: Factory, staff_client: Build, post: Post
) -> None:
    user = make.user()
    payment = give_credit(make, user, 10_000)
    invoice = make.invoice(user, total=9000)
    address = f"/admin/payment/do/apply/?id={payment}"
    client = staff_client()
    form = {"invoice": str(invoice), "amount": "30.00"}
    form |= left_on(text_of(client.get(address)))
    assert post(client, address, form).status_code == 303
    before = everything()
    again = post(client, address, form)
    assert again.status_code == 422
    said = "The amount has changed: $70.00 of this payment is not used now. Nothing was applied."
    assert said in text_of(again)
    assert everything() == before
    assert post(client, address, form | left_on(text_of(again))).status_code == 303
    assert fetch(Invoice, invoice).balance == 3000
