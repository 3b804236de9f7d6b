"""At-most-once keys, faults, and many requests at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from xml.parsers.expat import ExpatError

import braintree
import pytest
from braintree.exceptions.gateway_timeout_error import GatewayTimeoutError
from braintree.exceptions.http.connection_error import ConnectionError as Disconnected
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.server_error import ServerError
from braintree.exceptions.service_unavailable_error import ServiceUnavailableError

from sandbox.server import Server
from tests.held import Held
from tests.sandbox.merchant import Merchant, codes, gateway, wait_for


@pytest.fixture
def keyed(merchant: Merchant) -> Merchant:
    """A merchant allowed to send at-most-once keys, without the duplicate check."""
    merchant.settings(api_request_keys=True, duplicate_checking=False)
    return merchant


def made(merchant: Merchant, order_id: str) -> list[str]:
    """The statuses of the transactions with that order id."""
    listed = merchant.control(f"/transactions?order_id={order_id}")
    return [each["status"] for each in listed]


def test_the_same_request_under_a_key_happens_once(keyed: Merchant) -> None:
    first = keyed.sold(order_id="A", api_request_key="k1")
    again = keyed.sold(order_id="A", api_request_key="k1")
    assert again.id == first.id
    assert made(keyed, "A") == ["submitted_for_settlement"]


def test_a_keyed_answer_shows_the_present_state(keyed: Merchant) -> None:
    first = keyed.sold(order_id="A", api_request_key="k1")
    keyed.gateway.transaction.void(first.id)
    assert keyed.sold(order_id="A", api_request_key="k1").status == "voided"


def test_a_keyed_decline_is_repeated(keyed: Merchant) -> None:
    first = keyed.sale("2000.00", api_request_key="k1").transaction
    again = keyed.sale("2000.00", api_request_key="k1")
    assert not again.is_success
    assert again.transaction.id == first.id


def test_refund_and_void_take_keys_too(keyed: Merchant) -> None:
    api = keyed.gateway.transaction
    sale = keyed.settled("10.00")
    options = {"amount": "1.00", "api_request_key": "r1"}
    assert api.refund(sale.id, dict(options)).transaction.id == (
        api.refund(sale.id, dict(options)).transaction.id
    )
    assert len(keyed.find(sale).refund_ids) == 1
    hold = keyed.authorized()
    for _ in range(2):
        assert api.void(hold.id, {"api_request_key": "v1"}).transaction.status == "voided"
    capture = keyed.authorized("7.00")
    for _ in range(2):
        result = api.submit_for_settlement(capture.id, "5.00", {"api_request_key": "c1"})
        assert str(result.transaction.amount) == "5.00"


def test_wrong_uses_of_a_key_are_refused(keyed: Merchant) -> None:
    keyed.sold("10.00", api_request_key="k1")
    assert codes(keyed.sale("11.00", api_request_key="k1")) == ["915232"]
    assert codes(keyed.sale("10.00", api_request_key="x" * 256)) == ["915230"]
    assert codes(keyed.sale("0", api_request_key="k2")) == ["81531"]
    assert codes(keyed.sale("0", api_request_key="k2")) == ["915234"]
    keyed.settings(api_request_keys=False)
    assert codes(keyed.sale("10.00", api_request_key="k3")) == ["915231"]


def test_a_key_whose_request_met_a_server_error_says_so(keyed: Merchant) -> None:
    keyed.fault("sale", "status", status=500)
    with pytest.raises(ServerError):
        keyed.sale(order_id="A", api_request_key="k1")
    assert codes(keyed.sale(order_id="A", api_request_key="k1")) == ["915235"]
    assert made(keyed, "A") == []


def test_a_key_in_flight_says_so(keyed: Merchant, held: Held) -> None:
    keyed.fault("sale", "latency", times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(keyed.sale, order_id="A", api_request_key="k1")
        assert held.begun.wait(20)
        meanwhile = keyed.sale(order_id="A", api_request_key="k1")
        held.released.set()
        assert slow.result().is_success
    assert codes(meanwhile) == ["915233"]
    assert made(keyed, "A") == ["submitted_for_settlement"]


def test_keys_are_forgotten_after_thirty_days(keyed: Merchant) -> None:
    first = keyed.sold(order_id="A", api_request_key="k1")
    keyed.advance(days=31)
    assert keyed.sold(order_id="A", api_request_key="k1").id != first.id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "drop"}, Disconnected),
        ({"kind": "status", "status": 500}, ServerError),
        ({"kind": "status", "status": 503}, ServiceUnavailableError),
        ({"kind": "status", "status": 504}, GatewayTimeoutError),
        ({"kind": "html"}, ExpatError),
    ],
)
def test_answers_break_before_or_after_the_commit(
    merchant: Merchant, fault: dict[str, Any], error: type[Exception]
) -> None:
    for when, result in (("before", []), ("after", ["submitted_for_settlement"])):
        merchant.fault("sale", when=when, **fault)
        with pytest.raises(error):
            merchant.sale(order_id=when)
        assert made(merchant, when) == result
    assert merchant.control("/faults") == []


def test_latency_outlasts_a_short_timeout_and_the_sale_still_happens(
    merchant: Merchant, held: Held
) -> None:
    merchant.fault("sale", "latency")
    hasty = gateway(merchant.options, seconds=0.2)
    with pytest.raises(ReadTimeoutError):
        hasty.transaction.sale(merchant.request(order_id="A"))
    assert held.begun.wait(20)
    assert made(merchant, "A") == []
    held.released.set()
    wait_for(lambda: made(merchant, "A") == ["submitted_for_settlement"])


def test_latency_after_the_commit(merchant: Merchant, held: Held) -> None:
    merchant.fault("sale", "latency", when="after")
    hasty = gateway(merchant.options, seconds=0.4)
    with pytest.raises(ReadTimeoutError):
        hasty.transaction.sale(merchant.request(order_id="A"))
    assert held.begun.wait(20)
    assert made(merchant, "A") == ["submitted_for_settlement"]


@pytest.mark.parametrize("operation", ["capture", "void", "refund", "reverse", "find", "search"])
def test_faults_strike_the_named_operation_only(merchant: Merchant, operation: str) -> None:
    api = merchant.gateway.transaction
    hold = merchant.authorized("5.00", order_id="hold")
    settled = merchant.settled("6.00", order_id="sold")
    calls = {
        "find": lambda: api.find(hold.id),
        "search": lambda: api.search(braintree.TransactionSearch.order_id == "hold"),
        "refund": lambda: api.refund(settled.id, "1.00"),
        "capture": lambda: api.submit_for_settlement(hold.id),
        "void": lambda: api.void(hold.id),
        "reverse": lambda: api.reverse(settled.id),
    }
    merchant.fault(operation, "status", status=500, when="after")
    for name, call in calls.items():
        if name == operation:
            with pytest.raises(ServerError):
                call()
        else:
            call()


def test_faults_can_be_meant_for_one_order_and_for_several_times(merchant: Merchant) -> None:
    merchant.fault("*", "status", times=2, order_id="A")
    assert merchant.sale(order_id="B").is_success
    for _ in range(2):
        with pytest.raises(ServerError):
            merchant.sale(order_id="A")
    assert merchant.sale(order_id="A").is_success
    merchant.fault("client_token", "status", times=None)
    for _ in range(3):
        with pytest.raises(ServerError):
            merchant.gateway.client_token.generate()
    merchant.control("/faults", method="DELETE")
    assert merchant.gateway.client_token.generate()


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "dance", "kind": "drop"},
        {"operation": "sale", "kind": "magic"},
        {"operation": "sale", "kind": "drop", "when": "never"},
        {"operation": "sale", "kind": "status", "status": 200},
        {"operation": "sale", "kind": "latency", "seconds": -1},
        {"operation": "sale", "kind": "latency", "seconds": "long"},
        {"operation": "sale", "kind": "drop", "times": 1.5},
        {"operation": "sale", "kind": "drop", "order": "A"},
        [],
    ],
)
def test_faults_that_make_no_sense_are_refused(merchant: Merchant, fault: Any) -> None:
    status, answer = merchant.control("/faults", fault)
    assert status == 422
    assert answer["error"]
    assert merchant.control("/faults") == []


@pytest.fixture
def all_in_flight(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let latency end when that many requests are under way; were one kept out, all would fail."""

    def until(count: int) -> None:
        there = threading.Barrier(count)
        kept = SimpleNamespace(sleep=lambda _seconds: there.wait(20))
        monkeypatch.setattr("sandbox.faults.time", kept)

    return until


