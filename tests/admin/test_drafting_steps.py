"""The editor of a draft before it saves: sums, no JavaScript, two people at once."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import invoicing
from models import Item, PredefinedCharge
from tests.admin.conftest import HOSTILE
from tests.admin.drafting import (
    Row,
    edit_address,
    mark_on,
    posted,
    preview_address,
    rows_on,
    text_of,
)
from tests.billing.helpers import everything, rows_of
from tests.support import STAFF, Factory

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

RENT: Row = {"description": "Rent", "price": "99.00"}


def items_of(invoice: int) -> list[tuple[str, int]]:
    found = rows_of(Item, Item.invoice_id == invoice)
    return [(item.description, item.gross) for item in sorted(found, key=lambda i: i.position)]


@pytest.fixture
def draft(make: Factory) -> int:
    return make.invoice(total=2000, state="draft")


class TestPreview:
    def test_the_sums_are_the_servers(self, staff_client: Build, post: Post, draft: int) -> None:
        rows: tuple[Row, ...] = (
            {**RENT, "tax": "7.5"},
            {},
            {"description": "Lock", "price": "11.90", "tax": "19", "inclusive": "y"},
            {"description": "?", "price": "abc"},
        )
        client = staff_client()
        before = everything()
        answer = post(client, preview_address(draft), posted(*rows))
        assert answer.get_json() == {
            "lines": ["$106.43", "", "$11.90", ""],
            "net": "$109.00",
            "tax": "$9.33",
            "total": "$118.33",
            "words": "Without 1 line that can't be worked out yet.",
        }
        assert everything() == before

    def test_too_many_and_nothing(self, staff_client: Build, post: Post, draft: int) -> None:
        client = staff_client()
        many = post(client, preview_address(draft), posted(*[RENT] * 500)).get_json()
        assert "this one has 500" in many["words"]
        none = post(client, preview_address(draft), {}).get_json()
        assert (none["total"], none["lines"]) == ("$0.00", [])

    def test_its_doors(self, make: Factory, staff_client: Build, post: Post, draft: int) -> None:
        site = make.site()
        data = posted(RENT)
        assert staff_client().get(preview_address(draft)).status_code == 405
        assert staff_client().post(preview_address(draft), data=data).status_code == 400
        looker = staff_client(["invoices.view"])
        assert post(looker, preview_address(draft), data).status_code == 403
        foreign = make.invoice(state="draft", site_id=make.site())
        bound = staff_client(sites=(site,))
        for unknown in (foreign, 10**25, "x", -1):
            assert post(bound, preview_address(unknown), data).status_code == 404


class TestWithoutJavaScript:
    @pytest.mark.parametrize(
        ("do", "order"),
        [
            ("up-1", ["B", "A", "C"]),
            ("down-1", ["A", "C", "B"]),
            ("up-0", ["A", "B", "C"]),
            ("down-2", ["A", "B", "C"]),
            ("remove-1", ["A", "C"]),
            ("remove-99", ["A", "B", "C"]),
            ("up-²", ["A", "B", "C"]),
            ("add", ["A", "B", "C", ""]),
            ("dance", ["A", "B", "C"]),
        ],
    )
    def test_rows_move_and_nothing_is_saved(
        self, staff_client: Build, post: Post, draft: int, do: str, order: list[str]
    ) -> None:
        client = staff_client()
        rows = [{"description": name, "price": "wrong?"} for name in "ABC"]
        before = everything()
        answer = post(client, edit_address(draft), posted(*rows, do=do, seen="s"))
        assert answer.status_code == 200
        shown = rows_on(answer)
        assert [row["description"] for row in shown] == order
        assert shown[0]["price"] == "wrong?"
        assert 'role="alert"' not in answer.text
        assert everything() == before

    def test_a_predefined_charge_fills_a_row(
        self, make: Factory, staff_client: Build, post: Post, draft: int
    ) -> None:
        charge = make.add(PredefinedCharge(name="Lock", unit_amount=1190, tax_rate=19, active=True))
        hidden = make.add(PredefinedCharge(name="Old", unit_amount=1, active=False))
        client = staff_client()
        page = client.get(edit_address(draft)).text
        assert f"charge-{charge}" in page
        assert f"charge-{hidden}" not in page
        data = posted(RENT, {}, {"description": "Last", "price": "1"}, do="add")
        answer = post(client, edit_address(draft), {**data, "offer": f"charge-{charge}"})
        assert rows_on(answer)[1] == {
            "description": "Lock",
            "quantity": "1",
            "price": "11.90",
            "discount": "",
            "tax": "19",
        }
        answer = post(client, edit_address(draft), {**data, "offer": f"charge-{hidden}"})
        assert "Old" not in [row["description"] for row in rows_on(answer)]

    def test_working_it_out_saves_nothing_and_keeps_the_mark(
        self, staff_client: Build, post: Post, draft: int
    ) -> None:
        client = staff_client()
        before = everything()
        answer = post(client, edit_address(draft), posted(RENT, do="work", seen="old-mark"))
        assert answer.status_code == 200
        assert '<dd id="total">$99.00</dd>' in answer.text
        assert 'name="seen" value="old-mark"' in answer.text
        assert everything() == before


class TestTwoAtOnce:
    def test_the_second_is_told_and_may_then_decide(
        self, staff_client: Build, post: Post, draft: int
    ) -> None:
        client = staff_client()
        mark = mark_on(client, draft)
        assert post(client, edit_address(draft), posted(RENT, seen=mark)).status_code == 303
        mine = posted({"description": "Mine", "price": "5"}, seen=mark)
        answer = post(client, edit_address(draft), mine)
        assert answer.status_code == 422
        assert "Somebody else changed this draft while you had it open." in text_of(answer)
        assert rows_on(answer)[0]["description"] == "Mine"
        assert items_of(draft) == [("Rent", 9900)]
        again = {**mine, "seen": mark_on(client, draft)}
        assert f'value="{again["seen"]}"' in answer.text
        assert post(client, edit_address(draft), again).status_code == 303
        assert items_of(draft) == [("Mine", 500)]

    @pytest.mark.parametrize("mark", ["", "x", "0" * 32])
    def test_a_form_without_its_mark_never_overwrites(
        self, staff_client: Build, post: Post, draft: int, mark: str
    ) -> None:
        answer = post(staff_client(), edit_address(draft), posted(RENT, seen=mark))
        assert answer.status_code == 422
        assert items_of(draft) == [("Outstanding application balance", 2000)]

    def test_issued_meanwhile_keeps_what_was_typed(
        self, staff_client: Build, post: Post, draft: int
    ) -> None:
        client = staff_client()
        data = posted({"description": "Mine", "price": "5"}, seen=mark_on(client, draft))
        invoicing.send_invoice(draft, actor=STAFF)
        answer = post(client, edit_address(draft), data)
        assert answer.status_code == 422
        assert "Only drafts can be edited. Set it back to draft first." in text_of(answer)
        assert rows_on(answer)[0]["description"] == "Mine"


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(
    make: Factory, staff_client: Build, post: Post, draft: int, words: str
) -> None:
    make.add(PredefinedCharge(name=words, unit_amount=100, active=True))
    client = staff_client()
    data = posted({"description": words, "price": "1"}, description=words)
    answer = post(client, edit_address(draft), {**data, "seen": mark_on(client, draft)})
    assert answer.status_code == 303
    escaped = html.escape(words)
    for path in (edit_address(draft), answer.location):
        page = client.get(path).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "onerror=alert(1)>" not in page.replace(html.escape("onerror=alert(1)>"), "")
        assert escaped in page or words in html.unescape(page)
    refused = post(client, edit_address(draft), {**data, "lines-0-price": words})
    assert "<script>alert" not in refused.text
    assert "<img src=x" not in refused.text
    shown = post(client, preview_address(draft), {**data, "lines-0-price": words})
    assert shown.mimetype == "application/json"
