"""Who of staff is told what: by permission, by site, by choice; never twice, never in a flood."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billing import mailing, notices
from billing.actor import Actor
from billing.database import transaction
from billing.notice_kinds import KINDS, Choice
from billing.overdue import mark_overdue
from billing.overdue_news import tell_overdue
from models import History, Invoice, Staff, StaffNotice
from models.states import ActorKind
from tests.billing.helpers import SOFT_DECLINE, charge, keep, refusal_of, rows_of
from tests.support import STAFF, Clock, Factory, emails, fetch

ROOT = Path(__file__).resolve().parents[2]
RECEIVE = ["notices.receive"]
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def office(app: Any, make: Factory) -> None:
    make.settings(email="office@example.org")


def tell(occasion: str = "x", kind: str = "charge_failed", invoice: int | None = None) -> None:
    with transaction() as session:
        about = session.get_one(Invoice, invoice) if invoice else None
        mailing.notify_staff(session, occasion, "Look", "At this.", kind=kind, invoice=about)


def told() -> list[str]:
    return [email.to_address for email in emails("staff_notice")]


def address(staff: int) -> str:
    return str(fetch(Staff, staff).email)


def choose(staff: int, **choices: str) -> bool:
    return notices.set_notices(staff, choices, actor=Actor(ActorKind.STAFF, staff, "Sam Staff"))


def waiting() -> list[StaffNotice]:
    return rows_of(StaffNotice, StaffNotice.digested_at.is_(None))


def test_whoever_holds_the_permission_is_told_and_nobody_else(make: Factory) -> None:
    one, two = make.staff(RECEIVE), make.staff(["invoices.view", *RECEIVE])
    make.staff(["invoices.view"])
    invoice = make.invoice()
    tell(invoice=invoice)
    assert told() == [address(one), address(two)]
    [letter, _other] = emails("staff_notice")
    assert letter.params["path"] == f"/admin/invoice/details/?id={invoice}"
    assert waiting() == []


def test_daily_news_waits_for_the_digest(make: Factory) -> None:
    staff = make.staff(RECEIVE)
    tell(kind="card_expiring")
    assert told() == []
    [row] = waiting()
    assert (row.staff_id, row.kind, row.title, row.sentence) == (
        staff,
        "card_expiring",
        "Look",
        "At this.",
    )


def test_each_hears_of_each_kind_as_they_chose(make: Factory) -> None:
    at_once, daily, off = (make.staff(RECEIVE) for _ in range(3))
    for staff, choice in ((at_once, "at_once"), (daily, "daily"), (off, "off")):
        choose(staff, card_expiring=choice)
    tell(kind="card_expiring")
    assert told() == [address(at_once)]
    assert [row.staff_id for row in waiting()] == [daily]


def test_what_everybody_switched_off_does_not_go_to_the_office_either(make: Factory) -> None:
    choose(make.staff(RECEIVE), charge_failed="off")
    tell()
    assert told() == []
    assert rows_of(StaffNotice) == []


def test_where_nobody_may_be_told_the_office_is(make: Factory) -> None:
    make.staff(["invoices.view"])
    tell()
    [letter] = emails("staff_notice")
    assert (letter.to_address, letter.occasion) == ("office@example.org", "notice:x")


def test_somebody_who_may_not_sign_in_any_more_is_not_told(make: Factory) -> None:
    staff = make.staff(RECEIVE)
    with transaction() as session:
        session.get_one(Staff, staff).active = False
    tell()
    assert told() == ["office@example.org"]


def test_staff_of_a_site_hear_of_it_only(make: Factory) -> None:
    here, there = make.site(), make.site()
    local = make.staff(RECEIVE, [here])
    tell("here", invoice=make.invoice(site_id=here))
    assert told() == [address(local)]
    tell("there", invoice=make.invoice(site_id=there))
    tell("nowhere", invoice=make.invoice())
    tell("whole office")
    assert told()[1:] == ["office@example.org"] * 3
    everywhere = make.staff(RECEIVE)
    tell("there again", invoice=make.invoice(site_id=there))
    assert told()[4:] == [address(everywhere)]


def test_the_same_news_twice_is_one_notice(make: Factory) -> None:
    staff = make.staff(RECEIVE)
    for _ in range(2):
        tell()
        tell("daily", "card_expiring")
    choose(staff, charge_failed="daily")
    tell()
    assert len(told()) == 1
    assert len(rows_of(StaffNotice)) == 2


def test_the_eleventh_letter_within_an_hour_waits_for_the_digest(
    make: Factory, time: Clock
) -> None:
    make.staff(RECEIVE)
    tell("another kind", "dispute")
    for number in range(13):
        tell(f"n{number}")
    letters = [email for email in emails("staff_notice") if email.params["kind"] != "dispute"]
    assert len(letters) == 10
    assert [len(email.params["sentences"]) for email in letters] == [1] * 9 + [2]
    assert "daily digest" in letters[-1].params["sentences"][1]
    assert [row.occasion for row in waiting()] == ["n10", "n11", "n12"]
    time.advance(minutes=61)
    tell("an hour later")
    assert len(told()) == 12


def test_the_offices_address_is_not_flooded_either(make: Factory, time: Clock) -> None:
    for number in range(12):
        tell(f"n{number}")
    tell("another kind", "dispute")
    letters = [email for email in emails("staff_notice") if email.params["kind"] != "dispute"]
    assert len(letters) == 10
    assert "panel" in letters[-1].params["sentences"][1]
    time.advance(minutes=61)
    tell("an hour later")
    assert len(told()) == 12


@pytest.mark.parametrize("kept", [{}, {"charge_failed": "loudly"}, {"charge_failed": 7}, {"x": 1}])
def test_what_was_never_chosen_properly_is_as_usual(make: Factory, kept: dict[str, Any]) -> None:
    staff = make.staff(RECEIVE)
    with transaction() as session:
        session.get_one(Staff, staff).notices = kept
    tell()
    assert told() == [address(staff)]


def test_a_kind_there_is_not_is_other_news(make: Factory) -> None:
    make.staff(RECEIVE)
    tell(kind="nonsense")
    assert [row.kind for row in waiting()] == ["other"]


def test_every_kind_that_is_told_is_in_the_table() -> None:
    named = {
        word.value.value
        for room in ("billing", "jobs", "applications", "messaging", "portal", "admin")
        for path in (ROOT / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", getattr(call.func, "attr", "")) == "notify_staff"
        for word in call.keywords
        if word.arg == "kind" and isinstance(word.value, ast.Constant)
    }
    assert {"charge_failed", "dispute", "gateway_unknown", "unapplied"} <= named <= set(KINDS)


def test_choices_are_kept_with_one_line_of_history(make: Factory) -> None:
    staff = make.staff(RECEIVE)
    assert choose(staff, charge_failed="daily", overdue="daily")
    assert fetch(Staff, staff).notices == {"charge_failed": "daily", "overdue": "daily"}
    [row] = rows_of(History, History.verb == "set_notices")
    assert (row.record, row.record_id) == ("staff", staff)
    assert row.details["changes"] == {"charge_failed": ["At once", "Daily"]}
    assert choose(staff, charge_failed="daily") is False
    assert len(rows_of(History, History.verb == "set_notices")) == 1
    assert notices.choice_of(fetch(Staff, staff), "charge_failed") is Choice.DAILY


def test_nobody_chooses_for_somebody_else(make: Factory) -> None:
    staff = make.staff(RECEIVE)
    customer = Actor(ActorKind.CUSTOMER, staff)
    for who in (STAFF if staff != STAFF.id else Actor(ActorKind.STAFF, 999), customer):
        verb = partial(notices.set_notices, staff, {"overdue": "off"}, actor=who)
        assert refusal_of(verb).code == "not_own"


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"nonsense": "off"}, "unknown_kind"),
        ({"overdue": "loudly"}, "unknown_choice"),
        ({"overdue": ""}, "unknown_choice"),
        ({"charge_failed": "off", "overdue": "\0"}, "unknown_choice"),
    ],
)
def test_bad_choices_change_nothing(make: Factory, choices: dict[str, str], code: str) -> None:
    staff = make.staff(RECEIVE)
    assert refusal_of(lambda: choose(staff, **choices)).code == code


def test_a_declined_charge_is_told_as_one(make: Factory, sandbox: Any) -> None:
    staff = make.staff(RECEIVE)
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    charge(invoice)
    assert fetch(Invoice, invoice).state == "failed"
    [row] = rows_of(StaffNotice)
    assert (row.staff_id, row.kind, row.invoice_id) == (staff, "charge_failed", invoice)
    assert told() == [address(staff)]


def test_overdue_is_counted_for_each_by_their_sites(make: Factory, time: Clock) -> None:
    make.settings(overdue_age=1)
    here, there = make.site(), make.site()
    for site, total in ((here, 1000), (here, 500), (there, 2000), (None, 4000)):
        make.invoice(total=total, site_id=site)
    local, all_of_it = make.staff(RECEIVE, [here]), make.staff(RECEIVE)
    make.staff(RECEIVE, [make.site()])
    time.advance(days=3)
    mark_overdue()
    assert tell_overdue() == 4
    tell_overdue()
    said = {row.staff_id: (row.title, row.sentence.split(" is ")[0]) for row in waiting()}
    assert said == {
        local: ("2 overdue invoices", "$15.00"),
        all_of_it: ("4 overdue invoices", "$75.00"),
    }
    assert told() == []


def test_a_letter_that_came_back_is_told_but_not_one_to_staff(make: Factory, time: Clock) -> None:
    staff = make.staff(RECEIVE)
    make.invoice()
    [letter] = emails("invoice")
    mailing.record_failure(letter.id, "550 no such user", final=True)
    [row] = waiting()
    assert (row.kind, row.staff_id, row.invoice_id) == ("email_failed", staff, letter.invoice_id)
    assert "550 no such user" in row.sentence
    tell()
    [notice] = emails("staff_notice")
    mailing.record_failure(notice.id, "550 no such user", final=True)
    assert len(waiting()) == 1
