"""The control API and the page."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.merchant import Merchant


def get(merchant: Merchant, path: str) -> str:
    with urllib.request.urlopen(merchant.options.public_url + path, timeout=30) as answer:
        return str(answer.read().decode())


def post(
    merchant: Merchant, path: str, form: dict[str, Any], origin: str | None = None
) -> tuple[int, str]:
    data = urllib.parse.urlencode(form).encode()
    headers = {"Origin": origin or merchant.options.public_url}
    request = urllib.request.Request(merchant.options.public_url + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


KNOBS = {
    "duplicate_checking": "on",
    "duplicate_window_seconds": "45",
    "settlement_days": "2",
    "bank_settlement_days": "4",
    "return_days": "1",
    "authorization_days": "7",
    "amounts": "plain",
    "bank_outcome": "settled",
    "currency": "EUR",
    "webhook_url": "",
}


def test_the_state_shows_time_knobs_and_faults(merchant: Merchant) -> None:
    before = merchant.control("/")
    assert before["settings"]["duplicate_checking"] is True
    merchant.fault("find", "drop", order_id="A")
    after = merchant.control("/clock", {"advance_seconds": 3600})
    assert after["ahead_seconds"] == 3600
    moved = datetime.fromisoformat(after["time"]) - datetime.fromisoformat(before["time"])
    assert timedelta(hours=1) <= moved < timedelta(hours=1, seconds=30)
    assert after["faults"][0]["order_id"] == "A"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clock", {"advance_seconds": -1}),
        ("/clock", {"advance_seconds": "soon"}),
        ("/clock", {"advance_seconds": 10**12}),
        ("/clock", "tomorrow"),
        ("/settings", {"duplicate_checking": "yes"}),
        ("/settings", {"duplicate_window_seconds": -1}),
        ("/settings", {"settlement_days": 1.5}),
        ("/settings", {"settlement_days": True}),
        ("/settings", {"amounts": "random"}),
        ("/settings", {"currency": "usd"}),
        ("/settings", {"webhook_url": "file:///etc/passwd"}),
        ("/settings", {"webhook_url": 5}),
        ("/settings", {"secret": "known"}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(merchant: Merchant, path: str, body: Any) -> None:
    before = merchant.control("/")
    status, answer = merchant.control(path, body)
    assert status == 422
    assert answer["error"].endswith(".")
    after = merchant.control("/")
    assert after["settings"] == before["settings"]
    assert after["ahead_seconds"] == before["ahead_seconds"]


def test_settings_change_how_the_sandbox_behaves(merchant: Merchant) -> None:
    merchant.settings(currency="EUR", settlement_days=3)
    sale = merchant.sold()
    assert sale.currency_iso_code == "EUR"
    merchant.advance(days=2)
    assert merchant.find(sale).status == "submitted_for_settlement"


def test_reset_forgets_everything(merchant: Merchant) -> None:
    merchant.sold(payment_method_token=merchant.sepa())
    merchant.advance(days=1)
    merchant.settings(amounts="plain")
    state = merchant.control("/reset", {})
    assert (state["transactions"], state["ahead_seconds"]) == (0, 0)
    assert state["settings"]["amounts"] == "braintree"
    assert merchant.control("/transactions") == []


def test_the_page_lists_transactions_and_escapes_them(merchant: Merchant) -> None:
    assert "None yet" in get(merchant, "/")
    merchant.sold(order_id="<script>alert(1)</script>")
    page = get(merchant, "/")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert merchant.options.merchant_id in page
    assert "4111111111111111" in page


def test_the_pages_buttons_settle_and_return(merchant: Merchant) -> None:
    debit = merchant.sold(payment_method_token=merchant.sepa())
    status, page = post(merchant, f"/transactions/{debit.id}/settle", {})
    assert status == 200
    assert f"/transactions/{debit.id}/return" in page
    post(merchant, f"/transactions/{debit.id}/return", {})
    assert merchant.find(debit).status == "settlement_declined"
    status, page = post(merchant, f"/transactions/{debit.id}/settle", {})
    assert status == 409
    assert 'role="alert"' in page


def test_the_pages_knobs_and_clock(merchant: Merchant) -> None:
    assert post(merchant, "/settings", KNOBS)[0] == 200
    settings = merchant.control("/")["settings"]
    assert (settings["amounts"], settings["currency"]) == ("plain", "EUR")
    assert (settings["duplicate_window_seconds"], settings["reject_cvv"]) == (45, False)
    assert post(merchant, "/clock", {"seconds": "86400"})[0] == 200
    assert merchant.control("/")["ahead_seconds"] == 86400
    assert post(merchant, "/clock", {"seconds": "5"})[0] == 422
    status, page = post(merchant, "/settings", KNOBS | {"settlement_days": "-1"})
    assert (status, "settlement_days must be" in page) == (422, True)
    assert merchant.control("/")["settings"]["settlement_days"] == 2


def test_other_sites_cannot_press_buttons(merchant: Merchant) -> None:
    sale = merchant.sold()
    for path in (f"/transactions/{sale.id}/settle", "/clock", "/settings", "/control/reset"):
        assert post(merchant, path, {}, "https://elsewhere.example")[0] == 403
    assert merchant.find(sale).status == "submitted_for_settlement"


def test_card_pictures_exist(merchant: Merchant) -> None:
    address = merchant.sold().credit_card_details.image_url
    path = address.removeprefix(merchant.options.public_url)
    assert get(merchant, path).startswith("<svg")
    with pytest.raises(urllib.error.HTTPError) as missing:
        get(merchant, "/card-images/nothing.svg")
    missing.value.close()
