"""What the tests of overdue invoices share: an office in November, what its pages say."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.database import transaction
from models import Invoice, Unit
from models.states import InvoiceState
from tests.support import Clock, Factory

Build = Callable[..., FlaskClient]
NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


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


def change(key: int, **values: Any) -> None:
    with transaction() as session:
        for name, value in values.items():
            setattr(session.get_one(Invoice, key), name, value)
