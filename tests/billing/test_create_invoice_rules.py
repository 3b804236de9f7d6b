"""What a new draft may be about, and what editing one may not do: refused whole, or done whole."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import clock, drafts, invoicing, proof
from billing.actions import unit_actions, user_actions
from billing.database import lock, reading, transaction
from billing.items import Line
from models import (
    Application,
    ApplicationFee,
    Invoice,
    Rental,
    Unit,
    User,
)
from tests.billing.helpers import everything, refusal_of
from tests.support import STAFF, Clock, Factory, fetch


def rent(make: Factory, unit: int, user: int, **values: Any) -> int:
    started = clock.now().date() - dt.timedelta(days=40)
    return make.add(Rental(unit_id=unit, user_id=user, started_on=started, **values))


def change(model: type[Any], record_id: int, **values: Any) -> None:
    with transaction() as session:
        record = lock(session, model, record_id)
        for name, value in values.items():
            setattr(record, name, value)


def create(user: int, **values: Any) -> int:
    return invoicing.create_invoice(user, description="Rent", actor=STAFF, **values)


def edit(invoice: int, *lines: Line, **values: Any) -> None:
    asked: dict[str, Any] = {"description": "x", "due_on": None, "actor": STAFF, **values}
    invoicing.edit_draft(invoice, lines=lines, **asked)


@pytest.fixture
def rented(make: Factory) -> tuple[int, int, int, int]:
    """A user, the unit they rent, its site and their rental."""
    site = make.site()
    user, unit = make.user(), make.unit(site)
    return user, unit, site, rent(make, unit, user)


class TestRentals:
    def test_a_rental_brings_site_and_billable(
        self, make: Factory, rented: tuple[int, int, int, int]
    ) -> None:
        user, unit, site, rental = rented
        invoice = fetch(Invoice, create(user, rental_id=rental, site_id=site))
        assert (invoice.user_id, invoice.site_id, invoice.rental_id) == (user, site, rental)
        assert invoice.billable_id == fetch(Unit, unit).billable_id
        assert invoice.number is None

    def test_a_unit_that_was_moved_meanwhile(
        self, make: Factory, rented: tuple[int, int, int, int]
    ) -> None:
        user, unit, site, rental = rented
        change(Unit, unit, site_id=make.site("Hilltop"))
        refusal = refusal_of(lambda: create(user, rental_id=rental, site_id=site))
        assert (refusal.code, refusal.field) == ("unit_moved", "rental")
        assert "was moved to Hilltop meanwhile" in refusal.sentence

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"started_on": -500, "ended_on": -367}, "rental_ended"),
            ({"started_on": 3, "ended_on": 9}, "rental_not_begun"),
        ],
    )
    def test_a_rental_that_ended_long_ago_or_has_not_begun(
        self, rented: tuple[int, int, int, int], values: dict[str, int], code: str
    ) -> None:
        user, _unit, site, rental = rented
        today = clock.now().date()
        days = {name: today + dt.timedelta(days=days) for name, days in values.items()}
        change(Rental, rental, **days)
        refusal = refusal_of(lambda: create(user, rental_id=rental, site_id=site))
        assert (refusal.code, refusal.field) == (code, "rental")

    @pytest.mark.parametrize(
        ("today", "last_day", "first_refused"),
        [
            ((2026, 11, 22), (2025, 11, 22), (2025, 11, 21)),
            ((2028, 2, 29), (2027, 2, 28), (2027, 2, 27)),
            ((2029, 2, 28), (2028, 2, 28), (2028, 2, 27)),
        ],
    )
    def test_a_final_bill_is_made_for_twelve_months_after_moving_out(
        self,
        time: Clock,
        rented: tuple[int, int, int, int],
        today: tuple[int, int, int],
        last_day: tuple[int, int, int],
        first_refused: tuple[int, int, int],
    ) -> None:
        user, unit, site, rental = rented
        time.set(dt.datetime(*today, 20, tzinfo=dt.UTC))
        change(Rental, rental, started_on=dt.date(2020, 1, 1), ended_on=dt.date(*last_day))
        invoice = fetch(Invoice, create(user, rental_id=rental, site_id=site))
        assert (invoice.rental_id, invoice.site_id) == (rental, site)
        assert invoice.billable_id == fetch(Unit, unit).billable_id
        # The draft it has is worked on whatever the day.
        change(Rental, rental, ended_on=dt.date(*first_refused))
        refusal = refusal_of(lambda: create(user, rental_id=rental, site_id=site))
        assert (refusal.code, refusal.field) == ("rental_ended", "rental")
        assert "more than 12 months ago" in refusal.sentence
        edit(invoice.id, Line("Rent", 100))

    def test_an_ended_one_is_bound_by_the_same_rules(
        self, make: Factory, rented: tuple[int, int, int, int]
    ) -> None:
        user, unit, site, rental = rented
        change(Rental, rental, ended_on=clock.now().date() - dt.timedelta(days=3))
        elsewhere, other = make.site(), make.user()

        def code(of: int = user, **values: Any) -> str:
            return refusal_of(lambda: create(of, rental_id=rental, **values)).code

        assert code(of=other, site_id=site) == "rental_of_another"
        assert code(site_id=site, within={elsewhere}) == "other_site"
        change(Unit, unit, site_id=elsewhere)
        assert code(site_id=site) == "unit_moved"

    def test_one_that_ends_today_still_runs(self, rented: tuple[int, int, int, int]) -> None:
        user, _unit, site, rental = rented
        change(Rental, rental, ended_on=clock.now().date())
        assert create(user, rental_id=rental, site_id=site)

    def test_another_users_rental(self, make: Factory, rented: tuple[int, int, int, int]) -> None:
        _user, _unit, site, rental = rented
        other = make.user()
        refusal = refusal_of(lambda: create(other, rental_id=rental, site_id=site))
        assert refusal.code == "rental_of_another"

    def test_one_that_is_gone(self, rented: tuple[int, int, int, int]) -> None:
        assert refusal_of(lambda: create(rented[0], rental_id=987_654)).code == "no_rental"

    def test_staff_of_another_site(self, make: Factory, rented: tuple[int, int, int, int]) -> None:
        user, _unit, site, rental = rented
        elsewhere = make.site()
        refusal = refusal_of(
            lambda: create(user, rental_id=rental, site_id=site, within={elsewhere})
        )
        assert refusal.code == "other_site"
        # A user of no site: an invoice nobody bound to a site could see again.
        assert refusal_of(lambda: create(user, within={elsewhere})).code == "other_site"
        assert create(user, rental_id=rental, site_id=site, within={site, elsewhere})


def test_nothing_is_invoiced_to_an_erased_user(make: Factory) -> None:
    user = make.user(erased_at=clock.now())
    assert refusal_of(lambda: create(user)).code == "user_erased"
    with reading() as session:
        [action] = [
            each
            for each in user_actions(session, session.get_one(User, user))
            if each.name == "create_invoice"
        ]
    assert action.why_not == "This user was erased; nothing can be invoiced to them."


def test_running_rentals_come_first_then_those_that_ended_last(make: Factory) -> None:
    site, user = make.site(), make.user()
    today = clock.now().date()

    def rented(ended: int | None = None, started: int = 500) -> int:
        ended_on = None if ended is None else today - dt.timedelta(days=ended)
        started_on = today - dt.timedelta(days=started)
        return make.add(
            Rental(unit_id=make.unit(site), user_id=user, started_on=started_on, ended_on=ended_on)
        )

    long_ago, last_month, yesterday = rented(400), rented(30), rented(2)
    young, old, leaving = rented(started=10), rented(started=90), rented(-5)
    rented(started=-3)
    with reading() as session:
        found = drafts.rentals_to_invoice(session, user_id=user)
        assert [each.id for each in found] == [leaving, old, young, yesterday, last_month]
        assert long_ago not in [each.id for each in found]


def test_a_unit_nobody_rents_has_a_greyed_button(make: Factory) -> None:
    unit = make.unit(make.site())
    user = make.user()

    def why_not() -> str | None:
        with reading() as session:
            actions = unit_actions(session, session.get_one(Unit, unit))
        return next(each.why_not for each in actions if each.name == "create_invoice")

    nobody = "Nobody has rented this unit in the last 12 months."
    assert why_not() == nobody
    rental = rent(make, unit, user, ended_on=clock.now().date() - dt.timedelta(days=1))
    assert why_not() is None
    long_ago = clock.now().date() - dt.timedelta(days=400)
    change(Rental, rental, started_on=long_ago, ended_on=long_ago)
    assert why_not() == nobody
    change(Rental, rental, ended_on=None)
    assert why_not() is None
    change(User, user, erased_at=clock.now())
    assert why_not() == nobody


class TestApplications:
    @pytest.fixture
    def owing(self, make: Factory) -> tuple[int, int, int]:
        """An approved application that owes $20.00: its id, user and billable."""
        application = fetch(Application, make.application(fees=2000))
        return application.id, application.user_id, application.billable_id

    def test_an_invoice_about_one_asks_for_no_more_than_it_owes(
        self, owing: tuple[int, int, int]
    ) -> None:
        _application, user, billable = owing
        too_much = [Line("All", 2000), Line("More", 1)]
        refusal = refusal_of(lambda: create(user, billable_id=billable, lines=too_much))
        assert refusal.code == "more_than_owed"
        assert "$0.01 more than" in refusal.sentence
        invoice = create(user, billable_id=billable, lines=[Line("All", 2000)])
        again = refusal_of(lambda: create(user, billable_id=billable))
        assert again.code == "already_invoiced"
        refusal = refusal_of(lambda: edit(invoice, *too_much))
        assert refusal.code == "more_than_owed"
        edit(invoice, Line("Part", 1500))
        edit(invoice, Line("All", 2000))
        assert proof.verify(ask_gateway=False) == []

    def test_one_whose_fees_fell_can_be_corrected_but_not_raised(
        self, owing: tuple[int, int, int]
    ) -> None:
        application, user, billable = owing
        invoice = create(user, billable_id=billable, lines=[Line("All", 2000)])
        change(Application, application, fees_total=500)
        with transaction() as session:
            session.query(ApplicationFee).update({"amount": 500})
        edit(invoice, Line("Less", 900))
        assert refusal_of(lambda: edit(invoice, Line("x", 901))).code == "more_than_owed"
        edit(invoice, Line("Right", 500))

    def test_another_users_and_one_that_is_not_approved(
        self, make: Factory, owing: tuple[int, int, int]
    ) -> None:
        other = make.user()
        refusal = refusal_of(lambda: create(other, billable_id=owing[2]))
        assert refusal.code == "application_of_another"
        pending = fetch(Application, make.application(state="pending"))
        refusal = refusal_of(lambda: create(pending.user_id, billable_id=pending.billable_id))
        assert refusal.code == "application_not_approved"


def test_an_issued_a_paid_and_a_deleted_one_say_why_not(make: Factory) -> None:
    def sentence(invoice: int) -> str:
        return refusal_of(lambda: edit(invoice, Line("x", 1))).sentence

    sent = make.invoice()
    assert sentence(sent) == "Only drafts can be edited. Set it back to draft first."
    deleted = make.invoice(state="draft")
    invoicing.delete_invoice(deleted, actor=STAFF)
    assert sentence(deleted) == "This invoice is deleted."


def test_a_refused_draft_leaves_nothing_at_all(make: Factory) -> None:
    user = make.user()
    before = everything()
    refusal_of(lambda: create(user, lines=[Line("ok", 1), Line("", 1)]))
    assert everything() == before
