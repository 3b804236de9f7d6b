"""Pay my failed invoices, and ticked ones, with the registered payment method."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import clock
from billing.database import lock, transaction
from models import Invoice, Payment, PaymentMethod, User
from models.states import BillingMethod
from tests.billing.helpers import SEPA, SOFT_DECLINE, charge, keep, pay
from tests.portal.reading import words
from tests.support import Clock, Factory, all_of, emails, fetch, payments_of

SignedIn = Callable[[int], FlaskClient]
Post = Callable[..., Any]
PAGE = "/account/pay-failed"


class Failed:
    """A customer whose card was declined for two invoices; the bank says yes from now on."""

    def __init__(self, make: Factory, sandbox: Any) -> None:
        self.user = make.user()
        self.method = keep(self.user)
        self.invoices = [make.invoice(self.user, total=SOFT_DECLINE) for _ in range(2)]
        for invoice in self.invoices:
            assert charge(invoice).outcome == "declined"
        sandbox.control("settings", {"amounts": "plain"})
        self.payments = len(all_of(Payment))

    def fields(self, **more: Any) -> dict[str, Any]:
        return {
            "invoice": [str(invoice) for invoice in self.invoices],
            "shown_total": str(2 * SOFT_DECLINE),
            "method": str(self.method),
            **more,
        }

    def untouched(self) -> bool:
        states = {fetch(Invoice, invoice).state for invoice in self.invoices}
        return states == {"failed"} and len(all_of(Payment)) == self.payments


@pytest.fixture
def failed(make: Factory, sandbox: Any) -> Failed:
    return Failed(make, sandbox)


def test_the_account_leads_there_and_one_button_pays_all(
    failed: Failed, customer_client: SignedIn, post: Post
) -> None:
    client = customer_client(failed.user)
    home = client.get("/account")
    assert "2 payments did not go through." in words(home)
    [path] = html.fromstring(home.text).xpath("//a[text()='Pay my 2 failed invoices']/@href")
    assert path == f"{PAGE}/{failed.user}"
    page = client.get(path)
    said = words(page)
    assert "Pay 2 failed invoices" in said
    assert "Together $4,000.00" in said
    assert "Pay $4,000.00 with Visa ending in 1111" in said
    for invoice in failed.invoices:
        assert str(fetch(Invoice, invoice)) in said
    [form] = html.fromstring(page.text).xpath("//form[@class='own-method']")
    answer = post(client, form.get("action"), dict(_fields(form)))
    payment = all_of(Payment)[-1]
    assert answer.headers["Location"] == f"/account/payments/{payment.id}"
    outcome = words(client.get(answer.headers["Location"]))
    assert "You paid $4,000.00" in outcome
    assert outcome.count("Paid in full") == 2
    assert [fetch(Invoice, invoice).state for invoice in failed.invoices] == ["paid", "paid"]
    assert len(emails("receipt")) == 1
    assert "Nothing is left to pay here" in words(client.get(PAGE))
    assert "did not go through" not in words(client.get("/account"))


def _fields(form: Any) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for field in form.xpath(".//input[@name]"):
        fields.setdefault(field.get("name"), []).append(field.get("value"))
    return fields


def test_looking_changes_nothing(failed: Failed, customer_client: SignedIn) -> None:
    client = customer_client(failed.user)
    for _ in range(2):
        assert client.get(PAGE).status_code == 200
    assert failed.untouched()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"shown_total": "1"}, "The amount has changed"),
        ({"shown_total": "200000"}, "The amount has changed"),
        ({"shown_total": "-1"}, "The page was not complete."),
        ({"shown_total": ""}, "The page was not complete."),
        ({"shown_total": "٤"}, "The page was not complete."),
        ({"method": ""}, "The page was not complete."),
        ({"method": "999999"}, "Your payment method is Visa ending in 1111 now."),
        ({"invoice": []}, "This has changed since you opened the page."),
    ],
)
def test_anything_else_than_was_shown_charges_nothing(
    failed: Failed, customer_client: SignedIn, post: Post, more: dict[str, Any], sentence: str
) -> None:
    client = customer_client(failed.user)
    answer = post(client, f"{PAGE}/{failed.user}", failed.fields(**more))
    assert answer.status_code == 303
    said = words(client.get(answer.headers["Location"]))
    assert sentence in said
    assert "Nothing was charged" in said
    assert failed.untouched()


def test_only_failed_invoices_are_paid_here(
    failed: Failed, make: Factory, customer_client: SignedIn, post: Post
) -> None:
    client = customer_client(failed.user)
    sent = make.invoice(failed.user, total=100)
    fields = failed.fields(invoice=[str(sent)], shown_total="100")
    post(client, f"{PAGE}/{failed.user}", fields)
    assert fetch(Invoice, sent).state == "sent"
    assert failed.untouched()


def test_strangers_find_nothing(
    failed: Failed,
    make: Factory,
    client: FlaskClient,
    customer_client: SignedIn,
    post: Post,
) -> None:
    other = customer_client(make.user())
    assert other.get(f"{PAGE}/{failed.user}").status_code == 404
    assert post(other, f"{PAGE}/{failed.user}", failed.fields()).status_code == 404
    assert post(other, PAGE, failed.fields()).status_code == 404
    assert post(other, "/account/pay/method", failed.fields()).status_code == 404
    for path in (PAGE, f"{PAGE}/{failed.user}", "/account/pay/method"):
        answer = post(client, path, failed.fields())
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    mine = customer_client(failed.user)
    assert mine.post(f"{PAGE}/{failed.user}", data=failed.fields()).status_code == 400
    assert mine.post("/account/pay/method", data=failed.fields()).status_code == 400
    assert failed.untouched()


@pytest.mark.parametrize("numbers", [["x"], ["-1"], ["٣"], ["9" * 30], ["1"] * 101])
def test_odd_invoices_are_not_found(
    failed: Failed, customer_client: SignedIn, post: Post, numbers: list[str]
) -> None:
    fields = failed.fields(invoice=numbers)
    client = customer_client(failed.user)
    assert post(client, f"{PAGE}/{failed.user}", fields).status_code == 404


def test_whoever_shares_the_address_pays_for_each_person_alone(
    failed: Failed, make: Factory, sandbox: Any, customer_client: SignedIn, post: Post
) -> None:
    address = fetch(User, failed.user).email
    second = make.user("Second Person", email=address)
    client = customer_client(failed.user)
    assert "Nothing is left to pay here" in words(client.get(f"{PAGE}/{second}"))
    assert "Pay 2 failed invoices" in words(client.get(PAGE))
    assert post(client, f"{PAGE}/{second}", failed.fields()).status_code == 404
    assert failed.untouched()


def test_without_a_usable_method_the_page_says_why_and_offers_a_card(
    failed: Failed, make: Factory, customer_client: SignedIn, post: Post
) -> None:
    client = customer_client(failed.user)
    with transaction() as session:
        lock(session, User, failed.user).billing_method = BillingMethod.INVOICE
    page = client.get(PAGE)
    assert "You pay by invoice" in words(page)
    assert "own-method" not in page.text
    [path] = html.fromstring(page.text).xpath("//a[text()='Pay by card']/@href")
    assert "Pay $4,000.00" in words(client.get(path))
    assert "did not go through" in words(client.get("/account"))
    post(client, f"{PAGE}/{failed.user}", failed.fields())
    with transaction() as session:
        lock(session, User, failed.user).billing_method = BillingMethod.GATEWAY
        yesterday = clock.now().date() - dt.timedelta(days=2)
        lock(session, PaymentMethod, failed.method).expires_on = yesterday
    assert "Visa ending in 1111 has expired" in words(client.get(PAGE))
    assert failed.untouched()


def test_a_decline_says_so_and_offers_another_card(
    make: Factory, sandbox: Any, customer_client: SignedIn, post: Post
) -> None:
    user = make.user()
    method = keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    charge(invoice)
    client = customer_client(user)
    fields = {"invoice": str(invoice), "shown_total": str(SOFT_DECLINE), "method": str(method)}
    answer = post(client, f"{PAGE}/{user}", fields)
    page = client.get(answer.headers["Location"])
    said = words(page)
    assert "Visa ending in 1111 was declined" in said
    assert "Nothing was charged." in said
    [path] = html.fromstring(page.text).xpath("//a[text()='Pay with another card']/@href")
    assert path == f"/account/pay?invoice={invoice}"
    assert fetch(Invoice, invoice).state == "failed"


def test_a_direct_debit_is_on_its_way(
    make: Factory, sandbox: Any, customer_client: SignedIn, post: Post
) -> None:
    user = make.user()
    method = keep(user, SEPA)
    invoice = make.invoice(user, total=2000)
    client = customer_client(user)
    page = client.get(f"/account/pay?invoice={invoice}")
    assert "banks take a few days" in words(page)
    fields = {"invoice": str(invoice), "shown_total": "2000", "method": str(method)}
    answer = post(client, "/account/pay/method", fields)
    said = words(client.get(answer.headers["Location"]))
    assert "Your payment is on its way" in said
    assert fetch(Invoice, invoice).state == "pending"
    assert len(payments_of(invoice)) == 1


def test_ticked_invoices_are_paid_with_the_method_beside_the_card(
    make: Factory, sandbox: Any, customer_client: SignedIn, post: Post
) -> None:
    user = make.user()
    keep(user)
    invoices = [make.invoice(user, total=2000), make.invoice(user, total=3500)]
    client = customer_client(user)
    page = client.get("/account/pay?" + "&".join(f"invoice={each}" for each in invoices))
    said = words(page)
    assert "Pay $55.00 with Visa ending in 1111" in said
    assert "Or pay by card" in said
    [form] = html.fromstring(page.text).xpath("//form[@class='own-method']")
    answer = post(client, form.get("action"), dict(_fields(form)))
    assert "You paid $55.00" in words(client.get(answer.headers["Location"]))
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["paid", "paid"]
    assert len(emails("receipt")) == 1
    empty = post(client, "/account/pay/method", {})
    said = words(client.get(empty.headers["Location"], follow_redirects=True))
    assert "Please tick what you want to pay." in said


def test_an_invoices_link_never_offers_the_registered_method(
    failed: Failed, client: FlaskClient, link: Callable[[int], str], make: Factory
) -> None:
    said = words(client.get(link(failed.invoices[0])))
    assert "1111" not in said.replace("4111 1111 1111 1111", "")
    paid = make.invoice(failed.user, total=100)
    pay(paid)
    assert "Pay $2,000.00" in said


def test_too_many_declines_pause_it_here_too(
    make: Factory, sandbox: Any, customer_client: SignedIn, post: Post, time: Clock
) -> None:
    make.settings(max_declines=1)
    user = make.user()
    method = keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    charge(invoice)
    client = customer_client(user)
    fields = {"invoice": str(invoice), "shown_total": str(SOFT_DECLINE), "method": str(method)}
    answer = post(client, f"{PAGE}/{user}", fields)
    assert "Please wait an hour" in words(client.get(answer.headers["Location"]))
    assert len(payments_of(invoice)) == 1
