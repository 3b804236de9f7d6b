"""Bulk actions in the panel: choosing, looking at what would happen, confirming, and the run."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs import bulk_actions
from models import BulkRow, BulkRun, Invoice, Label
from tests.admin.test_actions_user import cash
from tests.billing.helpers import keep
from tests.support import Clock, Factory, all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

BASE = "/admin/invoice/bulk"
PERMISSIONS = {
    "send": "invoices.send",
    "charge": "invoices.charge",
    "remind": "invoices.send",
    "label": "invoices.label",
    "pdf": "invoices.view",
}
BUTTONS = {
    "Send": "invoices.send",
    "Charge customer": "invoices.charge",
    "Remind": "invoices.send",
    "Label": "invoices.label",
    "PDF": "invoices.view",
}


def text_of(answer: Any) -> str:
    """A page's words, without its tags and with single blanks."""
    plain = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]*>", " ", answer.text, flags=re.S)
    return " ".join(html.unescape(plain).split())


def mark_of(page: Any) -> str:
    found = re.search(r'name="mark" value="([^"]*)"', page.text)
    return found.group(1) if found else ""


def confirm(client: FlaskClient, post: Post, address: str, **data: Any) -> Any:
    """Press the button of the page at ``address``."""
    return post(client, address, {"mark": mark_of(client.get(address)), **data})


def run_of(answer: Any) -> int:
    assert answer.status_code == 303, text_of(answer)
    return int(answer.headers["Location"].rpartition("=")[2])


@pytest.fixture
def office(make: Factory, sandbox: Any) -> dict[str, int]:
    """A few invoices, one of them of somebody with a card."""
    user = make.user("Cara Card")
    keep(user)
    return {
        "card": make.invoice(user, total=9900),
        "no card": make.invoice(total=1000),
        "draft": make.invoice(state="draft", total=500),
    }


# The bar under the list.


def test_each_button_is_shown_with_its_permission_only(
    app: Flask, office: dict[str, int], staff_client: Build
) -> None:
    for permissions in (
        ["invoices.view"],
        ["invoices.view", "invoices.send"],
        ["invoices.view", "invoices.charge", "invoices.label"],
    ):
        page = staff_client(permissions).get("/admin/invoice/").text
        for label, permission in BUTTONS.items():
            shown = re.search(rf"formaction=\"[^\"]+\">.*?{label}</button>", page) is not None
            assert shown == (permission in permissions), (label, permissions)


def test_the_bar_offers_all_that_match_and_keeps_the_filters(
    app: Flask, office: dict[str, int], staff_client: Build
) -> None:
    page = staff_client().get("/admin/invoice/?state=sent")
    assert "Select all 2 that match" in text_of(page)
    bar = page.text[page.text.index('id="chosen"') :]
    assert '<input type="hidden" name="state" value="sent">' in bar


def test_another_grid_has_no_bar(app: Flask, office: dict[str, int], staff_client: Build) -> None:
    page = staff_client().get("/admin/user/").text
    assert "Export selected" in page
    assert "data-all" not in page


def test_all_that_match_can_be_exported_too(
    app: Flask, office: dict[str, int], staff_client: Build
) -> None:
    csv = staff_client().get(f"/admin/invoice/export/csv/?all=1&chosen=1&id={office['card']}")
    assert csv.text.count("\r\n") == 4


# Doors.


@pytest.mark.parametrize("verb", list(PERMISSIONS))
def test_each_verb_needs_its_own_permission(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post, verb: str
) -> None:
    every = {*PERMISSIONS.values(), "invoices.view"}
    client = staff_client(sorted(every - {PERMISSIONS[verb]}))
    address = f"{BASE}/{verb}/?all=1"
    assert client.get(address).status_code == 403
    assert post(client, address, {"mark": "1-1-1", "confirmed": "y"}).status_code == 403
    assert all_of(BulkRun) == []
    allowed = staff_client(sorted({"invoices.view", PERMISSIONS[verb]}))
    assert allowed.get(address).status_code == 200


@pytest.mark.parametrize("verb", list(PERMISSIONS))
def test_without_a_token_or_with_get_nothing_begins(
    app: Flask, office: dict[str, int], staff_client: Build, verb: str
) -> None:
    client = staff_client()
    label = Factory().add(Label(name="VIP", note=""))
    address = f"{BASE}/{verb}/?all=1&label_id={label}&how=add"
    mark = mark_of(client.get(address))
    assert mark
    assert client.post(address, data={"mark": mark, "confirmed": "y"}).status_code == 400
    client.get(f"{address}&mark={mark}&confirmed=y")
    assert all_of(BulkRun) == []


def test_an_id_of_another_site_is_left_out(
    app: Flask, make: Factory, staff_client: Build, post: Post
) -> None:
    here, there = make.site(), make.site()
    mine, not_mine = make.invoice(site_id=here), make.invoice(site_id=there)
    client = staff_client(None, (here,))
    address = f"{BASE}/send/?id={mine}&id={not_mine}"
    assert "1 will be e-mailed again" in text_of(client.get(address))
    run = run_of(confirm(client, post, address))
    assert [row.invoice_id for row in all_of(BulkRow)] == [mine]
    only_theirs = f"{BASE}/send/?id={not_mine}"
    assert "There is nothing to do here" in text_of(client.get(only_theirs))
    assert confirm(client, post, only_theirs).status_code == 422
    everything = f"{BASE}/pdf/?all=1"
    run = run_of(confirm(client, post, everything))
    assert [row.invoice_id for row in all_of(BulkRow) if row.run_id == run] == [mine]


