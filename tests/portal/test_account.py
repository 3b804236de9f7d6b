"""The account: what is to pay first, applications, details; nothing of anybody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import charging, clock, invoicing
from billing.actor import staff_actor
from billing.database import lock, transaction
from billing.in_person import Manual, process_manual
from billing.links import invoice_token
from billing.notes import add_note
from models import Application, Invoice, Staff
from models.states import Tender
from tests.applications.helpers import apply
from tests.portal.reading import words
from tests.support import STAFF, Clock, Factory, fetch

SignedIn = Callable[[int], FlaskClient]


def test_empty_account(make: Factory, customer_client: SignedIn) -> None:
    user = make.user("Zoë Alvarez", email="zoe@example.org", phone="(360) 555-0142")
    page = words(customer_client(user).get("/account"))
    for expected in (
        "Nothing is to pay. Thank you.",
        "Zoë Alvarez",
        "zoe@example.org",
        "(360) 555-0142",
        "12 Elm Street",
    ):
        assert expected in page
    assert "Paid invoices" not in page
    assert "Pay the ticked ones" not in page
    assert "pplication" not in page
    make.form()
    assert "You have no applications. Apply for something new" in words(
        customer_client(user).get("/account")
    )


def test_invoices_open_first_with_how_they_stand(
    make: Factory, customer_client: SignedIn, time: Clock, sandbox: Any
) -> None:
    make.settings(overdue_age=0)
    user = make.user()
    today = clock.now().date()
    paid = make.invoice(user, total=700)
    charging.pay_invoice(paid, nonce="fake-valid-nonce", shown_balance=700, actor=STAFF)
    checking = make.invoice(user, total=800)
    sandbox.fault("sale", "drop", "after")
    charging.pay_invoice(checking, nonce="fake-valid-nonce", shown_balance=800, actor=STAFF)
    late = make.invoice(user, total=1100, due_on=today + dt.timedelta(days=1))
    time.advance(days=10)
    soon = make.invoice(user, total=1200, due_on=today + dt.timedelta(days=30))
    draft = make.invoice(user, total=1300, state="draft")
    deleted = make.invoice(user, total=1400, state="draft")
    invoicing.delete_invoice(deleted, actor=STAFF)
    page = customer_client(user).get("/account")
    said = words(page)
    titles = [fetch(Invoice, number) for number in (late, soon, checking, paid)]
    places = [said.index(str(invoice)) for invoice in titles]
    assert places == sorted(places)
    for expected in ("Was due on", "Due on", "We are checking a payment.", "Paid on", "$11.00"):
        assert expected in said
    assert "$13.00" not in said
    assert "$14.00" not in said
    source = html.fromstring(page.text)
    ticks = source.xpath("//input[@type='checkbox']/@value")
    assert ticks == [str(late), str(soon)]
    assert draft not in map(int, ticks)


def test_the_links_of_an_invoice_open_its_papers(
    make: Factory, customer_client: SignedIn, sandbox: Any
) -> None:
    user = make.user()
    paid = make.invoice(user)
    charging.pay_invoice(paid, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    make.invoice(user)
    client = customer_client(user)
    source = html.fromstring(client.get("/account").text)
    links = [link for link in source.xpath("//a/@href") if link.startswith("/i/")]
    assert f"/i/{invoice_token(fetch(Invoice, paid))}/receipt" in links
    assert len(links) == 6
    for link in links:
        assert client.get(link).status_code == 200


def test_partly_paid_says_what_is_left(make: Factory, customer_client: SignedIn) -> None:
    user = make.user()
    invoice = make.invoice(user, total=5000)
    process_manual(invoice, Manual(Tender.CASH, 2000), shown_balance=5000, actor=STAFF)
    said = words(customer_client(user).get("/account"))
    assert "$30.00 of $50.00" in said
    assert "Receipt" in said


def test_applications_with_state_and_balance(make: Factory, customer_client: SignedIn) -> None:
    user = make.user(postal_code="62704")
    rejected = apply(make, user=user, state="rejected")
    approved = apply(make, user=user, state="approved")
    draft = apply(make, user=user, state="draft")
    inactive = apply(make, user=user, state="inactive")
    client = customer_client(user)
    page = client.get("/account")
    said = words(page)
    for expected in (
        "Rejected: the office asks for changes",
        "$15.00 is outstanding",
        "Pay $15.00",
        "Approved",
        "$15.00 is outstanding and paid by invoice",
        "Draft: not handed in yet",
        "Inactive",
    ):
        assert expected in said
    for number in (rejected, approved, draft, inactive):
        assert fetch(Application, number).reference in said
        assert f'href="/applications/{number}"' in page.text
        assert client.get(f"/applications/{number}").status_code == 200
    assert page.text.count("#pay") == 1


def test_people_who_share_an_address_see_each_others(
    make: Factory, customer_client: SignedIn
) -> None:
    anna = make.user("Anna Ortiz", email="family@example.org")
    ben = make.user("Ben Ortiz", email="Family@example.org")
    stranger = make.user("Sally Stranger")
    for user, total in ((anna, 1100), (ben, 1200), (stranger, 1300)):
        make.invoice(user, total=total)
    said = words(customer_client(anna).get("/account"))
    for expected in ("Anna Ortiz", "Ben Ortiz", "$11.00", "$12.00"):
        assert expected in said
    assert "Sally" not in said
    assert "$13.00" not in said


def test_hostile_text_stays_text(make: Factory, customer_client: SignedIn) -> None:
    user = make.user("<script>alert(1)</script>", street='"><img src=x onerror=alert(1)>')
    make.invoice(user, description="<svg/onload=alert(1)>")
    application = apply(make, user=user, state="pending")
    with transaction() as session:
        lock(session, Application, application).answers = {
            "items": 1,
            "<b>dog</b>": "<script>alert(2)</script>",
            "comment": "</textarea><script>alert(3)</script>",
        }
    client = customer_client(user)
    for path in ("/account", f"/applications/{application}", f"/account/address/{user}"):
        source = client.get(path).text
        for raw in ("<script>alert", "<img src=x", "<svg/onload", "<b>dog"):
            assert raw not in source


@pytest.mark.parametrize("path", ["/account", "/sign-in", "/sign-in-sent"])
def test_answers_stay_secret(make: Factory, customer_client: SignedIn, path: str) -> None:
    response = customer_client(make.user()).get(path)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response.headers["X-Robots-Tag"]


def test_notes_of_the_office_are_not_for_customers(
    make: Factory, customer_client: SignedIn
) -> None:
    application = apply(make, state="rejected")
    user = fetch(Application, application).user_id
    author = staff_actor(fetch(Staff, make.staff()))
    add_note("application", application, text="Looks like trouble", actor=author)
    add_note("user", user, text="Shouted at us", actor=author)
    client = customer_client(user)
    for path in ("/account", f"/applications/{application}"):
        said = words(client.get(path))
        assert "trouble" not in said
        assert "Shouted" not in said
    assert "The address is wrong." in said
