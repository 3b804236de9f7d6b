"""Generate Invoice, through the panel's front door."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import invoicing
from models import Application, Invoice
from models.states import InvoiceState
from tests.support import STAFF, Factory, all_of, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def address(application_id: int | str) -> str:
    return f"/admin/application/do/generate-invoice/?id={application_id}"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def test_the_button_leads_from_the_eye_page_to_a_prefilled_form(
    make: Factory, staff_client: Build
) -> None:
    user = make.user("Zoë Ångström", email="zoe@example.org")
    application = make.application(user, fees=2000)
    client = staff_client()
    eye = text_of(client.get(f"/admin/application/details/?id={application}"))
    assert "Generate Invoice" in eye
    assert address(application) in eye
    page = client.get(address(application))
    assert page.status_code == 200
    shown = text_of(page)
    assert "Outstanding balance for 2027 Dog Park (A-" in shown
    assert "$20.00" in shown
    assert "Zoë Ångström" in shown
    assert "goes to zoe@example.org" in shown
    assert "Generate and Send Invoice" in shown
    assert f'min="{dt.datetime.now(dt.UTC).date()}"' in shown


def test_generating_sends_it_and_leads_to_the_invoice(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = make.application(make.user(email="maria@example.org"), fees=2000)
    client = staff_client()
    due = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=14)
    answer = post(client, address(application), {"description": "Dogs", "due_on": str(due)})
    (invoice,) = all_of(Invoice)
    assert answer.status_code == 303
    assert answer.location == f"/admin/invoice/details/?id={invoice.id}"
    assert (invoice.state, invoice.description) == (InvoiceState.SENT, "Dogs")
    assert (invoice.total, invoice.due_on) == (2000, due)
    assert [mail.to_address for mail in emails("invoice")] == ["maria@example.org"]
    arrived = text_of(client.get(answer.location))
    assert "Invoice #1 was generated and e-mailed to maria@example.org." in arrived


def test_a_user_without_email_gets_nothing_and_staff_are_told(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = make.application(make.user(email=None, no_email=True))
    client = staff_client()
    assert "nothing will be sent; you can print" in text_of(client.get(address(application)))
    answer = post(client, address(application), {"description": "Dogs"})
    assert "was generated. Nothing was e-mailed" in text_of(client.get(answer.location))
    assert emails() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"description": "   "}, "Write a description."),
        ({"description": ""}, "Write a description."),
        ({"description": "x" * 10_000}, "this one has 10,000"),
        ({"description": "Dogs", "due_on": "2020-01-01"}, "The due date is in the past."),
        ({"description": "Dogs", "due_on": "soon"}, "That is not a date."),
        ({"description": "Dogs", "due_on": "9999-12-31"}, "more than ten years away"),
    ],
)
def test_a_refusal_is_shown_at_its_field_and_keeps_what_was_typed(
    make: Factory, staff_client: Build, post: Post, typed: dict[str, str], sentence: str
) -> None:
    application = make.application()
    answer = post(staff_client(), address(application), typed)
    shown = text_of(answer)
    assert answer.status_code == 422
    assert sentence in shown
    assert typed["description"].strip() in shown
    assert typed.get("due_on", "") in shown
    assert all_of(Invoice) == []


def test_zero_bytes_are_no_error(make: Factory, staff_client: Build, post: Post) -> None:
    application = make.application()
    answer = post(staff_client(), address(application), {"description": "a\0b"})
    assert answer.status_code == 303
    assert [invoice.description for invoice in all_of(Invoice)] == ["ab"]


def test_a_pending_application_neither_shows_nor_accepts_it(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = make.application(state="pending")
    client = staff_client()
    eye = text_of(client.get(f"/admin/application/details/?id={application}"))
    assert "Generate Invoice" not in eye
    for answer in (
        client.get(address(application)),
        post(client, address(application), {"description": "Dogs"}),
    ):
        assert answer.status_code == 422
        assert "This application is pending, not approved." in text_of(answer)
    assert all_of(Invoice) == []


def test_the_same_debt_is_invoiced_once_and_the_button_says_so(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = make.application()
    invoicing.generate_invoice(application, description="Dogs", due_on=None, actor=STAFF)
    client = staff_client()
    sentence = "This debt is already on invoice #1."
    assert sentence in text_of(client.get(f"/admin/application/details/?id={application}"))
    answer = post(client, address(application), {"description": "Dogs"})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert len(all_of(Invoice)) == 1


def test_an_amount_or_another_application_in_the_form_changes_nothing(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application, other = make.application(fees=2000), make.application(fees=9900)
    typed = {"description": "Dogs", "amount": "1", "currency": "JPY", "id": str(other)}
    assert post(staff_client(), address(application), typed).status_code == 303
    (invoice,) = all_of(Invoice)
    assert (invoice.total, invoice.currency) == (2000, "USD")
    assert invoice.billable_id == fetch(Application, application).billable_id


def test_another_site_and_nonsense_are_not_found(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site(), make.site()
    application = make.application(site_id=other)
    client = staff_client(sites=(mine,))
    for record in (application, 10**30, 0, "x", ""):
        assert client.get(address(record)).status_code == 404
        assert post(client, address(record), {"description": "Dogs"}).status_code == 404
    assert client.get("/admin/application/do/generate-invoice/").status_code == 404
    assert all_of(Invoice) == []


def test_it_needs_its_permission_a_sign_in_and_a_token(
    make: Factory, staff_client: Build, post: Post, client: FlaskClient
) -> None:
    application = make.application()
    looker = staff_client(["applications.view", "invoices.view"])
    assert "Generate" not in text_of(looker.get(f"/admin/application/details/?id={application}"))
    assert looker.get(address(application)).status_code == 403
    assert post(looker, address(application), {"description": "Dogs"}).status_code == 403
    assert "/admin/login" in client.get(address(application)).location
    assert "/admin/login" in post(client, address(application), {"description": "D"}).location
    assert staff_client().post(address(application), data={"description": "D"}).status_code == 400
    assert all_of(Invoice) == []


def test_somebody_who_may_not_see_invoices_comes_back_to_the_application(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = make.application()
    client = staff_client(["applications.view", "invoices.create"])
    answer = post(client, address(application), {"description": "Dogs"})
    assert answer.location == f"/admin/application/details/?id={application}"
    assert client.get(answer.location).status_code == 200
