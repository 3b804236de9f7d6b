"""Cards that end: told once a card, to the customer and to the staff whose business it is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import clock
from billing.billing_choice import set_billing_method
from billing.database import lock, reading, transaction
from billing.digests import waiting_digest
from billing.expiring import announce, announce_expiring, ending_methods
from jobs.letters import render
from models import History, PaymentMethod, Rental, Staff
from models.states import BillingMethod, Tender
from tests.billing.helpers import refusal_of, rows_of, together
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("app")

NOON = dt.datetime(2027, 3, 1, 18, tzinfo=dt.UTC)
END = dt.date(2027, 3, 31)


@pytest.fixture(autouse=True)
def _office(make: Factory, time: Any) -> None:
    make.settings(email="office@example.org", expiry_days=30, timezone="America/Chicago")
    time.set(NOON)


def card(make: Factory, ends: dt.date | None = END, user: int | None = None, **more: Any) -> int:
    user = user or make.user(**more)
    method = make.payment_method(user, f"token-{user}-{ends}")
    with transaction() as session:
        lock(session, PaymentMethod, method).expires_on = ends
    return method


def test_the_customer_and_the_office_are_told_once(make: Factory, time: Any) -> None:
    method = card(make)
    assert announce_expiring() == 1
    assert announce_expiring() == 0
    time.advance(days=60)
    assert announce_expiring() == 0
    [letter] = emails("card_expiring")
    assert letter.params == {
        "card": "Visa ending in 1111",
        "expires_on": "2027-03-31",
        "expired": False,
    }
    [notice] = emails("staff_notice")
    assert notice.to_address == "office@example.org"
    assert "Maria Alvarez’s Visa ending in 1111 expires on March 31, 2027" in str(notice.params)
    assert fetch(PaymentMethod, method).expiry_announced_at is not None


def test_history_says_it_without_a_name(make: Factory) -> None:
    card(make)
    announce_expiring()
    [row] = rows_of(History, History.verb == "announce_expiry")
    assert row.sentence == "The Visa ending in 1111 expires on March 31, 2027; an e-mail is queued"
    assert (row.record, row.actor_kind) == ("user", "system")


def test_the_letter_has_the_way_to_a_new_card(app: Any, make: Factory) -> None:
    card(make)
    announce_expiring()
    with reading() as session:
        letter = render(session.merge(emails("card_expiring")[0]), session)
    assert letter.subject == "Your card expires soon: Visa ending in 1111"
    for words in (letter.html, letter.text):
        assert "/m/" in words
        assert "Mar 31, 2027" in words
        assert "expires soon" in words


def test_one_that_has_ended_untold_is_told_that_it_has(make: Factory) -> None:
    card(make, dt.date(2027, 2, 28))
    announce_expiring()
    with reading() as session:
        letter = render(session.merge(emails("card_expiring")[0]), session)
    assert letter.subject == "Your card has expired: Visa ending in 1111"
    assert "can no longer use it" in letter.text
    assert "has expired" in str(emails("staff_notice")[0].params)


def test_the_days_of_the_settings_decide_at_the_offices_midnight(make: Factory, time: Any) -> None:
    method = card(make, dt.date(2027, 4, 30))
    time.set(dt.datetime(2027, 3, 31, 4, 59, tzinfo=dt.UTC))
    assert ending_methods() == []
    time.set(dt.datetime(2027, 3, 31, 5, 1, tzinfo=dt.UTC))
    assert ending_methods() == [method]


def _without_end(make: Factory) -> None:
    card(make, None)


def _later(make: Factory) -> None:
    card(make, dt.date(2028, 3, 31))


def _of_somebody_billed_by_invoice(make: Factory) -> None:
    user = make.user()
    card(make, user=user)
    set_billing_method(user, BillingMethod.INVOICE, actor=STAFF)


def _of_somebody_erased(make: Factory) -> None:
    card(make, erased_at=clock.now())


def _not_the_default(make: Factory) -> None:
    method = card(make)
    with transaction() as session:
        lock(session, PaymentMethod, method).is_default = False


def _removed(make: Factory) -> None:
    method = card(make)
    with transaction() as session:
        lock(session, PaymentMethod, method).removed_at = clock.now()


@pytest.mark.parametrize(
    "build",
    [
        _without_end,
        _later,
        _of_somebody_billed_by_invoice,
        _of_somebody_erased,
        _not_the_default,
        _removed,
    ],
)
def test_what_is_not_announced(make: Factory, build: Any) -> None:
    build(make)
    assert announce_expiring() == 0
    assert [announce(method.id) for method in rows_of(PaymentMethod)] == [False]
    assert emails() == []


def test_without_email_staff_are_told_that_nothing_went_out(make: Factory) -> None:
    card(make, email=None, no_email=True)
    assert announce_expiring() == 1
    assert emails("card_expiring") == []
    assert "nothing was e-mailed" in str(emails("staff_notice")[0].params)


def test_a_new_card_is_announced_by_itself(make: Factory, time: Any) -> None:
    user = make.user()
    first = card(make, user=user)
    announce_expiring()
    with transaction() as session:
        lock(session, PaymentMethod, first).is_default = False
    card(make, dt.date(2028, 3, 31), user=user)
    time.set(dt.datetime(2028, 3, 15, tzinfo=dt.UTC))
    assert announce_expiring() == 1
    assert len(emails("card_expiring")) == 2


@pytest.mark.parametrize("known_by", ["their own site", "a rental", "an invoice"])
def test_staff_who_deal_with_the_customer_are_told_and_others_are_not(
    make: Factory, known_by: str
) -> None:
    sites = [make.site(), make.site()]
    here, there = (make.staff(["notices.receive"], [site]) for site in sites)
    with transaction() as session:
        for staff in (here, there):
            lock(session, Staff, staff).notices = {"card_expiring": "at_once"}
    user = make.user(site_id=sites[0] if known_by == "their own site" else None)
    if known_by == "a rental":
        since = dt.date(2026, 1, 1)
        make.add(Rental(unit_id=make.unit(sites[0]), user_id=user, started_on=since))
    elif known_by == "an invoice":
        make.invoice(user, site_id=sites[0])
    card(make, user=user)
    announce_expiring()
    [notice] = emails("staff_notice")
    assert notice.to_address == fetch(Staff, here).email


def test_each_notice_leads_to_its_customers_page(app: Any, make: Factory) -> None:
    at_once, daily = make.staff(["notices.receive"]), make.staff(["notices.receive"])
    with transaction() as session:
        lock(session, Staff, at_once).notices = {"card_expiring": "at_once"}
    users = [make.user("Ada"), make.user("Bob")]
    for user in users:
        card(make, user=user)
    announce_expiring()
    paths = [f"/admin/user/details/?id={user}" for user in users]
    told = {email.params["path"] for email in emails("staff_notice")}
    assert told == set(paths)
    with reading() as session:
        letter = render(session.merge(emails("staff_notice")[0]), session)
        digest = waiting_digest(session, daily)
    assert "/admin/user/details/?id=" in letter.text
    assert "customer's page" not in letter.text
    [group] = digest.groups
    assert sorted(line.path for line in group.lines) == sorted(paths)


def test_many_at_once_announce_once(app: Any, make: Factory) -> None:
    method = card(make)
    results = together(app, [lambda: announce(method)] * 4)
    assert sorted(results) == [False, False, False, True]
    assert len(emails("card_expiring")) == 1


def test_nothing_there_is_refused(make: Factory) -> None:
    assert refusal_of(lambda: announce(4711)).code == "not_found"


def test_a_bank_account_has_no_end(make: Factory) -> None:
    make.payment_method(make.user(), "account", Tender.DIRECT_DEBIT)
    assert announce_expiring() == 0
