"""A bank account on file: its mandate word for word, and where accounts are offered."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import html

from billing.method_links import method_url
from models import PaymentMethod, User
from sandbox.server import Server
from tests.portal.methods import CustomerClient, Post, agree, door, letter_link, us_nonce
from tests.portal.reading import words
from tests.support import Clock, Factory, all_of, fetch

__all__ = ["door", "letter_link"]


def test_a_us_account_with_its_mandate_word_for_word(
    door: Any, make: Factory, post: Post, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, organisation="Harbor <Storage> & Sons", address="1 Quay\nTown")
    user = make.user()
    client, card, bank = door(user)
    assert bank in client.get(card).text
    page = client.get(bank)
    (region,) = html.fromstring(page.get_data(as_text=True)).xpath("//*[@id='mandate']")
    shown = region.text_content().strip()
    answer = post(client, bank, agree(page, us_nonce(sandbox_server)), follow_redirects=True)
    assert "Thank you. Bank account ending in 0000 is saved." in words(answer)
    (method,) = all_of(PaymentMethod)
    expected = shown.replace("…", "Zoë Martin").replace("••••", "0000")
    assert method.mandate == expected.replace("checking account", "savings account")
    assert "Harbor <Storage> & Sons, 1 Quay, Town" in method.mandate
    assert "Harbor &lt;Storage&gt; &amp; Sons" in answer.text


def test_what_was_shown_is_kept_even_if_the_office_changes_meanwhile(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, organisation="Old Name")
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    page = client.get(bank)
    make.settings(organisation="New Name")
    post(client, bank, agree(page, us_nonce(sandbox_server)))
    (method,) = all_of(PaymentMethod)
    assert "Old Name" in method.mandate
    assert "New Name" not in method.mandate


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"agreed": ""}, "tick that you agree"),
        ({"mandate": "forged"}, "open for too long"),
        ({"last_four": "1234"}, "not the one you agreed to"),
        ({"nonce": "fake-valid-nonce"}, "Nothing was saved."),
        ({"last_four": "12<b>"}, "did not reach us"),
        ({"holder": ""}, "name of the account holder"),
        ({"account_kind": "piggy bank"}, "kind of account"),
        ({"nonce": "made-up"}, "open for too long"),
        ({"nonce": "x" * 300}, "did not reach us"),
    ],
)
def test_an_account_that_is_not_right_is_not_kept(
    make: Factory,
    post: Post,
    customer_client: CustomerClient,
    sandbox: Any,
    sandbox_server: Server,
    change: dict[str, str],
    sentence: str,
) -> None:
    make.settings(direct_debit=True)
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    form = agree(client.get(bank), us_nonce(sandbox_server), **change)
    assert sentence in words(post(client, bank, form, follow_redirects=True))
    assert all_of(PaymentMethod) == []


def test_a_mandate_is_its_readers_own_and_ends(
    make: Factory,
    post: Post,
    customer_client: CustomerClient,
    sandbox: Any,
    sandbox_server: Server,
    time: Clock,
) -> None:
    make.settings(direct_debit=True)
    mine, theirs = make.user(), make.user()
    client = customer_client(mine)
    other = customer_client(theirs).get(f"/account/methods/bank/{theirs}")
    bank = f"/account/methods/bank/{mine}"
    answer = post(client, bank, agree(other, us_nonce(sandbox_server)), follow_redirects=True)
    assert "open for too long" in words(answer)
    path = urlsplit(method_url(fetch(User, mine))).path + "/bank"
    page = client.get(path)
    time.advance(hours=25)
    answer = post(client, path, agree(page, us_nonce(sandbox_server)), follow_redirects=True)
    assert "open for too long" in words(answer)
    assert all_of(PaymentMethod) == []


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({"direct_debit": False}, False),
        ({"direct_debit": True}, True),
        ({"direct_debit": True, "currency": "EUR"}, False),
        ({"direct_debit": True, "currency": "EUR", "creditor_id": "DE98ZZZ09999999999"}, True),
        ({"direct_debit": True, "currency": "CHF"}, False),
    ],
)
def test_accounts_are_offered_where_they_can_be_debited(
    door: Any, make: Factory, post: Post, settings: dict[str, Any], offered: bool
) -> None:
    make.settings(**settings)
    client, card, bank = door(make.user())
    assert ("Use a bank account" in words(client.get(card))) is offered
    assert client.get(bank).status_code == (200 if offered else 404)
    assert post(client, bank, {}).status_code == (303 if offered else 404)


def test_the_sepa_mandate_names_creditor_identifier_and_reference(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, currency="EUR", creditor_id="DE98ZZZ09999999999")
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    nonce = sandbox_server.desk.store.create_bank_nonce(iban="DE89370400440532013000").nonce
    form = agree(client.get(bank), nonce, last_four="3000", account_kind="")
    answer = post(client, bank, form, follow_redirects=True)
    assert "Bank account ending in 3000 is saved" in words(answer)
    (method,) = all_of(PaymentMethod)
    assert "Creditor identifier: DE98ZZZ09999999999" in method.mandate
    assert re.search(rf"Mandate reference: CF-{user}-[0-9A-F]{{8}}\n", method.mandate)
    assert "IBAN ending in 3000" in method.mandate
    assert "[" not in method.mandate
