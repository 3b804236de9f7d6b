"""What staff do with applications: decide, settle, invoice or credit a difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from applications import deciding
from billing import invoicing
from models import Application, Invoice, Note
from models.states import ApplicationState
from tests.admin.counter import application_eye, at_settle, change_fees, text_of
from tests.applications.helpers import apply, dog_park, invoices_about, state_of
from tests.billing.helpers import pay, rows_of
from tests.support import STAFF, Factory, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def do(verb: str, application_id: int) -> str:
    return f"/admin/application/decide/{verb}/?id={application_id}"


def test_approving_with_a_balance_needs_the_tick(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make)
    client = staff_client()
    assert "$15.00 is outstanding." in text_of(client.get(do("approve", application)))
    refused = post(client, do("approve", application))
    assert refused.status_code == 422
    assert "Settle it first, or approve with the balance." in text_of(refused)
    assert state_of(application) == "pending"
    answer = post(client, do("approve", application), {"with_balance": "y"})
    assert "The application was approved, and an e-mail says so" in text_of(
        client.get(answer.location)
    )
    assert state_of(application) == "approved"
    assert len(emails("application_approved")) == 1
    again = post(client, do("approve", application), {"with_balance": "y"})
    assert (again.status_code, len(emails("application_approved"))) == (422, 1)


def test_rejecting_needs_a_reason_that_is_shown(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make)
    client = staff_client()
    for reason in ("", "   ", "\0"):
        refused = post(client, do("reject", application), {"reason": reason})
        assert (refused.status_code, "Say why." in text_of(refused)) == (422, True)
    assert state_of(application) == "pending"
    answer = post(client, do("reject", application), {"reason": "The <b>map</b> is missing"})
    page = client.get(answer.location).get_data(as_text=True)
    assert "The &lt;b&gt;map&lt;/b&gt; is missing" in page
    assert state_of(application) == "rejected"
    assert len(emails("application_rejected")) == 1


def test_inactive_and_back_to_where_it_was(make: Factory, staff_client: Build, post: Post) -> None:
    application = apply(make)
    client = staff_client()
    assert "Mark Inactive" in text_of(client.get(application_eye(application)))
    post(client, do("deactivate", application), {"reason": "Moved away"})
    assert state_of(application) == "inactive"
    page = text_of(client.get(application_eye(application)))
    assert "Mark Active" in page
    assert "Moved away" in page
    answer = post(client, do("activate", application))
    assert "The application is pending again." in text_of(client.get(answer.location))
    assert state_of(application) == "pending"
    assert emails("application_approved") == []


def test_without_an_email_every_page_says_so(
    make: Factory, staff_client: Build, post: Post
) -> None:
    user = make.user(email=None, no_email=True, postal_code="62704")
    first, second = apply(make, user=user), apply(make, user=user)
    client = staff_client()
    assert "nothing about this application is sent" in text_of(client.get(application_eye(first)))
    assert "nothing is sent. Print" in text_of(client.get(f"/admin/user/details/?id={user}"))
    for verb, application, form in (
        ("approve", first, {"with_balance": "y"}),
        ("reject", second, {"reason": "Map"}),
    ):
        assert "nothing will be sent" in text_of(client.get(do(verb, application)))
        answer = post(client, do(verb, application), form)
        assert "Nothing was e-mailed: this user has no e-mail." in text_of(
            client.get(answer.location)
        )
    assert emails() == []


def test_pending_neither_shows_nor_accepts_generate_invoice(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make)
    client = staff_client()
    assert "Generate Invoice" not in text_of(client.get(application_eye(application)))
    address = f"/admin/application/do/generate-invoice/?id={application}"
    assert post(client, address, {"description": "Dogs"}).status_code == 422
    assert rows_of(Invoice) == []


def test_a_rise_after_an_invoice_is_invoiced_and_a_fall_is_credited(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make, state="approved")
    invoicing.generate_invoice(application, description="Dogs", due_on=None, actor=STAFF)
    client = staff_client()
    change_fees(application, 2500)
    page = text_of(client.get(application_eye(application)))
    assert "The fees are $15.00 more than what was invoiced." in page
    shown = text_of(client.get(do("invoice-difference", application)))
    assert "Difference in fees for 2027 Dog Park" in shown
    answer = post(client, do("invoice-difference", application), {"description": "More"})
    assert "Invoice #2 was generated and e-mailed" in text_of(client.get(answer.location))
    assert [row.total for row in invoices_about(application)] == [1500, 1500]
    change_fees(application, 1000)
    page = text_of(client.get(application_eye(application)))
    assert "The fees are $15.00 less than what was invoiced." in page
    assert "Say why." in text_of(post(client, do("credit-difference", application), {}))
    answer = post(client, do("credit-difference", application), {"reason": "One dog less"})
    assert "$15.00 was credited." in text_of(client.get(answer.location))
    assert [row.balance for row in invoices_about(application)] == [1500, 0]
    again = post(client, do("credit-difference", application), {"reason": "Again"})
    assert again.status_code == 422


def test_the_list_hides_drafts_and_filters_by_invoices(make: Factory, staff_client: Build) -> None:
    form = dog_park()
    none = apply(make, form=form, state="approved")
    draft = apply(make, form=form, state="draft")
    unpaid, paid = (apply(make, form=form, state="approved") for _ in range(2))
    for application in (unpaid, paid):
        invoicing.generate_invoice(application, description="Dogs", due_on=None, actor=STAFF)
    pay(invoices_about(paid)[0].id)
    client = staff_client()
    names = {key: fetch(Application, key).reference for key in (none, draft, unpaid, paid)}

    def listed(query: str = "") -> set[int]:
        page = text_of(client.get(f"/admin/application/{query}"))
        return {key for key, name in names.items() if name in page}

    assert listed() == {none, unpaid, paid}
    assert listed("?state=draft") == {draft}
    assert listed("?with_invoices=unpaid") == {unpaid}
    assert listed("?with_invoices=paid") == {paid}
    page = text_of(client.get("/admin/application/?with_invoices=nonsense"))
    assert "can't be “nonsense”" in page
    assert "Outstanding balance" in page


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/admin/application/decide/approve/", {"with_balance": "y"}),
        ("/admin/application/decide/reject/", {"reason": "x"}),
        ("/admin/application/decide/deactivate/", {"reason": "x"}),
        ("/admin/application/decide/activate/", {}),
        ("/admin/application/decide/invoice-difference/", {"description": "x"}),
        ("/admin/application/decide/credit-difference/", {"reason": "x"}),
        ("/admin/application/settle/", {"do": "process", "tender": "cash", "amount": "15"}),
        ("/admin/notes/application/", {"text": "x"}),
    ],
)
def test_each_needs_its_permission_the_site_a_sign_in_and_a_token(
    make: Factory,
    staff_client: Build,
    post: Post,
    client: FlaskClient,
    address: str,
    form: dict[str, str],
) -> None:
    mine, other = make.site(), make.site()
    application = make.application(site_id=other, state="pending")
    where = f"{address}?id={application}"
    assert post(staff_client(["applications.view"]), where, form).status_code == 403
    assert post(staff_client(sites=(mine,)), where, form).status_code == 404
    assert "/admin/login" in post(client, where, form).location
    assert staff_client().post(where, data=form).status_code == 400
    assert fetch(Application, application).state is ApplicationState.PENDING
    assert (rows_of(Note), rows_of(Invoice)) == ([], [])


def test_a_decided_application_is_refused_in_words(
    make: Factory, staff_client: Build, post: Post
) -> None:
    application = apply(make)
    deciding.mark_inactive(application, reason="", actor=STAFF)
    client = staff_client()
    for verb in ("approve", "reject", "deactivate"):
        answer = client.get(do(verb, application))
        assert (answer.status_code, "inactive" in text_of(answer)) == (422, True)
    assert "Nothing can be settled on it" in text_of(client.get(at_settle(application)))
