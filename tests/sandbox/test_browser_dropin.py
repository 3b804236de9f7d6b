"""Braintree's Drop-in and its US bank account component, with the sandbox behind them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from sandbox import nonces
from tests.sandbox.browser_fixtures import (
    DROPIN_PAGE,
    Served,
    Visit,
    chromium,
    merchant_site,
    serving,
    visiting,
)

TOKENIZE_BANK = """async ([token, routingNumber]) => {
  const client = await braintree.client.create({ authorization: token });
  const component = await braintree.usBankAccount.create({ client });
  const bankDetails = { routingNumber, accountNumber: "1000000000", accountType: "checking",
    ownershipType: "personal", firstName: "Zoë", lastName: "Martin", billingAddress: {} };
  return component.tokenize({ bankDetails, mandateText: "I agree." }).catch(refused);
}"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(scope="module")
def visit(sandbox: Served) -> Iterator[Visit]:
    with (
        merchant_site(sandbox.options.public_url, DROPIN_PAGE) as site,
        chromium() as browser,
        visiting(browser, sandbox, site) as visit,
    ):
        yield visit
        assert visit.hosts() == {url.split("/")[2] for url in (site, sandbox.options.public_url)}
        assert visit.complaints == []


def kept(sandbox: Served, nonce: str) -> nonces.Instrument:
    with sandbox.store.reading() as db:
        return nonces.usable(db, nonce)


def test_dropin_shows_its_form_and_makes_a_nonce(visit: Visit, sandbox: Served) -> None:
    visit.run("createDropin", visit.token)
    expect(visit.page.get_by_text("Pay with card")).to_be_visible()
    refused = visit.run("dropin.requestPaymentMethod().catch((error) => error.message)")
    assert refused == "No payment method is available."
    expect(visit.page.get_by_text("Please fill out a card number.")).to_be_visible()
    card = {
        "number": "5555555555554444",
        "expirationDate": "12 / 30",
        "cvv": "123",
        "postalCode": "60654",
    }
    for name, text in card.items():
        visit.control(name, within="#dropin").fill(text)
    visit.wait_until("dropin.isPaymentMethodRequestable()")
    payload = visit.run("dropin.requestPaymentMethod()")
    assert payload["details"]["cardType"] == "MasterCard"
    paid = sandbox.gateway.transaction.sale(
        {"amount": "10.00", "payment_method_nonce": payload["nonce"]}
    )
    assert paid.transaction.credit_card_details.last_4 == "4444"
    expect(visit.page.get_by_text("Ending in 4444")).to_be_visible()


def test_a_us_bank_account_becomes_a_nonce(visit: Visit, sandbox: Served) -> None:
    payload = visit.run(TOKENIZE_BANK, [visit.token, "021000021"])
    assert payload["type"] == "us_bank_account"
    assert payload["description"] == "US bank account ending in - 0000"
    account = kept(sandbox, payload["nonce"])
    assert account.kind == "us_bank_account"
    assert account.data["holder_name"] == "Zoë Martin"


def test_a_wrong_routing_number_makes_no_nonce(visit: Visit) -> None:
    refused = visit.run(TOKENIZE_BANK, [visit.token, "021000022"])
    assert refused["code"].startswith("US_BANK_ACCOUNT_")
    assert "nonce" not in refused


def test_device_data_is_collected_without_leaving(visit: Visit) -> None:
    collect = """async (token) => {
      const client = await braintree.client.create({ authorization: token });
      return (await braintree.dataCollector.create({ client })).deviceData;
    }"""
    assert "correlation_id" in visit.run(collect, visit.token)
