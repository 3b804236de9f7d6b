"""The source text on outstanding balance, failing and overdue, sentence by sentence.

Each docstring quotes the sentence its test is about.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from models import History, Invoice, Settings, Unit
from models.states import InvoiceState, PaymentState
from tests.billing.helpers import HARD_DECLINE, charge, keep, rows_of
from tests.scenarios.city import Person, adds_up, letter
from tests.scenarios.invoices import Staff, eye, pay_in_cash, tenant, with_billable
from tests.support import Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox")


def test_outstanding_balance(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Outstanding balance”"""
    site = make.site("Harbor Street")
    unit = make.unit(site, "A-12")
    user = tenant(make)
    billable = fetch(Unit, unit).billable_id
    invoice = make.invoice(user, total=9900, site_id=site)
    make.invoice(user, total=100, state="draft", site_id=site)
    with_billable(invoice, billable)
    pay_in_cash(invoice, 4000)
    staff = Person(staff_client())
    for path in (
        f"user/details/?id={user}",
        f"unit/details/?id={unit}",
        f"site/details/?id={site}",
    ):
        assert "Outstanding balance $59.00" in staff.open(f"/admin/{path}").main, path
    assert any("$99.00 ($59.00)" in row for row in staff.open("/admin/invoice/").rows())


def test_what_happens_when_an_invoice_fails(
    app: Any, make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any
) -> None:
    """“If a customer's payment method fails on an invoice, it will be marked as Failed. The system
    logs the reason in the History section. A failed invoice email is sent to the customer with
    instructions to update their payment method. Operations staff also receive notifications. After
    updating, you can retry the charge through "Charge customer" for payment processing.”
    """
    make.settings(email="office@example.org")
    user = tenant(make)
    keep(user)
    invoice = make.invoice(user, total=HARD_DECLINE)
    operations = make.staff(["notices.receive", "invoices.view"], name="Olive Operations")
    charge(invoice)
    assert fetch(Invoice, invoice).state is InvoiceState.FAILED
    reasons = [row.reason for row in rows_of(History, History.verb == "decline") if row.reason]
    assert any("will not work again" in reason for reason in reasons), reasons
    staff = Person(staff_client())
    assert "will not work again" in staff.open(eye(invoice)).main
    written = letter("payment_failed", "tia@example.org")
    assert operations
    assert any(row.to_address.startswith("staff") for row in emails("staff_notice"))
    customer = Person(client).open(method_link(written.text))
    assert customer.status == 200
    keep(user)
    sandbox.control("settings", {"amounts": "plain"})
    staff.open(eye(invoice)).choose("Charge customer").press("Charge $2,015.00")
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert [row.state for row in payments_of(invoice)][-1] is PaymentState.SUBMITTED
    adds_up()


def method_link(text: str) -> str:
    [address] = [word for word in text.split() if "/m/" in word]
    return urlsplit(address).path


def test_how_overdue_invoices_are_handled(
    app: Any, make: Factory, staff_client: Staff, time: Any
) -> None:
    """“If Invoice overdue age is enabled, invoices become Overdue after a set number of days.
    Overdue invoices are prominently marked in red for easy identification on user, unit, and site
    pages. This feature helps prioritize follow-ups on unpaid invoices.”
    """
    site = make.site("Harbor Street")
    unit = make.unit(site, "A-12")
    user = make.user("Tia Tenant", site_id=site)
    older = make.invoice(user, total=9900, site_id=site)
    with_billable(older, fetch(Unit, unit).billable_id)
    time.advance(days=400)
    staff = Person(staff_client())
    assert (
        staff.open(f"/admin/user/details/?id={user}").find("//*[contains(@class,'overdue')]") == []
    )
    staff.open("/admin/settings/").press("Save", overdue_age="7")
    assert (fetch_age(), "1 invoice" in staff.main) == (None, True)
    staff.press("Save with these changes", overdue_age="7")
    assert fetch_age() == 7
    for kind, key in (("user", user), ("unit", unit), ("site", site)):
        page = staff.open(f"/admin/{kind}/details/?id={key}")
        red = [" ".join(each.itertext()) for each in page.find("//*[contains(@class,'overdue')]")]
        assert any("Overdue" in words for words in red), kind
        row = staff.open(f"/admin/{kind}/").find("//tbody//*[contains(@class,'overdue')]")
        assert any("$99.00" in " ".join(each.itertext()) for each in row), kind
    first = staff.open("/admin/").find("//main//table")[0]
    assert "$99.00" in " ".join(first.itertext())


def fetch_age() -> int | None:
    age: int | None = fetch(Settings, 1).overdue_age
    return age
