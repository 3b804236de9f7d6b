"""CSV: exactly what is filtered, streamed, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import ServerCursor
from sqlalchemy import event, insert

from admin.base.export import harmless
from billing import clock
from billing.database import transaction
from models import Invoice, User, db
from tests.support import Factory


def rows(client: FlaskClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    data = answer.get_data()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30", "'+49 30"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("  =1", "'  =1"),
        ("Zoë", "Zoë"),
        ("", ""),
        (-5, -5),
        (Decimal("-12.50"), Decimal("-12.50")),
    ],
)
def test_no_cell_can_be_a_formula(value: object, written: object) -> None:
    assert harmless(value) == written


def test_amounts_are_numbers_and_words_are_words(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.settings(timezone="America/Chicago")
    user = make.user('=HYPERLINK("http://evil")', email="zoe@example.org")
    make.invoice(user, total=123456, description='<b>Zoë</b>, "quoted"\nsecond line')
    (row,) = rows(staff_client(), "/admin/invoice/export/csv/")
    assert row["Amount (USD)"] == "1234.56"
    assert row["Balance (USD)"] == "1234.56"
    assert row["User"] == '\'=HYPERLINK("http://evil")'
    assert row["Description"] == '<b>Zoë</b>, "quoted"\nsecond line'
    assert row["State"] == "Sent"
    assert row["E-mail"] == "zoe@example.org"
    local = clock.local(db.session.get_one(Invoice, 1).created_at, "America/Chicago")
    assert row["Created"] == local.strftime("%Y-%m-%d %H:%M")


def test_only_what_is_filtered(make: Factory, staff_client: Callable[..., FlaskClient]) -> None:
    ada, bob = make.user("Ada"), make.user("Bob")
    make.invoice(ada, state="draft")
    make.invoice(bob)
    client = staff_client()
    for query, names in (
        ("", ["Bob", "Ada"]),
        ("?state=draft", ["Ada"]),
        ("?q=bob", ["Bob"]),
        (f"?user={ada}", ["Ada"]),
        ("?sort=id", ["Ada", "Bob"]),
    ):
        found = rows(client, f"/admin/invoice/export/csv/{query}")
        assert [row["User"] for row in found] == names, query


def test_every_list_can_be_exported(
    make: Factory, staff_client: Callable[..., FlaskClient]
) -> None:
    make.application()
    client = staff_client()
    for name in [
        "application",
        "payment",
        "user",
        "unit",
        "site",
        "rental",
        "form",
        "outgoingemail",
        "history",
    ]:
        rows(client, f"/admin/{name}/export/csv/")
    assert client.get("/admin/user/export/xlsx/").status_code == 404


def test_it_leaves_row_by_row(
    app: Flask, make: Factory, staff_client: Callable[..., FlaskClient], dialect: str
) -> None:
    """The first bytes are there before the rows are read, and rows come in parts."""
    with transaction() as session:
        people = [{"name": f"Person {n}", "created_at": clock.now()} for n in range(2500)]
        session.execute(insert(User), people)
    asked: list[str] = []
    cursors: list[Any] = []
    client = staff_client()

    def note(_c: object, cursor: Any, statement: str, *_rest: object) -> None:
        if "FROM users" in statement:
            asked.append(statement)
            cursors.append(cursor)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        answer = client.get("/admin/user/export/csv/", buffered=False)
        parts = iter(answer.response)
        first = next(parts)
        assert asked == []
        rest = list(parts)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 1
    assert len(rest) == 3
    if dialect == "postgresql":
        # Any other cursor has fetched every row before it gives the first.
        assert isinstance(cursors[0], ServerCursor)
    assert "Person" not in str(first)
