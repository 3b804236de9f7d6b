"""Customer A and everything of customer B: each route, signed in, signed out, and by A's link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from applications import settling
from billing import charging
from billing.database import lock, transaction
from billing.invoicing import generate_invoice
from models import Application, Invoice, Payment, PaymentMethod, User
from tests.applications.helpers import apply, customer_of, invoices_about
from tests.support import STAFF, Clock, Factory, all_of, fetch

Post = Callable[..., Any]

# Every route behind the sign-in that names a record. {…} is filled with a record of somebody.
GETS = (
    "/account/address/{user}",
    "/account/methods/card/{user}",
    "/account/methods/bank/{user}",
    "/account/methods/fields/{user}",
    "/account/methods/saved/{user}/{method}",
    "/account/methods/{method}/remove",
    "/account/methods/{method}/default",
    "/account/pay?invoice={invoice}",
    "/account/pay-failed/{user}",
    "/account/payments/{payment}",
    "/account/payments/{payment}/standing",
    "/applications/{application}",
    "/applications/{application}/card-fields",
    "/applications/{application}/standing",
    "/applications/{application}/payments/{balance_payment}",
    "/applications/{application}/payments/{balance_payment}/standing",
)
POSTS = (
    "/account/address/{user}",
    "/account/methods/card/{user}",
    "/account/methods/bank/{user}",
    "/account/methods/{method}/remove",
    "/account/methods/{method}/default",
    "/account/applications/{user}",
    "/account/pay",
    "/account/pay/method",
    "/account/pay-failed/{user}",
    "/account/credit",
    "/applications/{application}/pay",
    "/applications/{application}/answers",
)
OPEN_TO_ALL = {"account.ask", "account.send_link", "account.link_sent", "account.sign_out"}
OPEN_TO_ALL |= {"account.enter", "account.use"}
WITHOUT_RECORD = {"account.home", "account.card_fields", "account.methods"}


@dataclass(frozen=True)
class Records:
    """One of everything that belongs to one customer."""

    user: int
    invoice: int
    payment: int
    application: int
    balance_payment: int
    method: int = 10**9


@pytest.fixture
def records(make: Factory, sandbox: Any) -> Callable[[], Records]:
    kinds = ("fake-valid-nonce", "fake-valid-visa-nonce", "fake-valid-mastercard-nonce")
    nonces = iter((*kinds, "fake-valid-discover-nonce"))

    make.settings(direct_debit=True)

    def build() -> Records:
        user = make.user()
        paid = make.invoice(user)
        charge = charging.pay_invoice(paid, nonce=next(nonces), shown_balance=2000, actor=STAFF)
        application = apply(make, user=user)
        balance = settling.pay_balance(
            application,
            nonce=next(nonces),
            shown_balance=1500,
            actor=customer_of(application),
        )
        return Records(
            user=user,
            invoice=make.invoice(user),
            payment=charge.payment_id,
            application=application,
            balance_payment=balance.payment_id,
            method=make.payment_method(user, f"method-of-{user}"),
        )

    return build


def fill(path: str, owner: Records) -> str:
    return path.format(**vars(owner))


def test_no_route_is_forgotten(app: Flask) -> None:
    """A new route behind the sign-in must be added above."""
    covered = set()
    adapter = app.url_map.bind("localhost")
    one = Records(1, 1, 1, 1, 1)
    for method, paths in (("GET", GETS), ("POST", POSTS)):
        for path in paths:
            covered.add(adapter.match(fill(path, one).split("?")[0], method=method)[0])
    known = {
        rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("account.")
    }
    assert known - OPEN_TO_ALL - WITHOUT_RECORD == covered


def test_signed_in_as_a_nothing_of_b_is_there(
    records: Callable[[], Records],
    customer_client: Callable[[int], FlaskClient],
    post: Post,
) -> None:
    mine, theirs = records(), records()
    client = customer_client(mine.user)
    before = len(all_of(Payment))
    for path in GETS:
        assert client.get(fill(path, theirs)).status_code == 404, path
    form = {
        "invoice": str(theirs.invoice),
        "nonce": "fake-valid-nonce",
        "shown_balance": "2000",
        "holder": "Mallory",
        "street": "1 Evil Road",
        "city": "Nowhere",
        "items": "7",
        "comment": "Mine now",
    }
    for path in POSTS:
        assert post(client, fill(path, theirs), form).status_code == 404, path
    mixed = {**form, "invoice": [str(mine.invoice), str(theirs.invoice)], "shown_balance": "4000"}
    assert post(client, "/account/pay", mixed).status_code == 404
    assert len(all_of(Payment)) == before
    assert fetch(Invoice, theirs.invoice).state == "sent"
    assert fetch(User, theirs.user).street == "12 Elm Street"
    assert [one.removed_at for one in all_of(PaymentMethod)] == [None, None]
    assert fetch(Application, theirs.application).answers == {"items": 1}


def test_what_is_not_there_looks_like_what_is_not_mine(
    records: Callable[[], Records], customer_client: Callable[[int], FlaskClient]
) -> None:
    mine, theirs = records(), records()
    client = customer_client(mine.user)
    nobody = Records(*[10**9] * 5)
    for path in GETS:
        pages = [client.get(fill(path, owner)) for owner in (theirs, nobody)]
        assert [page.status_code for page in pages] == [404, 404]
        assert pages[0].text == pages[1].text or len(pages[0].text) == len(pages[1].text)


def test_signed_in_everything_of_ones_own_is_there(
    records: Callable[[], Records], customer_client: Callable[[int], FlaskClient]
) -> None:
    mine = records()
    client = customer_client(mine.user)
    for path in GETS:
        expected = 409 if path.endswith("/card-fields") else 200
        assert client.get(fill(path, mine)).status_code == expected, path


def test_another_applications_payment_is_not_this_ones(
    records: Callable[[], Records],
    customer_client: Callable[[int], FlaskClient],
    client: FlaskClient,
    application_link: Callable[[int], str],
) -> None:
    mine = records()
    paths = (f"/applications/{mine.application}", application_link(mine.application))
    for browser, path in zip((customer_client(mine.user), client), paths, strict=True):
        assert browser.get(f"{path}/payments/{mine.balance_payment}").status_code == 200
        assert browser.get(f"{path}/payments/{mine.payment}").status_code == 404


def test_signed_out_everything_leads_to_the_sign_in(
    client: FlaskClient, records: Callable[[], Records], post: Post
) -> None:
    theirs = records()
    nobody = Records(*[10**9] * 5)
    for owner in (theirs, nobody):
        answers = [client.get(fill(path, owner)) for path in (*GETS, "/account")]
        answers += [client.get("/account/card-fields")]
        answers += [post(client, fill(path, owner), {"items": "7"}) for path in POSTS]
        assert {answer.headers.get("Location") for answer in answers} == {"/sign-in"}
        assert {answer.status_code for answer in answers} == {303}


def test_an_applications_link_signs_nobody_in(
    client: FlaskClient, make: Factory, application_link: Callable[[int], str]
) -> None:
    application = apply(make)
    assert client.get(application_link(application)).status_code == 200
    assert client.get("/account").headers["Location"] == "/sign-in"
    assert client.get(f"/applications/{application}").headers["Location"] == "/sign-in"


def test_dead_application_links_look_alike(
    client: FlaskClient,
    make: Factory,
    application_link: Callable[[int], str],
    post: Post,
    time: Clock,
) -> None:
    good = application_link(apply(make))
    body, _, signature = good.rpartition(".")
    rotated_id = apply(make)
    rotated = application_link(rotated_id)
    with transaction() as session:
        lock(session, Application, rotated_id).link_version += 1
    dead = [
        rotated,
        f"{body}.{('B' if signature[0] == 'A' else 'A') + signature[1:]}",
        "/a/nonsense",
        "/a/%00%ff",
        "/a/" + "A" * 4000,
    ]
    assert client.get(good).status_code == 200
    for path in dead:
        answers = [client.get(path + page) for page in ("", "/card-fields", "/standing")]
        answers += [client.get(f"{path}/payments/1"), client.get(f"{path}/payments/1/standing")]
        answers += [post(client, path + page) for page in ("/pay", "/answers")]
        assert {answer.status_code for answer in answers} == {404}
        for answer in answers:
            assert "This link no longer works" in answer.text
            assert "2027 Dog Park" not in answer.text
    time.advance(days=366)
    assert client.get(good).status_code == 404


def test_the_applications_link_tells_nothing_of_other_invoices(
    client: FlaskClient,
    make: Factory,
    application_link: Callable[[int], str],
    sandbox: Any,
) -> None:
    application = apply(make, state="approved")
    user = fetch(Application, application).user_id
    other = make.invoice(user, description="Something private")
    generate_invoice(application, description="Dog Park", due_on=None, actor=STAFF)
    mine = invoices_about(application)[0].id
    attempt = charging.pay_invoices(
        [mine, other], nonce="fake-valid-nonce", shown_total=3500, actor=customer_of(application)
    )
    page = client.get(f"{application_link(application)}/payments/{attempt.payment_id}")
    assert "You paid $15.00" in page.text
    assert str(fetch(Invoice, other)) not in page.text
    assert "private" not in client.get(application_link(application)).text
