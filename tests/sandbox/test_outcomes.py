"""What the bank and the gateway say: test amounts, test cards, checks, duplicates."""

from __future__ import annotations

import pytest
from braintree.transaction_amounts import TransactionAmounts

from sandbox import cards, responses
from tests.sandbox.merchant import Merchant, codes


@pytest.mark.parametrize(
    ("amount", "status", "code", "kind"),
    [
        ("0.01", "submitted_for_settlement", "1000", "approved"),
        ("1999.99", "submitted_for_settlement", "1000", "approved"),
        (TransactionAmounts.Authorize, "submitted_for_settlement", "1000", "approved"),
        (TransactionAmounts.Decline, "processor_declined", "2000", "soft_declined"),
        (TransactionAmounts.HardDecline, "processor_declined", "2015", "hard_declined"),
        ("2046.50", "processor_declined", "2046", "soft_declined"),
        ("2999.99", "processor_declined", "2999", "soft_declined"),
        (TransactionAmounts.Fail, "failed", "3000", "soft_declined"),
        ("3000.99", "failed", "3000", "soft_declined"),
        ("3001.00", "submitted_for_settlement", "1000", "approved"),
        ("5001.00", "gateway_rejected", "", None),
        ("5001.01", "submitted_for_settlement", "1000", "approved"),
        ("99999.00", "submitted_for_settlement", "1000", "approved"),
    ],
)
def test_the_amount_decides(
    merchant: Merchant, amount: str, status: str, code: str, kind: str | None
) -> None:
    result = merchant.sale(amount)
    transaction = result.transaction
    assert result.is_success == (code == "1000")
    assert (transaction.status, transaction.processor_response_code) == (status, code)
    assert transaction.processor_response_type == kind
    assert merchant.find(transaction).status == status


def test_a_decline_explains_itself(merchant: Merchant) -> None:
    result = merchant.sale("2000.00", order_id="INV-1")
    assert result.message == "Do Not Honor"
    assert result.errors.deep_errors == []
    assert result.transaction.additional_processor_response == "2000 : Do Not Honor"
    assert result.transaction.order_id == "INV-1"
    rejected = merchant.sale("5001.00")
    assert rejected.message == "Gateway Rejected: application_incomplete"
    assert rejected.transaction.gateway_rejection_reason == "application_incomplete"


def test_part_of_an_amount_is_approved_only_where_that_is_accepted(merchant: Merchant) -> None:
    amount = TransactionAmounts.PartiallyAuthorized
    part = merchant.sold(amount, accept_partial_authorization=True)
    assert part.partially_authorized
    assert (part.processor_response_code, str(part.amount)) == ("1004", "502.00")
    assert not merchant.sold(amount).partially_authorized


def test_with_plain_amounts_the_card_decides(merchant: Merchant) -> None:
    merchant.settings(amounts="plain")
    assert merchant.sold("2500.00").status == "submitted_for_settlement"
    assert merchant.sold("3000.00").status == "submitted_for_settlement"
    expected = {
        "fake-processor-declined-visa-nonce": ("processor_declined", "2000"),
        "fake-processor-declined-mastercard-nonce": ("processor_declined", "2001"),
        "fake-processor-declined-amex-nonce": ("processor_declined", "2004"),
        "fake-processor-declined-discover-nonce": ("processor_declined", "2015"),
        "fake-processor-failure-jcb-nonce": ("failed", "3000"),
    }
    for nonce, answer in expected.items():
        transaction = merchant.sale("2500.00", nonce).transaction
        assert (transaction.status, transaction.processor_response_code) == answer


def test_with_plain_amounts_an_expired_card_is_declined(merchant: Merchant) -> None:
    merchant.settings(amounts="plain")
    card = {"number": "4111111111111111", "expiration_date": "01/2020"}
    result = merchant.sale(payment_method_token=None, credit_card=card)
    assert result.transaction.processor_response_code == "2004"


def test_with_braintrees_amounts_declining_cards_sell(merchant: Merchant) -> None:
    assert merchant.sale("10.00", "fake-processor-declined-visa-nonce").is_success


@pytest.mark.parametrize(
    ("nonce", "reason"),
    [
        ("fake-gateway-rejected-fraud-nonce", "fraud"),
        ("fake-gateway-rejected-risk-thresholds-nonce", "risk_threshold"),
    ],
)
def test_the_gateway_rejects_risks(merchant: Merchant, nonce: str, reason: str) -> None:
    transaction = merchant.sale("10.00", nonce).transaction
    assert transaction.status == "gateway_rejected"
    assert transaction.gateway_rejection_reason == reason


