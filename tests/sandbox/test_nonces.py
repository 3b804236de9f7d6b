"""Nonces and client tokens, through the real SDK."""

from __future__ import annotations

import base64
import json

import pytest
from braintree.exceptions.not_found_error import NotFoundError

from sandbox.server import Server
from sandbox.store import InvalidCard
from tests.sandbox.merchant import Merchant, codes

VISA = "4111111111111111"
GERMAN_IBAN = "DE89 3704 0044 0532 0130 00"


def test_a_nonce_pays_once(merchant: Merchant, card_nonce: str) -> None:
    assert not merchant.gateway.payment_method_nonce.find(card_nonce).consumed
    sale = merchant.sold("10.00", card_nonce)
    assert sale.credit_card_details.cardholder_name == "Zoë"
    assert sale.cvv_response_code == "M"
    assert codes(merchant.sale("20.00", card_nonce)) == ["91564"]
    assert merchant.gateway.payment_method_nonce.find(card_nonce).consumed


def test_a_refused_request_leaves_the_nonce_usable(merchant: Merchant, card_nonce: str) -> None:
    assert codes(merchant.sale("0", card_nonce)) == ["81531"]
    assert merchant.sale("10.00", card_nonce).is_success


def test_a_declined_sale_uses_the_nonce_up(merchant: Merchant, card_nonce: str) -> None:
    assert merchant.sale("2000.00", card_nonce).transaction.status == "processor_declined"
    assert codes(merchant.sale("10.00", card_nonce)) == ["91564"]


def test_a_nonce_lasts_three_hours(merchant: Merchant, card_nonce: str) -> None:
    merchant.advance(days=3 / 24 - 0.001)
    assert merchant.gateway.payment_method_nonce.find(card_nonce).details["last_four"] == "1111"
    merchant.advance(days=0.002)
    assert codes(merchant.sale("10.00", card_nonce)) == ["91565"]
    with pytest.raises(NotFoundError):
        merchant.gateway.payment_method_nonce.find(card_nonce)


def test_fake_nonces_are_never_used_up(merchant: Merchant) -> None:
    merchant.sold("10.00", "fake-valid-debit-nonce")
    sale = merchant.sold("11.00", "fake-valid-debit-nonce")
    assert sale.credit_card_details.debit == "Yes"


def test_a_vaulted_method_can_be_named_by_a_nonce(merchant: Merchant) -> None:
    method = merchant.vaulted("fake-valid-visa-nonce")
    made = merchant.gateway.payment_method_nonce.create(method.token).payment_method_nonce
    assert made.type == "CreditCard"
    sale = merchant.sold("10.00", made.nonce)
    assert sale.credit_card_details.token == method.token
    with pytest.raises(NotFoundError):
        merchant.gateway.payment_method_nonce.create("nothing")


@pytest.mark.parametrize(
    ("number", "month", "year", "cvv", "code"),
    [
        ("", "1", "40", None, "81714"),
        ("12", "1", "40", None, "81716"),
        ("4111111111111112", "1", "40", None, "81715"),
        ("4000056655665556", "1", "40", None, "81717"),
        (VISA, "", "", None, "81709"),
        (VISA, "13", "40", None, "81712"),
        (VISA, "1", "1940", None, "81713"),
        (VISA, "1", "40", "12", "81707"),
        ("378282246310005", "1", "40", "123", "81707"),
    ],
)
def test_bad_cards_get_no_nonce(
    server: Server, number: str, month: str, year: str, cvv: str | None, code: str
) -> None:
    with pytest.raises(InvalidCard) as refused:
        server.desk.store.create_card_nonce(number, month, year, cvv)
    assert [error[1] for error in refused.value.errors] == [code]


def test_bad_bank_accounts_get_no_nonce(server: Server) -> None:
    store = server.desk.store
    assert store.create_bank_nonce(iban=GERMAN_IBAN).last_four == "3000"
    for wrong in (
        {"iban": "DE89 3704 0044 0532 0130 01"},
        {"account_number": "1000000000", "routing_number": "021000022"},
        {"account_number": "x", "routing_number": "021000021"},
    ):
        with pytest.raises(InvalidCard):
            store.create_bank_nonce(**wrong)


def test_the_file_never_holds_a_card_number_or_cvv(
    merchant: Merchant, server: Server, card_nonce: str
) -> None:
    merchant.vaulted(card_nonce)
    merchant.sold("10.00", payment_method_token=None, credit_card={
        "number": "4012000033330026", "expiration_date": "12/2040", "cvv": "987"
    })  # fmt: skip
    path = server.options.data_path
    for name in (path, path.with_name(path.name + "-wal")):
        content = name.read_bytes()
        assert VISA.encode() not in content
        assert b"4012000033330026" not in content


def test_client_tokens_name_this_sandbox(merchant: Merchant, server: Server) -> None:
    customer_id = merchant.customer()
    token = merchant.gateway.client_token.generate({"customer_id": customer_id})
    content = json.loads(base64.b64decode(token))
    assert content["version"] == 2
    assert content["merchantId"] == merchant.options.merchant_id
    for url in (
        content["configUrl"],
        content["clientApiUrl"],
        content["assetsUrl"],
        content["graphQL"]["url"],
    ):
        assert url.startswith(merchant.options.public_url)
    valid = server.desk.store.fingerprint_is_valid
    fingerprint = content["authorizationFingerprint"]
    assert valid(fingerprint) == merchant.options.merchant_id
    assert valid(fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")) is None
    assert valid("") is None
    merchant.advance(days=1.01)
    assert valid(fingerprint) is None
    with pytest.raises(ValueError, match="customer_id"):
        merchant.gateway.client_token.generate({"customer_id": "nobody"})
