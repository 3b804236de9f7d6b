"""Drafts: made, edited, sent; what they say is theirs until it is frozen."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing import invoicing
from billing.content import content_of
from billing.database import reading
from billing.items import Line
from models import History, Invoice
from tests.billing.helpers import refusal_of, rows_of
from tests.support import STAFF, Factory, emails, fetch


def content(invoice: int) -> dict[str, Any]:
    with reading() as session:
        return content_of(session, session.get_one(Invoice, invoice))


def test_an_empty_draft_is_fine_but_is_not_sent(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=0, state="draft")
    refusal = refusal_of(lambda: invoicing.send_invoice(invoice, actor=STAFF))
    assert refusal.code == "no_items"


def test_a_draft_over_nothing_is_not_sent(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=0, state="draft")
    lines = [Line("Free", 0)]
    invoicing.edit_draft(invoice, description="x", due_on=None, lines=lines, actor=STAFF)
    refusal = refusal_of(lambda: invoicing.send_invoice(invoice, actor=STAFF))
    assert refusal.code == "no_total"


def test_taxes_are_in_the_total_and_in_the_content(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=0, state="draft")
    lines = [
        Line("Rent", 9900, tax_rate=Decimal("7.5")),
        Line("Lock", 1190, Decimal(2), tax_rate=Decimal(19), tax_inclusive=True),
    ]
    invoicing.edit_draft(invoice, description="x", due_on=None, lines=lines, actor=STAFF)
    invoicing.send_invoice(invoice, actor=STAFF)
    said = content(invoice)
    assert said["total"] == fetch(Invoice, invoice).total == 9900 + 743 + 2380
    assert (said["net"], said["tax"]) == (9900 + 2000, 743 + 380)
    assert [item["quantity"] for item in said["items"]] == ["1", "2"]


def test_a_draft_shows_what_it_would_say_and_a_sent_one_what_it_said(
    app: Any, make: Factory
) -> None:
    invoice = make.invoice(state="draft")
    make.settings(organisation="First name")
    assert content(invoice)["organisation"]["name"] == "First name"
    invoicing.send_invoice(invoice, actor=STAFF)
    make.settings(organisation="Second name")
    assert content(invoice)["organisation"]["name"] == "First name"


def test_sending_again_freezes_anew_and_writes_again(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    make.settings(organisation="Renamed")
    assert invoicing.send_invoice(invoice, actor=STAFF).emailed
    assert content(invoice)["organisation"]["name"] == "Renamed"
    assert [email.kind for email in emails()] == ["invoice", "invoice_again"]


def test_an_edit_is_logged_with_before_and_after(app: Any, make: Factory) -> None:
    invoice = make.invoice(state="draft", total=2000)
    lines = [Line("New", 2500)]
    invoicing.edit_draft(invoice, description="New words", due_on=None, lines=lines, actor=STAFF)
    [row] = rows_of(History, History.verb == "edit")
    changes = row.details["changes"]
    assert changes["total"] == [2000, 2500]
    assert changes["description"][1] == "New words"
