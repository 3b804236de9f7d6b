"""Webhooks, parsed by the real SDK."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.exceptions.server_error import ServerError

from sandbox import notifications
from sandbox.delivery import RETRY_SECONDS
from tests.sandbox.merchant import Merchant, Receiver, wait_for


def parse(merchant: Merchant, delivery: dict[str, str]) -> Any:
    return merchant.gateway.webhook_notification.parse(
        delivery["bt_signature"], delivery["bt_payload"]
    )


def received(merchant: Merchant, receiver: Receiver, count: int) -> list[Any]:
    return [parse(merchant, delivery) for delivery in receiver.wait(count)]


def test_the_signature_is_the_protocols() -> None:
    message = "20f9f8ed05f77439fe955c977e4c8a53"
    signed = notifications.signature("pub", "integration_private_key", message)
    assert signed == "pub|d9b899556c966b3f06945ec21311865d35df3ce4"


def test_a_settled_debit_is_announced(merchant: Merchant, receiver: Receiver) -> None:
    transaction = merchant.sold("12.00", payment_method_token=merchant.us_bank(), order_id="A")
    merchant.advance(days=3)
    (notice,) = received(merchant, receiver, 1)
    assert notice.kind == "transaction_settled"
    assert (notice.transaction.id, notice.transaction.status) == (transaction.id, "settled")
    assert (notice.transaction.order_id, notice.transaction.amount) == ("A", Decimal("12.00"))
    assert notice.transaction.us_bank_account.last_4 == "0000"
    (listed,) = merchant.control("/webhooks")
    assert (listed["kind"], listed["subject_id"]) == ("transaction_settled", transaction.id)
    wait_for(lambda: merchant.control("/webhooks")[0]["deliveries"][0]["last_status"] == 200)


def test_time_alone_announces_without_anybody_asking(
    merchant: Merchant, receiver: Receiver
) -> None:
    merchant.settings(bank_settlement_days=0)
    merchant.sold(payment_method_token=merchant.sepa())
    (notice,) = received(merchant, receiver, 1)
    assert notice.kind == "transaction_settled"


def test_a_debit_may_come_back_after_it_settled(merchant: Merchant, receiver: Receiver) -> None:
    merchant.settings(bank_outcome="returned")
    merchant.sold(payment_method_token=merchant.sepa())
    merchant.advance(days=10)
    first, second = received(merchant, receiver, 2)
    assert first.kind == "transaction_settled"
    assert second.kind == "transaction_settlement_declined"
    assert second.transaction.sepa_direct_debit_account_details.last_4 == "3000"


def test_cards_settle_silently(merchant: Merchant, receiver: Receiver) -> None:
    merchant.settled("10.00")
    merchant.control("/webhooks/check", {})
    (notice,) = received(merchant, receiver, 1)
    assert notice.kind == "check"


def test_the_controls_settle_decline_and_return(merchant: Merchant, receiver: Receiver) -> None:
    token = merchant.us_bank()
    one, two = (merchant.sold(a, payment_method_token=token) for a in ("1.00", "2.00"))
    assert merchant.control(f"/transactions/{one.id}/settle", {})["status"] == "settled"
    status, answer = merchant.control(f"/transactions/{two.id}/return", {})
    assert (status, bool(answer["error"])) == (409, True)
    merchant.control(f"/transactions/{two.id}/decline", {})
    merchant.control(f"/transactions/{one.id}/return", {})
    kinds = [notice.kind for notice in received(merchant, receiver, 3)]
    assert kinds == ["transaction_settled", *["transaction_settlement_declined"] * 2]
    assert merchant.control(f"/transactions/{one.id}/settle", {})[0] == 409
    assert merchant.control("/transactions/none/settle", {})[0] == 404
    assert merchant.control(f"/transactions/{one.id}/explode", {})[0] == 404


def test_disputes_open_and_end(merchant: Merchant, receiver: Receiver) -> None:
    sale = merchant.settled("30.00", order_id="A")
    path = f"/transactions/{sale.id}"
    assert merchant.control(f"{path}/dispute-won", {})[0] == 409
    merchant.control(f"{path}/dispute-open", {})
    assert merchant.control(f"{path}/dispute-open", {})[0] == 409
    merchant.control(f"{path}/dispute-lost", {})
    merchant.control(f"{path}/dispute-open", {})
    merchant.control(f"{path}/dispute-won", {})
    notices = received(merchant, receiver, 4)
    kinds = ["dispute_opened", "dispute_lost", "dispute_opened", "dispute_won"]
    assert [notice.kind for notice in notices] == kinds
    dispute = notices[0].dispute
    assert (dispute.status, dispute.amount_disputed) == ("open", Decimal("30.00"))
    assert dispute.transaction_details.id == sale.id
    assert notices[3].dispute.amount_won == Decimal("30.00")
    assert [each.status for each in merchant.find(sale).disputes] == ["lost", "won"]
    assert merchant.gateway.dispute.find(dispute.id).status == "lost"


def test_a_part_can_be_disputed(merchant: Merchant, receiver: Receiver) -> None:
    sale = merchant.settled("30.00", order_id="A")
    path = f"/transactions/{sale.id}"
    for amount in ("30.01", "0", "-1", "x", [5]):
        assert merchant.control(f"{path}/dispute-open", {"amount": amount})[0] == 409
    assert merchant.control(f"{path}/settle", {"amount": "5.00"})[0] == 422
    merchant.control(f"{path}/dispute-open", {"amount": "5.00"})
    [notice] = received(merchant, receiver, 1)
    assert notice.dispute.amount_disputed == Decimal("5.00")
    merchant.fault("dispute", "status", order_id="A")
    with pytest.raises(ServerError):
        merchant.gateway.dispute.find(notice.dispute.id)
    assert merchant.gateway.dispute.find(notice.dispute.id).amount_disputed == Decimal("5.00")


def test_the_dispute_card_is_disputed_once_settled(merchant: Merchant) -> None:
    card = {"number": "4023898493988028", "expiration_date": "12/2040"}
    sale = merchant.sold("10.00", payment_method_token=None, credit_card=card)
    assert merchant.find(sale).disputes == []
    merchant.advance(days=1)
    assert [dispute.status for dispute in merchant.find(sale).disputes] == ["open"]


def test_a_refund_can_fail(merchant: Merchant, receiver: Receiver) -> None:
    sale = merchant.settled("10.00")
    refund = merchant.gateway.transaction.refund(sale.id, "10.00").transaction
    assert merchant.control(f"/transactions/{sale.id}/refund-fail", {})[0] == 409
    merchant.control(f"/transactions/{refund.id}/refund-fail", {})
    (notice,) = received(merchant, receiver, 1)
    assert (notice.kind, notice.transaction.id) == ("refund_failed", refund.id)
    assert notice.transaction.refunded_transaction_id == sale.id
    assert merchant.gateway.transaction.refund(sale.id, "10.00").is_success


def test_settled_money_is_paid_out_once(merchant: Merchant, receiver: Receiver) -> None:
    sale = merchant.settled("10.00")
    merchant.control("/disbursement", {})
    assert merchant.control("/disbursement", {})[0] == 409
    (notice,) = received(merchant, receiver, 1)
    assert notice.disbursement.amount == Decimal("10.00")
    assert notice.disbursement.transaction_ids == [sale.id]
    assert merchant.find(sale).is_disbursed


def test_notices_can_be_repeated_and_delayed(merchant: Merchant, receiver: Receiver) -> None:
    number = merchant.control("/webhooks/check", {})["id"]
    receiver.wait(1)
    path = f"/webhooks/{number}/redeliver"
    started = time.monotonic()
    assert merchant.control(path, {"times": 2, "delay_seconds": 0.6}) == {"queued": 2}
    first, second, third = receiver.wait(3)
    assert time.monotonic() - started > 0.5
    assert first == second == third


def test_notices_can_be_held_and_reordered(merchant: Merchant, receiver: Receiver) -> None:
    merchant.control("/webhooks/hold", {"on": True})
    token = merchant.sepa()
    sales = [merchant.sold(a, payment_method_token=token) for a in ("1.00", "2.00", "3.00")]
    merchant.advance(days=3)
    time.sleep(0.5)
    assert receiver.got == []
    merchant.control("/webhooks/hold", {"on": False, "order": "reverse"})
    ids = [notice.transaction.id for notice in received(merchant, receiver, 3)]
    assert ids == [sale.id for sale in reversed(sales)]
    assert merchant.control("/webhooks/hold", {"on": "yes"})[0] == 422


@pytest.mark.parametrize(
    ("forge", "error"),
    [
        ("signature", InvalidSignatureError),
        ("key", InvalidSignatureError),
        ("crlf", InvalidSignatureError),
        ("three-parts", ValueError),
    ],
)
def test_notices_can_be_forged(
    merchant: Merchant, receiver: Receiver, forge: str, error: type[Exception]
) -> None:
    number = merchant.control("/webhooks/check", {})["id"]
    merchant.control(f"/webhooks/{number}/redeliver", {"forge": forge})
    good, forged = receiver.wait(2)
    assert parse(merchant, good).kind == "check"
    with pytest.raises(error):
        parse(merchant, forged)


def test_a_receiver_that_fails_is_asked_again(merchant: Merchant, receiver: Receiver) -> None:
    receiver.status = 500
    merchant.control("/webhooks/check", {})
    receiver.wait(1)
    wait_for(lambda: merchant.control("/webhooks")[0]["deliveries"][0]["last_status"] == 500)
    receiver.status = 200
    receiver.wait(2, RETRY_SECONDS[0] + 20)
    wait_for(lambda: merchant.control("/webhooks")[0]["deliveries"][0]["delivered_at"])
    assert merchant.control("/webhooks")[0]["deliveries"][0]["attempts"] == 2


def test_without_an_address_notices_are_kept_and_none_is_sent(merchant: Merchant) -> None:
    number = merchant.control("/webhooks/check", {})["id"]
    assert merchant.control("/webhooks")[0]["deliveries"] == []
    assert merchant.control(f"/webhooks/{number}/redeliver", {})[0] == 409
    assert merchant.control("/webhooks/999999/redeliver", {})[0] == 404
