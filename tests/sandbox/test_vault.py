"""Customers, payment methods and nonces, through the real SDK."""

from __future__ import annotations

from typing import Any

import pytest
from braintree.exceptions.not_found_error import NotFoundError

from sandbox.server import Server
from tests.sandbox.merchant import Merchant, codes

VISA = "4111111111111111"


def test_customers_come_and_go(merchant: Merchant) -> None:
    api = merchant.gateway.customer
    made = api.create({"id": "desk-7", "first_name": "Zoë", "email": "zoe@example.com"}).customer
    assert (made.id, made.first_name, made.email) == ("desk-7", "Zoë", "zoe@example.com")
    api.update("desk-7", {"last_name": "王"})
    found = api.find("desk-7")
    assert (found.first_name, found.last_name, found.payment_methods) == ("Zoë", "王", [])
    api.delete("desk-7")
    for call in (lambda: api.find("desk-7"), lambda: api.delete("desk-7")):
        with pytest.raises(NotFoundError):
            call()
    with pytest.raises(NotFoundError):
        api.update("desk-7", {"last_name": "Nobody"})


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"id": "taken"}, "91609"),
        ({"id": "no spaces"}, "91610"),
        ({"id": "x" * 37}, "91612"),
        ({"email": "nonsense"}, "81604"),
        ({"payment_method_nonce": "fake-consumed-nonce"}, "91731"),
        ({"payment_method_nonce": "made-up"}, "91732"),
    ],
)
def test_bad_customers_are_refused(merchant: Merchant, params: dict[str, str], code: str) -> None:
    merchant.gateway.customer.create({"id": "taken"})
    assert codes(merchant.gateway.customer.create(params)) == [code]


def test_a_customer_can_be_made_together_with_a_card(merchant: Merchant) -> None:
    customer = merchant.gateway.customer.create(
        {"credit_card": {"number": VISA, "expiration_date": "05/2040", "cvv": "123"}}
    ).customer
    assert customer.credit_cards[0].last_4 == "1111"
    customer = merchant.gateway.customer.update(
        customer.id, {"payment_method_nonce": "fake-valid-mastercard-nonce"}
    ).customer
    assert [card.card_type for card in customer.credit_cards] == ["Visa", "MasterCard"]
    assert [card.default for card in customer.credit_cards] == [True, False]


def test_a_vaulted_card_pays_again_and_again(merchant: Merchant, card_nonce: str) -> None:
    method = merchant.vaulted(card_nonce)
    assert (method.last_4, method.card_type, method.default) == ("1111", "Visa", True)
    assert (method.expiration_date, method.cardholder_name) == ("01/2040", "Zoë")
    assert not method.is_expired
    assert merchant.gateway.payment_method.find(method.token).token == method.token
    assert merchant.gateway.credit_card.find(method.token).bin == "411111"
    for amount in ("1.00", "2.00"):
        sale = merchant.sold(amount, payment_method_token=method.token)
        assert sale.credit_card_details.token == method.token
        assert sale.customer_details.id == method.customer_id
    by_customer = merchant.gateway.transaction.sale(
        {"amount": "3.00", "customer_id": method.customer_id}
    ).transaction
    assert by_customer.credit_card_details.token == method.token


def test_payment_methods_change_and_one_is_the_default(merchant: Merchant) -> None:
    api = merchant.gateway.payment_method
    first = merchant.vaulted("fake-valid-visa-nonce")
    second = api.create(
        {"customer_id": first.customer_id, "payment_method_nonce": "fake-valid-amex-nonce"}
    ).payment_method
    assert (first.default, second.default) == (True, False)
    changed = api.update(
        second.token,
        {
            "cardholder_name": "New Name",
            "expiration_date": "03/41",
            "options": {"make_default": True},
        },
    ).payment_method
    assert (changed.default, changed.cardholder_name) == (True, "New Name")
    assert changed.expiration_date == "03/2041"
    assert not api.find(first.token).default
    api.delete(second.token)
    assert api.find(first.token).default
    for call in (lambda: api.find(second.token), lambda: api.delete(second.token)):
        with pytest.raises(NotFoundError):
            call()


