"""Filters of the lists: days and ranges, people, labels, what is overdue, and honest pills."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock, invoicing
from billing.database import transaction
from billing.labelling import set_labels
from models import Invoice, Label, Unit, User
from models.states import InvoiceState
from tests.support import STAFF, Clock, Factory

Build = Callable[..., FlaskClient]
GRID = "/admin/invoice/"


def ids(page: Any) -> list[int]:
    assert page.status_code == 200
    return [int(found) for found in re.findall(r'class="eye"><a href="[^"]*id=(\d+)"', page.text)]


def change(invoice: int, **values: Any) -> int:
    with transaction() as session:
        for name, value in values.items():
            setattr(session.get_one(Invoice, invoice), name, value)
    return invoice


def day(offset: int) -> dt.date:
    return clock.now().date() + dt.timedelta(days=offset)


def test_the_pills_stand_in_the_order_of_an_invoices_life(
    make: Factory, staff_client: Build
) -> None:
    make.settings(timezone="UTC")
    draft, sent = make.invoice(state="draft"), make.invoice()
    pending, failed = make.invoice(), make.invoice()
    change(pending, state=InvoiceState.PENDING)
    change(failed, state=InvoiceState.FAILED, overdue_on=day(-1))
    deleted = make.invoice(state="draft")
    invoicing.delete_invoice(deleted, actor=STAFF)
    client = staff_client()
    page = client.get(GRID)
    found = re.findall(r'class="pill[^"]*"[^>]*>([\w ]+) <span>([\d,+]+)</span>', page.text)
    assert found == [
        ("All", "4"),
        ("Active", "3"),
        ("Draft", "1"),
        ("Sent", "1"),
        ("Pending", "1"),
        ("Failed", "1"),
        ("Overdue", "1"),
        ("Paid", "0"),
        ("Deleted", "1"),
    ]
    assert ids(page) == [failed, pending, sent, draft]
    assert ids(client.get(f"{GRID}?state=deleted")) == [deleted]
    assert ids(client.get(f"{GRID}?state=active")) == [failed, sent, draft]


def test_a_day_and_a_range_of_the_invoice_date(make: Factory, staff_client: Build) -> None:
    first, second, third = (make.invoice() for _ in range(3))
    for invoice, offset in ((first, -20), (second, -10), (third, 0)):
        change(invoice, issued_on=day(offset))
    client = staff_client()
    for query, expected in (
        (f"issued_on={day(-10)}", [second]),
        (f"issued_on_from={day(-10)}", [third, second]),
        (f"issued_on_to={day(-10)}", [second, first]),
        (f"issued_on_from={day(-15)}&issued_on_to={day(-5)}", [second]),
        (f"issued_on_from={day(-10)}&issued_on_to={day(-10)}", [second]),
        (f"issued_on_from={day(5)}", []),
    ):
        assert ids(client.get(f"{GRID}?{query}")) == expected, query
    one = client.get(f"{GRID}?issued_on_from={day(-10)}&issued_on_to={day(-10)}")
    assert one.text.count('title="Remove this filter"') == 1
    assert "Invoice date: <b>from" not in one.text
    # Both fields of the form show the day.
    for end in ("from", "to"):
        assert f'name="issued_on_{end}" value="{day(-10)}"' in one.text


def test_days_of_a_moment_have_a_single_day_too(
    make: Factory, staff_client: Build, time: Clock
) -> None:
    make.settings(timezone="America/Chicago")
    time.set(dt.datetime(2026, 3, 2, 3, 0, tzinfo=dt.UTC))
    invoice = make.invoice()
    client = staff_client()
    assert ids(client.get(f"{GRID}?created_at=2026-03-01")) == [invoice]
    assert ids(client.get(f"{GRID}?created_at=2026-03-02")) == []


def test_a_user_is_found_by_name_by_address_and_by_id(make: Factory, staff_client: Build) -> None:
    maria, bob = make.user("Maria Alvarez", email="maria@home.example"), make.user("Bob Stone")
    hers, his = make.invoice(maria), make.invoice(bob)
    client = staff_client()
    for query, expected in (
        (f"user={maria}", [hers]),
        ("user=maria", [hers]),
        ("user=Álvarez mar", [hers]),
        ("user=maria@home.example", [hers]),
        ("user=stone", [his]),
        ("user=nobody", []),
    ):
        page = client.get(f"{GRID}?{query}")
        assert ids(page) == expected, query
        assert 'title="Remove this filter"' in page.text
    page = client.get(f"{GRID}?user={maria}")
    assert "User: <b>Maria Alvarez</b>" in page.text
    assert 'data-name="user" data-value="' + str(maria) in page.text
    assert "can&#39;t be “!!!”" in client.get(f"{GRID}?user=!!!").text
    assert client.get("/admin/user/lookup/?q=home").get_json() == [
        {"id": maria, "text": "Maria Alvarez"}
    ]


def test_any_of_several_labels(make: Factory, staff_client: Build) -> None:
    vip, late, none = (make.add(Label(name=name)) for name in ("VIP", "Late", "Unused"))
    site = make.site()
    client = staff_client()
    for kind, model, make_one in (
        ("invoice", Invoice, make.invoice),
        ("user", User, make.user),
        ("unit", Unit, lambda: make.unit(site)),
    ):
        both, one, other, plain = (make_one() for _ in range(4))
        set_labels(model, both, [vip, late], actor=STAFF)
        set_labels(model, one, [vip], actor=STAFF)
        set_labels(model, other, [late], actor=STAFF)
        for query, expected in (
            (f"labels={vip}", [one, both]),
            (f"labels={vip},{late}", [other, one, both]),
            (f"labels={vip}&labels={late}", [other, one, both]),
            (f"labels={none}", []),
        ):
            found = ids(client.get(f"/admin/{kind}/?{query}"))
            assert found == expected, (kind, query)
        assert plain not in ids(client.get(f"/admin/{kind}/?labels={vip},{late}"))
        page = client.get(f"/admin/{kind}/?labels={vip}&labels={late}")
        assert "Labels: <b>VIP or Late</b>" in page.text
        assert page.text.count('type="checkbox" name="labels"') == 3
        assert page.text.count("checked") == 2
        rows = client.get(f"/admin/{kind}/export/csv/?labels={vip},{late}")
        assert len(rows.get_data(as_text=True).strip().splitlines()) == 4


def test_labels_and_dates_narrow_together_and_count_in_the_pills(
    make: Factory, staff_client: Build
) -> None:
    vip = make.add(Label(name="VIP"))
    mine, other = make.invoice(), make.invoice(state="draft")
    make.invoice()
    for invoice in (mine, other):
        set_labels(Invoice, invoice, [vip], actor=STAFF)
    page = staff_client().get(f"{GRID}?labels={vip}&state=sent")
    assert ids(page) == [mine]
    assert "All <span>2</span>" in page.text
    assert "Draft <span>1</span>" in page.text


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ("labels=abc", "“Labels” can't be “abc”"),
        ("labels=" + "9" * 30, "“Labels” can't be"),
        ("labels=987", "What “Labels” asks for is not there any more"),
        ("labels=1%00", "“Labels” can't be"),
        ("user=987", "What “User” asks for is not there any more"),
        ("site=987", "What “Site” asks for is not there any more"),
        ("site=abc", "“Site” can't be “abc”"),
        ("issued_on=2026-02-30", "“Invoice date” can't be “2026-02-30”"),
        ("issued_on_from=9999-12-31", "“Invoice date” can't be"),
        (
            "issued_on_from=2031-11-10&issued_on_to=2031-11-01",
            "“Invoice date”: The first day is after the last one, so that filter was left out.",
        ),
        ("due_on_to=tomorrow", "“Due” can't be “tomorrow”"),
        ("overdue=yes", "There is no filter named “overdue” here"),
        ("state=overdu", "“State” can't be “overdu”"),
        ("label=1", "There is no filter named “label” here"),
    ],
)
def test_what_makes_no_sense_is_left_out_and_said(
    make: Factory, staff_client: Build, query: str, notice: str
) -> None:
    invoice = make.invoice()
    page = staff_client().get(f"{GRID}?{query}")
    assert ids(page) == [invoice]
    assert notice in html.unescape(page.text)


def test_a_filter_names_nothing_of_another_site(make: Factory, staff_client: Build) -> None:
    ours, theirs = make.site("Riverside"), make.site("Hilltop")
    stranger = make.user("Bob Theirs", site_id=theirs)
    mine = make.invoice(make.user(site_id=ours), site_id=ours)
    make.invoice(stranger, site_id=theirs)
    client = staff_client(None, (ours,))
    for query in (f"user={stranger}", f"site={theirs}", "user=theirs"):
        page = client.get(f"{GRID}?{query}")
        assert set(ids(page)) <= {mine}
        assert "Bob" not in page.text
        assert "Hilltop" not in page.text


def test_people_are_looked_up_and_forms_are_listed(make: Factory, staff_client: Build) -> None:
    make.form("2027 Dog Park")
    client = staff_client()
    assert 'data-lookup="/admin/user/lookup/"' in client.get(GRID).text
    page = client.get("/admin/application/").text
    assert re.search(r'<select name="form">.*?2027 Dog Park', page, re.DOTALL)


def test_a_units_invoices(make: Factory, staff_client: Build) -> None:
    site = make.site("Mill Road")
    unit, other = make.unit(site, "A 12"), make.unit(site, "A 13")
    mine = make.invoice(site_id=site)
    with transaction() as session:
        billable = session.get_one(Unit, unit).billable_id
    change(mine, billable_id=billable)
    client = staff_client()
    page = client.get(f"{GRID}?unit={unit}")
    assert ids(page) == [mine]
    assert "Unit: <b>A 12, Mill Road</b>" in page.text
    assert ids(client.get(f"{GRID}?unit={other}")) == []