def test_twenty_sales_at_once_are_twenty_sales(
    merchant: Merchant, server: Server, all_in_flight: Callable[[int], None]
) -> None:
    merchant.settings(duplicate_checking=False)
    merchant.fault("sale", "latency", times=None)
    all_in_flight(20)
    store = server.desk.store
    nonces = [store.create_card_nonce("4111111111111111", "1", "40").nonce for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda nonce: merchant.sale("10.00", nonce, order_id="A"), nonces))
    assert all(result.is_success for result in results)
    assert len({result.transaction.id for result in results}) == 20


def test_one_nonce_pays_once_even_at_once(merchant: Merchant, server: Server) -> None:
    merchant.settings(duplicate_checking=False)
    nonce = server.desk.store.create_card_nonce("4111111111111111", "1", "40").nonce
    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda _: merchant.sale("10.00", nonce), range(10)))
    assert sum(result.is_success for result in results) == 1
    refused = [result for result in results if not result.is_success]
    assert all(codes(result) == ["91564"] for result in refused)


def test_the_duplicate_check_does_not_see_requests_in_flight(
    merchant: Merchant, all_in_flight: Callable[[int], None]
) -> None:
    merchant.fault("sale", "latency", times=2)
    all_in_flight(2)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: merchant.sale(order_id="A"), range(2)))
    assert all(result.is_success for result in results)
    assert not merchant.sale(order_id="A").is_success
