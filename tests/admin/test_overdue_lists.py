"""What is overdue: lists, pages, dashboard, pills and CSV agree on the same invoices."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from billing import clock
from billing.database import transaction
from models import Invoice, Payment, Unit, db
from models.states import AllocationState, InvoiceState, PaymentState, Tender
from tests.support import Clock, Factory

Build = Callable[..., FlaskClient]
NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
LATE = 'class="overdue"'


@pytest.fixture(autouse=True)
def november(make: Factory, time: Clock) -> None:
    time.set(NOW)
    make.settings(timezone="UTC", overdue_age=0)


@pytest.fixture
def office(make: Factory) -> dict[str, int]:
    """Two sites with a unit and a user each; at the first there are five invoices, two overdue."""
    made: dict[str, int] = {}
    for name in ("here", "there"):
        made[f"{name}_site"] = make.site(name.capitalize())
        made[f"{name}_unit"] = make.unit(made[f"{name}_site"], f"Unit {name}")
        made[f"{name}_user"] = make.user(f"User {name}", site_id=made[f"{name}_site"])
    for total, due, state, paid in (
        (9900, -18, InvoiceState.SENT, 0),
        (5000, -3, InvoiceState.FAILED, 1000),
        (7000, 5, InvoiceState.SENT, 0),
        (3000, -30, InvoiceState.PENDING, 0),
        (4000, -30, InvoiceState.PAID, 4000),
    ):
        invoice(make, made, "here", total, due, state=state, allocated=paid)
    make.invoice(made["here_user"], state="draft", site_id=made["here_site"])
    return made


def invoice(
    make: Factory, made: dict[str, int], where: str, total: int, due: int, **values: Any
) -> int:
    key = make.invoice(
        made[f"{where}_user"],
        total=total,
        due_on=NOW.date() + dt.timedelta(days=due),
        site_id=made[f"{where}_site"],
        description=f"{total} there" if where == "there" else f"{total}",
    )
    with transaction() as session:
        record = session.get_one(Invoice, key)
        record.billable_id = session.get_one(Unit, made[f"{where}_unit"]).billable_id
        for name, value in values.items():
            setattr(record, name, value)
    return key


def text_of(page: Any) -> str:
    assert page.status_code == 200
    body = re.sub(r"<(script|style|svg).*?</\1>", "", page.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def row_of(page: Any, key: int) -> dict[str, str]:
    """The cells of one row of a list by their heading."""
    rows = re.findall(r"<tr>(.*?)</tr>", page.get_data(as_text=True), re.DOTALL)
    row = next(each for each in rows if f"id={key}&" in each or f'id={key}"' in each)
    cells = re.findall(r'data-label="([^"]*)">(.*?)</td>', row, re.DOTALL)
    return {name: html.unescape(re.sub(r"<[^>]+>", "", cell)) for name, cell in cells}


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_the_lists_say_how_much_and_since_when(staff_client: Build, office: dict[str, int]) -> None:
    client = staff_client()
    for kind in ("user", "unit", "site"):
        page = client.get(f"/admin/{kind}/")
        late = row_of(page, office[f"here_{kind}"])
        assert late["Outstanding"] == "$239.00", kind
        assert late["Overdue"] == "$139.00 since Nov 3", kind
        fine = row_of(page, office[f"there_{kind}"])
        assert (fine["Outstanding"], fine["Overdue"]) == ("–", "–")
        assert page.text.count(LATE) == 1


def test_the_lists_can_be_narrowed_to_what_is_overdue(
    staff_client: Build, office: dict[str, int]
) -> None:
    client = staff_client()
    for kind in ("user", "unit", "site"):
        for word, where in (("yes", "here"), ("no", "there")):
            page = client.get(f"/admin/{kind}/?overdue={word}")
            found = set(map(int, re.findall(r'class="eye"><a href="[^"]*id=(\d+)"', page.text)))
            assert found == {office[f"{where}_{kind}"]}, (kind, word)
            assert f"Overdue: <b>{word.capitalize()}</b>" in page.text
        assert "“Overdue” can" in client.get(f"/admin/{kind}/?overdue=perhaps").text


def test_everything_agrees_on_the_same_invoices(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    invoice(make, office, "there", 1234, -1)
    invoice(make, office, "there", 4321, 0)
    client = staff_client()
    listed = rows(client.get("/admin/invoice/export/csv/?state=overdue"))
    everything = rows(client.get("/admin/invoice/export/csv/"))
    assert [each for each in everything if each["Overdue"] == "yes"] == listed
    late = sum(Decimal(each["Balance (USD)"]) for each in listed)
    assert (len(listed), late) == (3, Decimal("151.34"))
    partly = next(each for each in listed if each["Amount (USD)"] == "50.00")
    assert partly["Balance (USD)"] == "40.00"

    page = client.get("/admin/invoice/")
    assert "Overdue <span>3</span>" in page.text
    assert page.text.count("badge-overdue") == 3
    assert "($40.00)" in page.text

    for kind in ("user", "unit", "site"):
        per_row = rows(client.get(f"/admin/{kind}/export/csv/"))
        assert sum(Decimal(each["Overdue (USD)"]) for each in per_row) == late, kind
        since = {each["Overdue since"] for each in per_row}
        assert since == {"2026-11-03", "2026-11-20"}, kind
        told = re.findall(r"\$([\d.]+) since", text_of(client.get(f"/admin/{kind}/")))
        assert sum(map(Decimal, told)) == late, kind
        figures = text_of(client.get(f"/admin/{kind}/details/?id={office[f'here_{kind}']}"))
        assert "Overdue: 2 invoices since Nov 3 $139.00" in figures, kind

    dashboard = text_of(client.get("/admin/"))
    assert "3 invoices are overdue" in dashboard
    assert "Overdue $151.34" in dashboard
    first = dashboard[dashboard.index("Overdue longest") : dashboard.index("Needs attention")]
    assert re.findall(r"\$([\d.]+)", first) == ["99.00", "40.00", "12.34"]


def test_the_pages_flag_it_and_lead_to_the_invoices(
    staff_client: Build, office: dict[str, int]
) -> None:
    client = staff_client()
    for kind in ("user", "unit", "site"):
        page = client.get(f"/admin/{kind}/details/?id={office[f'here_{kind}']}")
        heading = page.text[page.text.index("<h1>") : page.text.index("</h1>")]
        assert "badge-overdue" in heading, kind
        link = re.search(r'href="(/admin/invoice/\?state=overdue[^"]*)"', page.text)
        assert link is not None, kind
        opened = client.get(html.unescape(link.group(1)))
        assert opened.text.count("badge-overdue") == 2, kind
        assert "($40.00)" in page.text, kind
        for section in ("Invoices", "Payments", "Rentals"):
            assert f">{section}</h2>" in page.text, (kind, section)
        other = client.get(f"/admin/{kind}/details/?id={office[f'there_{kind}']}")
        assert "badge-overdue" not in other.text, kind


def test_full_payment_draft_and_deletion_clear_it_and_a_part_does_not(
    staff_client: Build, make: Factory, office: dict[str, int]
) -> None:
    key = invoice(make, office, "there", 5000, -2)
    client = staff_client()

    def cell() -> str:
        return row_of(client.get("/admin/user/"), office["there_user"])["Overdue"]

    assert cell() == "$50.00 since Nov 19"
    change(key, allocated=2000)
    assert cell() == "$30.00 since Nov 19"
    change(key, allocated=5000, state=InvoiceState.PAID)
    assert cell() == "–"
    change(key, allocated=0, state=InvoiceState.DRAFT)
    assert cell() == "–"
    change(key, state=InvoiceState.DELETED)
    assert cell() == "–"


def change(key: int, **values: Any) -> None:
    with transaction() as session:
        for name, value in values.items():
            setattr(session.get_one(Invoice, key), name, value)


def test_another_year_is_said(staff_client: Build, make: Factory, office: dict[str, int]) -> None:
    key = invoice(make, office, "there", 5000, 0)
    change(key, overdue_on=dt.date(2025, 12, 31))
    row = row_of(staff_client().get("/admin/user/"), office["there_user"])
    assert row["Overdue"] == "$50.00 since Dec 31, 2025"


def test_nothing_of_invoices_without_the_permission_to_see_them(
    staff_client: Build, office: dict[str, int]
) -> None:
    client = staff_client(["users.view", "sites.view"])
    for kind in ("user", "unit", "site"):
        page = client.get(f"/admin/{kind}/")
        assert "Outstanding" not in page.text
        assert "verdue" not in page.text
        assert "There is no filter named “overdue” here" in (
            client.get(f"/admin/{kind}/?overdue=yes").text
        )
        assert "Overdue" not in client.get(f"/admin/{kind}/export/csv/").get_data(as_text=True)
        details = client.get(f"/admin/{kind}/details/?id={office[f'here_{kind}']}").text
        assert "badge-overdue" not in details
        assert "$139.00" not in details


def test_a_person_bound_to_a_site_counts_only_its_invoices(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    # A user of here who owes something there.
    moved = {**office, "there_user": office["here_user"]}
    invoice(make, moved, "there", 100_000, -5)
    everybody, bound = staff_client(), staff_client(None, (office["here_site"],))
    for _ in range(2):
        # Twice, in turns: what is kept for one is not shown to the other.
        row = row_of(everybody.get("/admin/user/"), office["here_user"])
        assert row["Overdue"] == "$1,139.00 since Nov 3"
        row = row_of(bound.get("/admin/user/"), office["here_user"])
        assert row["Overdue"] == "$139.00 since Nov 3"
    page = text_of(bound.get(f"/admin/user/details/?id={office['here_user']}"))
    assert "Overdue: 2 invoices since Nov 3 $139.00" in page
    assert "1,000.00" not in text_of(bound.get("/admin/"))
    assert "1,000.00" in text_of(everybody.get("/admin/"))
    assert "Hilltop" not in text_of(bound.get("/admin/site/?overdue=yes"))


def test_the_dashboard_lists_the_ten_oldest(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    for days in range(40, 52):
        invoice(make, office, "there", days * 100, -days)
    page = staff_client().get("/admin/")
    text = text_of(page)
    first = text[text.index("Overdue longest") : text.index("Needs attention")]
    assert re.findall(r"\$(\d+)\.00", first) == [str(days) for days in range(51, 41, -1)]
    assert "Unit there · There" in first
    assert first.endswith("Show all ")
    assert text.index("Overdue longest") < text.index("Needs attention")
    assert "Overdue longest" not in staff_client(["dashboard.view"]).get("/admin/").text


def test_the_dashboard_is_silent_when_nothing_is_overdue(
    make: Factory, staff_client: Build
) -> None:
    make.invoice()
    assert "Overdue longest" not in staff_client().get("/admin/").text


def test_lists_stay_at_three_statements_and_pages_do_not_grow(
    app: Flask, make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    client = staff_client()
    client.get("/admin/invoice/")
    counts: dict[str, list[int]] = {}
    for _ in range(2):
        for days in range(1, 6):
            invoice(make, office, "there", days * 100, -days)
        for path in ("user/", "unit/", "site/", "user/?overdue=yes", ""):
            counts.setdefault(path, []).append(statements(client, f"/admin/{path}"))
    for path, (few, many) in counts.items():
        assert few == many, path
        assert not path or many <= 3, (path, many)


def statements(client: FlaskClient, path: str) -> int:
    """How many SELECTs a page takes, those of signing in apart."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not re.search(r"staff\.fs_uniquifier = |staff_roles|staff_sites", statement):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    assert client.get(path).status_code == 200
    event.remove(db.engine, "before_cursor_execute", note)
    return sum(each.lstrip().upper().startswith("SELECT") for each in seen)


def test_a_units_payments_are_those_of_its_invoices_each_once(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    from models import Allocation

    first = invoice(make, office, "there", 5000, 2)
    second = invoice(make, office, "there", 6000, 2)
    payment = make.add(
        Payment(
            user_id=office["there_user"],
            site_id=office["there_site"],
            tender=Tender.CASH,
            state=PaymentState.SETTLED,
            amount=8765,
            currency="USD",
            reference="cf-unit",
            started_at=clock.now(),
            collected_at=clock.now(),
        )
    )
    for key in (first, second):
        make.add(
            Allocation(
                payment_id=payment,
                invoice_id=key,
                state=AllocationState.RELEASED,
                amount=100,
                created_at=clock.now(),
            )
        )
    client = staff_client()
    for kind in ("unit", "site", "user"):
        page = client.get(f"/admin/{kind}/details/?id={office[f'there_{kind}']}")
        table = page.text[page.text.index('<section class="block" id="payments"') :]
        table = table[: table.index("</section>")]
        assert table.count("$87.65") == 1, kind
    other = client.get(f"/admin/unit/details/?id={office['here_unit']}")
    assert "$87.65" not in other.text
