"""A customer's credit, offered on their next invoice: said, asked, used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import invoicing
from billing.billing_choice import set_billing_trigger
from billing.items import Line
from models import Invoice
from models.states import BillingTrigger, InvoiceState
from tests.admin.drafting import edit_address, text_of
from tests.admin.test_actions_user import cash
from tests.billing.helpers import everything, keep
from tests.conftest import Gateway
from tests.support import STAFF, Factory, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

SENTENCE = "This customer has a credit of $20.00."


def address(invoice: Any) -> str:
    return f"/admin/invoice/use-credit/use/?id={invoice}"


def charging(invoice: int) -> str:
    return f"/admin/invoice/charge/customer/?id={invoice}"


def eye(invoice: int) -> str:
    return f"/admin/invoice/details/?id={invoice}"


@pytest.fixture
def rich(make: Factory) -> int:
    """A user with $20.00 that no invoice has used."""
    user = make.user()
    make.add(cash(user, 2000))
    return user


@pytest.mark.parametrize("state", ["draft", "sent"])
def test_it_is_offered_and_used_in_part(
    make: Factory, staff_client: Build, post: Post, rich: int, state: str
) -> None:
    invoice = make.invoice(rich, total=5000, state=state)
    client = staff_client()
    page = text_of(client.get(eye(invoice)))
    assert SENTENCE in page
    assert page.count(f'href="{address(invoice)}"') == 2
    if state == "draft":
        assert SENTENCE in text_of(client.get(edit_address(invoice)))
    asked = text_of(client.get(address(invoice)))
    assert "$20.00 is taken from the credit, the oldest money first." in asked
    assert "$30.00 is left to pay on the invoice." in asked
    answer = post(client, address(invoice), {"shown_balance": "5000"})
    assert answer.status_code == 303
    page = text_of(client.get(answer.location))
    assert "$20.00 of the credit was used." in page
    assert "This customer has a credit" not in page
    assert "There is no credit to use." in page
    assert (fetch(Invoice, invoice).balance, fetch(Invoice, invoice).state) == (3000, state)


def test_one_that_covers_all(make: Factory, staff_client: Build, post: Post, rich: int) -> None:
    draft = make.invoice(rich, total=1500, state="draft")
    sent = make.invoice(rich, total=500)
    client = staff_client()
    asked = text_of(client.get(address(draft)))
    assert "sending the draft closes it as paid" in asked
    assert "$5.00 of credit remains." in asked
    post(client, address(draft), {"shown_balance": "1500"})
    assert fetch(Invoice, draft).state is InvoiceState.DRAFT
    assert "so the invoice is closed as paid" in text_of(client.get(address(sent)))
    post(client, address(sent), {"shown_balance": "500"})
    assert fetch(Invoice, sent).state is InvoiceState.PAID


def test_a_draft_edited_meanwhile_is_refused(
    make: Factory, staff_client: Build, post: Post, rich: int
) -> None:
    invoice = make.invoice(rich, total=5000, state="draft")
    client = staff_client()
    client.get(address(invoice))
    lines = [Line("More", 9000)]
    invoicing.edit_draft(invoice, description="x", due_on=None, lines=lines, actor=STAFF)
    before = everything()
    for shown in ("5000", "", "x", "9" * 40):
        answer = post(client, address(invoice), {"shown_balance": shown})
        assert answer.status_code == 422
        assert ("$90.00 is to pay now" in text_of(answer)) == (shown == "5000")
    assert everything() == before


def test_nobody_elses_credit_and_no_credit_at_all(
    make: Factory, staff_client: Build, post: Post, rich: int
) -> None:
    invoice = make.invoice(total=5000)
    client = staff_client()
    assert "This customer has a credit" not in text_of(client.get(eye(invoice)))
    answer = post(client, address(invoice), {"shown_balance": "5000"})
    assert answer.status_code == 422
    assert "There is no credit to use." in text_of(answer)


def test_its_doors(make: Factory, staff_client: Build, post: Post, rich: int) -> None:
    invoice = make.invoice(rich, total=5000, site_id=make.site())
    data = {"shown_balance": "5000"}
    looker = staff_client(["invoices.view"])
    assert "credit of" not in text_of(looker.get(eye(invoice)))
    assert looker.get(address(invoice)).status_code == 403
    assert post(looker, address(invoice), data).status_code == 403
    assert staff_client().post(address(invoice), data=data).status_code == 400
    bound = staff_client(sites=(make.site(),))
    for unknown in (invoice, 10**25, "x"):
        assert bound.get(address(unknown)).status_code == 404
        assert post(bound, address(unknown), data).status_code == 404
    staff_client().get(address(invoice))
    assert fetch(Invoice, invoice).allocated == 0


@pytest.mark.parametrize("state", ["draft", "sent"])
def test_it_is_told_before_a_charge(
    make: Factory, sandbox: Gateway, staff_client: Build, state: str
) -> None:
    user = make.user("Ivy Chen")
    keep(user)
    invoice = make.invoice(user, total=9900, state=state)
    client = staff_client()
    assert "credit" not in text_of(client.get(charging(invoice))).split("<form")[-1]
    make.add(cash(user, 3100))
    link = f'<a href="{address(invoice)}">Use it first</a>'
    page = text_of(client.get(charging(invoice)))
    assert "Ivy Chen has $31.00 credit." in page
    assert link in page
    assert client.get(address(invoice)).status_code == 200
    # Who may not use it is told as well.
    page = text_of(staff_client(["invoices.view", "invoices.charge"]).get(charging(invoice)))
    assert "Ivy Chen has $31.00 credit." in page
    assert "Use it first" not in page


def test_before_a_charge_a_bound_person_is_told_of_their_sites_money_only(
    make: Factory, sandbox: Gateway, staff_client: Build
) -> None:
    here, there = make.site(), make.site()
    user = make.user("Ivy Chen", site_id=here)
    keep(user)
    set_billing_trigger(user, BillingTrigger.AUTOMATIC, actor=STAFF)
    invoice = make.invoice(user, total=9900, state="draft", site_id=here)
    for amount, site in ((3100, here), (700, there)):
        payment = cash(user, amount)
        payment.site_id = site
        make.add(payment)
    pages = (charging(invoice), "/admin/nightly/", f"/admin/invoice/bulk/charge/?id={invoice}")
    for page in pages:
        assert "has $31.00 credit" in text_of(staff_client(None, (here,)).get(page)), page
        assert "has $38.00 credit" in text_of(staff_client().get(page)), page
