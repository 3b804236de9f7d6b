"""A bulk action under way: its page, its bar, stopping, trying again, its file, and who may."""

from __future__ import annotations

import html
from typing import Any

import pytest
from flask import Flask

from billing import bulk_turns
from billing.bulk_turns import Report
from jobs import bulk_actions
from models import BulkRow, BulkRun
from models.states import BulkResult
from tests.admin.test_bulk_pages import BASE, Build, Post, confirm, run_of, text_of
from tests.billing.helpers import keep
from tests.support import Factory, all_of, emails, fetch


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


def test_a_run_from_the_list_to_its_results(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    run = run_of(confirm(client, post, f"{BASE}/charge/?all=1", confirmed="y"))
    address = f"{BASE}/run/show/?id={run}"
    words = text_of(client.get(address))
    assert "About to begin" in words
    assert "0 of 1 invoice" in words
    assert "Stop" in words
    bulk_actions.run([run])
    page = client.get(address)
    words = text_of(page)
    assert "Finished" in words
    assert "1 of 1 invoice · 1 done" in words
    assert "$99.00 charged." in words
    assert f"/admin/invoice/details/?id={office['card']}" in page.text
    assert "again" not in words
    assert client.get(f"{address}&result=declined").status_code == 200
    assert "My bulk actions" in text_of(client.get(f"{BASE}/"))
    assert f"run/show/?id={run}" in client.get(f"{BASE}/").text


def test_the_bar_is_told_how_far_it_is(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    run = run_of(confirm(client, post, f"{BASE}/send/?all=1"))
    address = f"{BASE}/run/progress/?id={run}"
    assert client.get(address).json == {
        "state": "queued",
        "done": 0,
        "all": 3,
        "percent": 0,
        "words": "0 of 3 invoices",
        "trouble": "",
    }
    bulk_actions.run([run])
    assert (client.get(address).json or {})["words"] == "3 of 3 invoices · 3 done"


def test_stopping_is_a_post_and_leaves_the_rest(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client()
    run = run_of(confirm(client, post, f"{BASE}/send/?all=1"))
    stop = f"{BASE}/run/stop/?id={run}"
    assert client.get(stop).status_code == 405
    assert client.post(stop).status_code == 400
    assert post(client, stop).status_code == 303
    words = text_of(client.get(f"{BASE}/run/show/?id={run}"))
    assert "Stopped. 3 invoices left undone." in words
    assert "Do the rest" in words
    bulk_actions.run([run])
    assert emails("invoice_again") == []
    rest = client.get(f"{BASE}/send/?again_of={run}&which=stopped")
    assert "Send 3 invoices" in text_of(rest)
    post(client, stop)
    assert "has ended already" in text_of(client.get(f"{BASE}/run/show/?id={run}"))


def test_only_what_came_to_nothing_can_be_run_again(
    app: Flask, make: Factory, staff_client: Build, post: Post
) -> None:
    """An unknown charge never: its money may have moved."""
    endings = (BulkResult.DONE, BulkResult.REFUSED, BulkResult.FAILED, BulkResult.UNKNOWN)
    invoices = [make.invoice() for _ in endings]
    client = staff_client()
    run = run_of(confirm(client, post, f"{BASE}/send/?all=1"))
    turn = bulk_turns.take_turn(run)
    assert turn is not None
    rows = bulk_turns.next_rows(turn, limit=9)
    reports = [Report(row.id, end, "So it ended.") for row, end in zip(rows, endings, strict=True)]
    bulk_turns.end_turn(turn, reports)
    page = client.get(f"{BASE}/run/show/?id={run}")
    assert "Run the failed ones again" in text_of(page)
    address = f"{BASE}/send/?again_of={run}&which=failed"
    assert html.escape(address) in page.text
    again = run_of(confirm(client, post, address))
    chosen = [row.invoice_id for row in all_of(BulkRow) if row.run_id == again]
    assert chosen == invoices[1:3]


def test_the_file_is_handed_out_as_one(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post
) -> None:
    client = staff_client(["invoices.view"])
    run = run_of(confirm(client, post, f"{BASE}/pdf/?all=1"))
    address = f"{BASE}/run/invoices.pdf?id={run}"
    assert client.get(address).status_code == 404
    bulk_actions.run([run])
    assert "Save the file" in text_of(client.get(f"{BASE}/run/show/?id={run}"))
    answer = client.get(address)
    assert answer.data.startswith(b"%PDF")
    disposition = answer.headers["Content-Disposition"]
    assert disposition == f"attachment; filename=invoices-{run}.pdf"
    assert answer.headers["Cache-Control"] == "private, no-store"


RUN_PAGES = ("show/", "progress/", "invoices.pdf")


def test_somebody_elses_run(app: Flask, make: Factory, staff_client: Build, post: Post) -> None:
    """Whose it is, and whoever may do the same at all of its sites; nobody else."""
    here, there = make.site(), make.site()
    make.invoice(site_id=here)
    make.invoice(site_id=there)
    owner = staff_client(["invoices.view", "invoices.send"])
    run = run_of(confirm(owner, post, f"{BASE}/send/?all=1"))
    pdf = run_of(confirm(owner, post, f"{BASE}/pdf/?all=1"))
    bulk_actions.run([pdf])
    colleague = staff_client(["invoices.view", "invoices.send"])
    cannot_send = staff_client(["invoices.view"])
    elsewhere = staff_client(["invoices.view", "invoices.send"], (here,))
    for page in RUN_PAGES[:2]:
        assert colleague.get(f"{BASE}/run/{page}?id={run}").status_code == 200
        assert cannot_send.get(f"{BASE}/run/{page}?id={run}").status_code == 404
        assert elsewhere.get(f"{BASE}/run/{page}?id={run}").status_code == 404
    for client, status in ((owner, 200), (colleague, 200), (cannot_send, 200), (elsewhere, 404)):
        assert client.get(f"{BASE}/run/invoices.pdf?id={pdf}").status_code == status
    for client in (cannot_send, elsewhere):
        assert post(client, f"{BASE}/run/stop/?id={run}").status_code == 404
    assert fetch(BulkRun, run).stopped_at is None
    assert f"id={run}" not in colleague.get(f"{BASE}/").text
    again = f"{BASE}/send/?again_of={run}&which=stopped"
    assert elsewhere.get(again).status_code == 302


def test_a_run_that_is_none(app: Flask, staff_client: Build) -> None:
    client = staff_client()
    for page in RUN_PAGES:
        for odd in ("", "999", "x", "-1"):
            assert client.get(f"{BASE}/run/{page}?id={odd}").status_code == 404
