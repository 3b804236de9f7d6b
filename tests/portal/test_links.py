"""Links: the right one opens one invoice, and every wrong one gets the very same answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import charging, invoicing
from tests.support import STAFF, Clock, Factory, emails, payments_of

Link = Callable[[int], str]
PAGES = (
    "",
    "/card-fields",
    "/standing",
    "/receipt",
    "/invoice.pdf",
    "/receipt/1.pdf",
    "/payments/1",
)
ACTIONS = ("/pay", "/viewed")


@pytest.fixture
def dead(make: Factory, link: Link, time: Clock) -> dict[str, str]:
    """Links that open nothing, by why."""
    other = link(make.invoice())
    rotated_id = make.invoice()
    rotated = link(rotated_id)
    invoicing.rotate_link(rotated_id, actor=STAFF)
    body, _, signature = other.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    expired = link(make.invoice())
    time.advance(days=366)
    return {
        "forged": f"{body}.{flipped}",
        "nonsense": "/i/nonsense",
        "not text": "/i/%00%ff.%F0%9F%90%95",
        "too long": "/i/" + "A" * 4000,
        "rotated": rotated,
        "expired": expired,
    }


def _comparable(response: Any, path: str) -> str:
    text = response.get_data(as_text=True)
    text = re.sub(r'action="[^"]*"|nonce="[^"]*"|value="[^"]*"', "", text)
    return text.replace(path, "")


def test_every_dead_link_gets_the_same_answer_everywhere(
    client: FlaskClient, dead: dict[str, str], post: Callable[..., Any]
) -> None:
    answers = set()
    for path in dead.values():
        for page in PAGES:
            response = client.get(path + page)
            assert response.status_code == 404, (path, page)
            answers.add(_comparable(response, path))
        for action in ACTIONS:
            response = post(client, path + action, {"nonce": "fake-valid-nonce"})
            assert response.status_code == 404, (path, action)
            answers.add(_comparable(response, path))
    assert len(answers) == 1
    assert "This link no longer works" in answers.pop()


@pytest.mark.parametrize("page", PAGES)
def test_answers_behind_a_link_stay_secret(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any, page: str
) -> None:
    invoice_id = make.invoice()
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    page = page.replace("1", str(payments_of(invoice_id)[0].id))
    for path in (link(invoice_id), "/i/nonsense"):
        response = client.get(path + page)
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert "noindex" in response.headers["X-Robots-Tag"]


def test_a_link_opens_no_other_invoices_payment(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    mine, theirs = make.invoice(), make.invoice()
    charging.pay_invoice(theirs, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    payment_id = payments_of(theirs)[0].id
    for page in (f"/receipt/{payment_id}.pdf", f"/payments/{payment_id}"):
        assert client.get(link(theirs) + page).status_code == 200
        refused = client.get(link(mine) + page)
        missing = client.get(link(mine) + page.replace(str(payment_id), "999999"))
        assert refused.status_code == missing.status_code == 404
        assert _comparable(refused, "") == _comparable(missing, "")


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "1e3"])
def test_a_payment_number_that_makes_no_sense_is_not_found(
    client: FlaskClient, make: Factory, link: Link, number: str
) -> None:
    path = link(make.invoice())
    assert client.get(f"{path}/receipt/{number}.pdf").status_code == 404
    assert client.get(f"{path}/payments/{number}").status_code == 404


def test_a_fresh_link_is_sent_for_what_was_once_ours(
    client: FlaskClient, dead: dict[str, str], post: Callable[..., Any]
) -> None:
    answers = set()
    for reason, path in dead.items():
        before = len(emails("fresh_link"))
        response = post(client, f"{path}/fresh-link", follow_redirects=True)
        if response.status_code == 429:
            continue
        answers.add((response.status_code, _comparable(response, path)))
        sent = len(emails("fresh_link")) - before
        assert sent == (1 if reason in ("rotated", "expired") else 0), reason
    assert len(answers) == 1
    status, text = answers.pop()
    assert status == 200
    assert "Please look in your e-mail" in text


def test_asking_for_fresh_links_is_limited(client: FlaskClient, post: Callable[..., Any]) -> None:
    statuses = [post(client, "/i/nonsense/fresh-link").status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]


def test_a_dead_link_offers_the_way_back_by_post(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    assert client.get("/i/nonsense/fresh-link").status_code == 405
    source = client.get("/i/nonsense").get_data(as_text=True)
    assert 'method="post" action="/i/nonsense/fresh-link"' in source
    assert "Send me a fresh one" in source
