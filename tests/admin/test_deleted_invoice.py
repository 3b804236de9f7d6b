"""Deleted invoices: there to be looked at, by staff and by whoever kept the link. Nothing more."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import invoicing
from billing.actions import invoice_actions
from billing.database import reading
from billing.links import invoice_token
from billing.redraft import set_back_to_draft
from models import Invoice
from models.states import InvoiceState
from tests.admin.drafting import edit_address, posted, text_of
from tests.billing.helpers import everything
from tests.support import STAFF, Factory, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

# What leaves the invoice itself alone: its papers can be had in every state.
HARMLESS = {"/admin/invoice/papers/invoice.pdf"}


@pytest.fixture
def deleted(make: Factory) -> int:
    """An invoice that was issued as number 1, set back to draft and deleted."""
    invoice = make.invoice(description="Withdrawn")
    set_back_to_draft(invoice, reason="Wrong customer", actor=STAFF)
    invoicing.delete_invoice(invoice, actor=STAFF)
    return invoice


def test_every_button_is_greyed_with_its_reason(staff_client: Build, deleted: int) -> None:
    with reading() as session:
        actions = invoice_actions(session, session.get_one(Invoice, deleted))
    assert len(actions) > 6
    assert [action.name for action in actions if not action.why_not] == []
    page = html.unescape(staff_client().get(f"/admin/invoice/details/?id={deleted}").text)
    body = page[page.index("<main") : page.index("</main>")]
    for action in actions:
        assert action.why_not
        assert action.why_not in body
    assert 'class="act"' not in body
    assert "Edit items</a>" not in body
    links = set(re.findall(r'(?:href|action)="([^"?]*)\?[^"]*\bid=' + str(deleted), body))
    verbs = {link for link in links if not link.endswith("/details/")}
    assert verbs <= HARMLESS


def test_its_number_stays_and_is_not_given_again(
    make: Factory, staff_client: Build, deleted: int
) -> None:
    assert fetch(Invoice, deleted).number == 1
    assert fetch(Invoice, make.invoice()).number == 2
    page = staff_client().get(f"/admin/invoice/details/?id={deleted}").text
    assert "Invoice #1" in page
    assert "Deleted" in page


def test_a_draft_without_a_number_is_titled_as_deleted(make: Factory, staff_client: Build) -> None:
    draft = make.invoice(state="draft")
    page = f"/admin/invoice/details/?id={draft}"
    assert "Draft invoice" in staff_client().get(page).text
    invoicing.delete_invoice(draft, actor=STAFF)
    text = staff_client().get(page).text
    assert "Deleted draft" in text
    assert "Draft invoice" not in text


def test_no_page_of_a_verb_does_anything(staff_client: Build, post: Post, deleted: int) -> None:
    client = staff_client()
    before = everything()
    data = posted({"description": "x", "price": "1"}, reason="x", amount="1", seen="x")
    for path in (
        edit_address(deleted),
        f"/admin/invoice/do/send/?id={deleted}",
        f"/admin/invoice/do/replace-link/?id={deleted}",
        f"/admin/invoice/do/redraft/?id={deleted}",
        f"/admin/invoice/do/delete/?id={deleted}",
        f"/admin/invoice/credit/give/?id={deleted}",
        f"/admin/invoice/use-credit/use/?id={deleted}",
    ):
        assert client.get(path).status_code == 422, path
        assert post(client, path, data).status_code == 422, path
    assert fetch(Invoice, deleted).state is InvoiceState.DELETED
    assert everything() == before


def test_the_list_shows_it_under_its_own_pill_only(
    make: Factory, staff_client: Build, deleted: int
) -> None:
    make.invoice(description="Another one")
    client = staff_client()
    for pill in ("", "?state=active", "?state=draft", "?state=sent", "?state=overdue"):
        assert "Withdrawn" not in client.get(f"/admin/invoice/{pill}").text, pill
    page = client.get("/admin/invoice/?state=deleted").text
    assert "Withdrawn" in page
    assert "Another one" not in page
    assert "Withdrawn" not in client.get("/admin/invoice/export/csv/").text
    user = fetch(Invoice, deleted).user_id
    assert "Withdrawn" not in client.get(f"/admin/user/details/?id={user}").text


def test_the_customers_link_leads_to_a_kind_page(client: FlaskClient, deleted: int) -> None:
    answer = client.get(f"/i/{invoice_token(fetch(Invoice, deleted))}")
    assert answer.status_code == 200
    assert "This invoice is no longer valid" in text_of(answer)
    assert "You don’t have to pay it." in text_of(answer)
    assert "Withdrawn" not in answer.text


def test_nothing_is_noted_on_it(staff_client: Build, post: Post, deleted: int) -> None:
    client = staff_client()
    before = everything()
    answer = post(client, f"/admin/notes/invoice/?id={deleted}", {"text": "Why?"})
    assert answer.status_code == 422
    assert "This invoice is deleted: it can only be looked at." in html.unescape(answer.text)
    assert everything() == before
