"""The editor of a draft: lines, sums by the server, errors at their place, two people at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import invoicing
from billing.items import MAX_LINES, Line
from models import History, Invoice, Item
from models.states import InvoiceState
from tests.admin.drafting import (
    Row,
    edit_address,
    mark_on,
    posted,
    rows_on,
    text_of,
)
from tests.billing.helpers import everything, rows_of
from tests.support import STAFF, Factory, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

RENT: Row = {"description": "Rent", "price": "99.00"}


def items_of(invoice: int) -> list[tuple[str, int]]:
    found = rows_of(Item, Item.invoice_id == invoice)
    return [(item.description, item.gross) for item in sorted(found, key=lambda i: i.position)]


@pytest.fixture
def draft(make: Factory) -> int:
    return make.invoice(total=2000, state="draft")


def test_the_eye_page_of_a_draft_leads_to_the_editor(staff_client: Build, draft: int) -> None:
    page = staff_client().get(f"/admin/invoice/details/?id={draft}").text
    assert page.count(f'href="{edit_address(draft)}"') == 2
    assert "Outstanding application balance" in page
    looker = staff_client(["invoices.view"])
    assert "items/edit" not in looker.get(f"/admin/invoice/details/?id={draft}").text


def test_it_opens_with_what_the_draft_says_and_spare_rows(
    make: Factory, staff_client: Build, draft: int
) -> None:
    shown = rows_on(staff_client().get(edit_address(draft)))
    assert shown[0] == {
        "description": "Outstanding application balance",
        "quantity": "1",
        "price": "20.00",
        "discount": "",
        "tax": "",
    }
    assert len(shown) == 4
    assert not any(any(row.values()) for row in shown[1:])


def test_saving_and_what_the_history_says(staff_client: Build, post: Post, draft: int) -> None:
    client = staff_client()
    rows: tuple[Row, ...] = (
        {**RENT, "tax": "7.5"},
        {},
        {
            "description": " A \n lock ",
            "quantity": "2",
            "price": "1,190.00",
            "discount": "$100",
            "tax": "19 %",
            "inclusive": "y",
        },
    )
    data = posted(*rows, description="New words", due_on="2031-05-02", do="save")
    answer = post(client, edit_address(draft), {**data, "seen": mark_on(client, draft)})
    assert answer.status_code == 303
    assert answer.location.endswith(f"/admin/invoice/details/?id={draft}")
    assert items_of(draft) == [("Rent", 9900 + 743), ("A lock", 228_000)]
    invoice = fetch(Invoice, draft)
    assert (invoice.description, invoice.total) == ("New words", 238_643)
    [row] = rows_of(History, History.verb == "edit")
    assert row.actor_name == "Sam Staff"
    page = text_of(client.get(answer.location))
    assert "The draft is saved." in page
    assert "Amount: $20.00 → $2,386.43" in page
    assert "Due: – → May 2, 2031" in page


def test_save_and_send_asks_first(staff_client: Build, post: Post, draft: int) -> None:
    client = staff_client()
    data = posted(RENT, do="send", seen=mark_on(client, draft))
    answer = post(client, edit_address(draft), data)
    assert answer.location.endswith(f"/admin/invoice/do/send/?id={draft}")
    assert "The draft of $99.00 is issued" in text_of(client.get(answer.location))
    assert fetch(Invoice, draft).state is InvoiceState.DRAFT
    bare = staff_client(["invoices.view", "invoices.edit"])
    assert "Save and send" not in bare.get(edit_address(draft)).text
    data = posted(RENT, do="send", seen=mark_on(bare, draft))
    assert "details" in post(bare, edit_address(draft), data).location


BAD = [
    ("quantity", "0", "The quantity must be more than zero"),
    ("quantity", "-1", "The quantity must be more than zero"),
    ("quantity", "1000000000", "at most 1,000,000"),
    ("quantity", "1e9", "Enter a number such as 1.5."),
    ("quantity", "0.0001", "at most 3 decimals"),
    ("quantity", "٣", "Enter a number such as 1.5."),
    ("tax", "101", "from 0 to 100"),
    ("tax", "-0.5", "from 0 to 100"),
    ("tax", "7.12345", "at most 4 decimals"),
    ("tax", "NaN", "Enter a number such as 7.5."),
    ("tax", "٣", "Enter a number such as 7.5."),
    ("tax", "Infinity", "Enter a number such as 7.5."),
    ("discount", "99.01", "The discount is more than the line."),
    ("discount", "-1", "Enter an amount such as 20.00."),
    ("price", "", "Enter a price."),
    ("price", "-1", "Enter an amount such as 20.00."),
    ("price", "٣", "Enter an amount such as 20.00."),
    ("price", "9,9", "Enter an amount such as 20.00."),
    ("price", "1.005", "Use at most 2 decimals."),
    ("price", "9" * 15, "That amount is too large."),
    ("price", "9" * 4000, "Enter an amount such as 20.00."),
    ("description", "", "Describe this line."),
    ("description", "x" * 501, "can have 500 characters; this one has 501."),
]


@pytest.mark.parametrize(("name", "typed", "sentence"), BAD)
def test_what_is_wrong_is_said_at_its_line_and_field(
    staff_client: Build, post: Post, draft: int, name: str, typed: str, sentence: str
) -> None:
    client = staff_client()
    wrong = {**RENT, "quantity": "1", "tax": "", "discount": "", name: typed}
    data = posted({**RENT, "description": "Kept"}, wrong, seen=mark_on(client, draft), do="save")
    before = everything()
    answer = post(client, edit_address(draft), data)
    assert answer.status_code == 422
    page = text_of(answer)
    place = page[page.index(f'id="lines-1-{name}"') :]
    assert sentence in place[: place.index("</td>")]
    assert 'aria-invalid="true"' in place[: place.index(">")]
    shown = rows_on(answer)
    assert shown[0]["description"] == "Kept"
    assert shown[1][name] == typed
    assert "Without 1 line that can't be worked out yet." in page
    assert everything() == before


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"description": ""}, "Write a description."),
        ({"description": "x" * 1001}, "this one has 1,001"),
        ({"due_on": "soon"}, "That is not a date."),
        ({"due_on": "2001-01-01"}, "The due date is in the past."),
        ({"due_on": "9999-12-31"}, "more than ten years away"),
    ],
)
def test_what_is_wrong_above_the_lines(
    staff_client: Build, post: Post, draft: int, values: Row, sentence: str
) -> None:
    client = staff_client()
    data = posted({**RENT, "description": "Kept"}, seen=mark_on(client, draft), **values)
    before = everything()
    answer = post(client, edit_address(draft), data)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert rows_on(answer)[0]["description"] == "Kept"
    assert everything() == before


def test_three_hundred_lines_are_too_many(staff_client: Build, post: Post, draft: int) -> None:
    client = staff_client()
    data = posted(*[RENT] * 300, seen=mark_on(client, draft))
    answer = post(client, edit_address(draft), data)
    assert answer.status_code == 422
    assert "An invoice can have 100 lines; this one has 300." in text_of(answer)
    assert len(rows_on(answer)) == 300
    assert items_of(draft) == [("Outstanding application balance", 2000)]
    data = posted(*[RENT] * MAX_LINES, seen=mark_on(client, draft))
    assert post(client, edit_address(draft), data).status_code == 303
    assert len(items_of(draft)) == MAX_LINES


def test_rows_are_read_in_their_order_whatever_numbers_they_have(
    staff_client: Build, post: Post, draft: int
) -> None:
    client = staff_client()
    data = {
        **posted(seen=mark_on(client, draft)),
        "lines-70-description": "Second",
        "lines-70-price": "2",
        "lines-7-description": "First",
        "lines-7-price": "1",
        "lines-99999999999999-description": "No row",
        "lines-1-total": "5",
    }
    assert post(client, edit_address(draft), data).status_code == 303
    assert items_of(draft) == [("First", 100), ("Second", 200)]


def test_an_issued_invoice_has_a_greyed_button_and_no_editor(
    make: Factory, staff_client: Build
) -> None:
    invoice = make.invoice()
    client = staff_client()
    sentence = "Only drafts can be edited. Set it back to draft first."
    eye = text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    assert "Edit items" in eye
    assert sentence in eye
    assert "items/edit" not in eye
    answer = client.get(edit_address(invoice))
    assert answer.status_code == 422
    assert sentence in text_of(answer)


@pytest.mark.parametrize(
    ("locale", "currency", "price", "quantity", "gross", "shown"),
    [
        ("de_DE", "EUR", "1.250,50", "1,5", 187_575, ("1250,50", "1,5")),
        ("de_DE", "EUR", "12.50", "1,5", 1_875, ("12,50", "1,5")),
        ("fr_FR", "EUR", "1 250,50", "1,5", 187_575, ("1250,50", "1,5")),
        ("en_US", "JPY", "1,250", "1.5", 1_875, ("1250", "1.5")),
        ("en_US", "KWD", "1.250", "1.5", 1_875, ("1.250", "1.5")),
    ],
)
def test_numbers_are_typed_the_offices_way(
    make: Factory,
    staff_client: Build,
    post: Post,
    locale: str,
    currency: str,
    price: str,
    quantity: str,
    gross: int,
    shown: tuple[str, str],
) -> None:
    make.settings(locale=locale, currency=currency)
    draft = make.invoice(state="draft")
    client = staff_client()
    row = {"description": "Rent", "price": price, "quantity": quantity}
    data = posted(row, seen=mark_on(client, draft))
    assert post(client, edit_address(draft), data).status_code == 303
    assert items_of(draft) == [("Rent", gross)]
    [first, *_spare] = rows_on(client.get(edit_address(draft)))
    assert (first["price"], first["quantity"]) == shown
    [edited] = rows_of(History, History.verb == "edit")
    assert edited.details["changes"]["items"][1][0].startswith(f"{shown[1]} × Rent at ")
    page = html.fromstring(client.get(f"/admin/invoice/details/?id={draft}").text)
    cells = [cell.text_content().strip() for cell in page.xpath("//td")]
    assert shown[1] in cells


def test_its_doors(make: Factory, staff_client: Build, post: Post, draft: int) -> None:
    able = staff_client()
    data = posted(RENT, seen=mark_on(able, draft))
    looker = staff_client(["invoices.view"])
    assert looker.get(edit_address(draft)).status_code == 403
    assert post(looker, edit_address(draft), data).status_code == 403
    assert able.post(edit_address(draft), data=data).status_code == 400
    site = make.site()
    foreign = make.invoice(state="draft", site_id=make.site())
    bound = staff_client(sites=(site,))
    for unknown in (foreign, 10**25, "x", ""):
        assert bound.get(edit_address(unknown)).status_code == 404
        assert post(bound, edit_address(unknown), data).status_code == 404
    assert items_of(draft) == [("Outstanding application balance", 2000)]
    before = everything()
    able.get(edit_address(draft))
    assert everything() == before


def test_a_line_of_a_set_back_invoice_keeps_its_tax_and_discount(
    make: Factory, staff_client: Build
) -> None:
    draft = make.invoice(state="draft")
    lines = [Line("Rent", 9900, tax_inclusive=True, discount=500)]
    invoicing.edit_draft(draft, description="x", due_on=None, lines=lines, actor=STAFF)
    [first, *_spare] = rows_on(staff_client().get(edit_address(draft)))
    assert (first["discount"], first["inclusive"]) == ("5.00", "y")


def test_the_eye_page_shows_every_line_in_its_order(
    make: Factory, staff_client: Build, draft: int
) -> None:
    lines = [Line(f"Line number {number}.", 100) for number in range(30)]
    invoicing.edit_draft(draft, description="x", due_on=None, lines=lines, actor=STAFF)
    page = staff_client().get(f"/admin/invoice/details/?id={draft}").text
    table = page[page.index('id="items"') : page.index('id="allocations"')]
    places = [table.index(line.description) for line in lines]
    assert places == sorted(places)
    assert "Show all" not in table
