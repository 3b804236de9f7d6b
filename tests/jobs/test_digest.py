"""The daily digest: everything that waits, once, in one letter; nothing waits, no letter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from lxml import html

from billing import clock, mailing
from billing.database import reading, transaction
from jobs import sweeps
from jobs.letters import Letter, render
from jobs.schedule import TIMETABLE
from models import Invoice, OutgoingEmail, Payment, Staff, StaffNotice
from models.states import Tender
from tests.billing.helpers import together
from tests.support import Factory, all_of, emails, fetch

RECEIVE = ["notices.receive"]
pytestmark = pytest.mark.usefixtures("app")


def wait_for(kind: str = "overdue", times: int = 1, **about: int) -> None:
    with transaction() as session:
        for _ in range(times):
            mailing.notify_staff(
                session,
                f"{kind}:{len(about)}:{clock.now().timestamp()}",
                "Look <here>",
                "At $5.00.",
                kind=kind,
                invoice=session.get(Invoice, about["invoice"]) if about else None,
                payment=session.get(Payment, about["payment"]) if "payment" in about else None,
            )


def daily(make: Factory, **choices: str) -> int:
    staff = make.staff(RECEIVE)
    with transaction() as session:
        session.get_one(Staff, staff).notices = dict.fromkeys(("charge_failed", *choices), "daily")
    return staff


def written(email: OutgoingEmail) -> Letter:
    with reading() as session:
        return render(session.get_one(OutgoingEmail, email.id), session)


def payment_of(invoice: int, amount: int, make: Factory) -> int:
    return make.add(
        Payment(
            user_id=fetch(Invoice, invoice).user_id,
            tender=Tender.CARD,
            state="declined",
            amount=amount,
            currency="USD",
            reference=f"ref-{amount}",
            started_at=clock.now(),
        )
    )


def test_it_runs_once_a_day_at_seven() -> None:
    [entry] = [entry for entry in TIMETABLE if entry.name == "notices.digest"]
    assert (entry.seconds, entry.hour) == (0, 7)


def test_everything_that_waits_is_one_letter_by_kind(make: Factory) -> None:
    staff = daily(make)
    invoice = make.invoice()
    wait_for("overdue")
    for amount in (1000, 2500):
        wait_for("charge_failed", invoice=invoice, payment=payment_of(invoice, amount, make))
    assert sweeps.send_digests([]) == "1 daily digest sent"
    [email] = emails("staff_digest")
    assert email.to_address == fetch(Staff, staff).email
    letter = written(email)
    assert letter.subject == "3 notices for you"
    page = html.fromstring(letter.html)
    assert [each.text_content().strip() for each in page.xpath("//h2")] == [
        "A charge failed: 2, $35.00",
        "Overdue invoices",
    ]
    assert "A charge failed: 2, $35.00" in letter.text
    links = page.xpath("//a/@href")
    assert links.count(f"http://127.0.0.1:8000/admin/invoice/details/?id={invoice}") == 2
    assert "http://127.0.0.1:8000/admin/my-notices/" in links
    assert "Look <here>" in letter.text
    assert "Look <here>" not in letter.html


def test_nothing_waits_no_letter(make: Factory) -> None:
    make.staff(RECEIVE)
    assert sweeps.send_digests([]) == "0 daily digests sent"
    assert emails() == []


def test_what_was_told_at_once_is_not_told_again(make: Factory) -> None:
    make.staff(RECEIVE)
    wait_for("charge_failed")
    assert len(emails("staff_notice")) == 1
    sweeps.send_digests([])
    assert emails("staff_digest") == []


def test_each_notice_is_taken_along_once(make: Factory) -> None:
    make.staff(RECEIVE)
    wait_for()
    sweeps.send_digests([])
    sweeps.send_digests([])
    assert len(emails("staff_digest")) == 1
    wait_for()
    sweeps.send_digests([])
    first, second = emails("staff_digest")
    assert set(first.params["notices"]).isdisjoint(second.params["notices"])
    assert written(second).subject == "1 notice for you"


def test_two_workers_send_one_letter(app: Flask, make: Factory) -> None:
    people = [make.staff(RECEIVE) for _ in range(2)]
    wait_for(times=5)
    results = together(app, [lambda: sweeps.send_digests([])] * 4)
    assert all(isinstance(each, str) for each in results)
    assert len(emails("staff_digest")) == len(people)
    for email in emails("staff_digest"):
        assert len(email.params["notices"]) == 5


def test_a_crash_leaves_everything_waiting(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = make.staff(RECEIVE), make.staff(RECEIVE)
    wait_for()
    whole = mailing.queue_email

    def crash(session: Any, kind: str, occasion: str, *more: Any, **values: Any) -> Any:
        if occasion.startswith(f"digest:{first}:"):
            raise RuntimeError("the worker died here")
        return whole(session, kind, occasion, *more, **values)

    with monkeypatch.context() as patched:
        patched.setattr("billing.digests.queue_email", crash)
        assert sweeps.send_digests([]) == "1 daily digest sent"
    left = [row.staff_id for row in all_of(StaffNotice) if row.digested_at is None]
    assert left == [first]
    sweeps.send_digests([])
    assert sorted(email.to_address for email in emails("staff_digest")) == sorted(
        fetch(Staff, staff).email for staff in (first, second)
    )


def test_a_long_digest_counts_what_it_leaves_out(make: Factory) -> None:
    make.staff(RECEIVE)
    wait_for("card_expiring", 4)
    wait_for("overdue", 58)
    sweeps.send_digests([])
    [email] = emails("staff_digest")
    letter = written(email)
    assert "Overdue invoices: 58" in letter.text
    assert "A card expires: 4" in letter.text
    assert "And 12 more" in letter.text
    assert "And 12 more" in html.fromstring(letter.html).text_content()
    assert letter.text.count("- Look") == 50


def test_what_waits_for_somebody_who_left_goes_to_the_office(make: Factory) -> None:
    make.settings(email="office@example.org")
    staff = make.staff(RECEIVE)
    wait_for()
    with transaction() as session:
        session.get_one(Staff, staff).active = False
    sweeps.send_digests([])
    [email] = emails("staff_digest")
    assert email.to_address == "office@example.org"
    assert "My notices" not in written(email).text
    assert "gets no notices any more" in written(email).text


def test_a_notices_link_leads_to_a_page_of_the_panel(
    make: Factory, staff_client: Any, client: Any
) -> None:
    make.staff(RECEIVE)
    invoice = make.invoice()
    wait_for("charge_failed", invoice=invoice)
    letter = written(emails("staff_notice")[0])
    path = f"/admin/invoice/details/?id={invoice}"
    assert f'href="http://127.0.0.1:8000{path}"' in letter.html
    assert f"http://127.0.0.1:8000{path}" in letter.text
    assert staff_client().get(path).status_code == 200
    assert client.get(path).status_code == 302


def test_every_kind_leads_somewhere(make: Factory, staff_client: Any) -> None:
    from billing.notice_kinds import KINDS

    browser = staff_client()
    for name, kind in KINDS.items():
        assert browser.get(kind.page).status_code == 200, name


def test_the_day_is_the_offices(make: Factory) -> None:
    make.settings(timezone="America/Chicago")
    [entry] = [entry for entry in TIMETABLE if entry.name == "notices.digest"]
    before = dt.datetime(2026, 11, 22, 12, 59, tzinfo=dt.UTC)
    slots = [entry.slot(before + dt.timedelta(minutes=m), "America/Chicago") for m in (0, 1)]
    assert slots[1] == slots[0] + 1
