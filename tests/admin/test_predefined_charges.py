"""Predefined charges: a record type of its own, checked where typed, copied onto invoices."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.saving import save_record
from models import History, PredefinedCharge
from tests.admin.conftest import HOSTILE
from tests.admin.drafting import text_of
from tests.admin.test_forms import saved, shown
from tests.billing.helpers import refusal_of, rows_of
from tests.support import STAFF, Factory, all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

NEW = "/admin/predefinedcharge/new/"
LOCK = {"name": "Lock", "unit_amount": "11.90", "tax_rate": "19", "active": "y"}


def edit_of(charge: int) -> str:
    return f"/admin/predefinedcharge/edit/?id={charge}"


def test_none_yet_says_what_they_are_for(staff_client: Build) -> None:
    page = text_of(staff_client().get("/admin/predefinedcharge/"))
    assert "Add what you bill again and again" in page


def test_a_new_one_and_its_page(staff_client: Build, post: Post) -> None:
    client = staff_client()
    form = client.get(NEW).text
    assert re.search(r'<input checked id="active"', form)
    assert not re.search(r'<input checked id="tax_inclusive"', form)
    answer = post(client, NEW, {**LOCK, "name": "  Disc   lock ", "tax_inclusive": "y"})
    assert saved(answer)
    [charge] = all_of(PredefinedCharge)
    assert (charge.name, charge.unit_amount, charge.tax_rate) == ("Disc lock", 1190, Decimal(19))
    assert (charge.tax_inclusive, charge.active) == (True, True)
    page = text_of(client.get(answer.headers["Location"]))
    for words in ("Disc lock", "$11.90", "19 %"):
        assert words in page
        assert words in text_of(client.get("/admin/predefinedcharge/"))
    export = client.get("/admin/predefinedcharge/export/csv/")
    assert "Disc lock" in export.text


def test_editing_keeps_what_is_not_touched_and_says_what_was(
    make: Factory, staff_client: Build, post: Post
) -> None:
    charge = make.add(
        PredefinedCharge(name="Rent", unit_amount=9900, tax_rate=Decimal("7.5"), active=True)
    )
    client = staff_client()
    form = client.get(edit_of(charge)).text
    assert 'value="99.00"' in form
    assert 'value="7.5"' in form
    values = {"name": "Rent", "unit_amount": "120", "tax_rate": "7,5", "active": "y"}
    mark = shown(client, edit_of(charge))
    refused = post(client, edit_of(charge), {**values, "seen": mark})
    assert "Enter a number such as 1.5." in text_of(refused)
    assert saved(post(client, edit_of(charge), {**values, "tax_rate": "7.5 %", "seen": mark}))
    assert fetch(PredefinedCharge, charge).unit_amount == 12000
    [row] = rows_of(History, History.verb == "edit")
    assert row.details["changes"] == {"unit_amount": [9900, 12000]}
    again = {**values, "tax_rate": "7.5", "seen": shown(client, edit_of(charge))}
    assert saved(post(client, edit_of(charge), again))
    assert len(rows_of(History, History.verb == "edit")) == 1
    del again["active"]
    assert saved(post(client, edit_of(charge), {**again, "seen": shown(client, edit_of(charge))}))
    assert fetch(PredefinedCharge, charge).active is False


def test_the_second_of_two_who_edit_is_told(make: Factory, staff_client: Build, post: Post) -> None:
    charge = make.add(PredefinedCharge(name="Rent", unit_amount=9900, active=True))
    client = staff_client()
    mark = shown(client, edit_of(charge))
    values = {"name": "Rent", "tax_rate": "0", "active": "y", "seen": mark}
    assert saved(post(client, edit_of(charge), {**values, "unit_amount": "100"}))
    answer = post(client, edit_of(charge), {**values, "unit_amount": "200"})
    assert "Somebody else saved this record" in answer.text
    assert fetch(PredefinedCharge, charge).unit_amount == 10000


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "This can't be empty."),
        ("name", "   ", "Enter a name."),
        ("name", "x" * 201, "Use at most 200 characters."),
        ("unit_amount", "", "This can't be empty."),
        ("unit_amount", "-1", "Enter an amount such as 20.00."),
        ("unit_amount", "12,50", "Enter an amount such as 20.00."),
        ("unit_amount", "1.001", "Use at most 2 decimals."),
        ("unit_amount", "9" * 14, "That amount is too large."),
        ("tax_rate", "", "This can't be empty."),
        ("tax_rate", "101", "from 0 to 100"),
        ("tax_rate", "-1", "from 0 to 100"),
        ("tax_rate", "7.12345", "at most 4 decimals"),
        ("tax_rate", "NaN", "Enter a number such as 1.5."),
        ("tax_rate", "٣", "Enter a number such as 1.5."),
        ("tax_rate", "1e1", "Enter a number such as 1.5."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_kept(
    staff_client: Build, post: Post, field: str, typed: str, sentence: str
) -> None:
    answer = post(staff_client(), NEW, {**LOCK, field: typed})
    page = text_of(answer)
    place = page[page.index(f'name="{field}"') :]
    assert sentence in place[: place.index("</div>")]
    if typed.strip():
        assert typed in page
    assert all_of(PredefinedCharge) == []


def test_the_rules_hold_without_a_form(make: Factory) -> None:
    good = {"name": "Lock", "unit_amount": 100, "tax_rate": Decimal(0)}
    for field, value in (
        ("name", " "),
        ("unit_amount", -1),
        ("tax_rate", Decimal("NaN")),
        ("tax_rate", Decimal("100.01")),
    ):
        values = {**good, field: value}
        refusal = refusal_of(partial(save_record, PredefinedCharge, None, values, STAFF))
        assert refusal.field == field


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_stay_words(staff_client: Build, post: Post, words: str) -> None:
    client = staff_client()
    answer = post(client, NEW, {**LOCK, "name": words})
    assert saved(answer)
    for path in ("/admin/predefinedcharge/", answer.headers["Location"]):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_its_doors(make: Factory, staff_client: Build, post: Post) -> None:
    charge = make.add(PredefinedCharge(name="Rent", unit_amount=9900, active=True))
    looker = staff_client(["charges.view"])
    assert looker.get("/admin/predefinedcharge/").status_code == 200
    for path in (NEW, edit_of(charge)):
        assert looker.get(path).status_code == 403
        assert post(looker, path, LOCK).status_code == 403
        assert staff_client().post(path, data=LOCK).status_code == 400
    assert staff_client(["invoices.edit"]).get("/admin/predefinedcharge/").status_code == 403
    assert [each.name for each in all_of(PredefinedCharge)] == ["Rent"]
