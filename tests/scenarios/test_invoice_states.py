"""The source text on invoice states and outstanding balance, sentence by sentence.

Each docstring quotes the sentence its test is about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from billing import overdue, reconciliation
from billing.database import transaction
from billing.in_person import Manual, process_manual
from billing.invoicing import delete_invoice
from models import History, Invoice, Settings, Unit, User
from models.states import BillingMethod, InvoiceState, PaymentState, Tender
from tests.billing.helpers import HARD_DECLINE, SEPA, charge, keep, pay, rows_of
from tests.scenarios.city import Person, adds_up, letter
from tests.support import STAFF, Factory, emails, fetch, payments_of

Staff = Callable[..., FlaskClient]

pytestmark = pytest.mark.usefixtures("sandbox")


def eye(invoice: int) -> str:
    return f"/admin/invoice/details/?id={invoice}"


def tenant(make: Factory, name: str = "Tia Tenant") -> int:
    return make.user(name, email=f"{name.split()[0].lower()}@example.org")


def one_of_each(make: Factory) -> dict[str, int]:
    """An invoice in every state, reached as the office reaches it; the description names it."""
    user = tenant(make)
    keep(user)
    made = {
        state: make.invoice(user, total=2000, state="draft", description=f"Is {state}")
        for state in ("draft", "paid", "deleted")
    }
    made["sent"] = make.invoice(user, description="Is sent")
    pay_in_cash(made["paid"], 2000)
    delete_invoice(made["deleted"], actor=STAFF)
    debtor, failing = tenant(make, "Della Debit"), tenant(make, "Fay Failing")
    keep(debtor, SEPA)
    made["pending"] = make.invoice(debtor, description="Is pending")
    charge(made["pending"])
    keep(failing)
    made["failed"] = make.invoice(failing, total=HARD_DECLINE, description="Is failed")
    charge(made["failed"])
    return made


def pay_in_cash(invoice: int, amount: int) -> None:
    shown = fetch(Invoice, invoice).balance
    process_manual(invoice, Manual(Tender.CASH, amount), shown_balance=shown, actor=STAFF)


def greyed(page: Person) -> str:
    """The buttons that can't be pressed, each with its reason, in one line."""
    return " ".join(f"{label} {why_not}" for label, why_not in page.actions.items() if why_not)


def listed(client: FlaskClient, state: str) -> set[str]:
    """The states whose invoices the list shows under a pill."""
    rows = " ".join(Person(client).open(f"/admin/invoice/?state={state}").rows())
    words = ("draft", "sent", "pending", "failed", "paid", "deleted")
    return {word for word in words if f"Is {word}" in rows}


