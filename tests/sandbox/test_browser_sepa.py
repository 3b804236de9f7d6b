"""Braintree's SEPA component on a merchant's page: mandate, popup, approval, nonce."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from sandbox.browser import create_blueprint
from sandbox.options import Options
from sandbox.store import Store
from tests.sandbox.browser_fixtures import (
    PACKAGES,
    WEB_VERSION,
    Served,
    Visit,
    chromium,
    merchant_site,
    serving,
    visiting,
)

OPTIONS = Options(assets_path=PACKAGES)
API = f"{OPTIONS.merchant_path}/client_api/v1"
KEY = {"tokenizationKey": OPTIONS.tokenization_key}
IBAN = "DE89370400440532013000"
DEBIT = {
    "account_holder_name": "Zoë <b>Martin</b>",
    "iban": IBAN,
    "merchant_or_partner_customer_id": "customer-7",
    "mandate_type": "RECURRENT",
}
BACK = {
    "return_url": "https://shop.example/back",
    "cancel_url": "https://shop.example/back?cancel=1",
}
TOKENIZE = """async ([authorization, iban]) => {
  const client = await braintree.client.create({ authorization });
  const sepa = await braintree.sepa.create({ client });
  return sepa.tokenize({ iban, accountHolderName: "Zoë Martin", customerId: "customer-7",
    mandateType: "RECURRENT", countryCode: "DE", merchantAccountId: "EUR" }).catch(refused);
}"""


@pytest.fixture
def http(tmp_path: Path) -> Iterator[FlaskClient]:
    store = Store(tmp_path / "sandbox.sqlite3")
    app = Flask("sandbox")
    app.register_blueprint(create_blueprint(store, OPTIONS))
    yield app.test_client()
    store.close()


def mandate(http: FlaskClient, **changes: Any) -> Any:
    answer = http.post(f"{API}/sepa_debit", json={**KEY, **BACK, "sepa_debit": DEBIT, **changes})
    return answer.status_code, json.loads(answer.get_data())


def approved(http: FlaskClient, end: str = "approve") -> tuple[str, Any]:
    """A mandate's reference, and where its page led."""
    _status, said = mandate(http)
    account = said["message"]["body"]["sepaDebitAccount"]
    page = account["approvalUrl"].removeprefix(OPTIONS.public_url)
    return account["bankReferenceToken"], http.post(page, data={"end": end})


def tokenize(http: FlaskClient, reference: str) -> Any:
    body = {**KEY, "sepa_debit_account": {"bank_reference_token": reference}}
    return http.post(f"{API}/payment_methods/sepa_debit_accounts", json=body)


def test_an_approved_mandate_makes_one_nonce(http: FlaskClient) -> None:
    reference, led = approved(http)
    assert led.status_code == 303
    assert led.location == f"https://shop.example/back?success=true&cart_id={reference}"
    detail = json.loads(http.get(f"{API}/sepa_debit/{reference}", query_string=KEY).get_data())
    assert detail["sepaDebitMandateDetail"]["last4"] == "3000"
    assert json.loads(tokenize(http, reference).get_data())["nonce"].startswith("token_bf_")
    assert tokenize(http, reference).status_code == 404


def test_a_mandate_that_was_not_approved_makes_none(http: FlaskClient) -> None:
    _status, said = mandate(http)
    waiting = said["message"]["body"]["sepaDebitAccount"]["bankReferenceToken"]
    assert tokenize(http, waiting).status_code == 422
    cancelled, led = approved(http, "cancel")
    assert led.location == BACK["cancel_url"]
    assert tokenize(http, cancelled).status_code == 422
    # Pressing the other button afterwards changes nothing.
    again = http.post(f"/sandbox/mandates/{cancelled}", data={"end": "approve"})
    assert again.location == BACK["cancel_url"]
    assert tokenize(http, cancelled).status_code == 422