# Choosing and looking.


@pytest.mark.parametrize("query", ["", "id=", "id=x", "id=-1", "id=1e3", "again_of=7&which=failed"])
def test_choosing_nothing_leads_back_to_the_list(
    app: Flask, staff_client: Build, query: str
) -> None:
    client = staff_client()
    answer = client.get(f"{BASE}/send/?{query}")
    assert answer.status_code == 302
    assert "Tick the invoices first" in client.get(answer.headers["Location"]).text


def test_a_charge_names_counts_sums_and_reasons(
    app: Flask, office: dict[str, int], staff_client: Build
) -> None:
    page = staff_client().get(f"{BASE}/charge/?all=1")
    words = text_of(page)
    assert "1 will be charged $99.00" in words
    assert "2 can't: no payment method on file $15.00" in words
    assert "Charge $99.00 in all, for 1 invoice" in words
    assert "Cara Card" in words
    only = staff_client().get(f"{BASE}/charge/?all=1&outcome=no_payment_method")
    assert "Cara Card" not in text_of(only)
    assert mark_of(only) == mark_of(page)


def test_a_charge_tells_of_credit_and_is_in_the_future(
    app: Flask, make: Factory, office: dict[str, int], staff_client: Build
) -> None:
    payer = fetch(Invoice, office["card"]).user_id
    make.add(cash(payer, 2000))
    make.add(cash(payer, 1100))
    make.add(cash(fetch(Invoice, office["no card"]).user_id, 500))
    client = staff_client()
    words = text_of(client.get(f"{BASE}/charge/?all=1"))
    assert "Will be charged 1" in words
    assert "Charged 1" not in words
    assert "Will be charged; has $31.00 credit" in words
    assert words.count("$31.00 credit") == 1
    assert "$5.00 credit" not in words
    assert "credit" not in text_of(client.get(f"{BASE}/remind/?all=1"))
    assert "Will be reminded" in text_of(client.get(f"{BASE}/remind/?all=1"))


def test_an_overdue_invoice_has_its_flag(
    app: Flask, make: Factory, time: Clock, staff_client: Build
) -> None:
    make.settings(overdue_age=0)
    make.invoice()
    client = staff_client()
    flag = 'badge-overdue">Overdue'
    assert flag not in client.get(f"{BASE}/remind/?all=1").text
    time.advance(days=2)
    make.invoice(state="draft")
    assert client.get(f"{BASE}/remind/?all=1").text.count(flag) == 1


def test_all_that_match_are_those_of_the_filters(
    app: Flask, office: dict[str, int], staff_client: Build
) -> None:
    client = staff_client()
    assert "1 will be issued and e-mailed" in text_of(client.get(f"{BASE}/send/?all=1&state=draft"))
    assert "2 invoices" in text_of(client.get(f"{BASE}/send/?all=1&state=sent"))
    found = text_of(client.get(f"{BASE}/send/?all=1&q=Cara"))
    assert "Send 1 invoice" in found
    odd = text_of(client.get(f"{BASE}/send/?all=1&state=wobbly"))
    assert "so that filter was left out" in odd


def test_a_charge_is_not_begun_without_its_tick(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    address = f"{BASE}/charge/?all=1"
    answer = confirm(client, post, address)
    assert answer.status_code == 422
    assert "Tick this to go ahead." in text_of(answer)
    assert all_of(BulkRun) == []
    run = run_of(confirm(client, post, address, confirmed="y"))
    assert fetch(BulkRun, run).total == 1


def test_what_changed_since_is_shown_anew(
    app: Flask, make: Factory, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    address = f"{BASE}/send/?all=1"
    mark = mark_of(client.get(address))
    make.invoice()
    answer = post(client, address, {"mark": mark})
    assert answer.status_code == 422
    assert "has changed since you looked" in text_of(answer)
    assert all_of(BulkRun) == []
    assert mark_of(answer) != mark
    assert post(client, address, {"mark": mark_of(answer)}).status_code == 303


def test_a_label_is_asked_for_first(
    app: Flask, make: Factory, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    assert "There are no labels yet" in text_of(client.get(f"{BASE}/label/?all=1"))
    label = make.add(Label(name="<b>VIP</b>", note=""))
    asking = client.get(f"{BASE}/label/?all=1&state=sent")
    assert "&lt;b&gt;VIP" in asking.text
    assert "will get the label" not in text_of(asking)
    address = f"{BASE}/label/?all=1&state=sent&label_id={label}&how=add"
    assert "2 will get the label" in text_of(client.get(address))
    run = run_of(confirm(client, post, address))
    bulk_actions.run([run])
    assert "2 can't: they have the label already" in text_of(client.get(address))
    for odd in ("label_id=999&how=add", f"label_id={label}&how=burn", "label_id=x&how=add"):
        assert "will get" not in text_of(client.get(f"{BASE}/label/?all=1&{odd}"))


def test_the_page_takes_few_statements_however_many(
    app: Flask, make: Factory, staff_client: Build
) -> None:
    from tests.admin.test_grid import statements

    client = staff_client()
    counts = []
    for _ in range(2):
        for _ in range(5):
            invoice = make.invoice()
            make.add(cash(fetch(Invoice, invoice).user_id, invoice))
        with statements() as seen:
            assert client.get(f"{BASE}/charge/?all=1").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 5
