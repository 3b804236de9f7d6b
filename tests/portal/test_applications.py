"""An application's page, by sign-in and by the letter's link: what it says, and changing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from applications import deciding
from billing.database import lock, transaction
from models import Application, Payment
from tests.applications.helpers import (
    apply,
    delete_fees,
    owed,
    state_of,
)
from tests.portal.reading import words
from tests.support import STAFF, Factory, all_of, fetch

Post = Callable[..., Any]
Open = Callable[[int], tuple[FlaskClient, str]]


def test_rejected_shows_reason_banner_fees_and_card_form(make: Factory, door: Open) -> None:
    application = apply(make, items=2, state="rejected")
    client, path = door(application)
    page = client.get(path)
    said = words(page)
    for expected in (
        "2027 Dog Park",
        fetch(Application, application).reference,
        "Rejected: the office asks for changes",
        "The address is wrong.",
        "$25.00 is outstanding.",
        "goes back to the office",
        "Resident 2 × $10.00 $20.00",
        "Registration $5.00",
        "Together $25.00",
        "Outstanding $25.00",
        "Pay $25.00",
        "Change and hand in again",
    ):
        assert expected in said
    assert "bar-bad" in page.text
    assert html.fromstring(page.text).get_element_by_id("items").get("value") == "2"


def test_changing_the_number_changes_the_fees_and_hands_in_again(
    make: Factory, door: Open, post: Post
) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    response = post(client, f"{path}/answers", {"items": "3", "comment": "Three dogs now."})
    said = words(client.get(response.headers["Location"]))
    assert "Your application is pending again" in said
    assert "The fees are now $35.00, before $15.00. $35.00 is outstanding." in said
    assert "Pay $35.00" in said
    assert state_of(application) == "pending"
    assert fetch(Application, application).answers == {"items": 3, "comment": "Three dogs now."}
    assert "Three dogs now." in said


def test_an_answer_alone_hands_in_again(make: Factory, door: Open, post: Post) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    post(client, f"{path}/answers", {"items": "1", "comment": "I brought the paper."})
    assert state_of(application) == "pending"
    assert owed(application) == 1500


def test_the_same_answers_change_nothing(make: Factory, door: Open, post: Post) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    response = post(client, f"{path}/answers", {"items": "1", "comment": ""})
    said = words(client.get(response.headers["Location"]))
    assert "Nothing was changed" in said
    assert state_of(application) == "rejected"


@pytest.mark.parametrize("typed", ["0", "-1", "1001", "", "two", "1.5", "1e2", "٣", "9" * 30])
def test_a_number_that_makes_no_sense_is_said_at_its_field(
    make: Factory, door: Open, post: Post, typed: str
) -> None:
    application = apply(make, items=2)
    client, path = door(application)
    response = post(client, f"{path}/answers", {"items": typed, "comment": "Please"})
    assert response.status_code == 400
    assert 'id="items-problem">Enter a whole number from 1 to 1,000.' in response.text
    assert f'value="{typed}"' in response.text
    assert ">Please</textarea>" in response.text
    assert fetch(Application, application).answers == {"items": 2}
    assert owed(application) == 2500


def test_a_comment_too_long_is_said_at_its_field(make: Factory, door: Open, post: Post) -> None:
    client, path = door(apply(make))
    response = post(client, f"{path}/answers", {"items": "1", "comment": "c" * 2001})
    assert response.status_code == 400
    assert 'id="comment-problem">At most 2,000 characters, please.' in response.text


def test_only_what_the_page_asks_for_changes(make: Factory, door: Open, post: Post) -> None:
    application = apply(make)
    with transaction() as session:
        lock(session, Application, application).answers = {"items": 1, "dog_name": "Rex"}
    client, path = door(application)
    assert "Dog name Rex" in words(client.get(path))
    post(client, f"{path}/answers", {"items": "2", "dog_name": "Max", "state": "approved"})
    assert fetch(Application, application).answers == {"items": 2, "dog_name": "Rex"}
    assert state_of(application) == "pending"


@pytest.mark.parametrize("state", ["approved", "inactive"])
def test_what_is_decided_is_not_changed_by_customers(
    make: Factory, door: Open, post: Post, state: str
) -> None:
    application = apply(make, state=state)
    client, path = door(application)
    response = post(client, f"{path}/answers", {"items": "5"})
    assert 'role="alert"' in client.get(response.headers["Location"]).text
    assert fetch(Application, application).answers == {"items": 1}
    assert state_of(application) == state


def test_fees_that_are_gone_are_explained(make: Factory, door: Open, post: Post) -> None:
    application = apply(make)
    delete_fees(fetch(Application, application).form_id)
    client, path = door(application)
    response = post(client, f"{path}/answers", {"items": "2"})
    assert "has no fees any more" in words(client.get(response.headers["Location"]))
    assert owed(application) == 1500


def test_a_draft_is_handed_in_once(make: Factory, door: Open, post: Post) -> None:
    application = apply(make, state="draft", items=2)
    client, path = door(application)
    said = words(client.get(path))
    assert "Draft: not handed in yet" in said
    assert "worked out when you hand it in" in said
    assert "handed in on" not in said
    post(client, f"{path}/answers", {"items": "3"})
    assert state_of(application) == "draft"
    response = post(client, f"{path}/answers", {"items": "4", "hand_in": "yes"})
    said = words(client.get(response.headers["Location"]))
    assert "Your application is handed in." in said
    assert "$45.00 is outstanding." in said
    assert state_of(application) == "pending"
    again = post(client, f"{path}/answers", {"items": "4", "hand_in": "yes"})
    assert "Only a draft can be handed in" in words(client.get(again.headers["Location"]))


def test_without_the_forms_token_nothing_happens(make: Factory, door: Open, sandbox: Any) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    for page in ("pay", "answers"):
        data = {"items": "4", "nonce": "fake-valid-nonce", "shown_balance": "1500", "holder": "M"}
        assert client.post(f"{path}/{page}", data=data).status_code == 400
    assert state_of(application) == "rejected"
    assert fetch(Application, application).answers == {"items": 1}
    assert all_of(Payment) == []


def test_answers_behind_either_door_stay_secret(make: Factory, door: Open) -> None:
    client, path = door(apply(make))
    for page in ("", "/standing", "/payments/1"):
        headers = client.get(path + page).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]


def test_rejecting_again_shows_the_new_reason(make: Factory, door: Open) -> None:
    application = apply(make, state="pending")
    client, path = door(application)
    deciding.reject(application, reason="One line\nand another.", actor=STAFF)
    assert "One line and another." in words(client.get(path))
