"""The city guide, row by row: the customer's invoice, what is paid, and the office's lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from models import Application, Invoice
from models.states import InvoiceState
from tests.admin.counter import change_fees
from tests.applications.helpers import apply, dog_park, invoices_about
from tests.scenarios.city import Person, adds_up, letter, link_in, pay_by_card
from tests.support import Factory, emails, fetch

Staff = Callable[..., FlaskClient]
MARIA = "maria@example.org"


def invoiced(make: Factory, staff: Person, *, description: str = "Dogs", **more: Any) -> int:
    """An approved application of Maria with the invoice that staff generated for it."""
    user = make.user(email=MARIA, postal_code="62704")
    application = apply(make, user=user, state="approved", **more)
    generate(staff, application, description=description)
    return application


def generate(staff: Person, application_id: int, **typed: str) -> None:
    staff.open(f"/admin/application/details/?id={application_id}").choose("Generate Invoice")
    staff.press("Generate and Send Invoice", **typed)
    assert "was generated and e-mailed" in staff.words


def test_customers_invoice_page(
    make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any
) -> None:
    """“Banner with website, phone; "Invoice #10"; sent on; bill to (name, e-mail, address); from
    (organisation, address, phone); due on; description; items ("Outstanding application balance");
    amount due; name on card, billing address (prefilled), card, accepted card logos; "Pay $20"
    disabled until valid.”

    No login needed with the link. The amount is a snapshot; if the application's balance changes
    later, staff see the difference.
    """
    make.settings(
        organisation="City of Springfield",
        address="1 City Hall Plaza",
        phone="+1 217 555 0100",
        website="https://springfield.example",
    )
    staff = Person(staff_client())
    application = invoiced(make, staff, description="Two dogs in the park")
    staff.open(f"/admin/invoice/details/?id={invoices_about(application)[0].id}")
    maria = Person(client).open(link_in(letter("invoice", MARIA)))
    [banner] = maria.find("//header")
    for words in ("City of Springfield", "springfield.example", "+1 217 555 0100"):
        assert words in " ".join(banner.itertext())
    for words in (
        "Invoice #1",
        "Sent on",
        "Bill to Maria Alvarez 12 Elm Street Springfield 62704 maria@example.org",
        "From City of Springfield 1 City Hall Plaza +1 217 555 0100",
        "Two dogs in the park",
        "Outstanding application balance",
        "Amount due $15.00",
        "Visa Mastercard American Express Discover",
    ):
        assert words in maria.main
    assert maria.field("holder") == "Maria Alvarez"
    assert maria.field("postal_code") == "62704"
    assert maria.button("Pay $15.00").get("disabled") is not None
    change_fees(application, 2500)
    assert "Amount due $15.00" in maria.open(maria.path).main
    staff.open(f"/admin/application/details/?id={application}")
    assert "The fees are $15.00 more than what was invoiced." in staff.main
    adds_up()


def test_paid_page(make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any) -> None:
    """“Green bar "This invoice has been paid." and View Receipt; the receipt is also e-mailed.”

    PDF of both.
    """
    staff = Person(staff_client())
    application = invoiced(make, staff)
    maria = Person(client).open(link_in(letter("invoice", MARIA)))
    page = maria.path
    pay_by_card(maria, "Pay $15.00")
    assert "You paid $15.00" in maria.main
    maria.open(page)
    [bar] = maria.find("//main//*[contains(@class, 'bar-good')]")
    assert "This invoice has been paid." in " ".join(bar.itertext())
    assert not maria.find("//form[@id='pay-form']")
    assert maria.pdf("Invoice as PDF").startswith(b"%PDF-")
    maria.choose("View Receipt")
    for words in ("Receipt", "$15.00", "Visa ending in", "Maria Alvarez"):
        assert words in maria.main
    assert maria.pdf("Receipt as PDF").startswith(b"%PDF-")
    [receipt] = emails("receipt")
    assert receipt.to_address == MARIA
    assert letter("receipt").attachments[0].data.startswith(b"%PDF-")
    assert invoices_about(application)[0].state is InvoiceState.PAID
    adds_up()


def test_invoice_list(
    make: Factory, staff_client: Staff, client: FlaskClient, sandbox: Any
) -> None:
    """“Number/title, amount, user, paid ✓/✗, created; Eye and Edit icons; search; filter paid /
    unpaid; 25 a page.”

    State filter with counts.
    """
    ada = make.user("Ada Lovelace", email="ada@example.org")
    bob = make.user("Bob Dylan", email="bob@example.org")
    paid, *_others = [make.invoice(ada, total=1200) for _ in range(20)]
    for _ in range(10):
        make.invoice(bob, total=3400)
    staff = Person(staff_client()).open(f"/admin/invoice/details/?id={paid}")
    staff.choose("Process Invoice In-Person").press("Process Invoice", tender="cash")
    staff.open("/admin/invoice/")
    assert len(staff.rows()) == 25
    heads = [" ".join(head.itertext()).strip() for head in staff.find("//thead//th")]
    for head in ("Number", "User", "Amount", "State", "Created"):
        assert head in heads
    assert "Bob Dylan" in staff.rows()[0]
    assert "$34.00" in staff.rows()[0]
    staff.choose("Next")
    assert len(staff.rows()) == 5
    staff.open("/admin/invoice/").choose("Paid 1")
    assert len(staff.rows()) == 1
    assert "Paid" in staff.rows()[0]
    staff.open("/admin/invoice/").choose("Active 29").open(f"{staff.path}&size=100")
    assert len(staff.rows()) == 29
    assert not any("Paid" in row for row in staff.rows())
    staff.open("/admin/invoice/?q=dylan")
    assert len(staff.rows()) == 10
    number = fetch(Invoice, paid).number
    staff.open(f"/admin/invoice/?q={number}").choose_row("Ada Lovelace")
    assert f"Invoice #{number}" in staff.words
    adds_up()


def test_application_list(make: Factory, staff_client: Staff) -> None:
    """“Filter "With invoices": – / unpaid / paid.”"""
    form = dog_park()
    staff = Person(staff_client())
    none = apply(make, form=form, state="approved")
    unpaid, paid = (invoiced(make, staff, form=form) for _ in range(2))
    staff.open(f"/admin/invoice/details/?id={invoices_about(paid)[0].id}")
    staff.choose("Process Invoice In-Person").press("Process Invoice", tender="cash")
    names = {key: fetch(Application, key).reference for key in (none, unpaid, paid)}

    def listed(wanted: str) -> set[int]:
        staff.open(f"/admin/application/?with_invoices={wanted}")
        return {key for key, name in names.items() if name in " ".join(staff.rows())}

    options = staff.open("/admin/application/").find("//select[@name='with_invoices']/option")
    assert [option.get("value") for option in options] == ["", "unpaid", "paid"]
    assert "With invoices" in staff.main
    assert listed("") == {none, unpaid, paid}
    assert listed("unpaid") == {unpaid}
    assert listed("paid") == {paid}
    adds_up()
