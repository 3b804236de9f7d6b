"""A letter's link to how you pay: what it opens, what it keeps shut, when it is dead."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from jobs.letters import render
from models import OutgoingEmail, db
from portal.discretion import mask
from tests.billing.helpers import SOFT_DECLINE, charge, keep
from tests.portal.methods import HARD, MASTERCARD, Post, letter_link
from tests.portal.reading import words
from tests.support import Clock, Factory, emails

__all__ = ["letter_link"]


def test_the_link_opens_one_thing_only(
    client: FlaskClient, make: Factory, letter_link: Any, post: Post, sandbox: Any
) -> None:
    user, other = make.user(), make.user()
    path = letter_link(user)
    theirs, mine = keep(other), keep(user, MASTERCARD)
    assert "So far we use MasterCard ending in 4444" in words(client.get(path))
    assert client.get(f"{path}/saved/{theirs}").status_code == 404
    assert client.get(f"{path}/saved/{mine}").status_code == 200
    for page in ("/account", "/account/methods", f"/account/methods/{mine}/remove"):
        assert client.get(page).headers["Location"] == "/sign-in"
    assert post(client, f"/account/methods/{mine}/remove").headers["Location"] == "/sign-in"
    assert "Sign out" not in client.get(path).text


def test_the_link_shows_no_payment_but_its_own(
    client: FlaskClient, make: Factory, letter_link: Any, sandbox: Any, time: Clock
) -> None:
    user, other = make.user(), make.user()
    path = letter_link(user)
    keep(user)
    keep(other)
    mine, theirs = charge(make.invoice(user)), charge(make.invoice(other))
    assert client.get(f"{path}/payments/{mine.payment_id}").status_code == 200
    assert client.get(f"{path}/payments/{theirs.payment_id}").status_code == 404
    assert client.get(f"{path}/payments/999999").status_code == 404
    time.advance(hours=2)
    assert client.get(f"{path}/payments/{mine.payment_id}").status_code == 404


def test_a_decline_leads_to_another_card_first(
    client: FlaskClient, make: Factory, letter_link: Any, post: Post, sandbox: Any
) -> None:
    user = make.user()
    method, invoice = keep(user), make.invoice(user, total=SOFT_DECLINE)
    charge(invoice)
    path = letter_link(user)
    fields = {"invoice": str(invoice), "shown_total": str(SOFT_DECLINE), "method": str(method)}
    answer = post(client, f"{path}/failed", fields)
    page = client.get(answer.headers["Location"])
    assert "Visa ending in 1111 was declined" in words(page)
    ways = html.fromstring(page.text).xpath("//p[@class='choices']/a")
    assert [(way.text, way.get("class"), urlsplit(way.get("href")).path) for way in ways] == [
        ("Use another card", "button", path),
        ("Look at the invoices again", None, f"{path}/failed"),
    ]


def test_dead_links_look_alike_and_lead_to_the_sign_in(
    client: FlaskClient, make: Factory, letter_link: Any, post: Post, time: Clock, sandbox: Any
) -> None:
    used_by, user = make.user(), make.user()
    used, good = letter_link(used_by), letter_link(user)
    post(client, used, {"nonce": "fake-valid-nonce"})
    assert client.get(used).status_code == 200
    time.advance(hours=2)
    body, _, signature = good.rpartition(".")
    forged = f"{body}.{('B' if signature[0] == 'A' else 'A') + signature[1:]}"
    dead = [used, forged, "/m/nonsense", "/m/%00%ff", "/m/" + "A" * 4000]
    assert client.get(good).status_code == 200
    pages = set()
    for path in dead:
        answers = [
            client.get(path + page)
            for page in ("", "/bank", "/fields", "/saved/1", "/failed", "/payments/1")
        ]
        answers += [client.get(f"{path}/payments/1/standing")]
        answers += [post(client, path + page) for page in ("", "/bank", "/failed")]
        assert {answer.status_code for answer in answers} == {404}
        pages |= {words(answer) for answer in answers}
    (page,) = pages
    assert "This link no longer works" in page
    assert "Sign in" in page
    time.advance(days=61)
    assert client.get(good).status_code == 404


def test_the_link_stays_out_of_referrers_caches_and_logs(
    client: FlaskClient, make: Factory, letter_link: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = letter_link(make.user())
    for answer in (client.get(path), client.get("/m/nonsense")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert mask(f"GET {path}/bank 200") == "GET /m/…/bank 200"
    with caplog.at_level(logging.INFO, logger="werkzeug"):
        logging.getLogger("werkzeug").info("GET %s", path)
    assert path.rpartition("/")[2] not in caplog.text


def test_a_failed_charges_letter_leads_here(
    client: FlaskClient, make: Factory, sandbox: Any, app: Any
) -> None:
    user = make.user()
    keep(user)
    charge(make.invoice(user, total=HARD))
    (letter,) = emails("payment_failed")
    with app.app_context():
        written = render(db.session.get_one(OutgoingEmail, letter.id), db.session())
    (button,) = html.fromstring(written.html).xpath("//a[@class='button']")
    assert button.text_content() == "Update your payment method"
    assert "your Visa ending in 1111" in written.text
    assert "The reason: the bank does not allow payments of this kind" in written.text
    assert "Please give us another card or account." in written.text
    assert "2015" not in written.text.replace("$2,015.00", "")
    page = client.get(urlsplit(button.get("href")).path)
    assert "Update your payment method" in words(page)
