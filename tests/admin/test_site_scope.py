"""Whom staff bound to a site see: whoever lives, rents, applies or is invoiced there.

What such a user has at other sites stays out: invoices, payments, rentals, letters, sums and flags.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock
from billing.database import reading, transaction
from billing.in_person import Manual, process_manual
from billing.mailing import queue_email
from billing.statements import email_statement
from jobs.letters import render
from models import Invoice, OutgoingEmail, Payment, Rental, User
from models.states import BillingMethod, PaymentKind, PaymentState, Tender
from tests.admin.counter import text_of
from tests.admin.test_grid import ids, statements
from tests.documents.pdf_reader import read
from tests.support import STAFF, Factory, all_of, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
WAYS = ("Resident", "Renter", "Former renter", "Invoiced", "Applicant")

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def town(make: Factory, staff_client: Build) -> dict[str, Any]:
    """Two sites; at the first, one user for each way to belong to it, and a stranger.

    Ada rents and owes at both, and lives at the other one.
    """
    here, there = make.site("Mill Road"), make.site("Hilltop")
    user = {name: make.user(name) for name in WAYS[1:]}
    user["Resident"] = make.user("Resident", site_id=here)
    user["Stranger"] = make.user("Stranger", site_id=there)
    user["Ada"] = make.user("Ada Both", site_id=there)
    unit, other = make.unit(here, "A-01"), make.unit(there, "B-77")
    rent(make, unit, user["Renter"])
    rent(make, unit, user["Former renter"], ended_on=dt.date(2020, 2, 1))
    rent(make, unit, user["Ada"])
    rent(make, unit, user["Ada"])
    rent(make, other, user["Ada"])
    make.invoice(user["Invoiced"], site_id=here, total=1100)
    make.application(user["Applicant"], site_id=here)
    make.invoice(user["Stranger"], site_id=there)
    mine = make.invoice(user["Ada"], site_id=here, total=4100, description="Rent here")
    second = make.invoice(user["Ada"], site_id=here, total=100, description="Lock here")
    foreign = make.invoice(user["Ada"], site_id=there, total=55500, description="Rent elsewhere")
    return {
        "client": staff_client(None, (here,)),
        "user": user,
        "here": here,
        "there": there,
        "unit": unit,
        "mine": mine,
        "second": second,
        "foreign": foreign,
    }


def rent(make: Factory, unit: int, user: int, **values: Any) -> int:
    values = {"started_on": dt.date(2020, 1, 1), **values}
    return make.add(Rental(unit_id=unit, user_id=user, **values))


def money(make: Factory, user: int, site: int | None, amount: int) -> int:
    """A payment that no invoice has used."""
    return make.add(
        Payment(
            user_id=user,
            site_id=site,
            kind=PaymentKind.CHARGE,
            tender=Tender.CASH,
            state=PaymentState.SETTLED,
            amount=amount,
            currency="USD",
            reference=secrets.token_hex(8),
            started_at=clock.now(),
            collected_at=clock.now(),
        )
    )


def test_whoever_has_to_do_with_the_site_is_listed_once(town: dict[str, Any]) -> None:
    client = town["client"]
    everybody = sorted(key for name, key in town["user"].items() if name != "Stranger")
    assert sorted(ids(client.get("/admin/user/"))) == everybody
    rows = client.get("/admin/user/export/csv/").get_data(as_text=True).splitlines()
    assert len(rows) == 1 + len(everybody)
    assert "Stranger" not in "".join(rows)
    found = client.get("/admin/user/lookup/?q=").get_json()
    assert sorted(each["id"] for each in found) == everybody
    assert ids(client.get("/admin/user/?q=ada")) == [town["user"]["Ada"]]
    assert ids(client.get("/admin/user/?q=stranger")) == []


def test_lists_take_no_more_statements(town: dict[str, Any]) -> None:
    client = town["client"]
    for path in ("user/", "user/?q=ada", "user/?overdue=yes", "outgoingemail/", "rental/"):
        with statements() as seen:
            assert client.get(f"/admin/{path}").status_code == 200
        assert len(seen) <= 3, (path, seen)


def test_every_page_about_a_user_opens(town: dict[str, Any], post: Post) -> None:
    client, there = town["client"], town["user"]
    for name, user in there.items():
        status = 404 if name == "Stranger" else 200
        for path in (
            f"/admin/user/details/?id={user}",
            f"/admin/user/edit/?id={user}",
            f"/admin/statement/user/?id={user}",
            f"/admin/statement/statement.pdf?id={user}",
            f"/admin/invoice/create/for-user/?id={user}",
        ):
            assert client.get(path).status_code == status, (name, path)
        answer = post(client, f"/admin/user/billing/method/?id={user}", {"to": "invoice"})
        assert (answer.status_code == 404) is (status == 404), name
        changed = fetch(User, user).billing_method is BillingMethod.INVOICE
        assert changed is (status == 200), name


def test_filters_and_new_rentals_know_them(town: dict[str, Any], post: Post) -> None:
    client, user = town["client"], town["user"]
    page = text_of(client.get(f"/admin/invoice/?user={user['Ada']}"))
    assert "User: <b>Ada Both</b>" in page
    assert "Rent here" in page
    assert "Rent elsewhere" not in page
    assert "Rent here" in text_of(client.get("/admin/invoice/?user=ada"))
    assert "Stranger" not in text_of(client.get(f"/admin/invoice/?user={user['Stranger']}"))
    form = client.get("/admin/rental/new/").text
    assert ">Renter</option>" in form
    assert "Stranger" not in form
    typed = {"unit": town["unit"], "user": user["Applicant"], "started_on": "2026-05-02"}
    assert post(client, "/admin/rental/new/", typed).status_code == 302
    typed["user"] = user["Stranger"]
    assert "Choose one from the list." in post(client, "/admin/rental/new/", typed).text


def test_a_page_tells_nothing_of_other_sites(town: dict[str, Any], make: Factory) -> None:
    client, ada = town["client"], town["user"]["Ada"]
    money(make, ada, town["there"], 77700)
    page = text_of(client.get(f"/admin/user/details/?id={ada}"))
    for word in ("Rent elsewhere", "B-77", "555.00", "597.00", "777.00"):
        assert word not in page, word
    assert "Rent here" in page
    assert "$42.00" in page
    assert f"/admin/site/details/?id={town['there']}" not in page
    shown = text_of(client.get("/admin/user/?q=ada"))
    assert "$42.00" in shown
    assert "597.00" not in shown


def test_overdue_counts_only_here(town: dict[str, Any]) -> None:
    client, ada = town["client"], town["user"]["Ada"]
    with transaction() as session:
        session.get_one(Invoice, town["foreign"]).overdue_on = dt.date(2020, 1, 1)
    assert "Ada Both" not in client.get("/admin/user/?overdue=yes").text
    assert "Overdue:" not in text_of(client.get(f"/admin/user/details/?id={ada}"))
    with transaction() as session:
        session.get_one(Invoice, town["mine"]).overdue_on = dt.date(2020, 1, 1)
    assert "Ada Both" in client.get("/admin/user/?overdue=yes").text
    assert "Overdue: 1 invoice" in text_of(client.get(f"/admin/user/details/?id={ada}"))


def test_a_statement_holds_what_is_owed_here(
    town: dict[str, Any], make: Factory, post: Post, staff_client: Build
) -> None:
    client, ada = town["client"], town["user"]["Ada"]
    money(make, ada, town["there"], 77700)
    money(make, ada, town["here"], 300)
    page = text_of(client.get(f"/admin/statement/user/?id={ada}"))
    drawn = read(client.get(f"/admin/statement/statement.pdf?id={ada}").data).text
    post(client, "/admin/statement/send/", {"id": str(ada)})
    email_statement(ada, actor=STAFF)
    ours, whole = emails("statement")
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, ours.id), session).text
        other = render(session.get_one(OutgoingEmail, whole.id), session).text
    for text in (page, drawn, letter):
        assert "$42.00" in text
        for secret in ("555.00", "597.00", "777.00", "780.00"):
            assert secret not in text
    assert "597.00" in other
    listed = ids(client.get("/admin/outgoingemail/"))
    assert ours.id in listed
    assert whole.id not in listed
    assert client.get(f"/admin/outgoingemail/details/?id={whole.id}").status_code == 404
    assert staff_client().get(f"/admin/outgoingemail/details/?id={whole.id}").status_code == 200


def test_a_payment_is_spread_over_invoices_of_the_site(town: dict[str, Any], post: Post) -> None:
    client, ada = town["client"], town["user"]["Ada"]
    address = f"/admin/user/payment/record/?id={ada}"
    assert f'name="invoices" value="{town["foreign"]}"' not in client.get(address).text
    typed = {"amount": "42.00", "tender": "cash", "invoices": [town["foreign"]]}
    assert "Tick at least one invoice." in post(client, address, typed).text
    process_manual(town["mine"], Manual(Tender.CASH, 4100), shown_balance=4100, actor=STAFF)
    process_manual(town["second"], Manual(Tender.CASH, 100), shown_balance=100, actor=STAFF)
    said = "no open invoice at your sites"
    assert said in text_of(client.get(address))
    assert said in text_of(client.get(f"/admin/user/details/?id={ada}"))


def test_credit_is_only_what_was_received_here(
    town: dict[str, Any], make: Factory, post: Post, staff_client: Build
) -> None:
    client, ada, mine = town["client"], town["user"]["Ada"], town["mine"]
    address = f"/admin/invoice/use-credit/use/?id={mine}"
    elsewhere = money(make, ada, town["there"], 77700)
    assert "There is no credit to use." in text_of(client.get(address))
    assert "There is no credit to use." in text_of(client.get(f"/admin/invoice/details/?id={mine}"))
    received = money(make, ada, town["here"], 300)
    page = text_of(client.get(address))
    assert "$3.00" in page
    assert "777.00" not in page
    assert post(client, address, {"shown_balance": "4100"}).status_code == 303
    assert fetch(Payment, received).allocated == 300
    assert fetch(Payment, elsewhere).allocated == 0
    assert "$777.00" in text_of(staff_client().get(address))


def test_letters_belong_where_what_they_tell_of_does(town: dict[str, Any], make: Factory) -> None:
    client, ada = town["client"], town["user"]["Ada"]
    here = money(make, ada, town["here"], 300)
    there, both = money(make, ada, town["there"], 400), money(make, ada, None, 500)
    ours = make.application(ada, site_id=town["here"])
    theirs = make.application(ada, site_id=town["there"])
    seen: dict[int, bool] = {}
    with transaction() as session:
        user, stranger = session.get_one(User, ada), session.get_one(User, town["user"]["Stranger"])
        for name, to, expected, values in (
            ("invoice-here", user, True, {"invoice": session.get_one(Invoice, town["mine"])}),
            ("invoice-there", user, False, {"invoice": session.get_one(Invoice, town["foreign"])}),
            ("paid-here", user, True, {"payment": session.get_one(Payment, here)}),
            ("paid-there", user, False, {"payment": session.get_one(Payment, there)}),
            ("paid-both", user, False, {"payment": session.get_one(Payment, both)}),
            ("applied-here", user, True, {"params": {"application_id": ours}}),
            ("applied-there", user, False, {"params": {"application_id": theirs}}),
            ("card", user, True, {}),
            ("stranger", stranger, False, {}),
        ):
            email = queue_email(session, "fresh_link", name, to, **values)
            assert email is not None
            seen[email.id] = expected
    listed = ids(client.get("/admin/outgoingemail/?kind=fresh_link"))
    assert sorted(listed) == [key for key, expected in seen.items() if expected]
    for key, expected in seen.items():
        answer = client.get(f"/admin/outgoingemail/details/?id={key}")
        assert answer.status_code == (200 if expected else 404), key


def test_saving_a_user_leaves_their_site_alone(town: dict[str, Any], post: Post) -> None:
    client = town["client"]
    for name, site in (("Ada", town["there"]), ("Renter", None)):
        user = town["user"][name]
        address = f"/admin/user/edit/?id={user}"
        form = client.get(address).text
        assert ('name="site"' in form) is (site is None)
        assert "Hilltop" not in form
        typed = {"name": f"{name} Renamed", "site": "", "seen": seen_of(form)}
        assert post(client, address, typed).status_code == 302, name
        kept = fetch(User, user)
        assert (kept.name, kept.site_id) == (f"{name} Renamed", site)
    resident = f"/admin/user/edit/?id={town['user']['Resident']}"
    typed = {"name": "Gone", "site": "", "seen": seen_of(client.get(resident).text)}
    assert "Choose one of your sites." in post(client, resident, typed).text
    ada = f"/admin/user/edit/?id={town['user']['Ada']}"
    typed = {"name": "Ada", "site": str(town["here"]), "seen": seen_of(client.get(ada).text)}
    assert post(client, ada, typed).status_code == 302
    assert fetch(User, town["user"]["Ada"]).site_id == town["there"]


def seen_of(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_nobody_else_gained_or_lost_anything(town: dict[str, Any], staff_client: Build) -> None:
    page = staff_client().get("/admin/user/").text
    assert all(name in page for name in (*WAYS, "Stranger", "Ada Both"))
    assert len(all_of(User)) == len(WAYS) + 2
