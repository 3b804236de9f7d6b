"""The life of a transaction, through the real SDK."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import braintree
import pytest
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.request_timeout_error import RequestTimeoutError
from braintree.exceptions.unexpected_error import UnexpectedError

from tests.sandbox.merchant import Merchant, codes

Search = braintree.TransactionSearch


def test_a_sale_echoes_what_was_asked_for_and_says_what_came_of_it(merchant: Merchant) -> None:
    transaction = merchant.sold(
        "12.34",
        order_id="INV-1 <&> 王",
        transaction_source="moto",
        merchant_account_id="desk_EUR",
        billing={"street_address": "1 Main", "postal_code": "60654", "first_name": "Zoë"},
        credit_card={"cardholder_name": "Zoë Ö."},
        custom_fields={"desk": "4"},
        customer={"email": "zoe@example.com"},
    )
    found = merchant.find(transaction)
    assert (found.type, found.status) == ("sale", "submitted_for_settlement")
    assert (found.amount, found.currency_iso_code) == (Decimal("12.34"), "EUR")
    assert (found.order_id, found.transaction_source) == ("INV-1 <&> 王", "moto")
    assert found.merchant_account_id == "desk_EUR"
    assert found.payment_instrument_type == "credit_card"
    assert (found.processor_response_code, found.processor_response_type) == ("1000", "approved")
    assert found.processor_response_text == "Approved"
    assert found.additional_processor_response is None
    assert found.gateway_rejection_reason is None
    assert found.billing_details.first_name == "Zoë"
    assert found.customer_details.email == "zoe@example.com"
    assert found.custom_fields == {"desk": "4"}
    assert (found.refund_ids, found.disputes, found.refunded_transaction_id) == ([], [], None)
    assert found.cvv_response_code == "I"
    assert found.avs_postal_code_response_code == "M"
    card = found.credit_card_details
    assert (card.masked_number, card.card_type) == ("411111******1111", "Visa")
    assert card.cardholder_name == "Zoë Ö."
    assert card.expiration_date.startswith("12/20")
    assert card.image_url.startswith(merchant.options.public_url)
    assert merchant.statuses(found) == ["authorized", "submitted_for_settlement"]
    age = datetime.now(UTC).replace(tzinfo=None) - found.created_at
    assert timedelta(0) <= age < timedelta(seconds=30)


def test_an_authorisation_is_captured_in_full_or_in_part(merchant: Merchant) -> None:
    whole, part = merchant.authorized("10.00"), merchant.authorized("20.00")
    assert (whole.status, part.status) == ("authorized", "authorized")
    assert whole.authorization_expires_at - whole.created_at == timedelta(days=7)
    captured = merchant.gateway.transaction.submit_for_settlement(whole.id).transaction
    assert (captured.status, captured.amount) == ("submitted_for_settlement", Decimal("10.00"))
    captured = merchant.gateway.transaction.submit_for_settlement(
        part.id, "7.50", {"order_id": "later"}
    ).transaction
    assert (captured.amount, captured.order_id) == (Decimal("7.50"), "later")
    again = merchant.gateway.transaction.submit_for_settlement(whole.id)
    assert codes(again) == ["91507"]


def test_capturing_more_than_authorised_is_refused_and_changes_nothing(merchant: Merchant) -> None:
    transaction = merchant.authorized("10.00")
    result = merchant.gateway.transaction.submit_for_settlement(transaction.id, "10.01")
    assert codes(result) == ["91522"]
    found = merchant.find(transaction)
    assert (found.status, found.amount) == ("authorized", Decimal("10.00"))


def test_parts_of_an_authorisation_settle_one_by_one(merchant: Merchant) -> None:
    transaction = merchant.authorized("10.00")
    capture = merchant.gateway.transaction.submit_for_partial_settlement
    first = capture(transaction.id, "6.00").transaction
    assert first.authorized_transaction_id == transaction.id
    assert codes(capture(transaction.id, "4.01")) == ["91522"]
    second = capture(transaction.id, "4.00").transaction
    found = merchant.find(transaction)
    assert found.partial_settlement_transaction_ids == [first.id, second.id]
    assert codes(capture(first.id, "1.00")) == ["915103"]


def test_an_authorisation_can_be_adjusted_and_details_updated(merchant: Merchant) -> None:
    transaction = merchant.authorized("10.00")
    adjusted = merchant.gateway.transaction.adjust_authorization(transaction.id, "15.00")
    assert adjusted.transaction.amount == Decimal("15.00")
    assert adjusted.transaction.authorization_adjustments[0].amount == Decimal("5.00")
    merchant.gateway.transaction.submit_for_settlement(transaction.id)
    assert codes(merchant.gateway.transaction.adjust_authorization(transaction.id, "1")) == [
        "915218"
    ]
    updated = merchant.gateway.transaction.update_details(
        transaction.id, {"amount": "14.00", "order_id": "renamed"}
    ).transaction
    assert (updated.amount, updated.order_id) == (Decimal("14.00"), "renamed")


def test_void_works_until_settlement(merchant: Merchant) -> None:
    for transaction in (merchant.authorized(), merchant.sold(order_id="two")):
        voided = merchant.gateway.transaction.void(transaction.id).transaction
        assert voided.status == "voided"
        assert codes(merchant.gateway.transaction.void(transaction.id)) == ["91504"]
    assert codes(merchant.gateway.transaction.void(merchant.settled("11.00").id)) == ["91504"]


def test_refunds_never_exceed_what_was_settled(merchant: Merchant) -> None:
    sale = merchant.settled("10.00", order_id="INV-7")
    refund = merchant.gateway.transaction.refund
    first = refund(sale.id, "4.00").transaction
    assert (first.type, first.amount) == ("credit", Decimal("4.00"))
    assert (first.refunded_transaction_id, first.order_id) == (sale.id, "INV-7")
    assert first.status == "submitted_for_settlement"
    assert codes(refund(sale.id, "6.01")) == ["91521"]
    rest = refund(sale.id, {"order_id": "R-2"}).transaction
    assert (rest.amount, rest.order_id) == (Decimal("6.00"), "R-2")
    assert codes(refund(sale.id)) == ["91512"]
    assert merchant.find(sale).refund_ids == [first.id, rest.id]
    assert codes(refund(rest.id)) == ["91505"]
    merchant.gateway.transaction.void(first.id)
    assert refund(sale.id, "4.00").is_success


def test_what_is_not_settled_cannot_be_refunded(merchant: Merchant) -> None:
    transaction = merchant.sold()
    assert codes(merchant.gateway.transaction.refund(transaction.id)) == ["91506"]


def test_reverse_voids_or_refunds(merchant: Merchant) -> None:
    reverse = merchant.gateway.transaction.reverse
    early = reverse(merchant.sold().id).transaction
    assert (early.type, early.status) == ("sale", "voided")
    sale = merchant.settled("11.00")
    late = reverse(sale.id).transaction
    assert (late.type, late.refunded_transaction_id) == ("credit", sale.id)


def test_a_credit_pays_out(merchant: Merchant) -> None:
    credit = merchant.gateway.transaction.credit(
        {"amount": "5.00", "payment_method_nonce": "fake-valid-nonce"}
    ).transaction
    assert (credit.type, credit.status) == ("credit", "submitted_for_settlement")


def test_cards_settle_after_a_day_of_the_sandboxs_clock(merchant: Merchant) -> None:
    transaction = merchant.sold()
    merchant.advance(days=0.99)
    assert merchant.find(transaction).status == "submitted_for_settlement"
    merchant.advance(days=10)
    found = merchant.find(transaction)
    assert found.status == "settled"
    assert found.processor_settlement_response_code == "4000"
    assert found.settlement_batch_id
    assert found.status_history[-1].timestamp - found.created_at == timedelta(days=1)


def test_authorisations_expire_after_seven_days(merchant: Merchant) -> None:
    transaction = merchant.authorized()
    merchant.advance(days=7)
    assert merchant.find(transaction).status == "authorization_expired"
    result = merchant.gateway.transaction.submit_for_settlement(transaction.id)
    assert codes(result) == ["91507"]


def test_bank_debits_settle_after_three_days(merchant: Merchant) -> None:
    transaction = merchant.sold(payment_method_token=merchant.sepa())
    assert transaction.status == "settlement_pending"
    assert transaction.payment_instrument_type == "sepa_debit_account"
    assert transaction.sepa_direct_debit_account_details.last_4 == "3000"
    assert codes(merchant.gateway.transaction.void(transaction.id)) == ["91504"]
    merchant.advance(days=2.9)
    assert merchant.find(transaction).status == "settlement_pending"
    merchant.advance(days=0.1)
    assert merchant.find(transaction).status == "settled"


def test_bank_debits_can_fail_or_come_back(merchant: Merchant) -> None:
    token = merchant.us_bank()
    by_amount = merchant.sold("4001.00", payment_method_token=token)
    merchant.settings(bank_outcome="returned")
    returned = merchant.sold("20.00", payment_method_token=token)
    merchant.advance(days=30)
    assert merchant.statuses(by_amount) == ["settlement_pending", "settlement_declined"]
    assert merchant.find(by_amount).processor_settlement_response_code == "4001"
    assert merchant.statuses(returned) == ["settlement_pending", "settled", "settlement_declined"]
    found = merchant.find(returned)
    assert found.ach_return_code == "R01"
    assert found.updated_at - found.created_at == timedelta(days=5)
    since = found.updated_at - timedelta(hours=1)
    search = merchant.gateway.transaction.search(Search.ach_return_responses_created_at >= since)
    assert [each.id for each in search] == [returned.id]


def test_a_knob_makes_pending_debits_voidable(merchant: Merchant) -> None:
    merchant.settings(bank_debits_voidable=True)
    transaction = merchant.sold(payment_method_token=merchant.sepa())
    assert merchant.gateway.transaction.void(transaction.id).transaction.status == "voided"


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("settle_transaction", "settled"),
        ("settlement_confirm_transaction", "settlement_confirmed"),
        ("settlement_decline_transaction", "settlement_declined"),
        ("settlement_pending_transaction", "settlement_pending"),
    ],
)
def test_the_sdks_test_calls(merchant: Merchant, call: str, status: str) -> None:
    transaction = merchant.sold()
    simulate = getattr(merchant.gateway.testing, call)
    assert simulate(transaction.id).transaction.status == status
    assert codes(simulate(merchant.authorized("11.00").id)) == ["91575"]


def test_what_does_not_exist_is_not_found(merchant: Merchant) -> None:
    transaction = merchant.gateway.transaction
    for call in (transaction.find, transaction.void, transaction.refund):
        with pytest.raises(NotFoundError):
            call("nonsense")


def test_search_finds_by_each_criterion(merchant: Merchant) -> None:
    customer_id = merchant.customer()
    started = datetime.now(UTC) - timedelta(seconds=5)
    one = merchant.sold("10.00", order_id="INV-1", customer_id=customer_id)
    two = merchant.settled("20.00", order_id="INV_2")
    refund = merchant.gateway.transaction.refund(two.id, "1.00").transaction
    token = merchant.sepa()
    debit = merchant.sold("30.00", payment_method_token=token, order_id="100%")

    def found(*criteria: Any) -> list[str]:
        return [each.id for each in merchant.gateway.transaction.search(*criteria)]

    assert found(Search.order_id == "INV-1") == [one.id]
    assert found(Search.order_id == "inv-1") == []
    assert found(Search.order_id.starts_with("INV")) == [refund.id, two.id, one.id]
    assert found(Search.order_id.contains("_")) == [refund.id, two.id]
    assert found(Search.order_id.ends_with("%")) == [debit.id]
    assert found(Search.order_id != "INV-1") == [debit.id, refund.id, two.id]
    assert found(Search.id == two.id) == [two.id]
    assert found(Search.ids.in_list([one.id, two.id])) == [two.id, one.id]
    assert found(Search.status.in_list(["settled", "voided"])) == [two.id]
    assert found(Search.type == "credit") == [refund.id]
    assert found(Search.refund == True) == [refund.id]  # noqa: E712
    assert found(Search.amount.between("10.00", "20.00")) == [two.id, one.id]
    assert found(Search.amount >= "20.01") == [debit.id]
    assert found(Search.customer_id == customer_id) == [one.id]
    assert found(Search.payment_method_token == token) == [debit.id]
    assert found(Search.payment_instrument_type == "sepa_debit_account") == [debit.id]
    assert found(Search.settled_at >= started) == [two.id]
    assert found(Search.settled_at >= started, Search.amount <= "5") == []
    assert len(found(Search.created_at >= started)) == 4
    assert found(Search.created_at <= started) == []
    assert found(Search.credit_card_number.ends_with("1111"), Search.type == "sale") == [
        two.id,
        one.id,
    ]


def test_search_has_pages(merchant: Merchant) -> None:
    for number in range(53):
        merchant.sold(order_id=f"P-{number}")
    results = merchant.gateway.transaction.search(Search.order_id.starts_with("P-"))
    assert results.maximum_size == 53
    assert [each.order_id for each in results] == [f"P-{number}" for number in range(52, -1, -1)]


def test_a_criterion_the_sandbox_lacks_is_not_ignored(merchant: Merchant) -> None:
    merchant.sold()
    with pytest.raises((RequestTimeoutError, UnexpectedError)):
        merchant.gateway.transaction.search(Search.store_id == "somewhere")
