"""The city guide, row by row: paying at the counter, its receipt, and people without e-mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from billing.database import reading
from jobs import sweeps
from models import Invoice, User
from models.states import InvoiceState, PaymentState
from tests.applications.helpers import apply, invoices_about
from tests.scenarios.city import VISA, Person, adds_up, letter
from tests.support import Clock, Factory, emails, fetch, payments_of

Staff = Callable[..., FlaskClient]
MARIA = "maria@example.org"


def counter(client: FlaskClient, invoice_id: int) -> Person:
    """Invoices → Eye → dropdown upper right → Process Invoice In-Person."""
    number = fetch(Invoice, invoice_id).number
    staff = Person(client).open("/admin/invoice/").choose_row(f"{number} Maria")
    return staff.choose("Process Invoice In-Person")


def state_of(invoice_id: int) -> InvoiceState:
    state: InvoiceState = fetch(Invoice, invoice_id).state
    return state


def test_process_invoice_in_person(
    make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any, time: Clock
) -> None:
    """“Invoices → Eye → dropdown upper right → form of payment Credit Card / Check / Cash and
    details. Card: green Authorize first, Process Invoice second.”

    Process without an authorised card refused. Hold voided by a job if never processed; browser
    closed, session expired and a second staff member are all covered.
    """
    invoice, forgotten = make.invoice(make.user(email=MARIA)), make.invoice()
    first = counter(staff_client(), invoice)
    for choice in ("Form of payment", "Credit Card", "Check", "Cash"):
        assert choice in first.main
    assert "go" in first.button("Authorize card for $20.00").get("class").split()
    first.press("Process Invoice", nonce=VISA)
    assert (first.status, "Authorize the card first." in first.main) == (422, True)
    assert payments_of(invoice) == []
    first.press("Authorize card for $20.00", nonce=VISA)
    assert "$20.00 is on hold" in first.main
    assert "Expires" in first.main
    assert state_of(invoice) is InvoiceState.SENT
    expired = Person(client).open(f"/admin/invoice/in-person/?id={invoice}")
    assert "/login" in expired.path
    second = counter(staff_client(), invoice)
    assert "$20.00 is on hold" in second.main
    second.press("Process Invoice")
    assert f"$20.00 by card was recorded. The receipt is e-mailed to {MARIA}." in second.words
    assert state_of(invoice) is InvoiceState.PAID
    assert "This payment was processed already." in first.press("Process Invoice").words
    counter(staff_client(), forgotten).press("Authorize card for $20.00", nonce=VISA)
    time.advance(days=8)
    sweeps.release_holds([])
    assert [row.state for row in payments_of(forgotten)] == [PaymentState.VOIDED]
    third = counter(staff_client(), forgotten)
    third.press("Process Invoice", tender="check", check_number="1042", amount="12.50")
    assert state_of(forgotten) is InvoiceState.SENT
    assert "$7.50" in third.main
    third.choose("Process Invoice In-Person").press("Process Invoice", tender="cash", received="10")
    assert "Change due: $2.50." in third.words
    assert state_of(forgotten) is InvoiceState.PAID
    adds_up()


@pytest.mark.parametrize("tender", ["card", "check", "cash"])
def test_receipt_for_in_person_payments(
    make: Factory, staff_client: Staff, sandbox: Any, tender: str
) -> None:
    """“Not e-mailed unless Send receipt is ticked (meant for phone payments).”

    Default: ticked when the user has an e-mail, and the tick is shown.
    """
    invoices = [make.invoice(make.user(email=MARIA)) for _ in range(2)]
    typed = {"tender": tender, "check_number": "7"} if tender != "card" else {}
    for invoice in invoices:
        staff = counter(staff_client(), invoice)
        if tender == "card":
            staff.press("Authorize card for $20.00", nonce=VISA)
        assert f"Send receipt to {MARIA}" in staff.main
        assert staff.ticked("send_receipt")
        if invoice == invoices[0]:
            staff.press("Process Invoice", **typed)
            assert f"The receipt is e-mailed to {MARIA}." in staff.words
        else:
            staff.press("Process Invoice", send_receipt=None, **typed)
            assert "e-mailed to" not in staff.words
        assert state_of(invoice) is InvoiceState.PAID
    [receipt] = emails("receipt")
    assert receipt.invoice_id == invoices[0]
    assert "Paid: $20.00" in letter("receipt").text
    adds_up()


def test_users_without_email(make: Factory, staff_client: Staff, client: FlaskClient) -> None:
    """“A "No e-mail" box; nothing is ever sent to them.”

    No made-up address: e-mail is null. Generate and Send says that nothing was sent and offers the
    printable link and PDF.
    """
    staff = Person(staff_client()).open("/admin/user/new/")
    assert "No e-mail" in staff.main
    typed = {"name": "Walter White", "no_email": "y", "postal_code": "62704"}
    staff.press("Save", **typed, email="nobody@example.org")
    assert "Leave the address empty, or untick “No e-mail”." in staff.main
    staff.press("Save", **typed, email="")
    with reading() as session:
        [user] = session.scalars(select(User))
    assert (user.email, user.no_email) == (None, True)
    assert "This user has no e-mail: nothing is sent." in staff.main
    application = apply(make, user=user.id)
    staff.open(f"/admin/application/details/?id={application}").choose("Approve")
    staff.press("Approve", with_balance="y")
    assert "Nothing was e-mailed: this user has no e-mail." in staff.words
    staff.choose("Generate Invoice")
    assert "nothing will be sent; you can print the invoice." in staff.main
    staff.press("Generate and Send Invoice")
    assert "Nothing was e-mailed, because this user has no e-mail; print it" in staff.words
    assert staff.pdf("PDF").startswith(b"%PDF-")
    page = Person(staff_client()).open(staff.path).choose("Open customer's page (new tab)")
    assert "Amount due $15.00" in page.main
    staff.choose("Process Invoice In-Person")
    assert "This user has no e-mail: no receipt will be sent; you can print it." in staff.main
    staff.press("Process Invoice", tender="cash", send_receipt="y")
    assert state_of(invoices_about(application)[0].id) is InvoiceState.PAID
    assert staff.pdf("Receipt of payment").startswith(b"%PDF-")
    assert emails() == []
    adds_up()
