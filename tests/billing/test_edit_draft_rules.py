"""What editing a draft may not do, and what it leaves in the history."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from billing import clock, drafts, invoicing, ledger
from billing.database import lock, reading, transaction
from billing.items import MAX_LINES, Line
from models import (
    History,
    Invoice,
    Item,
    Payment,
)
from models.states import PaymentState, Tender
from tests.billing.helpers import refusal_of, rows_of
from tests.support import STAFF, Factory, fetch


def edit(invoice: int, *lines: Line, **values: Any) -> None:
    asked: dict[str, Any] = {"description": "x", "due_on": None, "actor": STAFF, **values}
    invoicing.edit_draft(invoice, lines=lines, **asked)


def mark(invoice: int) -> str:
    with reading() as session:
        return drafts.mark_of(session.get_one(Invoice, invoice))


class TestEditing:
    def test_one_row_says_what_was_and_what_is(self, make: Factory) -> None:
        invoice = make.invoice(state="draft", total=2000)
        lines = [Line("Rent", 9900, tax_rate=Decimal("7.5")), Line("Lock", 1190, Decimal(2), 100)]
        edit(invoice, *lines, description="New words")
        [row] = rows_of(History, History.verb == "edit")
        changes = row.details["changes"]
        assert changes["description"] == ["Outstanding balance for 2027 Dog Park", "New words"]
        assert changes["total"] == [2000, 9900 + 743 + 2280]
        before, after = changes["items"]
        assert before == ["1 × Outstanding application balance at $20.00: $20.00"]
        assert after == [
            "1 × Rent at $99.00, 7.5 % tax: $106.43",
            "2 × Lock at $11.90, $1.00 off: $22.80",
        ]
        assert "due_on" not in changes

    def test_saving_what_it_says_already_leaves_no_row(self, make: Factory) -> None:
        invoice = make.invoice(state="draft", total=2000)
        edit(invoice, Line("A", 5))
        edit(invoice, Line("A", 5))
        assert len(rows_of(History, History.verb == "edit")) == 1

    def test_the_second_of_two_is_refused_and_told(self, make: Factory) -> None:
        invoice = make.invoice(state="draft")
        seen = mark(invoice)
        edit(invoice, Line("First", 100), shown=seen)
        refusal = refusal_of(lambda: edit(invoice, Line("Second", 200), shown=seen))
        assert refusal.code == "changed"
        assert refusal_of(lambda: edit(invoice, shown="")).code == "changed"
        edit(invoice, Line("Second", 200), shown=mark(invoice))
        assert fetch(Invoice, invoice).total == 200

    def test_the_same_lines_have_the_same_mark_however_they_are_stored(self, make: Factory) -> None:
        invoice = make.invoice(state="draft")
        edit(invoice, Line("A", 5, Decimal("1.500"), tax_rate=Decimal("7.50")))
        first = mark(invoice)
        edit(invoice, Line("A", 5, Decimal("1.5"), tax_rate=Decimal("7.5")))
        assert mark(invoice) == first

    def test_a_due_date_in_the_past_only_if_it_was_there(self, make: Factory) -> None:
        past = clock.now().date() - dt.timedelta(days=9)
        invoice = make.invoice(state="draft", due_on=past)
        edit(invoice, Line("A", 5), due_on=past)
        earlier = past - dt.timedelta(days=1)
        refusal = refusal_of(lambda: edit(invoice, Line("A", 5), due_on=earlier))
        assert (refusal.code, refusal.field) == ("due_in_past", "due_on")

    @pytest.mark.parametrize(
        ("lines", "code"),
        [
            ([Line("x", 1)] * (MAX_LINES + 1), "too_many_lines"),
            ([Line("x", 10**11)] * 2, "total_too_large"),
            ([Line("ok", 1), Line("x", 1, Decimal(0))], "item_quantity"),
            ([Line("ok", 1), Line("x", 1, discount=2)], "item_discount"),
            ([Line("ok", 1), Line("x", 1, discount=-2)], "item_discount"),
        ],
    )
    def test_lines_that_make_no_invoice(self, make: Factory, lines: list[Line], code: str) -> None:
        invoice = make.invoice(state="draft")
        refusal = refusal_of(lambda: edit(invoice, *lines))
        assert (refusal.code, refusal.field) == (code, "lines")
        if code.startswith("item"):
            assert refusal.sentence.startswith("Line 2: ")

    def test_never_below_what_was_paid(self, make: Factory) -> None:
        user = make.user()
        invoice = make.invoice(user, state="draft", total=2000)
        with transaction() as session:
            payment = Payment(
                user_id=user,
                tender=Tender.CASH,
                state=PaymentState.SETTLED,
                amount=1500,
                allocated=0,
                refunded=0,
                currency="USD",
                reference="cf-1",
                started_at=clock.now(),
            )
            session.add(payment)
            session.flush()
            ledger.apply_to(session, payment, lock(session, Invoice, invoice), 1500)
        assert refusal_of(lambda: edit(invoice, Line("x", 1499))).code == "below_allocated"
        edit(invoice, Line("x", 1500))

    def test_lines_are_replaced_whole(self, make: Factory) -> None:
        invoice = make.invoice(state="draft")
        edit(invoice, Line("B", 2), Line("A", 1))
        items = rows_of(Item, Item.invoice_id == invoice)
        assert [(item.position, item.description) for item in items] == [(1, "B"), (2, "A")]
