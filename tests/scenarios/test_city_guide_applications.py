"""The city guide, row by row: applications, from the form to a settled balance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing import clock
from models import Application, FormFee, Invoice
from models.states import InvoiceState
from tests.applications.helpers import apply, dog_park, invoices_about, owed, state_of
from tests.billing.helpers import rows_of, together
from tests.scenarios.city import VISA, Person, adds_up, letter, link_in, pay_by_card, signed_in
from tests.support import Factory, all_of, emails, fetch, payments_of

Staff = Callable[..., FlaskClient]
MARIA = "maria@example.org"


def eye(application_id: int) -> str:
    return f"/admin/application/details/?id={application_id}"


def marias(make: Factory, **more: Any) -> int:
    """An application of Maria, a resident with an e-mail."""
    return apply(make, user=make.user(email=MARIA, postal_code="62704"), **more)


def test_forms(make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any) -> None:
    """“An application is made on a Form with prices by rule (resident / non-resident, per pet).”

    A change of address or of the answers can change the fee, and so leave an outstanding balance.
    """
    staff = Person(staff_client()).open("/admin/form/new/")
    staff.press("Save", name="2027 Dog Park", active="y")
    staff.choose("Fee rules")
    rules = {
        "item_name": "dog",
        "resident_places": "62704",
        "fees-0-label": "Resident",
        "fees-0-amount": "10",
        "fees-0-rule": "resident",
        "fees-0-per_item": "y",
        "fees-1-label": "Non-resident",
        "fees-1-amount": "30",
        "fees-1-rule": "non_resident",
        "fees-1-per_item": "y",
        "fees-2-label": "Registration",
    }
    staff.press("Save", **rules)
    assert (staff.status, "Enter an amount such as 20.00." in staff.main) == (422, True)
    late = Person(staff_client()).open(staff.path)
    staff.press("Save", **{"fees-2-amount": "5.00"})
    assert "The fee rules are saved." in staff.words
    for fee in ("Resident", "$10.00", "Non-resident", "$30.00", "Registration", "$5.00"):
        assert fee in staff.main
    late.press("Save", **{"fees-0-label": "Free", "fees-0-amount": "0"})
    assert (late.status, "Somebody else changed these rules" in late.main) == (422, True)
    staff.choose("Fee rules").press("Save")
    assert [fee.amount for fee in all_of(FormFee)] == [1000, 3000, 500]
    user = make.user(email=MARIA, postal_code="62704")
    maria = signed_in(client, MARIA).press("Begin an application")
    [application] = [row.id for row in all_of(Application)]
    assert maria.path == f"/applications/{application}"
    assert "2027 Dog Park" in maria.main
    assert state_of(application) == "draft"
    maria.open("/account").press("Begin an application")
    assert maria.path == f"/applications/{application}"
    maria.press("Hand in", items="2")
    assert (state_of(application), owed(application)) == ("pending", 2 * 1000 + 500)
    pay_by_card(maria, "Pay $25.00")
    assert owed(application) == 0
    maria.open(f"/account/address/{user}")
    maria.press("Save the address", postal_code="99999", city="Elsewhere")
    assert "Your fees will change" in maria.main
    maria.press("Save the address, with these fees")
    assert "the fees are now $65.00, before $25.00. $40.00 is outstanding." in maria.main
    maria.open(f"/applications/{application}").press("Save", items="3")
    assert "The fees are now $95.00, before $65.00. $70.00 is outstanding." in maria.main
    assert "Pay $70.00" in maria.buttons
    assert owed(application) == 7000
    adds_up()


def test_application_states(make: Factory, staff_client: Staff) -> None:
    """“Draft, Pending, Approved, Rejected, Inactive. Lists hide drafts by default.”

    Detail shows user, date, form, state, price, outstanding balance, changes requested, notes.
    Own transition table and history.
    """
    form = dog_park()
    states = ("draft", "pending", "approved", "rejected", "inactive")
    made = {
        state: fetch(Application, apply(make, form=form, state=state)).reference for state in states
    }
    staff = Person(staff_client()).open("/admin/application/")
    listed = [state for state in states if made[state] in " ".join(staff.rows())]
    assert listed == ["pending", "approved", "rejected", "inactive"]
    for state, reference in made.items():
        staff.open(f"/admin/application/?state={state}")
        assert len(staff.rows()) == 1
        assert reference in staff.rows()[0]
        assert state.title() in staff.rows()[0]
    staff.open(f"/admin/application/?q={made['rejected']}").choose_row()
    for words in (
        "User Maria Alvarez",
        "Submitted",
        "Form 2027 Dog Park",
        "State Rejected",
        "Fees $15.00",
        "Outstanding balance $15.00",
        "Changes requested The address is wrong.",
    ):
        assert words in staff.main
    staff.press("Add note", text="Called her on Monday")
    assert "The note was added." in staff.words
    assert "Called her on Monday" in staff.main
    history = staff.main.partition("History")[2]
    assert history.index("Rejected") < history.index("Handed in") < history.index("Created")
    adds_up()


def test_approve(make: Factory, staff_client: Staff) -> None:
    """“From the action dropdown upper right; an e-mail goes out.”

    Refused while an outstanding balance is unpaid, unless staff tick "approve with balance".
    """
    application = marias(make)
    staff = Person(staff_client()).open(eye(application)).choose("Approve")
    staff.press("Approve")
    assert staff.status == 422
    assert "Settle it first, or approve with the balance." in staff.main
    assert (state_of(application), emails("application_approved")) == ("pending", [])
    assert "Approve with the balance" in staff.main
    staff.press("Approve", with_balance="y")
    assert f"The application was approved, and an e-mail says so to {MARIA}." in staff.words
    assert state_of(application) == "approved"
    assert "was approved" in letter("application_approved", MARIA).subject
    assert "Approve" not in staff.actions
    adds_up()


def test_reject_requests_changes(make: Factory, staff_client: Staff, client: FlaskClient) -> None:
    """“Needs a reason, which is e-mailed and shown on the application page.”

    When the user changes the application it returns to Pending by itself.
    """
    application = marias(make)
    staff = Person(staff_client()).open(eye(application)).choose("Reject")
    staff.press("Reject", reason="  ")
    assert (staff.status, "Say why." in staff.main) == (422, True)
    assert state_of(application) == "pending"
    staff.press("Reject", reason="Please name your second dog.")
    assert state_of(application) == "rejected"
    assert "Please name your second dog." in staff.main
    written = letter("application_rejected", MARIA)
    assert "Please name your second dog." in written.text
    maria = Person(client).open(link_in(written))
    assert "What the office asks for Please name your second dog." in maria.main
    maria.press("Change and hand in again", comment="He is called Rex.")
    assert "Your application is pending again" in maria.main
    assert state_of(application) == "pending"
    assert "State Pending" in staff.open(eye(application)).main
    adds_up()


def test_balance_on_a_pending_application(
    make: Factory, staff_client: Staff, client: FlaskClient, post: Any, sandbox: Any
) -> None:
    """“No invoice. Staff reject it; the user gets an e-mail with a link, a red banner with the
    amount and a card form. Paid online → back to Pending.”

    Generate Invoice is absent and refused by the server.
    """
    application = marias(make)
    staff = Person(staff_client()).open(eye(application))
    assert "Generate Invoice" not in staff.actions
    generate = f"/admin/application/do/generate-invoice/?id={application}"
    staff.send(post, generate, description="Dogs")
    assert staff.status == 422
    assert "This application is pending, not approved." in staff.main
    assert rows_of(Invoice) == []
    staff.open(eye(application)).choose("Reject").press("Reject", reason="Please pay the fee.")
    maria = Person(client).open(link_in(letter("application_rejected", MARIA)))
    [banner] = maria.find("//main//*[contains(@class, 'bar-bad')]")
    assert "$15.00 is outstanding." in " ".join(banner.itertext())
    assert maria.find("//form[@id='pay-form']//*[@id='card-number']")
    pay_by_card(maria, "Pay $15.00")
    assert "You paid $15.00" in maria.main
    assert (state_of(application), owed(application)) == ("pending", 0)
    assert "Pending: the office is looking at it" in maria.choose("Back to the application").main
    assert emails("invoice") == []
    adds_up()


@pytest.mark.parametrize("tender", ["card", "check", "cash"])
def test_the_same_settled_by_staff(
    make: Factory, staff_client: Staff, sandbox: Any, tender: str
) -> None:
    """“Settle Outstanding Balance: form of payment card / check / cash. For a card press
    "Authorize card for $X" first, then "Settle". Settled by staff → Approved by itself.”
    """
    application = marias(make)
    staff = Person(staff_client()).open(eye(application)).choose("Settle Outstanding Balance")
    for choice in ("Credit Card", "Check", "Cash"):
        assert choice in staff.main
    if tender == "card":
        staff.press("Settle", nonce=VISA)
        assert (staff.status, "Authorize the card first." in staff.main) == (422, True)
        staff.press("Authorize card for $15.00", nonce=VISA)
        assert "$15.00 is on hold" in staff.main
        assert state_of(application) == "pending"
        staff.press("Settle")
    else:
        more = {"check_number": "1042"} if tender == "check" else {}
        staff.press("Settle", tender=tender, **more)
    assert "The application is approved." in staff.words
    assert (state_of(application), owed(application)) == ("approved", 0)
    assert len(emails("receipt")) == len(emails("application_approved")) == 1
    adds_up()


def test_balance_on_an_approved_application(
    app: Flask, make: Factory, staff_client: Staff, client: FlaskClient, post: Any, sandbox: Any
) -> None:
    """“Generate Invoice → description (required, prefilled, shown in the e-mail and on the page)
    + optional due date (shown) → Generate and Send Invoice.”

    Only one of Settle and Generate Invoice can collect a debt; a second Generate for the same debt
    is refused; both at once → one wins.
    """
    application = marias(make, state="approved")
    staff = Person(staff_client()).open(eye(application)).choose("Generate Invoice")
    assert "Outstanding balance for 2027 Dog Park" in staff.field("description")
    staff.press("Generate and Send Invoice", description="")
    assert (staff.status, "Write a description." in staff.main) == (422, True)
    due = clock.now().date() + dt.timedelta(days=30)
    staff.press("Generate and Send Invoice", description="Second dog", due_on=str(due))
    assert f"Invoice #1 was generated and e-mailed to {MARIA}." in staff.words
    written = letter("invoice", MARIA)
    for words in ("Second dog", "Due on: ", str(due.year), "$15.00"):
        assert words in written.text
    maria = Person(client).open(link_in(written))
    assert "Second dog" in maria.main
    assert "Due on" in maria.main
    staff.open(eye(application))
    assert staff.actions["Generate Invoice"] == "This debt is already on invoice #1."
    staff.send(post, f"/admin/application/do/generate-invoice/?id={application}", description="x")
    assert staff.status == 422
    staff.open(eye(application)).choose("Settle Outstanding Balance").press("Settle", tender="cash")
    assert [row.state for row in invoices_about(application)] == [InvoiceState.PAID]
    assert "This invoice has been paid." in maria.open(maria.path).main
    other = marias(make, state="approved", form=dog_park("2028"))
    one = Person(staff_client()).open(eye(other)).choose("Generate Invoice")
    two = Person(staff_client()).open(eye(other)).choose("Settle Outstanding Balance")
    together(
        app,
        [
            lambda: one.press("Generate and Send Invoice"),
            lambda: two.press("Settle", tender="cash"),
        ],
    )
    [invoice] = invoices_about(other)
    assert invoice.total == 1500
    assert len(payments_of(invoice.id)) <= 1
    adds_up()


def test_mark_inactive_mark_active(make: Factory, staff_client: Staff) -> None:
    """“For people who moved or died, revoked access. Not for non-payment.”"""
    application = marias(make, state="approved")
    staff = Person(staff_client()).open(eye(application)).choose("Mark Inactive")
    assert "not for somebody who has not paid" in staff.main
    staff.press("Mark Inactive", reason="Moved to Ohio")
    assert state_of(application) == "inactive"
    assert "Moved to Ohio" in staff.main
    assert "Mark Inactive" not in staff.actions
    staff.choose("Mark Active").press("Mark Active")
    assert "The application is approved again." in staff.words
    assert state_of(application) == "approved"
    assert len(emails("application_approved")) == 1
    adds_up()
