"""The source text on invoice states, sentence by sentence.

Each docstring quotes the sentence its test is about.
"""

from __future__ import annotations

from typing import Any

import pytest

from billing import overdue, reconciliation
from models import Invoice, User
from models.states import BillingMethod, InvoiceState
from tests.billing.helpers import HARD_DECLINE, SEPA, charge, keep, pay
from tests.scenarios.city import Person, adds_up, letter
from tests.scenarios.invoices import Staff, eye, greyed, listed, one_of_each, pay_in_cash, tenant
from tests.support import Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox")


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
    staff.open(f"/admin/user/details/?id={user}").press("Invoice")
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
