"""What the tests of the draft's pages share: rentals, addresses, rows as a form posts them."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

from flask.testing import FlaskClient

from billing import clock
from billing.database import lock, transaction
from models import Rental
from tests.support import Factory

Row = dict[str, str]


def edit_address(invoice: Any) -> str:
    return f"/admin/invoice/items/edit/?id={invoice}"


def preview_address(invoice: Any) -> str:
    return f"/admin/invoice/items/preview/?id={invoice}"


def create_address(kind: str, record: Any) -> str:
    return f"/admin/invoice/create/for-{kind}/?id={record}"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def mark_on(client: FlaskClient, invoice: int) -> str:
    """The mark that the editor carries when it is opened now."""
    page = client.get(edit_address(invoice)).get_data(as_text=True)
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return found.group(1)


def posted(*rows: Row, **values: str) -> dict[str, str]:
    """The form's data with these rows, as a browser sends them."""
    data = {"description": "Rent", "due_on": "", **values}
    for number, row in enumerate(rows):
        for name, value in {"description": "", **row}.items():
            data[f"lines-{number}-{name}"] = value
    return data


def rows_on(answer: Any) -> list[Row]:
    """The rows of the editor as it is shown, the template for new ones left out."""
    page = text_of(answer).split('<template id="empty-row">')[0]
    found: dict[int, Row] = {}
    pattern = r'name="lines-(\d+)-(\w+)" value="([^"]*)"( checked)?'
    for number, name, value, checked in re.findall(pattern, page):
        if name != "inclusive" or checked:
            found.setdefault(int(number), {})[name] = value
    return [found[number] for number in sorted(found)]


def rent(make: Factory, unit: int, user: int, **values: Any) -> int:
    started = clock.now().date() - dt.timedelta(days=40)
    return make.add(Rental(unit_id=unit, user_id=user, started_on=started, **values))


def change(model: type[Any], record_id: int, **values: Any) -> None:
    with transaction() as session:
        record = lock(session, model, record_id)
        for name, value in values.items():
            setattr(record, name, value)


def choices(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<option(?: selected)? value="([^"]*)">([^<]*)</option>', page)