def test_the_page_shows_what_is_approved_and_runs_nothing(http: FlaskClient) -> None:
    _status, said = mandate(http)
    path = said["message"]["body"]["sepaDebitAccount"]["approvalUrl"]
    answer = http.get(path.removeprefix(OPTIONS.public_url))
    assert "IBAN ending in 3000" in answer.text
    assert "Zoë &lt;b&gt;Martin&lt;/b&gt;" in answer.text
    assert IBAN not in answer.text
    assert "script" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"sepa_debit": {**DEBIT, "iban": "DE00370400440532013000"}}, 422),
        ({"sepa_debit": "nonsense"}, 422),
        ({"return_url": "javascript:alert(1)"}, 422),
        ({"cancel_url": ""}, 422),
        ({"tokenizationKey": "forged"}, 401),
    ],
)
def test_nonsense_is_refused(http: FlaskClient, changes: dict[str, Any], status: int) -> None:
    assert mandate(http, **changes)[0] == status


def test_unknown_mandates_are_not_found(http: FlaskClient) -> None:
    assert http.get("/sandbox/mandates/nobody").status_code == 404
    assert http.post("/sandbox/mandates/nobody", data={"end": "approve"}).status_code == 404
    assert http.post("/sandbox/mandates/nobody", data={"end": "x"}).status_code == 400
    assert tokenize(http, "nobody").status_code == 404
    assert http.get(f"{API}/sepa_debit/nobody", query_string=KEY).status_code == 404
    assert http.get(f"{API}/sepa_debit/nobody").status_code == 401


@pytest.mark.parametrize("name", ["dispatch", "sepa-landing", "redirect"])
def test_the_windows_are_served(http: FlaskClient, name: str) -> None:
    for ending in ("html", "min.html"):
        with http.get(f"/web/{WEB_VERSION}/html/{name}-frame.{ending}") as answer:
            assert answer.status_code == 200


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(scope="module")
def site(sandbox: Served) -> Iterator[str]:
    with merchant_site(sandbox.options.public_url, ("client", "sepa")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, sandbox: Served, site: str) -> Iterator[Visit]:
    """The page; afterwards: nothing was asked of other hosts and nothing broke."""
    with visiting(browser, sandbox, site) as visit:
        yield visit
        assert visit.hosts() == {url.split("/")[2] for url in (site, sandbox.options.public_url)}


def begin(visit: Visit, iban: str = IBAN) -> Page:
    """Start the component on the page and return its popup."""
    start = f"(given) => {{ window.ended = ({TOKENIZE})(given); }}"
    with visit.page.expect_popup() as opened:
        visit.run(start, [visit.token, iban])
    return opened.value


def test_the_published_component_gets_a_nonce_through_the_popup(
    visit: Visit, sandbox: Served
) -> None:
    popup = begin(visit)
    popup.get_by_role("button", name="Approve the mandate").click()
    payload = visit.run("window.ended")
    assert payload["ibanLastFour"] == "3000"
    customer = sandbox.gateway.customer.create({}).customer.id
    kept = sandbox.gateway.payment_method.create(
        {"customer_id": customer, "payment_method_nonce": payload["nonce"]}
    )
    assert kept.payment_method.last_4 == "3000"
    # Its end is told later than the answer, but before anything asked after it has gone.
    if not popup.is_closed():
        popup.wait_for_event("close")
    assert visit.complaints == []


def test_cancelling_and_closing_are_told_apart_from_errors(visit: Visit) -> None:
    begin(visit).get_by_role("button", name="Cancel").click()
    assert visit.run("window.ended")["code"] == "SEPA_CUSTOMER_CANCELED"
    begin(visit).close()
    assert visit.run("window.ended")["code"] == "SEPA_CUSTOMER_CANCELED"


def test_a_wrong_iban_opens_no_popup(visit: Visit) -> None:
    refused = visit.run(f"({TOKENIZE})({json.dumps([visit.token, 'DE00'])})")
    assert refused["code"] == "SEPA_CREATE_MANDATE_FAILED"
