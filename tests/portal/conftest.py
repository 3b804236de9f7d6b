"""What the portal's tests share: links, sign-ins, a browser, counters that start at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from applications.links import application_url
from billing import sign_in_links
from billing.database import reading
from billing.links import invoice_token
from models import Application, Invoice, User
from portal.limits import limiter
from tests.serving import serving
from tests.support import emails, fetch
from tools.browser import find_chromium


@pytest.fixture(autouse=True)
def _fresh_counters(app: Flask) -> None:
    """One test's requests are not another one's flood."""
    limiter.reset()


@pytest.fixture
def link() -> Callable[[int], str]:
    """``link(invoice_id)`` is the path of the customer's page."""

    def path(invoice_id: int) -> str:
        return f"/i/{invoice_token(fetch(Invoice, invoice_id))}"

    return path


@pytest.fixture
def pay(link: Callable[[int], str], post: Callable[..., Any]) -> Callable[..., Any]:
    """``pay(client, invoice_id, **fields)`` presses Pay with a valid card unless told otherwise."""

    def press(client: FlaskClient, invoice_id: int, /, **fields: Any) -> Any:
        data = {
            "nonce": "fake-valid-nonce",
            "shown_balance": str(fetch(Invoice, invoice_id).balance),
            "holder": "Maria Alvarez",
            "postal_code": "62704",
            **fields,
        }
        return post(client, f"{link(invoice_id)}/pay", data)

    return press


@pytest.fixture
def application_link() -> Callable[[int], str]:
    """``application_link(application_id)`` is the path a letter leads to."""

    def path(application_id: int) -> str:
        return urlsplit(application_url(fetch(Application, application_id))).path

    return path


@pytest.fixture
def mailed_link(app: Flask) -> Callable[[str], str]:
    """``mailed_link(email)`` asks for a sign-in link and returns the path in the letter."""

    def path(email: str) -> str:
        sign_in_links.ask_for_link(email, "")
        letter = emails("sign_in")[-1]
        with reading() as session:
            return urlsplit(sign_in_links.link_url(session, letter.params["sign_in_link"])).path

    return path


@pytest.fixture
def customer_client(
    app: Flask, mailed_link: Callable[[str], str], post: Callable[..., Any]
) -> Callable[[int], FlaskClient]:
    """``customer_client(user_id)`` is a browser in which that customer has signed in by e-mail."""

    def build(user_id: int) -> FlaskClient:
        client = app.test_client()
        answer = post(client, mailed_link(fetch(User, user_id).email))
        assert answer.headers["Location"] == "/account"
        return client

    return build


@pytest.fixture(params=["signed in", "by link"])
def door(
    request: pytest.FixtureRequest,
    client: FlaskClient,
    customer_client: Callable[[int], FlaskClient],
    application_link: Callable[[int], str],
) -> Callable[[int], tuple[FlaskClient, str]]:
    """Open an application: a browser and the path of its page."""

    def opened(application_id: int) -> tuple[FlaskClient, str]:
        if request.param == "by link":
            return client, application_link(application_id)
        user = fetch(Application, application_id).user_id
        return customer_client(user), f"/applications/{application_id}"

    return opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """The address of the application on a real socket."""
    with serving(app) as address:
        yield address


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


@pytest.fixture
def page(phone: BrowserContext) -> Page:
    return phone.new_page()