def test_a_stored_card_can_be_replaced_by_another(merchant: Merchant, card_nonce: str) -> None:
    method = merchant.vaulted("fake-valid-mastercard-nonce")
    update = merchant.gateway.payment_method.update
    changed = update(method.token, {"payment_method_nonce": card_nonce}).payment_method
    assert (changed.token, changed.last_4, changed.card_type) == (method.token, "1111", "Visa")
    assert codes(update(method.token, {"payment_method_nonce": card_nonce})) == ["93107"]
    bank = "fake-sepa-direct-debit-nonce"
    assert codes(update(method.token, {"payment_method_nonce": bank})) == ["93102"]


def test_storing_a_card_twice_can_be_forbidden(merchant: Merchant) -> None:
    owner = merchant.vaulted("fake-valid-nonce").customer_id

    def store(customer_id: str, **options: bool) -> Any:
        return merchant.gateway.payment_method.create(
            {
                "customer_id": customer_id,
                "payment_method_nonce": "fake-valid-nonce",
                "options": options,
            }
        )

    everywhere = {"fail_on_duplicate_payment_method": True}
    here = {"fail_on_duplicate_payment_method_for_customer": True}
    stranger = merchant.customer()
    assert codes(store(stranger, **everywhere)) == ["81724"]
    assert store(stranger, **here).is_success
    assert codes(store(owner, **here)) == ["81763"]


def test_bank_accounts_are_vaulted_with_their_mandate(merchant: Merchant) -> None:
    sepa = merchant.gateway.payment_method.find(merchant.sepa())
    assert (sepa.last_4, sepa.mandate_type) == ("3000", "RECURRENT")
    assert sepa.bank_reference_token
    found = merchant.gateway.sepa_direct_debit_account.find(sepa.token)
    assert found.customer_id == sepa.customer_id
    account = merchant.gateway.payment_method.find(merchant.us_bank())
    assert (account.verified, account.last_4, account.account_type) == (True, "0000", "checking")
    assert account.verifications[0].status == "verified"
    customer = merchant.gateway.customer.find(sepa.customer_id)
    assert customer.sepa_direct_debit_accounts[0].token == sepa.token


@pytest.mark.parametrize(
    ("number", "code", "verified"),
    [
        ("1000000000", "1000", True),
        ("1000000001", "1003", True),
        ("1000000002", "3000", False),
        ("1000000004", "2046", False),
        ("1000000005", "2061", False),
        ("1000000006", "2092", False),
        ("1000000007", "2092", False),
        ("1000000008", "2061", False),
        ("1000000009", "2061", False),
        ("1234567890", "2038", False),
    ],
)
def test_network_checks_of_us_accounts(
    merchant: Merchant, server: Server, number: str, code: str, verified: bool
) -> None:
    nonce = server.desk.store.create_bank_nonce(
        account_number=number, routing_number="021000021", mandate="I agree."
    ).nonce
    account = merchant.vaulted(nonce, us_bank_account_verification_method="network_check")
    assert account.verifications[0].processor_response_code == code
    assert (account.verified, account.ach_mandate.text) == (verified, "I agree.")
    result = merchant.sale(payment_method_token=account.token)
    assert result.is_success == verified
    if not verified:
        assert codes(result) == ["915172"]


def test_small_deposits_verify_an_account(merchant: Merchant, server: Server) -> None:
    nonce = server.desk.store.create_bank_nonce(
        account_number="1000000000", routing_number="021000021"
    ).nonce
    account = merchant.vaulted(nonce, us_bank_account_verification_method="micro_transfers")
    assert (account.verified, account.verifications[0].status) == (False, "pending")
    confirm = merchant.gateway.us_bank_account_verification.confirm_micro_transfer_amounts
    verification_id = account.verifications[0].id
    assert confirm(verification_id, [1, 2]).us_bank_account_verification.status != "verified"
    assert confirm(verification_id, [17, 29]).us_bank_account_verification.status == "verified"
    assert merchant.gateway.payment_method.find(account.token).verified


