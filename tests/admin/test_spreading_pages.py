"""Record payment over several invoices, and statements, as staff use them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock
from billing.crediting import credit_invoice
from billing.database import transaction
from models import Invoice, Payment, Unit
from tests.admin.counter import text_of
from tests.documents.pdf_reader import read
from tests.support import STAFF, Clock, Factory, all_of, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("sandbox")


def page(user: int) -> str:
    return f"/admin/user/payment/record/?id={user}"


@pytest.fixture
def debtor(app: Any, make: Factory) -> tuple[int, list[int]]:
    user = make.user("Maria Alvarez")
    return user, [make.invoice(user, total=total) for total in (1000, 2000, 3000)]


def typed(invoices: list[int], amount: str, **more: Any) -> dict[str, Any]:
    return {
        "amount": amount,
        "tender": "cash",
        "received": "",
        "invoices": [str(each) for each in invoices],
        "do": "preview",
        **more,
    }


def plan_in(text: str) -> str:
    found = re.search(r'name="plan" value="([^"]*)"', text)
    assert found is not None
    return found[1]


def test_the_plan_is_shown_first_and_recorded_as_shown(
    debtor: tuple[int, list[int]], staff_client: Build, post: Post
) -> None:
    user, invoices = debtor
    client = staff_client()
    assert "Record payment" in text_of(client.get(f"/admin/user/details/?id={user}"))
    answer = post(client, page(user), typed(invoices, "25.00"))
    shown = text_of(answer)
    assert answer.status_code == 200
    assert "Record $25.00" in shown
    assert all_of(Payment) == []
    answer = post(
        client,
        page(user),
        typed(invoices, "25.00", do="record", plan=plan_in(shown), send_receipt="y"),
    )
    assert answer.status_code == 303
    said = text_of(client.get(answer.location))
    assert "$25.00 was recorded for 2 invoices; 1 of them paid in full." in said
    assert [fetch(Invoice, each).balance for each in invoices] == [0, 500, 3000]
    assert len(emails("receipt")) == 1


def test_what_is_left_over_is_announced_before_and_after(
    debtor: tuple[int, list[int]], staff_client: Build, post: Post
) -> None:
    user, invoices = debtor
    client = staff_client()
    form = typed(invoices, "70.00", received="80.00")
    shown = text_of(post(client, page(user), form))
    assert "$10.00 is more than these invoices need" in shown
    answer = post(client, page(user), {**form, "do": "record", "plan": plan_in(shown)})
    said = text_of(client.get(answer.location))
    assert "$10.00 is left as this user's credit. Change due: $10.00." in said
    assert emails("receipt") == []


def test_an_amount_changed_after_the_plan_is_shown_again(
    debtor: tuple[int, list[int]], staff_client: Build, post: Post
) -> None:
    user, invoices = debtor
    client = staff_client()
    shown = plan_in(text_of(post(client, page(user), typed(invoices, "25.00"))))
    answer = post(client, page(user), typed(invoices, "30.00", do="record", plan=shown))
    assert answer.status_code == 422
    assert "The amounts below are new" in text_of(answer)
    assert all_of(Payment) == []


@pytest.mark.parametrize("plan", ["", "1:2", "x", "1:1:1,", "9" * 30 + ":1:1", "1:1:1\n"])
def test_a_plan_that_was_tampered_with_records_nothing(
    debtor: tuple[int, list[int]], staff_client: Build, post: Post, plan: str
) -> None:
    user, invoices = debtor
    answer = post(staff_client(), page(user), typed(invoices, "25.00", do="record", plan=plan))
    assert answer.status_code == 422
    assert all_of(Payment) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"amount": "0"}, "more than zero"),
        ({"amount": "-5"}, ""),
        ({"amount": "abc"}, ""),
        ({"amount": "1.234"}, ""),
        ({"amount": ""}, "Enter the amount."),
        ({"tender": "card"}, "Choose a form of payment."),
        ({"tender": ""}, "Choose a form of payment."),
        ({"invoices": []}, "Tick at least one invoice."),
        ({"tender": "check", "check_number": "", "do": "preview"}, ""),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(
    debtor: tuple[int, list[int]],
    staff_client: Build,
    post: Post,
    change: dict[str, Any],
    sentence: str,
) -> None:
    user, invoices = debtor
    client = staff_client()
    answer = post(client, page(user), {**typed(invoices, "25.00"), **change})
    shown = text_of(answer)
    assert sentence in shown
    if change.get("tender") == "check":
        again = {**typed(invoices, "25.00"), **change, "do": "record", "plan": plan_in(shown)}
        answer = post(client, page(user), again)
        assert "Enter the number of the check." in text_of(answer)
    assert answer.status_code == 422
    assert all_of(Payment) == []


def test_who_owes_nothing_gets_no_form(make: Factory, staff_client: Build) -> None:
    user = make.user()
    client = staff_client()
    assert "no open invoice" in text_of(client.get(page(user)))
    assert "no open invoice" in text_of(client.get(f"/admin/user/details/?id={user}"))


def test_the_doors(
    debtor: tuple[int, list[int]], make: Factory, staff_client: Build, post: Post
) -> None:
    user, invoices = debtor
    assert staff_client(["users.view"]).get(page(user)).status_code == 403
    other = make.site()
    elsewhere = staff_client(sites=[other])
    assert elsewhere.get(page(user)).status_code == 404
    assert elsewhere.get(f"/admin/statement/user/?id={user}").status_code == 404
    assert elsewhere.get(f"/admin/statement/statement.pdf?id={user}").status_code == 404
    without_token = staff_client().post(page(user), data=typed(invoices, "25.00"))
    assert without_token.status_code == 400
    assert staff_client(["invoices.view"]).get("/admin/statement/send/").status_code in (404, 405)
    refused = post(staff_client(["invoices.view"]), "/admin/statement/send/", {"id": str(user)})
    assert refused.status_code == 403


def test_only_invoices_of_ones_own_sites_are_offered(make: Factory, staff_client: Build) -> None:
    here, there = make.site(), make.site()
    user = make.user(site_id=here)
    mine, other = make.invoice(user, site_id=here), make.invoice(user, site_id=there)
    shown = text_of(staff_client(sites=[here]).get(page(user)))
    assert f'name="invoices" value="{mine}"' in shown
    assert f'name="invoices" value="{other}"' not in shown


def test_the_page_says_what_oldest_means(make: Factory, staff_client: Build, time: Clock) -> None:
    user = make.user()
    make.invoice(user, total=900, due_on=clock.now().date() + dt.timedelta(days=10))
    time.advance(days=9)
    undated = make.invoice(user, total=500)
    text = text_of(staff_client().get(page(user)))
    assert "an invoice without a due date counts by its invoice date" in text
    rows = re.findall(r"<td data-label=\"Due\">(.*?)</td>", text)
    assert "No due date; invoice of" in rows[0]
    assert "No due date" not in rows[1]
    assert text.index(f'name="invoices" value="{undated}"') == text.index('name="invoices"')


def test_the_statements_page_tells_credited_from_paid(
    debtor: tuple[int, list[int]], staff_client: Build
) -> None:
    user, invoices = debtor
    client = staff_client()
    address = f"/admin/statement/user/?id={user}"
    assert "Credited" not in text_of(client.get(address))
    credit_invoice(invoices[1], amount=300, shown_balance=2000, reason="Goodwill", actor=STAFF)
    shown = text_of(client.get(address))
    assert '<td data-label="Credited" class="k-figure">$3.00</td>' in shown
    assert shown.count('<td data-label="Paid" class="k-figure"><span class="none">–') == 3


def test_a_statement_on_the_page_as_pdf_and_by_e_mail(
    debtor: tuple[int, list[int]], staff_client: Build, post: Post
) -> None:
    user, _invoices = debtor
    client = staff_client()
    shown = text_of(client.get(f"/admin/statement/user/?id={user}"))
    assert "$60.00" in shown
    file = client.get(f"/admin/statement/statement.pdf?id={user}")
    assert "$60.00" in read(file.data).text
    answer = post(client, "/admin/statement/send/", {"id": str(user)})
    assert "The statement goes to" in text_of(client.get(answer.location))
    assert len(emails("statement")) == 1


def test_a_units_statements_are_one_for_each_who_owes(
    make: Factory, staff_client: Build, post: Post
) -> None:
    site = make.site()
    unit = make.unit(site)
    people = [make.user("Former Tenant"), make.user("Present Tenant", email=None, no_email=True)]
    with transaction() as session:
        billable = session.get_one(Unit, unit).billable_id
    for user in people:
        invoice = make.invoice(user, total=1000, site_id=site)
        with transaction() as session:
            session.get_one(Invoice, invoice).billable_id = billable
    client = staff_client()
    shown = text_of(client.get(f"/admin/statement/unit/?id={unit}"))
    assert "Former Tenant" in shown
    assert "This user has no e-mail." in shown
    answer = post(client, "/admin/statement/send/", {"id": str(people[1]), "unit": str(unit)})
    assert "no e-mail" in text_of(client.get(answer.location))
    post(client, "/admin/statement/send/", {"id": str(people[0]), "unit": str(unit)})
    assert [row.params for row in emails("statement")] == [{"unit_id": unit}]
    empty = make.unit(site)
    assert "Nothing is outstanding" in text_of(client.get(f"/admin/statement/unit/?id={empty}"))
