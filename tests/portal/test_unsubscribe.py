"""The way out of messages: a look changes nothing, a POST stops them, mail programs included."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from messaging.unsubscribing import unsubscribe_headers, unsubscribe_url
from models import Message, Unsubscribe
from tests.messaging.helpers import rows, sending, states
from tests.support import Factory, all_of, fetch

Letter = tuple[int, str, str]


@pytest.fixture
def letter(make: Factory) -> Letter:
    """A message that is being sent: its id, one of its addresses and that letter's link."""
    message_id = sending(3)
    first = rows(message_id)[0]
    return message_id, str(first.address), urlsplit(unsubscribe_url(first.id)).path


def test_a_look_changes_nothing_and_tells_no_address(client: FlaskClient, letter: Letter) -> None:
    _message, address, path = letter
    client.head(path)
    page = client.get(path)
    assert page.status_code == 200
    assert "Stop these messages" in page.text
    assert f'method="post" action="{path}"' in page.text
    assert address not in page.text
    assert f"{address[0]}•••@" in page.text
    assert all_of(Unsubscribe) == []


def test_the_button_stops_messages_and_twice_is_once(client: FlaskClient, letter: Letter) -> None:
    message_id, address, path = letter
    for _ in range(2):
        page = client.post(path)
        assert page.status_code == 200
        assert "You get no more messages" in page.text
        assert "Invoices, receipts and decisions" in page.text
        assert address not in page.text
    assert [one.address for one in all_of(Unsubscribe)] == [address]
    assert states(message_id)["skipped"] == 1
    assert fetch(Message, message_id).recipients == 2


def test_one_click_as_mail_programs_do_it(client: FlaskClient, letter: Letter) -> None:
    """RFC 8058: a POST with this body, without cookies, and no redirect as the answer."""
    _message, address, path = letter
    headers = unsubscribe_headers(f"http://localhost{path}")
    name, _, value = headers["List-Unsubscribe-Post"].partition("=")
    response = client.post(urlsplit(headers["List-Unsubscribe"][1:-1]).path, data={name: value})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert [one.address for one in all_of(Unsubscribe)] == [address]


def test_dead_links_get_one_kind_answer(client: FlaskClient, letter: Letter, make: Factory) -> None:
    make.settings(phone="(360) 555-0142")
    path = letter[2]
    body, _, signature = path.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    other = urlsplit(unsubscribe_url(10**9)).path
    pages = set()
    for dead in (f"{body}.{flipped}", other, "/unsubscribe/x", "/unsubscribe/" + "A" * 4000):
        for response in (client.get(dead), client.post(dead)):
            assert response.status_code == 404
            pages.add(re.sub(r'nonce="[^"]*"', "", response.text))
    assert len(pages) == 1
    assert "call us at (360) 555-0142" in pages.pop()
    assert all_of(Unsubscribe) == []


def test_answers_stay_secret(client: FlaskClient, letter: Letter) -> None:
    for response in (client.get(letter[2]), client.post(letter[2])):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_only_this_door_needs_no_token(client: FlaskClient) -> None:
    for path in ("/sign-in", "/sign-in/x", "/sign-out", "/account/pay", "/account/address/1"):
        assert client.post(path).status_code == 400, path


def test_providers_may_press_it_for_many_readers(client: FlaskClient, letter: Letter) -> None:
    assert {client.post(letter[2]).status_code for _ in range(130)} == {200}
