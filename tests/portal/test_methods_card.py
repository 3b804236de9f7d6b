"""A card on file, saved behind the sign-in or behind a letter's link: thanks, a no, silence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from lxml import html

from models import Invoice
from models.states import BillingMethod
from sandbox.server import Server
from tests.billing.helpers import SEPA, charge, keep
from tests.portal.methods import (
    HARD,
    MASTERCARD,
    CustomerClient,
    Post,
    door,
    letter_link,
    on_file,
    us_nonce,
)
from tests.portal.reading import words
from tests.support import Factory, fetch

__all__ = ["door", "letter_link"]


def test_a_card_is_saved_and_thanked_for(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    client, card, _bank = door(user)
    assert "Nothing is charged now." in words(client.get(card))
    answer = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    assert "Thank you. Visa ending in 1111 is saved." in words(answer)
    assert "failed" not in words(answer)
    assert on_file(user) == ["Visa ending in 1111"]


def test_after_saving_what_failed_can_be_paid_at_once(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    sandbox.control("settings", {"amounts": "braintree"})
    first, second = make.invoice(user, total=HARD), make.invoice(user, total=HARD)
    for invoice in (first, second):
        assert charge(invoice).outcome == "declined"
    sandbox.control("settings", {"amounts": "plain"})
    client, card, _bank = door(user)
    answer = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    page = html.fromstring(answer.get_data(as_text=True))
    (form,) = [one for one in page.forms if one.action.endswith(("failed", f"failed/{user}"))]
    assert "Pay my 2 failed invoices ($4,030.00)" in " ".join(form.itertext())
    sent = [pair for pair in form.form_values() if pair[0] != "csrf_token"]
    data = {name: [value for key, value in sent if key == name] for name, _value in sent}
    ended = post(client, urlsplit(form.action).path, data, follow_redirects=True)
    assert "You paid $4,030.00" in words(ended)
    assert {str(fetch(Invoice, one).state) for one in (first, second)} == {"paid"}


def test_the_banks_no_is_told_without_codes(
    door: Any, make: Factory, post: Post, sandbox: Any, sandbox_server: Server
) -> None:
    client, card, _bank = door(make.user())
    nonce = sandbox_server.desk.store.create_card_nonce("4000111111111115", "12", "2040").nonce
    said = words(post(client, card, {"nonce": nonce}, follow_redirects=True))
    assert "The bank did not accept it" in said
    assert "Nothing was saved." in said
    assert "2000" not in said
    assert "Honor" not in said


def test_an_account_is_not_taken_for_a_card(
    door: Any, make: Factory, post: Post, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True)
    user = make.user()
    client, card, _bank = door(user)
    for nonce in (us_nonce(sandbox_server), SEPA):
        said = words(post(client, card, {"nonce": nonce}, follow_redirects=True))
        assert "Only cards can be added here. Nothing was saved." in said
    assert on_file(user) == []


def test_a_gateway_that_says_nothing_is_told_as_such(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    client, card, _bank = door(user)
    sandbox.fault("payment_method", "drop", times=2)
    said = words(post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True))
    assert "we don't know yet whether it was saved" in said
    assert on_file(user) == ["MasterCard ending in 4444"]


def test_a_double_press_is_one_card(door: Any, make: Factory, post: Post, sandbox: Any) -> None:
    user = make.user()
    client, card, _bank = door(user)
    pages = [
        post(client, card, {"nonce": "fake-valid-nonce"}).headers["Location"] for _ in range(2)
    ]
    assert pages[0] == pages[1]
    assert len(on_file(user)) == 1


def test_nothing_happens_without_the_forms_token(
    door: Any, make: Factory, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    method = keep(user)
    client, card, _bank = door(user)
    assert client.post(card, data={"nonce": MASTERCARD}).status_code == 400
    signed_in = customer_client(user)
    for page in ("remove", "default"):
        assert signed_in.post(f"/account/methods/{method}/{page}").status_code == 400
    assert on_file(user) == ["Visa ending in 1111"]


def test_who_pays_by_invoice_is_told_that_nothing_is_charged(
    door: Any, make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user(billing_method=BillingMethod.INVOICE)
    client, card, _bank = door(user)
    saved = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    pages = (client.get(card), saved, customer_client(user).get("/account/methods"))
    for page in pages:
        assert "nothing is charged to" in words(page)


def test_without_scripts_people_read_what_else_they_can_do(
    make: Factory, customer_client: CustomerClient
) -> None:
    make.settings(direct_debit=True, phone="(360) 555-0142")
    user = make.user()
    client = customer_client(user)
    for page in ("card", "bank"):
        said = words(client.get(f"/account/methods/{page}/{user}"))
        assert "needs JavaScript" in said
        assert "call us at (360) 555-0142" in said
