"""Braintree's Hosted Fields on a merchant's page, with the sandbox behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.sandbox.browser_fixtures import (
    FIELDS_PAGE,
    VISA,
    Served,
    Visit,
    chromium,
    merchant_site,
    serving,
    visiting,
)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


@pytest.fixture(scope="module")
def site(sandbox: Served) -> Iterator[str]:
    with merchant_site(sandbox.options.public_url, FIELDS_PAGE) as url:
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
        assert visit.complaints == []


def type_card(visit: Visit, number: str = VISA) -> None:
    """Fill the form as a person does: by keyboard, from field to field."""
    visit.control("number").click()
    for text in (number, "1230", "123", "60654"):
        visit.page.keyboard.type(text)
        visit.page.keyboard.press("Tab")
    visit.wait_until("Object.values(fields.getState().fields).every((field) => field.isValid)")


def test_a_typed_card_becomes_a_nonce_the_gateway_knows(visit: Visit, sandbox: Served) -> None:
    visit.create_fields()
    type_card(visit)
    expect(visit.page.get_by_role("button", name="Pay")).to_be_focused()
    assert visit.control("number").input_value() == "4111 1111 1111 1111"
    assert visit.control("expirationDate").input_value() == "12 / 30"
    payload = visit.tokenize()
    assert payload["details"]["lastFour"] == "1111"
    assert payload["details"]["cardType"] == "Visa"
    assert payload["details"]["expirationYear"] == "2030"
    paid = sandbox.gateway.transaction.sale(
        {"amount": "10.00", "payment_method_nonce": payload["nonce"]}
    )
    assert paid.is_success
    assert paid.transaction.credit_card_details.last_4 == "1111"
    assert paid.transaction.cvv_response_code == "M"


def test_empty_fields_are_refused_in_the_page(visit: Visit) -> None:
    visit.create_fields()
    refused = visit.tokenize()
    assert (refused["code"], refused["type"]) == ("HOSTED_FIELDS_FIELDS_EMPTY", "CUSTOMER")


def test_invalid_fields_are_named(visit: Visit) -> None:
    visit.create_fields()
    visit.control("number").fill("4111111111111112")
    visit.control("expirationDate").fill("13/30")
    visit.control("postalCode").fill("60654")
    visit.wait_until(
        "Object.values(fields.getState().fields).filter((field) => field.isEmpty).length === 1"
    )
    refused = visit.tokenize()
    assert refused["code"] == "HOSTED_FIELDS_FIELDS_INVALID"
    assert refused["details"]["invalidFieldKeys"] == ["number", "expirationDate", "cvv"]


def test_a_card_the_gateway_refuses_says_why(visit: Visit) -> None:
    visit.create_fields()
    type_card(visit, "4242424242424242")
    refused = visit.tokenize()
    assert refused["code"] == "HOSTED_FIELDS_FAILED_TOKENIZATION"
    answer = refused["details"]["originalError"]["details"]["originalError"]
    assert answer["fieldErrors"][0]["fieldErrors"][0]["field"] == "number"


def test_an_unreachable_gateway_is_a_network_error(visit: Visit) -> None:
    visit.create_fields()
    type_card(visit)
    visit.page.route("**/graphql", lambda route: route.abort())
    refused = visit.tokenize()
    assert refused["code"] == "HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR"
    assert refused["type"] == "NETWORK"
    visit.complaints.clear()


def test_a_forged_client_token_creates_nothing(visit: Visit) -> None:
    forge = """(token) => {
      const content = { ...JSON.parse(atob(token)), authorizationFingerprint: "ab.cd" };
      return braintree.client.create({ authorization: btoa(JSON.stringify(content)) })
        .catch(refused);
    }"""
    assert visit.run(forge, visit.token)["code"] == "CLIENT_AUTHORIZATION_INVALID"


def test_a_tokenization_key_opens_the_client_too(visit: Visit, sandbox: Served) -> None:
    visit.token = sandbox.options.tokenization_key
    visit.create_fields()
    type_card(visit)
    assert visit.tokenize()["nonce"].startswith("tokencc_")


def test_validity_and_brand_are_told_as_one_types(visit: Visit) -> None:
    visit.create_fields()
    visit.control("number").click()
    visit.page.keyboard.type("378282246310005")
    judged = visit.wait_for_event("validityChange", "number")
    assert [card["type"] for card in judged["cards"]] == ["american-express"]
    assert judged["cards"][0]["code"] == {"name": "CID", "size": 4}
    assert judged["fields"]["number"]["isValid"] is True
    assert judged["fields"]["cvv"]["isEmpty"] is True
    assert visit.control("number").input_value() == "3782 822463 10005"
    # A 3 can begin three brands, 37 only one.
    assert visit.run("events.map(([name]) => name)") == [
        "focus",
        "notEmpty",
        "cardTypeChange",
        "cardTypeChange",
        "binAvailable",
        "validityChange",
    ]
    assert "braintree-hosted-fields-valid" in visit.run(
        "document.querySelector('#number').className"
    )


def test_an_unfinished_field_is_wrong_once_it_is_left(visit: Visit) -> None:
    visit.create_fields()
    visit.control("number").click()
    visit.page.keyboard.type("4111")
    visit.wait_for_event("notEmpty", "number")
    assert visit.run("fields.getState().fields.number.isPotentiallyValid") is True
    visit.page.keyboard.press("Tab")
    left = visit.wait_for_event("validityChange", "number")
    assert left["fields"]["number"]["isPotentiallyValid"] is False
    expect(visit.control("number")).to_have_attribute("aria-invalid", "true")
    assert visit.wait_for_event("blur", "number")
    assert visit.wait_for_event("focus", "expirationDate")


def test_enter_asks_the_page_to_submit(visit: Visit) -> None:
    visit.create_fields()
    visit.control("cvv").click()
    visit.page.keyboard.press("Enter")
    assert visit.wait_for_event("inputSubmitRequest", "cvv")


def test_the_security_code_follows_the_brand(visit: Visit) -> None:
    visit.create_fields()
    visit.control("cvv").fill("1234")
    visit.control("number").fill(VISA)
    visit.wait_until("!fields.getState().fields.cvv.isPotentiallyValid")
    visit.control("number").fill("378282246310005")
    visit.wait_until("fields.getState().fields.cvv.isValid")


def test_an_expiry_takes_shape_as_typed(visit: Visit) -> None:
    visit.create_fields()
    expiry = visit.control("expirationDate")
    shapes = {"5": "05 / ", "1230": "12 / 30", "1/30": "01 / 30", "122031": "12 / 2031"}
    for typed, shown in shapes.items():
        expiry.fill("")
        expiry.press_sequentially(typed)
        assert expiry.input_value() == shown
    for left in ("12 / 203", "12 / 20", "12 / 2", "12", "1", ""):
        expiry.press("Backspace")
        assert expiry.input_value() == left


def test_typing_in_the_middle_keeps_the_caret(visit: Visit) -> None:
    visit.create_fields()
    number = visit.control("number")
    number.fill("4111111111")
    number.press("Home")
    number.press("ArrowRight")
    number.press("9")
    assert number.input_value() == "4911 1111 111"
    assert number.evaluate("input => input.selectionStart") == 2
    for _ in range(2):
        number.press("Backspace")
    assert number.input_value() == "1111 1111 1"


def test_the_page_controls_its_fields(visit: Visit) -> None:
    visit.create_fields()
    cvv = visit.control("cvv")
    cvv.fill("12")
    visit.run("fields.clear('cvv')")
    visit.run("fields.setAttribute({ field: 'cvv', attribute: 'placeholder', value: 'Code' })")
    visit.run("fields.addClass('cvv', 'wanted')")
    visit.run("fields.setMessage({ field: 'cvv', message: 'On the back' })")
    visit.run("fields.focus('cvv')")
    expect(cvv).to_have_value("")
    expect(cvv).to_have_attribute("placeholder", "Code")
    expect(cvv).to_have_class("cvv wanted")
    expect(cvv).to_have_accessible_description("On the back")
    expect(cvv).to_be_focused()
    visit.run("fields.setAttribute({ field: 'cvv', attribute: 'disabled', value: true })")
    expect(cvv).to_be_disabled()
    visit.run("fields.removeAttribute({ field: 'cvv', attribute: 'disabled' })")
    expect(cvv).to_be_enabled()


def test_fields_are_named_for_screen_readers_and_password_managers(visit: Visit) -> None:
    visit.create_fields()
    number = visit.control("number")
    expect(number).to_have_accessible_name("Credit Card Number")
    expect(number).to_have_attribute("autocomplete", "cc-number")
    expect(number).to_have_attribute("inputmode", "numeric")
    expect(number).to_have_attribute("placeholder", "1234 1234 1234 1234")
    for name, hint in [("expirationDate", "cc-exp"), ("cvv", "cc-csc")]:
        expect(visit.control(name)).to_have_attribute("autocomplete", hint)


def computed(visit: Visit, name: str, property_name: str) -> Any:
    return visit.control(name).evaluate(f"e => getComputedStyle(e)['{property_name}']")


def test_styles_of_the_page_reach_the_fields(visit: Visit) -> None:
    visit.create_fields(
        styles={
            "input": {"color": "rgb(1, 2, 3)", "fontSize": "19px", "position": "fixed"},
            ".valid": {"color": "rgb(0, 90, 0)"},
            "input.invalid": {"color": "rgb(200, 0, 0)"},
            "@media (min-width: 1px)": {".cvv": {"letter-spacing": "3px"}},
            "body { display: none } input": {"color": "rgb(9, 9, 9)"},
        }
    )
    assert computed(visit, "number", "color") == "rgb(1, 2, 3)"
    assert computed(visit, "number", "font-size") == "19px"
    assert computed(visit, "number", "position") == "static"
    assert computed(visit, "cvv", "letter-spacing") == "3px"
    visit.control("number").fill(VISA)
    assert computed(visit, "number", "color") == "rgb(0, 90, 0)"
    visit.control("number").fill("9")
    assert computed(visit, "number", "color") == "rgb(200, 0, 0)"


def test_numbers_can_be_masked_and_dates_chosen(visit: Visit) -> None:
    visit.create_fields(
        fields={
            "number": {"container": "#number", "maskInput": {"showLastFour": True}},
            "expirationMonth": {"container": "#expiry", "select": True},
            "expirationYear": {"container": "#cvv", "select": True},
        }
    )
    visit.control("number").fill(VISA)
    visit.control("number").blur()
    expect(visit.control("number")).to_have_value("•••• •••• •••• 1111")
    visit.control("expirationMonth", "select").select_option("12")
    visit.control("expirationYear", "select").select_option(index=3)
    visit.wait_until("fields.getState().fields.expirationYear.isValid")
    assert visit.tokenize()["details"]["expirationMonth"] == "12"


def test_tab_moves_on_where_frames_need_help(browser: Browser, sandbox: Served, site: str) -> None:
    with visiting(browser, sandbox, site, user_agent=FIREFOX) as visit:
        visit.create_fields()
        visit.control("number").click()
        for name in ("expirationDate", "cvv", "postalCode"):
            visit.page.keyboard.press("Tab")
            expect(visit.control(name)).to_be_focused()
        visit.page.keyboard.press("Shift+Tab")
        expect(visit.control("cvv")).to_be_focused()


def test_two_forms_on_one_page_keep_apart(visit: Visit) -> None:
    visit.create_fields()
    visit.control("number").fill(VISA)
    visit.run("window.first = fields")
    visit.create_fields(fields={"number": {"container": "#dropin"}})
    assert visit.run("fields.getState().fields.number.isEmpty") is True
    visit.wait_until("first.getState().fields.number.isValid")