def test_the_last_digits_of_an_account_decide_how_its_debits_end(
    merchant: Merchant, server: Server
) -> None:
    store = server.desk.store
    declined = store.create_bank_nonce(account_number="1000004001", routing_number="021000021")
    returned = store.create_bank_nonce(account_number="1000004002", routing_number="021000021")
    ends = []
    for nonce in (declined.nonce, returned.nonce):
        token = merchant.vaulted(nonce, us_bank_account_verification_method="network_check").token
        ends.append(merchant.sold(payment_method_token=token))
    merchant.advance(days=3)
    assert [merchant.find(end).status for end in ends] == ["settlement_declined", "settled"]
    merchant.advance(days=2)
    assert merchant.find(ends[1]).status == "settlement_declined"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer_id": None}, "93104"),
        ({"customer_id": "nobody"}, "93105"),
        ({"payment_method_nonce": None}, "93103"),
        ({"payment_method_nonce": "fake-consumed-nonce"}, "93107"),
        ({"payment_method_nonce": "made-up"}, "93108"),
        ({"token": "no spaces"}, "91718"),
    ],
)
def test_bad_payment_methods_are_refused(
    merchant: Merchant, changes: dict[str, Any], code: str
) -> None:
    params = {"customer_id": merchant.customer(), "payment_method_nonce": "fake-valid-nonce"}
    assert codes(merchant.gateway.payment_method.create(params | changes)) == [code]


def test_a_token_is_given_once(merchant: Merchant) -> None:
    params = {
        "customer_id": merchant.customer(),
        "payment_method_nonce": "fake-valid-nonce",
        "token": "mine",
    }
    assert merchant.gateway.payment_method.create(dict(params)).payment_method.token == "mine"
    assert codes(merchant.gateway.payment_method.create(dict(params))) == ["91719"]


def test_a_verified_card_must_pass_its_check(merchant: Merchant) -> None:
    result = merchant.gateway.payment_method.create(
        {
            "customer_id": merchant.customer(),
            "payment_method_nonce": "fake-processor-declined-visa-nonce",
            "options": {"verify_card": True},
        }
    )
    assert not result.is_success
    assert result.credit_card_verification.status == "processor_declined"
    assert result.credit_card_verification.processor_response_code == "2000"
    assert merchant.vaulted("fake-valid-nonce", verify_card=True).verification.status == "verified"


def test_a_sale_can_vault_its_card_when_it_succeeds(merchant: Merchant) -> None:
    wish = {"submit_for_settlement": True, "store_in_vault_on_success": True}
    customer_id = merchant.customer()
    sale = merchant.sold(options=wish, customer_id=customer_id)
    token = sale.credit_card_details.token
    assert merchant.gateway.payment_method.find(token).customer_id == customer_id
    merchant.sale("2000.00", options=wish, customer_id=customer_id)
    assert len(merchant.gateway.customer.find(customer_id).credit_cards) == 1
    newcomer = merchant.sold("11.00", options=wish, customer={"first_name": "New"})
    assert merchant.gateway.customer.find(newcomer.customer_details.id).first_name == "New"


def test_someone_elses_method_is_not_charged(merchant: Merchant) -> None:
    token, other = merchant.vaulted("fake-valid-nonce").token, merchant.customer()
    request = {"amount": "10.00", "payment_method_token": token, "customer_id": other}
    assert codes(merchant.gateway.transaction.sale(request)) == ["91516"]
    assert codes(merchant.gateway.transaction.sale({"amount": "10.00", "customer_id": other})) == [
        "91511"
    ]
