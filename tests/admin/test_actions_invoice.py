"""The buttons of an invoice's page: send, replace the link, set back to draft, delete, papers."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from admin.pages.invoicing import InvoiceActions
from billing import charging, invoicing
from billing.actions import invoice_actions
from billing.database import reading
from models import Invoice, User
from models.states import BillingMethod, InvoiceState, Tender
from sandbox.server import Server
from tests.conftest import Gateway
from tests.sandbox.merchant import Merchant
from tests.support import STAFF, Factory, emails, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

BUTTONS = ["send", "replace-link", "redraft", "delete"]
NAMES = {
    "send": "send",
    "rotate_link": "replace_link",
    "redraft": "redraft",
    "delete": "delete",
}


def address(verb: str, invoice_id: Any) -> str:
    return f"/admin/invoice/do/{verb}/?id={invoice_id}"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def paid(invoice_id: int) -> int:
    attempt = charging.pay_invoice(
        invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF
    )
    assert attempt.outcome == "paid"
    return attempt.payment_id


@pytest.fixture
def in_flight(make: Factory, sandbox: Gateway, sandbox_server: Server) -> tuple[int, int]:
    """An invoice whose direct debit is with the bank, and its user."""
    user = make.user()
    make.payment_method(user, Merchant(sandbox_server.options).us_bank(), Tender.DIRECT_DEBIT)
    invoice = make.invoice(user)
    attempt = charging.charge_customer(invoice, shown_balance=2000, actor=STAFF)
    assert attempt.outcome == "pending"
    return invoice, user


def test_every_button_has_a_page_that_asks_for_the_same_permission(make: Factory) -> None:
    invoice_id = make.invoice()
    with reading() as session:
        actions = invoice_actions(session, session.get_one(Invoice, invoice_id))
    for action in actions:
        if action.name in NAMES:
            method = getattr(InvoiceActions, NAMES[action.name])
            assert method.permission == action.permission


def test_sending_a_draft_says_what_follows_and_does_it(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice(make.user(email="maria@example.org"), state="draft")
    client = staff_client()
    asked = text_of(client.get(address("send", invoice)))
    assert "The draft of $20.00 is issued, gets its number and is frozen." in asked
    assert "goes to maria@example.org" in asked
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT
    answer = post(client, address("send", invoice))
    assert answer.status_code == 303
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    assert "Invoice #1 was issued and e-mailed to" in text_of(client.get(answer.location))


def test_resending_queues_another_email(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice()
    client = staff_client()
    answer = post(client, address("send", invoice))
    assert "was sent again and e-mailed" in text_of(client.get(answer.location))
    assert [mail.kind for mail in emails()] == ["invoice", "invoice_again"]


def test_an_empty_draft_is_not_sent(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice(total=0, state="draft")
    client = staff_client()
    answer = post(client, address("send", invoice))
    assert answer.status_code == 422
    assert "This draft has no items yet." in text_of(answer)
    assert "This draft has no items yet." in text_of(
        client.get(f"/admin/invoice/details/?id={invoice}")
    )
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT


def test_replacing_the_link_kills_the_old_one(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    client = staff_client()
    old = client.get(f"/admin/invoice/papers/customer/?id={invoice}").location
    answer = post(client, address("replace-link", invoice))
    assert answer.status_code == 303
    new = client.get(f"/admin/invoice/papers/customer/?id={invoice}").location
    assert fetch(Invoice, invoice).link_version == 2
    assert old.startswith("http://127.0.0.1:8000/i/")
    assert old != new
    assert client.get(old.removeprefix("http://127.0.0.1:8000")).status_code == 404
    assert client.get(new.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_setting_back_needs_a_reason(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice()
    client = staff_client()
    asked = text_of(client.get(address("redraft", invoice)))
    assert "billing method" not in asked
    for reason in ("", "   "):
        answer = post(client, address("redraft", invoice), {"reason": reason})
        assert answer.status_code == 422
        assert "Say why." in text_of(answer)
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    answer = post(client, address("redraft", invoice), {"reason": "Wrong pet"})
    assert answer.status_code == 303
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT
    assert "Wrong pet" in text_of(client.get(answer.location))


def test_setting_back_while_a_debit_is_with_the_bank_takes_two_ticks(
    staff_client: Build, post: Post, in_flight: tuple[int, int]
) -> None:
    invoice, user = in_flight
    client = staff_client()
    asked = text_of(client.get(address("redraft", invoice)))
    assert "A payment of $20.00 is on its way." in asked
    assert "Set this user's billing method to invoice" in asked
    assert 'name="confirmed"' not in asked
    answer = post(client, address("redraft", invoice), {"reason": "They pay by check"})
    assert answer.status_code == 422
    assert "This user's billing method still charges." in text_of(answer)
    assert "They pay by check" in text_of(answer)
    assert fetch(Invoice, invoice).state is InvoiceState.PENDING
    ticked = {"reason": "They pay by check", "switch_billing_method": "y"}
    answer = post(client, address("redraft", invoice), ticked)
    assert answer.status_code == 422
    assert "it can't be stopped any more" in text_of(answer)
    assert 'name="confirmed"' in text_of(answer)
    assert fetch(Invoice, invoice).state is InvoiceState.PENDING
    assert fetch(User, user).billing_method is BillingMethod.GATEWAY
    answer = post(client, address("redraft", invoice), {**ticked, "confirmed": "y"})
    assert answer.status_code == 303
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT
    assert fetch(User, user).billing_method is BillingMethod.INVOICE
    assert payments_of(invoice)[0].detached


def test_deleting_a_draft(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice(state="draft")
    client = staff_client()
    assert "never be sent or brought back" in text_of(client.get(address("delete", invoice)))
    answer = post(client, address("delete", invoice))
    assert answer.status_code == 303
    assert fetch(Invoice, invoice).state is InvoiceState.DELETED
    assert client.get(answer.location).status_code == 200
    for verb in BUTTONS:
        assert post(client, address(verb, invoice), {"reason": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("send", "This invoice is paid."),
        ("redraft", "This invoice is paid."),
        ("delete", "A paid invoice can't be deleted."),
    ],
)
def test_a_paid_invoice_refuses_and_its_greyed_buttons_say_the_same(
    make: Factory, staff_client: Build, post: Post, sandbox: Gateway, verb: str, sentence: str
) -> None:
    invoice = make.invoice()
    paid(invoice)
    client = staff_client()
    for answer in (
        client.get(address(verb, invoice)),
        post(client, address(verb, invoice), {"reason": "x"}),
    ):
        assert answer.status_code == 422
        assert sentence in text_of(answer)
    eye = text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    assert sentence in eye
    assert address(verb, invoice) not in eye
    assert fetch(Invoice, invoice).state is InvoiceState.PAID


def test_papers_are_pdfs_and_a_receipt_needs_its_payment(
    make: Factory, staff_client: Build, sandbox: Gateway
) -> None:
    invoice, other = make.invoice(), make.invoice()
    payment = paid(invoice)
    client = staff_client()
    eye = text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    receipt = f"/admin/invoice/papers/receipt.pdf?id={invoice}&payment={payment}"
    for path in (f"/admin/invoice/papers/invoice.pdf?id={invoice}", receipt):
        assert path in eye
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
    assert receipt in text_of(client.get(f"/admin/payment/details/?id={payment}"))
    for wrong in (f"id={other}&payment={payment}", f"id={invoice}&payment=0", f"id={invoice}"):
        assert client.get(f"/admin/invoice/papers/receipt.pdf?{wrong}").status_code == 404


def test_nothing_of_another_site_can_be_reached(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site(), make.site()
    sent = make.invoice(site_id=other)
    draft = make.invoice(site_id=other, state="draft")
    client = staff_client(sites=(mine,))
    for invoice in (sent, draft, 10**25, "x"):
        for verb in BUTTONS:
            assert client.get(address(verb, invoice)).status_code == 404
            assert post(client, address(verb, invoice), {"reason": "x"}).status_code == 404
        for paper in ("invoice.pdf", "receipt.pdf", "customer/"):
            assert client.get(f"/admin/invoice/papers/{paper}?id={invoice}").status_code == 404
    assert fetch(Invoice, sent).state is InvoiceState.SENT
    assert fetch(Invoice, draft).state is InvoiceState.DRAFT
    bound = staff_client(sites=(other,))
    assert bound.get(address("send", sent)).status_code == 200


@pytest.mark.parametrize("verb", BUTTONS)
def test_each_needs_its_permission_and_a_token(
    make: Factory, staff_client: Build, post: Post, verb: str
) -> None:
    state = "draft" if verb == "delete" else "sent"
    invoice = make.invoice(state=state)
    looker = staff_client(["invoices.view"])
    assert looker.get(address(verb, invoice)).status_code == 403
    assert post(looker, address(verb, invoice), {"reason": "x"}).status_code == 403
    able = staff_client()
    assert able.post(address(verb, invoice), data={"reason": "x"}).status_code == 400
    assert fetch(Invoice, invoice).state == state
    assert fetch(Invoice, invoice).link_version == 1


def test_an_invoice_sent_meanwhile_is_refused_by_the_verb(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice(state="draft")
    client = staff_client()
    assert client.get(address("delete", invoice)).status_code == 200
    invoicing.send_invoice(invoice, actor=STAFF)
    answer = post(client, address("delete", invoice))
    assert answer.status_code == 422
    assert "Set it back to draft first." in text_of(answer)
