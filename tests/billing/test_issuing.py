"""A draft that is charged or paid without being sent is issued and frozen like a sent one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from billing import in_person, invoicing, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.content import content_of
from billing.database import reading
from billing.gateway import Account
from billing.items import Line
from billing.redraft import set_back_to_draft
from models import Invoice, InvoiceVersion
from models.states import Tender
from tests.billing.helpers import SEPA, VISA, charge, keep, rows_of
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


@contextmanager
def gateway_down() -> Iterator[None]:
    """A gateway at an address where nobody listens."""
    real = runtime.current()
    nowhere = Account("local", "m", "public", "private", url="http://127.0.0.1:9")
    runtime.bind(dataclasses.replace(real, gateway=BraintreeGateway(nowhere)))
    yield
    runtime.bind(real)


def office_of(invoice: int) -> str:
    with reading() as session:
        said = content_of(session, session.get_one(Invoice, invoice))
    return str(said["organisation"]["name"])


def by_charge(invoice: int) -> None:
    assert charge(invoice).outcome == "paid"


def by_cash(invoice: int) -> None:
    cash = in_person.Manual(Tender.CASH, 2000)
    in_person.process_manual(invoice, cash, shown_balance=2000, actor=STAFF)


def by_hold(invoice: int) -> None:
    hold = in_person.authorise_card(
        invoice, nonce=VISA, amount=2000, shown_balance=2000, actor=STAFF
    )
    assert rows_of(InvoiceVersion) == []
    in_person.process_hold(hold.payment_id, actor=STAFF)


@pytest.mark.parametrize("settle", [by_charge, by_cash, by_hold])
def test_what_was_asked_for_is_frozen(make: Factory, settle: Callable[[int], None]) -> None:
    make.settings(organisation="First name")
    user = make.user()
    keep(user)
    invoice = make.invoice(user, state="draft")
    settle(invoice)
    make.settings(organisation="Second name")
    [version] = rows_of(InvoiceVersion)
    assert (version.version, version.total) == (1, 2000)
    assert version.content["number"] == fetch(Invoice, invoice).number
    assert office_of(invoice) == "First name"


def test_it_is_frozen_while_a_debit_is_on_its_way(make: Factory) -> None:
    make.settings(organisation="First name")
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, state="draft")
    assert charge(invoice).outcome == "pending"
    make.settings(organisation="Second name")
    assert office_of(invoice) == "First name"


def test_one_that_was_sent_is_not_frozen_again_by_its_payment(make: Factory) -> None:
    user = make.user()
    keep(user)
    charge(make.invoice(user))
    assert len(rows_of(InvoiceVersion)) == 1


def test_a_charge_that_never_took_place_leaves_a_draft_that_can_change(
    make: Factory,
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, state="draft")
    with gateway_down():
        assert charge(invoice).outcome == "failed"
    assert fetch(Invoice, invoice).state == "draft"
    assert rows_of(InvoiceVersion) == []
    lines = [Line("New", 2500)]
    invoicing.edit_draft(invoice, description="New words", due_on=None, lines=lines, actor=STAFF)
    with reading() as session:
        said = content_of(session, session.get_one(Invoice, invoice))
    assert (said["description"], said["total"]) == ("New words", 2500)


def test_what_was_sent_before_it_was_set_back_stays(make: Factory, sandbox: Any) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user)
    set_back_to_draft(invoice, reason="x", actor=STAFF)
    charge(invoice)
    assert [row.version for row in rows_of(InvoiceVersion)] == [1, 2]
    set_back_to_draft(invoice, reason="x", switch_billing_method=True, actor=STAFF)
    assert [row.state for row in payments_of(invoice)] == ["voided"]
    assert [row.version for row in rows_of(InvoiceVersion)] == [1]


def test_the_first_letter_of_one_that_was_only_charged_is_no_repetition(make: Factory) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=200_000, state="draft")
    assert charge(invoice).outcome == "declined"
    invoicing.send_invoice(invoice, actor=STAFF)
    invoicing.send_invoice(invoice, actor=STAFF)
    letters = [email.kind for email in emails() if email.kind.startswith("invoice")]
    assert letters == ["invoice", "invoice_again"]