def test_cvv_and_address_checks_reject_only_when_rules_say_so(merchant: Merchant) -> None:
    card = {"number": "4111111111111111", "expiration_date": "12/2040", "cvv": "200"}
    wrong = {"credit_card": card, "payment_method_token": None}
    billing = {"postal_code": "20000", "street_address": "201 Main"}
    passed = merchant.sold("10.00", billing=billing, **wrong)
    assert passed.cvv_response_code == "N"
    assert passed.avs_postal_code_response_code == "N"
    assert passed.avs_street_address_response_code == "U"
    merchant.settings(reject_cvv=True)
    assert merchant.sale("11.00", **wrong).transaction.gateway_rejection_reason == "cvv"
    merchant.settings(reject_avs=True)
    both = merchant.sale("12.00", billing=billing, **wrong).transaction
    assert both.gateway_rejection_reason == "avs_and_cvv"
    right = {"credit_card": card | {"cvv": "123"}, "payment_method_token": None}
    only_avs = merchant.sale("13.00", billing=billing, **right).transaction
    assert only_avs.gateway_rejection_reason == "avs"


def test_a_repeated_sale_is_rejected_within_the_window(merchant: Merchant) -> None:
    first = merchant.sold(order_id="A")
    again = merchant.sale(order_id="A")
    assert again.transaction.gateway_rejection_reason == "duplicate"
    assert merchant.sale(order_id="B").is_success
    assert merchant.sale("10.01", order_id="A").is_success
    assert merchant.sale("10.00", "fake-valid-mastercard-nonce", order_id="A").is_success
    merchant.gateway.transaction.void(first.id)
    assert merchant.sale(order_id="A").transaction.gateway_rejection_reason == "duplicate"
    merchant.control("/clock", {"advance_seconds": 31})
    assert merchant.sale(order_id="A").is_success


def test_a_declined_sale_does_not_count_as_a_duplicate(merchant: Merchant) -> None:
    merchant.settings(amounts="plain")
    nonce = "fake-processor-declined-visa-nonce"
    merchant.sale("10.00", nonce, order_id="A")
    assert merchant.sale("10.00", nonce, order_id="A").message == "Do Not Honor"


def test_the_duplicate_check_can_be_switched_off(merchant: Merchant) -> None:
    merchant.settings(duplicate_checking=False)
    assert merchant.sale(order_id="A").is_success
    assert merchant.sale(order_id="A").is_success


def test_every_test_card_has_a_right_check_digit_and_its_own_number() -> None:
    numbers = [card.number for card in cards.TEST_CARDS]
    assert len(set(numbers)) == len(numbers)
    assert all(cards.luhn_is_valid(number) for number in numbers)


@pytest.mark.parametrize("code", ["2000", "2001", "2016", "2034", "2038", "2046", "2109", "3000"])
def test_soft_declines(code: str) -> None:
    assert responses.kind(code) == "soft_declined"


@pytest.mark.parametrize("code", ["2004", "2005", "2012", "2015", "2043", "2047", "2053", "2108"])
def test_hard_declines(code: str) -> None:
    assert responses.kind(code) == "hard_declined"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": None}, "81502"),
        ({"amount": "-1.00"}, "81501"),
        ({"amount": "0"}, "81531"),
        ({"amount": "1.001"}, "81503"),
        ({"amount": "1E+3"}, "81503"),
        ({"amount": "ten"}, "81503"),
        ({"amount": "10000000000.00"}, "81528"),
        ({"order_id": "x" * 256}, "91501"),
        ({"merchant_account_id": "no such"}, "91513"),
        ({"transaction_source": "fax"}, "915133"),
        ({"payment_method_nonce": "fake-consumed-nonce"}, "91564"),
        ({"payment_method_nonce": "made-up"}, "91565"),
        ({"payment_method_nonce": "fake-luhn-invalid-nonce"}, "81715"),
        ({"payment_method_nonce": None}, "91508"),
        ({"payment_method_nonce": None, "payment_method_token": "none"}, "91518"),
        ({"customer_id": "nobody"}, "91510"),
        ({"payment_method_nonce": "fake-us-bank-account-nonce"}, "915171"),
        ({"payment_method_nonce": "fake-sepa-direct-debit-nonce", "options": {}}, "915104"),
    ],
)
def test_bad_requests_are_refused_and_leave_no_trace(
    merchant: Merchant, changes: dict[str, str], code: str
) -> None:
    result = merchant.gateway.transaction.sale(merchant.request() | changes)
    assert codes(result) == [code]
    assert result.transaction is None
    assert result.message
    assert merchant.control("/transactions") == []


def test_an_order_id_may_have_255_characters(merchant: Merchant) -> None:
    assert merchant.sold(order_id="x" * 255).order_id == "x" * 255
