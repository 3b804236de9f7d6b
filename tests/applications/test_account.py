"""What customers see of their own, the link to one application, and the letters about it."""

from __future__ import annotations

from typing import Any

import pytest

from applications import account, deciding
from applications.links import application_token, application_url, read_application_token
from billing.actor import customer_actor
from billing.database import lock, reading, transaction
from billing.signed import LinkDead
from models import Application
from tests.applications.helpers import (
    ELSEWHERE,
    apply,
    customer_of,
    invoices_about,
    letter_of,
    pay_online,
)
from tests.billing.helpers import refusal_of
from tests.support import STAFF, Clock, Factory, emails, fetch


def test_people_who_share_an_address_see_all_of_theirs_and_nobody_elses(
    app: Any, make: Factory
) -> None:
    one, two, other = make.user(), make.user(), make.user()
    mine = [apply(make, user=one), apply(make, user=two)]
    apply(make, user=other)
    invoices = [make.invoice(one), make.invoice(two)]
    make.invoice(one, state="draft")
    make.invoice(other)
    with reading() as session:
        applications = account.applications_of(session, [one, two])
        assert [row.id for row in applications] == mine[::-1]
        found = account.invoices_of(session, [one, two])
        assert [row.id for row in found] == invoices[::-1]
        assert account.applications_of(session, []) == []
        assert account.invoices_of(session, []) == []


@pytest.mark.usefixtures("proven")
def test_what_was_paid_silently_is_among_a_customers_invoices(app: Any, make: Factory) -> None:
    application = apply(make)
    pay_online(application)
    with reading() as session:
        user_id = fetch(Application, application).user_id
        [invoice] = account.invoices_of(session, [user_id])
    assert invoice.id == invoices_about(application)[0].id


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"street": " "}, "street"),
        ({"city": "\x00"}, "city"),
        ({"street": "x" * 201}, "street"),
        ({"postal_code": "1" * 21}, "postal_code"),
    ],
)
def test_an_address_that_can_not_be_is_refused_at_its_field(
    app: Any, make: Factory, values: dict[str, str], field: str
) -> None:
    user = make.user()
    address = {"street": "1 New Street", "city": "Elsewhere", **values}
    actor = customer_actor(user)
    assert refusal_of(lambda: account.change_address(user, **address, actor=actor)).field == field


def test_the_link_opens_this_application_until_it_expires(
    app: Any, make: Factory, time: Clock
) -> None:
    application = apply(make)
    token = application_token(fetch(Application, application))
    with reading() as session:
        assert read_application_token(session, token).id == application
    time.advance(days=366)
    with reading() as session, pytest.raises(LinkDead):
        read_application_token(session, token)


def test_replaced_and_forged_links_open_nothing(app: Any, make: Factory) -> None:
    application = apply(make)
    token = application_token(fetch(Application, application))
    with transaction() as session:
        lock(session, Application, application).link_version += 1
    from billing.links import invoice_token
    from models import Invoice

    other = invoice_token(fetch(Invoice, make.invoice()))
    for forged in (token, token[:-1] + "x", other, "", "1", "x" * 999):
        with reading() as session, pytest.raises(LinkDead):
            read_application_token(session, forged)


def test_the_letter_of_a_rejection_says_why_how_much_and_where(app: Any, make: Factory) -> None:
    application = apply(make)
    deciding.reject(application, reason="Please <add> the map\r\nBcc: x@y.zz", actor=STAFF)
    letter = letter_of("application_rejected")
    url = application_url(fetch(Application, application))
    for text in (letter.html, letter.text):
        assert url in text
        assert "$15.00" in text
    assert "Please <add> the map" in letter.text
    assert "Please &lt;add&gt; the map" in letter.html
    assert "\n" not in letter.subject


@pytest.mark.usefixtures("proven")
def test_a_letter_asks_nobody_for_money_that_came_in_meanwhile(app: Any, make: Factory) -> None:
    application = apply(make)
    deciding.reject(application, reason="The address is wrong.", actor=STAFF)
    pay_online(application)
    letter = letter_of("application_rejected")
    assert "$15.00" not in letter.html + letter.text
    deciding.approve(application, actor=STAFF)
    approval = letter_of("application_approved")
    assert "approved" in approval.subject
    assert "outstanding" not in approval.text


def test_the_letter_about_an_outstanding_balance(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    deciding.change_answers(application, {"items": 2}, actor=STAFF)
    letter = letter_of("outstanding_balance")
    assert letter.subject == "The fees of your application have changed: $25.00 outstanding"
    assert "an invoice for it comes separately" in letter.text
    account.change_address(
        fetch(Application, application).user_id,
        street="1 New Street",
        city="Elsewhere",
        postal_code=ELSEWHERE,
        actor=customer_of(application),
    )
    assert len(emails("outstanding_balance")) == 2
