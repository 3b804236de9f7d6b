"""Disputes of each kind, and searching them with the real SDK."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from braintree import Dispute, DisputeSearch
from braintree.exceptions.server_error import ServerError
from braintree.exceptions.unexpected_error import UnexpectedError

from sandbox import chargebacks, dispute_search, transactions
from sandbox.server import Server
from sandbox.store import Store
from tests.sandbox.merchant import Merchant

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon(merchant: Merchant) -> None:
    """Have no midnight come in the middle of a test, and nothing taken for a duplicate."""
    now = datetime.fromisoformat(merchant.control("/")["time"])
    till_noon = (timedelta(hours=36) - timedelta(hours=now.hour, minutes=now.minute)) % DAY
    merchant.control("/clock", {"advance_seconds": int(till_noon.total_seconds())})
    merchant.settings(duplicate_checking=False)


def dispute(merchant: Merchant, *, ends: str = "", **more: Any) -> str:
    """Have a new settled sale disputed, and return the dispute's id."""
    sale = merchant.settled("30.00")
    merchant.control(f"/transactions/{sale.id}/dispute-open", more)
    if ends:
        merchant.control(f"/transactions/{sale.id}/dispute-{ends}", {})
    return str(merchant.find(sale).disputes[0].id)


def found(merchant: Merchant, *criteria: Any) -> list[str]:
    return [each.id for each in merchant.gateway.dispute.search(*criteria).disputes.items]


def today(merchant: Merchant) -> date:
    """The day by the sandbox's clock."""
    return datetime.fromisoformat(merchant.control("/")["time"]).date()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("chargeback", "fraud"), ("pre_arbitration", "fraud"), ("retrieval", "retrieval")],
)
@pytest.mark.parametrize("ends", ["won", "lost", "accepted", "expired"])
def test_each_kind_can_end_in_each_way(
    merchant: Merchant, kind: str, reason: str, ends: str
) -> None:
    shown = merchant.gateway.dispute.find(dispute(merchant, kind=kind, ends=ends))
    assert (shown.kind, shown.reason, shown.status) == (kind, reason, ends)
    assert [event.status for event in shown.status_history] == ["open", ends]
    assert shown.status_history[0].effective_date == today(merchant)
    assert merchant.control("/webhooks")[0]["kind"] == f"dispute_{ends}"


def test_a_dispute_takes_no_other_kind(merchant: Merchant) -> None:
    sale = merchant.settled("30.00")
    path = f"/transactions/{sale.id}"
    for more in ({"kind": "sale"}, {"kind": ["retrieval"]}, {"colour": "red"}):
        assert merchant.control(f"{path}/dispute-open", more)[0] == 422
    assert merchant.control(f"{path}/dispute-won", {"kind": "retrieval"})[0] == 422
    assert merchant.find(sale).disputes == []


def test_a_search_by_date_finds_what_happened_that_day(merchant: Merchant) -> None:
    one, two = dispute(merchant), dispute(merchant, kind="retrieval")
    opened = today(merchant)
    merchant.advance(days=5)
    three = dispute(merchant)
    of_two = merchant.gateway.dispute.find(two).transaction_details.id
    merchant.control(f"/transactions/{of_two}/dispute-expired", {})
    received, effective = DisputeSearch.received_date, DisputeSearch.effective_date
    assert found(merchant, received >= opened) == [three, two, one]
    assert found(merchant, received >= opened + DAY) == [three]
    assert found(merchant, effective >= opened + DAY) == [three, two]
    assert found(merchant, effective <= opened) == [two, one]
    assert found(merchant, effective.between(opened + DAY, opened + 4 * DAY)) == []
    assert found(merchant, effective.between(f"{opened}", f"{opened}")) == [two, one]
    assert found(merchant, effective >= opened + 6 * DAY) == []
    assert found(merchant, effective == opened + 5 * DAY) == [three, two]


def test_a_search_by_what_a_dispute_is(merchant: Merchant) -> None:
    one, two = dispute(merchant, ends="won"), dispute(merchant, kind="retrieval")
    of_one = merchant.gateway.dispute.find(one).transaction_details.id
    kind, status = DisputeSearch.kind, DisputeSearch.status
    assert found(merchant, kind.in_list([Dispute.Kind.Retrieval])) == [two]
    assert found(merchant, status.in_list([Dispute.Status.Won, Dispute.Status.Lost])) == [one]
    assert found(merchant, DisputeSearch.id == one, kind == "retrieval") == []
    assert found(merchant, DisputeSearch.transaction_id == of_one) == [one]


@pytest.mark.parametrize(
    "criterion",
    [
        DisputeSearch.case_number == "CASE-1",
        DisputeSearch.id.contains("x"),
        DisputeSearch.received_date >= "some day",
    ],
)
def test_a_criterion_it_lacks_is_an_error(merchant: Merchant, criterion: Any) -> None:
    dispute(merchant)
    with pytest.raises(UnexpectedError):
        found(merchant, criterion)


def test_more_than_a_page_is_found_page_by_page(merchant: Merchant, server: Server) -> None:
    sale = merchant.settled("30.00")
    made = []
    with server.desk.writing() as work:
        row = transactions.load(work, sale.id)
        assert row is not None
        for _ in range(2 * dispute_search.PAGE_SIZE + 1):
            opened = chargebacks.open_dispute(work, row)
            assert opened is not None
            made.append(opened.id)
            chargebacks.close_dispute(work, row, "won")
    assert found(merchant, DisputeSearch.received_date >= date(2020, 1, 1)) == made[::-1]


def test_a_search_can_fail(merchant: Merchant) -> None:
    one = dispute(merchant)
    merchant.fault("dispute", "status")
    with pytest.raises(ServerError):
        found(merchant, DisputeSearch.id == one)
    assert found(merchant, DisputeSearch.id == one) == [one]


def test_a_file_from_before_disputes_had_a_kind_is_still_good(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE disputes DROP COLUMN kind")
        db.execute("INSERT INTO disputes VALUES ('old', 't1', 'open', 3000, 0, 0)")
    db.close()
    for _ in range(2):
        store = Store(path)
        with store.reading() as db:
            assert [row["kind"] for row in db.execute("SELECT * FROM disputes")] == ["chargeback"]
        store.close()
