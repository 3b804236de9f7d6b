"""Units of several sites bear the same names, so where one is chosen or listed its site is said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from admin.base import fields
from billing.database import transaction
from models import Rental, Unit
from tests.admin.test_grid import statements
from tests.support import Factory

Build = Callable[..., FlaskClient]


@pytest.fixture
def units(make: Factory) -> tuple[int, int]:
    mill, quay = make.site("Mill Road Storage"), make.site("Quay Storage")
    return make.unit(mill, "A-01"), make.unit(quay, "A-01")


def rent(make: Factory, unit: int) -> int:
    user = make.user("Ada Renter")
    make.add(Rental(unit_id=unit, user_id=user, started_on=dt.date(2026, 1, 1)))
    return user


def test_a_rental_chooses_among_units_with_their_sites(
    units: tuple[int, int], make: Factory, staff_client: Build
) -> None:
    rent(make, units[1])
    client = staff_client()
    for page in ("new/", "edit/?id=1"):
        text = client.get(f"/admin/rental/{page}").text
        assert f'<option value="{units[0]}" >A-01, Mill Road Storage</option>' in text
        assert ">A-01, Quay Storage</option>" in text
    assert "Quay" not in staff_client(None, (1,)).get("/admin/rental/new/").text


def test_too_many_for_a_list_they_are_looked_up_with_their_sites(
    units: tuple[int, int], make: Factory, staff_client: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    rent(make, units[1])
    monkeypatch.setattr(fields, "SHORT_LIST", 1)
    client = staff_client()
    page = client.get("/admin/rental/edit/?id=1").text
    assert 'value="A-01, Quay Storage"' in page
    both = [(units[1], "A-01, Quay Storage"), (units[0], "A-01, Mill Road Storage")]
    for typed, found in (
        ("", both),
        ("a-01", both),
        ("a-01 mill", both[1:]),
        ("A-01, Quay Storage", both[:1]),
        ("quay", both[:1]),
        ("storage b-02", []),
        ("%00", []),
        ("---", []),
        ("' OR 1=1", []),
    ):
        answer = client.get("/admin/unit/lookup/", query_string={"q": typed})
        assert [(each["id"], each["text"]) for each in answer.get_json()] == found, typed


def test_rentals_say_the_site(units: tuple[int, int], make: Factory, staff_client: Build) -> None:
    user = rent(make, units[1])
    client = staff_client()
    with statements() as seen:
        page = client.get("/admin/rental/").text
    assert len(seen) <= 3
    assert 'data-label="Site"' in page
    assert "Quay Storage" in page
    assert 'data-label="Site"' in client.get(f"/admin/user/details/?id={user}").text
    assert "Quay Storage" in client.get("/admin/rental/details/?id=1").text
    assert "Quay Storage" in client.get("/admin/rental/export/csv/").get_data(as_text=True)


def test_a_site_or_unit_does_not_repeat_itself(
    units: tuple[int, int], make: Factory, staff_client: Build
) -> None:
    rent(make, units[1])
    client = staff_client()
    for page in (f"unit/details/?id={units[1]}", "site/details/?id=2"):
        text = client.get(f"/admin/{page}").text
        assert "Ada Renter" in text
        assert 'data-label="Site"' not in text


def test_a_unit_keeps_its_own_name(
    units: tuple[int, int], make: Factory, staff_client: Build
) -> None:
    with transaction() as session:
        assert str(session.get_one(Unit, units[0])) == "A-01"
        session.execute(update(Unit).where(Unit.id == units[0]).values(name="<b>A</b>"))
    page = staff_client().get("/admin/rental/new/").text
    assert "&lt;b&gt;A&lt;/b&gt;, Mill Road Storage" in page
