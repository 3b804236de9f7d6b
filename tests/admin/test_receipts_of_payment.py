"""The receipts on a payment's page: one per invoice, the first of many, without one read each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from admin.payments import RECEIPTS
from billing import spreading
from billing.in_person import Manual
from models import Invoice, Payment, db
from models.states import Tender
from tests.support import STAFF, Factory, all_of, fetch

Build = Callable[..., FlaskClient]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", keep)
    yield seen
    event.remove(db.engine, "before_cursor_execute", keep)


def paid_at_once(make: Factory, count: int) -> int:
    """One check over ``count`` invoices of a new user; returns the payment."""
    user = make.user()
    ids = [make.invoice(user, total=100) for _ in range(count)]
    plan = spreading.plan([fetch(Invoice, each) for each in ids], 100 * count)
    check = Manual(Tender.CHECK, 100 * count, check_number="7")
    spreading.spread(user, check, invoice_ids=ids, shown=plan, send_receipt=False, actor=STAFF)
    return all_of(Payment)[-1].id


@pytest.mark.usefixtures("sandbox")
def test_many_invoices_cost_no_statement_each_and_say_how_many_more(
    make: Factory, staff_client: Build
) -> None:
    few, many = paid_at_once(make, 2), paid_at_once(make, RECEIPTS + 3)
    client = staff_client()
    taken = []
    for payment, buttons in ((few, 2), (many, RECEIPTS)):
        path = f"/admin/payment/details/?id={payment}"
        client.get(path)
        with counted() as seen:
            page = client.get(path).text
        assert page.count("Receipt for Invoice #") == buttons
        assert ("and 3 more:" in page) == (payment == many)
        taken.append(len(seen))
    assert taken[0] == taken[1]
    whole = client.get(f"/admin/payment/details/?id={many}&all=allocations").text
    assert whole.count("/admin/invoice/details/?id=") >= RECEIPTS + 3


@pytest.mark.usefixtures("sandbox")
def test_who_may_not_see_invoices_gets_no_receipt(make: Factory, staff_client: Build) -> None:
    payment = paid_at_once(make, 2)
    page = staff_client(["payments.view"]).get(f"/admin/payment/details/?id={payment}").text
    assert "Receipt for" not in page
