"""The endpoints Braintree's browser client calls, in the shapes it understands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox import faults, nonces
from sandbox.browser import create_blueprint
from sandbox.faults import Fault
from sandbox.options import Options
from sandbox.store import Store
from sandbox.work import Desk
from tests.sandbox.browser_fixtures import PACKAGES, VISA, WEB_VERSION

OPTIONS = Options(assets_path=PACKAGES)
API = f"{OPTIONS.merchant_path}/client_api/v1"
CARD = {"number": VISA, "expirationMonth": "12", "expirationYear": "2030", "cvv": "123"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "sandbox.sqlite3")
    yield store
    store.close()


@pytest.fixture
def browser(store: Store) -> FlaskClient:
    app = Flask("sandbox")
    app.register_blueprint(create_blueprint(store, OPTIONS))
    return app.test_client()


@pytest.fixture
def fingerprint(store: Store) -> str:
    return store.create_fingerprint(OPTIONS.merchant_id)


@pytest.fixture
def bearer(fingerprint: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {fingerprint}"}


def behind(store: Store, nonce: str) -> dict[str, Any]:
    with store.reading() as db:
        return nonces.usable(db, nonce).data


def said(answer: TestResponse) -> Any:
    return json.loads(answer.get_data())


def graphql(browser: FlaskClient, headers: dict[str, str], **body: Any) -> Any:
    answer = browser.post("/graphql", json=body, headers=headers)
    assert answer.status_code == 200
    return said(answer)


def test_configuration_points_at_the_sandbox_only(browser: FlaskClient, fingerprint: str) -> None:
    query = {"authorizationFingerprint": fingerprint, "configVersion": "3"}
    answer = said(browser.get(f"{API}/configuration", query_string=query))
    assert answer["clientApiUrl"] == f"{OPTIONS.public_url}{OPTIONS.merchant_path}/client_api"
    assert answer["assetsUrl"] == OPTIONS.public_url
    assert answer["graphQL"]["url"] == f"{OPTIONS.public_url}/graphql"
    assert answer["challenges"] == ["cvv", "postal_code"]


def test_both_configurations_agree(browser: FlaskClient, bearer: dict[str, str]) -> None:
    answer = graphql(browser, bearer, operationName="ClientConfiguration", query="query {}")
    shown = answer["data"]["clientConfiguration"]
    query = {"tokenizationKey": OPTIONS.tokenization_key}
    rest = said(browser.get(f"{API}/configuration", query_string=query))
    assert shown["merchantId"] == rest["merchantId"]
    assert shown["clientApiUrl"] == rest["clientApiUrl"]
    assert shown["environment"].lower() == rest["environment"]
    assert len(shown["creditCard"]["supportedCardBrands"]) == len(
        rest["creditCards"]["supportedCardTypes"]
    )


def test_a_card_becomes_a_nonce(browser: FlaskClient, store: Store, fingerprint: str) -> None:
    body = {"creditCard": CARD, "authorizationFingerprint": fingerprint}
    answer = browser.post(f"{API}/payment_methods/credit_cards", json=body)
    assert answer.status_code == 202
    card = said(answer)["creditCards"][0]
    assert card["type"] == "CreditCard"
    assert card["description"] == "ending in 11"
    assert card["details"] == {
        "bin": "411111",
        "lastTwo": "11",
        "lastFour": "1111",
        "cardType": "Visa",
        "cardholderName": None,
        "expirationMonth": "12",
        "expirationYear": "2030",
    }
    assert behind(store, card["nonce"])["last_4"] == "1111"


def test_an_expiry_may_be_one_text(browser: FlaskClient, store: Store, fingerprint: str) -> None:
    card = {"number": VISA, "expirationDate": "3/31", "billingAddress": {"postalCode": "60654"}}
    body = {"creditCard": card, "authorizationFingerprint": fingerprint}
    answer = said(browser.post(f"{API}/payment_methods/credit_cards", json=body))
    kept = behind(store, answer["creditCards"][0]["nonce"])
    assert (kept["expiration_month"], kept["expiration_year"]) == ("03", "2031")
    assert kept["postal_code"] == "60654"


def test_a_refused_card_names_its_fields(browser: FlaskClient, fingerprint: str) -> None:
    card = CARD | {"number": "4111111111111112", "expirationMonth": "13"}
    body = {"creditCard": card, "authorizationFingerprint": fingerprint}
    answer = browser.post(f"{API}/payment_methods/credit_cards", json=body)
    assert answer.status_code == 422
    assert said(answer)["error"] == {"message": "Credit card is invalid"}
    [group] = said(answer)["fieldErrors"]
    assert group["field"] == "creditCard"
    assert [(error["field"], error["code"]) for error in group["fieldErrors"]] == [
        ("number", "81715"),
        ("expirationMonth", "81712"),
    ]


def test_graphql_reports_refusals_as_user_errors(
    browser: FlaskClient, bearer: dict[str, str]
) -> None:
    variables = {"input": {"creditCard": CARD | {"number": ""}}}
    answer = graphql(browser, bearer, operationName="TokenizeCreditCard", variables=variables)
    assert answer["data"] == {"tokenizeCreditCard": None}
    [error] = answer["errors"]
    assert error["extensions"]["errorClass"] == "VALIDATION"
    assert error["extensions"]["legacyCode"] == "81714"
    assert error["extensions"]["inputPath"] == ["input", "creditCard", "number"]


def test_an_operation_may_be_named_in_the_query_only(
    browser: FlaskClient, store: Store, bearer: dict[str, str]
) -> None:
    account = {
        "routingNumber": "021000021",
        "accountNumber": "1000000000",
        "accountType": "CHECKING",
        "achMandate": "I agree.",
        "individualOwner": {"firstName": "Zoë", "lastName": "王"},
    }
    query = "mutation TokenizeUsBankAccount($input: TokenizeUsBankAccountInput!) {}"
    variables = {"input": {"usBankAccount": account}}
    answer = graphql(browser, bearer, query=query, variables=variables)
    method = answer["data"]["tokenizeUsBankAccount"]["paymentMethod"]
    assert method["details"] == {"last4": "0000"}
    assert behind(store, method["id"])["holder_name"] == "Zoë 王"


@pytest.mark.parametrize("body", [None, [], {"query": 7}, {"operationName": "DropTables"}])
def test_an_unknown_operation_is_an_error_not_a_crash(
    browser: FlaskClient, bearer: dict[str, str], body: Any
) -> None:
    answer = browser.post("/graphql", json=body, headers=bearer)
    assert answer.status_code == 200
    assert "doesn't offer" in said(answer)["errors"][0]["message"]


@pytest.mark.parametrize("credential", ["", "Bearer", "Bearer abc.def", "Basic x", "Bearer é"])
def test_nobody_tokenises_without_a_credential(browser: FlaskClient, credential: str) -> None:
    headers = {"Authorization": credential.encode().decode("latin-1")}
    variables = {"input": {"creditCard": CARD}}
    answer = graphql(browser, headers, operationName="TokenizeCreditCard", variables=variables)
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["errorClass"] == "AUTHENTICATION"
    refused = browser.post(f"{API}/payment_methods/credit_cards", json={"creditCard": CARD})
    assert refused.status_code == 401
    assert browser.get(f"{API}/configuration").status_code == 401
    sepa = browser.post("/sandbox/sepa_nonces", json={"iban": "x"}, headers=headers)
    assert sepa.status_code == 401


def test_a_fingerprint_of_another_merchant_is_refused(browser: FlaskClient, store: Store) -> None:
    query = {"authorizationFingerprint": store.create_fingerprint("somebody_else")}
    assert browser.get(f"{API}/configuration", query_string=query).status_code == 401


def test_an_iban_becomes_a_nonce(
    browser: FlaskClient, store: Store, bearer: dict[str, str]
) -> None:
    body = {"iban": "DE89 3704 0044 0532 0130 00", "accountHolderName": "Zoë 王"}
    answer = browser.post("/sandbox/sepa_nonces", json=body, headers=bearer)
    assert answer.status_code == 201
    assert said(answer)["details"] == {"ibanLastFour": "3000", "mandateType": "RECURRENT"}
    assert behind(store, said(answer)["nonce"])["kind"] == "sepa_debit_account"


def test_an_armed_fault_strikes_tokenisation_only(
    browser: FlaskClient, store: Store, bearer: dict[str, str]
) -> None:
    desk = Desk(store, OPTIONS)
    broken = Fault(0, "nonce", "status", "before", 0, 503, 1, None)
    with desk.writing() as work:
        faults.add(work, broken)
    graphql(browser, bearer, operationName="ClientConfiguration")
    variables = {"input": {"creditCard": CARD}}
    body = {"operationName": "TokenizeCreditCard", "variables": variables}
    answer = browser.post("/graphql", json=body, headers=bearer)
    assert answer.status_code == 503
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert graphql(browser, bearer, **body)["data"]["tokenizeCreditCard"]["token"]


@pytest.mark.parametrize("iban", ["", "DE88370400440532013000", None])
def test_a_wrong_iban_is_refused(browser: FlaskClient, bearer: dict[str, str], iban: Any) -> None:
    answer = browser.post("/sandbox/sepa_nonces", json={"iban": iban}, headers=bearer)
    assert answer.status_code == 422
    assert said(answer)["fieldErrors"][0]["fieldErrors"][0]["field"] == "iban"


@pytest.mark.parametrize("path", ["/graphql", "/analytics", f"{API}/payment_methods/credit_cards"])
def test_pages_of_any_origin_may_ask(browser: FlaskClient, path: str) -> None:
    answer = browser.options(path)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"authorization", "content-type", "braintree-version"} <= set(allowed.split(", "))


def test_scripts_are_revalidated(browser: FlaskClient) -> None:
    path = f"/web/{WEB_VERSION}/js/client.min.js"
    answer = browser.get(path)
    assert answer.mimetype == "text/javascript"
    again = browser.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_missing_component_is_said_in_plain_text(browser: FlaskClient) -> None:
    answer = browser.get(f"/web/{WEB_VERSION}/js/paypal.js")
    assert answer.status_code == 404
    assert "doesn't offer" in answer.text


def test_the_frame_talks_to_the_sandbox_only(browser: FlaskClient) -> None:
    with browser.get("/web/3.123.2/html/hosted-fields-frame.min.html") as answer:
        assert answer.status_code == 200
        assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
        assert " on" not in answer.get_data(as_text=True)