def test_active(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Active represents any unpaid invoices (Draft; Sent; Failed)”"""
    made = one_of_each(make)
    assert {state: fetch(Invoice, key).state for state, key in made.items()} == {
        state: InvoiceState(state) for state in made
    }
    client = staff_client()
    assert listed(client, "active") == {"draft", "sent", "failed"}
    for state in made:
        assert listed(client, state) == {state}
    adds_up()


def test_draft(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Draft invoices are invoices that need to be processed manually for the customer to receive
    the invoice or be charged”
    """
    user = tenant(make)
    keep(user)
    sent, charged = (make.invoice(user, state="draft") for _ in range(2))
    assert emails("invoice") == []
    assert payments_of(charged) == []
    staff = Person(staff_client())
    staff.open(eye(sent)).choose("Send").press("Send")
    assert fetch(Invoice, sent).state is InvoiceState.SENT
    assert len(emails("invoice")) == 1
    staff.open(eye(charged)).choose("Charge customer").press("Charge $20.00")
    assert fetch(Invoice, charged).state is InvoiceState.PAID
    adds_up()


def test_sent(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Sent invoices have been emailed to the customer and are not yet marked as paid in the
    system”
    """
    invoice = make.invoice(tenant(make))
    assert "View and pay" in letter("invoice", "tia@example.org").text
    staff = Person(staff_client()).open(eye(invoice))
    assert "Sent" in staff.main
    assert fetch(Invoice, invoice).balance == 2000
    pay_in_cash(invoice, 500)
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    pay_in_cash(invoice, 1500)
    assert fetch(Invoice, invoice).state is InvoiceState.PAID


def test_pending(app: Any, make: Factory, staff_client: Staff, sandbox: Any, time: Any) -> None:
    """“Pending invoices are invoices that have been charged but are pending a response from the
    payment gateway to confirm whether the charge has been successful or not (this primarily applies
    to direct debit transactions)”
    """
    user = tenant(make)
    keep(user, SEPA)
    invoice = make.invoice(user)
    staff = Person(staff_client())
    staff.open(eye(invoice)).choose("Charge customer").press("Charge $20.00")
    assert fetch(Invoice, invoice).state is InvoiceState.PENDING
    assert "Pending" in staff.main
    assert emails("receipt") == []
    for label in ("Charge customer", "Process Invoice In-Person", "Delete"):
        assert label in greyed(staff.open(eye(invoice))), label
    sandbox.advance(days=5)
    time.advance(days=5)
    reconciliation.check_payment(payments_of(invoice)[0].id)
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert len(emails("receipt")) == 1
    adds_up()


def test_pending_taken_back_by_hand(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Note: If you would like to process the payment manually when the invoice is already in
    pending state, you can adjust the user billing method to invoice to stop the charge trigger and
    avoid the customer being charged. You can then set the invoice back to draft to input the manual
    payment.”
    """
    user = tenant(make)
    keep(user, SEPA)
    invoice = make.invoice(user)
    charge(invoice)
    staff = Person(staff_client())
    staff.open(f"/admin/user/details/?id={user}").press("Send invoices")
    assert fetch(User, user).billing_method is BillingMethod.INVOICE
    staff.open(eye(invoice)).choose("Set back to draft")
    staff.press("Set back to draft", reason="Pays at the desk")
    if fetch(Invoice, invoice).state is InvoiceState.PENDING:
        assert "can’t be stopped any more" in staff.main
        staff.press("Set back all the same", reason="Pays at the desk", confirmed="y")
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT
    assert "billing method is invoice" in greyed(staff.open(eye(invoice)))
    staff.choose("Process Invoice In-Person")
    staff.press("Process Invoice", tender="cash", amount="20.00", received="20.00")
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    adds_up()


def test_failed(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Failed invoices have had a charge attempted on the user's registered payment method but have
    failed for whatever reason (e.g. expired card). Customers receive a failed invoice email
    automatically notifying them that there was an attempted charge but the charge failed and
    requesting them to update the payment details in their account;”
    """
    user = tenant(make)
    keep(user)
    invoice = make.invoice(user, total=HARD_DECLINE)
    staff = Person(staff_client())
    staff.open(eye(invoice)).choose("Charge customer").press("Charge $2,015.00")
    assert fetch(Invoice, invoice).state is InvoiceState.FAILED
    written = letter("payment_failed", "tia@example.org")
    assert "did not go through" in written.subject
    assert "We tried to collect $2,015.00" in written.text
    assert "Update your payment method" in written.text


def test_overdue(app: Any, make: Factory, staff_client: Staff, time: Any) -> None:
    """“Overdue Invoices have been sent to a customer but remain unpaid after the number of days you
    have set.”
    """
    make.settings(overdue_age=7)
    invoice = make.invoice(tenant(make), description="Is sent")
    draft = make.invoice(tenant(make, "Dora Draft"), state="draft", description="Is draft")
    client = staff_client()
    time.advance(days=7)
    assert listed(client, "overdue") == set()
    time.advance(days=1)
    overdue.mark_overdue()
    assert listed(client, "overdue") == {"sent"}
    assert fetch(Invoice, draft).overdue_on is None
    pay_in_cash(invoice, 500)
    assert listed(client, "overdue") == {"sent"}
    pay_in_cash(invoice, 1500)
    assert listed(client, "overdue") == set()
    adds_up()


def test_paid(app: Any, make: Factory, staff_client: Staff) -> None:
    """“Paid invoices have had the whole payment amount settled resulting in a balance of 0. Once an
    invoice is marked as paid, customers automatically receive a receipt email.”
    """
    by_card, in_cash = (make.invoice(tenant(make)) for _ in range(2))
    pay(by_card)
    staff = Person(staff_client())
    staff.open(eye(in_cash)).choose("Process Invoice In-Person")
    staff.press("Process Invoice", tender="cash", amount="20.00", received="", send_receipt="y")
    for invoice in (by_card, in_cash):
        paid = fetch(Invoice, invoice)
        assert (paid.state, paid.balance) == (InvoiceState.PAID, 0)
    assert len(emails("receipt")) == 2
    assert letter("receipt").attachments[0].content_type == "application/pdf"
    adds_up()


def test_deleted(app: Any, make: Factory, staff_client: Staff, post: Any) -> None:
    """“Deleted Invoices that have been deleted, this will be a view-only in the system as deleted
    invoices can't be retrieved.”
    """
    invoice = make.invoice(tenant(make), state="draft")
    staff = Person(staff_client())
    staff.open(eye(invoice)).choose("Delete").press("Delete")
    assert fetch(Invoice, invoice).state is InvoiceState.DELETED
    staff.open(eye(invoice))
    assert staff.status == 200
    assert all(staff.actions.values()), staff.actions
    for path in ("do/send", "do/redraft", "charge/customer", "in-person"):
        staff.send(post, f"/admin/invoice/{path}/?id={invoice}", reason="x", amount="20.00")
        assert staff.status == 422, path
    assert fetch(Invoice, invoice).state is InvoiceState.DELETED


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


def with_billable(invoice: int, billable: int) -> None:
    with transaction() as session:
        session.get_one(Invoice, invoice).billable_id = billable


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
