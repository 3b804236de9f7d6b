"""Disputes in the panel: the grid, the lines on payment and invoice, the dashboard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import disputes, in_person
from billing.actor import SYSTEM
from billing.gateway import DisputeNews
from models import Payment
from models.states import DisputeState, Tender
from tests.support import STAFF, Factory, all_of

SignedIn = Callable[..., FlaskClient]
BY = dt.date(2026, 12, 6)


@pytest.fixture
def dispute(make: Factory) -> Callable[..., tuple[int, int]]:
    """``dispute(name, state, site)`` returns an invoice and its payment, disputed."""

    def build(
        name: str, state: str = "open", site: int | None = None, by: dt.date | None = BY
    ) -> tuple[int, int]:
        invoice = make.invoice(site_id=site)
        manual = in_person.Manual(Tender.CASH, 2000)
        in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
        payment = all_of(Payment)[-1].id
        opened = dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)
        news = DisputeNews(name, DisputeState(state), 2000, "not_recognized", by, opened)
        disputes.record(payment, news, actor=SYSTEM)
        return invoice, payment

    return build


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_the_grid_shows_and_filters_them(staff_client: SignedIn, dispute: Any) -> None:
    for name, state in (("d-open", "open"), ("d-won", "won"), ("d-lost", "lost")):
        dispute(name, state)
    client = staff_client()
    page = html.fromstring(client.get("/admin/dispute/").text)
    shown = page.xpath("//tbody//tr")
    assert len(shown) == 3
    tones = {each.text_content(): each.get("class") for each in page.xpath("//td//span[@class]")}
    assert tones["Open"] == "badge badge-wait"
    assert tones["Lost"] == "badge badge-bad"
    assert tones["Won"] == "badge badge-good"
    only = client.get("/admin/dispute/?state=lost").text
    assert "d-lost" in only
    assert "d-open" not in only


def test_its_own_page_says_where_and_by_when_to_answer(
    staff_client: SignedIn, dispute: Any
) -> None:
    dispute("d-open")
    client = staff_client()
    page = text_of(client.get("/admin/dispute/details/?id=1").text)
    assert "Send evidence in the gateway’s own control panel by Dec 6, 2026" in page
    assert "$20.00 is disputed at the cardholder's bank (not recognized)" in page
    dispute("d-won", "won")
    assert "Send evidence" not in client.get("/admin/dispute/details/?id=2").text


def test_payment_and_invoice_say_that_they_are_disputed(
    staff_client: SignedIn, dispute: Any, make: Factory
) -> None:
    invoice, payment = dispute("d-open")
    client = staff_client()
    for path in (f"invoice/details/?id={invoice}", f"payment/details/?id={payment}"):
        page = client.get(f"/admin/{path}").text
        assert "$20.00 is disputed since Nov 22, 2026, reply by Dec 6, 2026." in text_of(page)
        assert "/admin/dispute/details/?id=1" in page
    other = make.invoice()
    assert "disputed" not in client.get(f"/admin/invoice/details/?id={other}").text
    invoice, payment = dispute("d-lost", "lost", by=None)
    page = text_of(client.get(f"/admin/payment/details/?id={payment}").text)
    assert "A dispute of $20.00, opened on Nov 22, 2026, was lost." in page


def test_what_a_dispute_took_is_a_record_that_says_so(
    staff_client: SignedIn, dispute: Any, make: Factory
) -> None:
    invoice, payment = dispute("d-part", "open")
    lost = DisputeNews("d-part", DisputeState.LOST, 500)
    disputes.record(payment, lost, actor=SYSTEM)
    part = all_of(Payment)[-1].id
    client = staff_client()
    page = client.get(f"/admin/payment/details/?id={part}").text
    said = "Nobody paid this back: the bank took it from Payment 1 after a lost dispute."
    assert said in text_of(page)
    assert "Lost dispute d-part" in text_of(page)
    assert "/admin/payment/details/?id=1" in page
    assert "/admin/dispute/details/?id=1" in page
    for path in (f"invoice/details/?id={invoice}", f"payment/details/?id={payment}"):
        page = text_of(client.get(f"/admin/{path}").text)
        assert "A dispute of $5.00, opened on Nov 22, 2026, was lost." in page
        assert "$5.00" in page
    won = DisputeNews("d-part", DisputeState.WON, 500)
    disputes.record(payment, won, actor=SYSTEM)
    page = text_of(client.get(f"/admin/payment/details/?id={part}").text)
    assert "and gave it back when the dispute was won after all." in page
    page = text_of(client.get(f"/admin/payment/details/?id={payment}").text)
    assert "$5.00 came back: the lost dispute was won after all" in page


def test_somebody_without_the_permission_reads_nothing_of_them(
    staff_client: SignedIn, dispute: Any
) -> None:
    invoice, payment = dispute("d-open")
    client = staff_client(["payments.view", "invoices.view"])
    for path in (f"invoice/details/?id={invoice}", f"payment/details/?id={payment}"):
        answer = client.get(f"/admin/{path}")
        assert answer.status_code == 200
        assert "dispute" not in answer.text
    assert client.get("/admin/dispute/").status_code == 403


def test_the_dashboard_names_the_nearest_day(staff_client: SignedIn, dispute: Any) -> None:
    client = staff_client()
    assert "disputed" not in client.get("/admin/").text
    dispute("d-won", "won", by=dt.date(2026, 11, 1))
    dispute("d1", by=dt.date(2026, 12, 20))
    dispute("d2")
    page = html.fromstring(client.get("/admin/").text)
    [line] = page.xpath("//a[@href='/admin/dispute/?state=open']")
    words = " ".join(line.text_content().split())
    assert words.startswith("2 payments are disputed")
    assert "by Dec 6, 2026" in words
    assert words.endswith("$40.00")
    assert "disputed" not in staff_client(["dashboard.view", "payments.view"]).get("/admin/").text


def test_sites_bound_what_is_seen(staff_client: SignedIn, dispute: Any, make: Factory) -> None:
    here, there = make.site(), make.site()
    dispute("d-here", site=here)
    dispute("d-there", site=there)
    client = staff_client(None, (here,))
    page = client.get("/admin/dispute/").text
    assert "d-here" in page
    assert "d-there" not in page
    assert client.get("/admin/dispute/details/?id=2").status_code == 404
    assert "1 payment is disputed" in text_of(client.get("/admin/").text)
