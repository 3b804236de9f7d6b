"""What is overdue: lists, pages, dashboard, pills and CSV agree on the same invoices."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from models import db
from models.states import InvoiceState
from tests.admin.debts import Build, change, invoice, november, office, row_of, text_of
from tests.support import Factory

__all__ = ["november", "office"]

LATE = 'class="overdue"'


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
