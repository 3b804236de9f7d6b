"""Grids: three statements whatever the size, honest filters, keyset pages, search, no HTML."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert, update

from billing import clock
from billing.database import transaction
from models import (
    Application,
    Form,
    History,
    Invoice,
    Label,
    OutgoingEmail,
    Payment,
    Rental,
    Role,
    Site,
    Staff,
    Unit,
    User,
    db,
)
from tests.support import Factory

NAMES = [model.__name__.lower() for model in (Application, Invoice, Payment, User, Unit, Site)]
NAMES += [model.__name__.lower() for model in (Rental, Form, OutgoingEmail, History, Staff, Role)]
NAMES += ["label"]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SELECTs of a page; those of signing in (staff and their roles) apart."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sign_in = re.search(r"staff\.fs_uniquifier = |staff_roles|staff_sites", statement)
        if not sign_in and statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def ids(page: Any) -> list[int]:
    return [int(found) for found in re.findall(r'class="eye"><a href="[^"]*id=(\d+)"', page.text)]


def test_no_grid_takes_more_than_three_statements(
    app: Flask, sixty: int, make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    label = make.add(Label(name="VIP"))
    client = staff_client()
    client.get("/admin/invoice/")
    for name in NAMES:
        for query in ("", "?size=100", f"?site={sixty}", "?q=person", f"?labels={label}&user=1"):
            with statements() as seen:
                answer = client.get(f"/admin/{name}/{query}")
            assert answer.status_code == 200, name
            assert len(seen) <= 3, (name, query, seen)
            assert not [each for each in seen if re.search(r"OFFSET [^0]", each)] or (
                app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
            )


def test_an_eye_page_takes_no_statement_per_row(
    sixty: int, make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client()
    few, many = make.user(site_id=sixty), make.user(site_id=sixty)
    make.invoice(few, site_id=sixty)
    for _ in range(12):
        make.invoice(many, site_id=sixty)
    counts = []
    for user in (few, many):
        with statements() as seen:
            assert client.get(f"/admin/user/details/?id={user}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 18, "\n".join(seen)


def test_pages_meet_without_gap_or_repetition_both_ways(
    sixty: int, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client()
    everything = ids(client.get("/admin/user/?size=100"))
    assert len(everything) == 60
    for sort in ("-id", "id", "name", "-name", "email", "-billing_method", "billing_method"):
        whole = ids(client.get(f"/admin/user/?size=100&sort={sort}"))
        forwards, last = _walk(client, f"/admin/user/?sort={sort}", "next")
        assert forwards == whole, sort
        backwards, first = _walk(client, last, "prev")
        assert set(backwards) == set(whole), sort
        assert first is not None


def test_pages_go_through_empty_values(
    sixty: int, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client()
    for sort in ("due_on", "-due_on", "number", "-number", "total", "-total", "state"):
        whole = ids(client.get(f"/admin/invoice/?size=100&sort={sort}"))
        assert len(whole) == 40
        forwards, _last = _walk(client, f"/admin/invoice/?sort={sort}", "next")
        assert forwards == whole, sort
        end = client.get(f"/admin/invoice/?sort={sort}&last=1")
        assert ids(end) == whole[-25:], sort
        before = re.search(r'href="([^"]*before=[^"]*)"', end.text)
        assert before is not None
        earlier = client.get("/admin/invoice/" + before.group(1).replace("&amp;", "&"))
        assert ids(earlier) == whole[-50:-25], sort


def _walk(client: FlaskClient, path: str, rel: str) -> tuple[list[int], str]:
    found: list[int] = []
    base = path.partition("?")[0]
    for _ in range(10):
        page = client.get(path)
        found += ids(page)
        link = re.search(rf'href="([^"]*)" rel="{rel}"', page.text)
        if link is None:
            return found, path
        path = base + link.group(1).replace("&amp;", "&")
    raise AssertionError("the pages never end")


def test_pills_count_what_their_lists_hold(
    sixty: int, staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    make.settings(timezone="UTC")
    client = staff_client()
    page = client.get("/admin/invoice/").text
    for label, state in (
        ("All", ""),
        ("Active", "active"),
        ("Overdue", "overdue"),
        ("Draft", "draft"),
        ("Sent", "sent"),
        ("Paid", "paid"),
        ("Deleted", "deleted"),
    ):
        count = re.search(rf">{label} <span>([\d,+]+)</span>", page)
        assert count is not None, label
        rows = ids(client.get(f"/admin/invoice/?state={state}&size=100"))
        assert int(count.group(1)) == len(rows), label
    assert "Active <span>40</span>" in page
    assert "Deleted <span>20</span>" in page


def test_counts_are_capped(
    app: Flask, make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    user = make.user()
    now = clock.now()
    with transaction() as session:
        row = {
            "user_id": user,
            "currency": "USD",
            "description": "",
            "total": 1,
            "state": "draft",
            "created_at": now,
        }
        session.execute(insert(Invoice), [row] * 10_050)
        session.execute(update(Invoice).where(Invoice.id <= 3).values(state="deleted"))
    page = staff_client().get("/admin/invoice/").text
    assert "Draft <span>10,000+</span>" in page
    assert "Deleted <span>3</span>" in page
    assert "All <span>10,000+</span>" in page


def test_search_finds_by_number_name_and_mail_alike(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    zoe = make.user("Zoë Müller", email="zoe@example.org")
    wang = make.user("王 小明", email="wang@example.org")
    first, second = make.invoice(zoe), make.invoice(wang, description="Boat mooring")
    client = staff_client()
    number = {i.id: i.number for i in db.session.query(Invoice)}
    for query, expected in (
        ("zoe", [first]),
        ("ZOË mül", [first]),
        ("muller", [first]),
        ("zoe@example.org", [first]),
        ("王", [second]),
        ("mooring", [second]),
        (str(number[first]), [first]),
        ("example", [second, first]),
        ("nobody", []),
    ):
        found = ids(client.get("/admin/invoice/", query_string={"q": query}))
        assert set(expected) <= set(found), query
        if query not in ("1", "2"):
            assert found == expected, query


def test_filters_narrow_and_can_be_taken_away(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    site, user = make.site("Riverside"), make.user("Ada")
    mine = make.invoice(user, site_id=site, due_on=clock.now().date() + dt.timedelta(days=9))
    make.invoice(make.user("Bob"))
    client = staff_client()
    due = (clock.now().date() + dt.timedelta(days=9)).isoformat()
    for query in (f"site={site}", f"user={user}", f"due_on_from={due}", f"due_on_to={due}"):
        page = client.get(f"/admin/invoice/?{query}")
        assert ids(page) == [mine], query
        assert 'title="Remove this filter"' in page.text
    assert "User: <b>Ada</b>" in client.get(f"/admin/invoice/?user={user}").text


def test_days_of_a_moment_are_the_offices(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.settings(timezone="America/Chicago")
    late = dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC)  # the evening of the 1st in Chicago
    user = make.user(created_at=late)
    client = staff_client()
    with transaction() as session:
        invoice = Invoice(user_id=user, currency="USD", description="x", total=1, created_at=late)
        session.add(invoice)
    first = client.get("/admin/invoice/?created_at_from=2026-03-01&created_at_to=2026-03-01")
    second = client.get("/admin/invoice/?created_at_from=2026-03-02")
    assert len(ids(first)) == 1
    assert ids(second) == []


def test_an_empty_list_says_what_to_do_next(staff_client: Callable[..., FlaskClient]) -> None:
    client = staff_client()
    assert "There are no invoices yet." in client.get("/admin/invoice/").text
    assert "choose Generate Invoice" in client.get("/admin/invoice/").text
    assert "choose Create invoice" in client.get("/admin/invoice/").text
    assert "Nothing here matches" in client.get("/admin/invoice/?q=zzz").text


def test_partly_paid_and_overdue_show(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.settings(timezone="UTC")
    invoice = make.invoice(total=5000)
    with transaction() as session:
        session.execute(
            update(Invoice)
            .where(Invoice.id == invoice)
            .values(allocated=2000, overdue_on=clock.now().date())
        )
    row = staff_client().get("/admin/invoice/").text
    assert '$50.00 <span class="left overdue" title="Left to pay">($30.00)</span>' in row
    assert '<span class="badge badge-overdue">Overdue</span>' in row


def test_history_rows_link_to_what_they_are_about(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.invoice(state="draft")
    invoice = make.invoice()
    assert db.session.query(History).count() > 0
    page = staff_client().get("/admin/history/?record=invoice").text
    assert f'<a href="/admin/invoice/details/?id={invoice}">Invoice #1</a>' in page


def test_a_search_says_when_there_are_more_finds_than_it_shows(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    user = make.user("Ada Smith")
    row = {"user_id": user, "currency": "USD", "description": "", "total": 1, "state": "draft"}
    with transaction() as session:
        session.execute(insert(Invoice), [{**row, "created_at": clock.now()}] * 1_001)
    client = staff_client()
    page = client.get("/admin/invoice/?q=smith").text
    assert "These are the newest 1,000 finds." in page
    assert "All <span>1,000+</span>" in page
    exported = client.get("/admin/invoice/export/csv/?q=smith").get_data(as_text=True)
    assert exported.count("Ada Smith") == 1_001
    assert "newest 1,000" not in client.get("/admin/user/?q=smith").text


def test_who_sees_fewer_columns_looked_first(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.user("Zzyzx Quillon")
    address = "/admin/user/?q=quillon"
    assert "Zzyzx Quillon" in staff_client(["users.view"]).get(address).text
    assert "Zzyzx Quillon" in staff_client().get(address).text
    assert "Overdue" not in staff_client(["users.view"]).get(address).text
