"""Several declined cards pause a bill; staff see it and let the customer try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from models import Application, History, Invoice
from tests.admin.counter import text_of
from tests.applications.helpers import DECLINED, apply, pay_online
from tests.billing.helpers import SOFT_DECLINE, pay, refusal_of, rows_of
from tests.support import Factory

Build = Callable[..., FlaskClient]
PAUSED = "Several cards were declined, so more are refused until"
LET = "Let them try again"


@pytest.fixture(params=["invoice", "application"])
def bill(request: pytest.FixtureRequest, make: Factory, sandbox: Any) -> tuple[str, int, Any]:
    """A bill after two declined cards, which are as many as may be: its word, id, a next try."""
    make.settings(max_declines=2)
    sandbox.control("settings", {"amounts": "plain"} if request.param == "application" else {})
    if request.param == "invoice":
        number = make.invoice(total=SOFT_DECLINE)
        again = lambda: pay(number)  # noqa: E731
    else:
        number = apply(make, state="rejected")
        again = lambda: pay_online(number, DECLINED)  # noqa: E731
    for _ in range(2):
        assert again().outcome == "declined"
    assert refusal_of(again).code == "too_many_declines"
    return request.param, number, again


def test_staff_see_the_pause_and_end_it(
    staff_client: Build, post: Any, bill: tuple[str, int, Any]
) -> None:
    kind, number, again = bill
    client = staff_client()
    page, address = f"/admin/{kind}/details/?id={number}", f"/admin/declines/{kind}/?id={number}"
    shown = text_of(client.get(page))
    assert (PAUSED in shown, address in shown) == (True, True)
    assert LET in text_of(client.get(address))
    assert refusal_of(again).code == "too_many_declines"
    assert post(client, address).location.startswith(page)
    assert PAUSED not in text_of(client.get(page))
    [row] = rows_of(History, History.verb == "let_try_again")
    assert (row.record, row.record_id) == (kind, number)
    assert [again().outcome for _ in range(2)] == ["declined", "declined"]
    assert refusal_of(again).code == "too_many_declines"


def test_a_pause_that_is_over_is_not_ended(
    staff_client: Build, post: Any, bill: tuple[str, int, Any], time: Any
) -> None:
    kind, number, again = bill
    time.advance(minutes=61)
    client = staff_client()
    assert PAUSED not in text_of(client.get(f"/admin/{kind}/details/?id={number}"))
    answer = post(client, f"/admin/declines/{kind}/?id={number}")
    assert answer.status_code == 422
    assert "Cards are not paused here any more." in text_of(answer)
    assert rows_of(History, History.verb == "let_try_again") == []
    assert again().outcome == "declined"


def test_who_may_not_process_payments_only_reads_of_it(
    staff_client: Build, post: Any, bill: tuple[str, int, Any]
) -> None:
    kind, number, _again = bill
    reader = staff_client(["dashboard.view", "invoices.view", "applications.view"])
    shown = text_of(reader.get(f"/admin/{kind}/details/?id={number}"))
    assert (PAUSED in shown, LET in shown) == (True, False)
    assert post(reader, f"/admin/declines/{kind}/?id={number}").status_code == 403


@pytest.mark.parametrize(("kind", "model"), [("invoice", Invoice), ("application", Application)])
def test_another_bill_goes_on(
    staff_client: Build, make: Factory, kind: str, model: Any, bill: tuple[str, int, Any]
) -> None:
    other = make.invoice() if model is Invoice else apply(make, state="rejected")
    assert PAUSED not in text_of(staff_client().get(f"/admin/{kind}/details/?id={other}"))
