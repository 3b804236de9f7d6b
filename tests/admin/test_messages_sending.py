"""Sending messages through the panel: who gets it, how far it is, and what went wrong."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from billing.database import transaction
from messaging.sending import send_message
from models import Application, Message, MessageRecipient, db
from models.states import ApplicationState, LeftOut, MessageState, RecipientState
from tests.admin.message_desk import (
    DO,
    DOUBTS,
    FILLED,
    SENDING,
    Build,
    Post,
    eye_of,
    mark,
    send,
    settle,
    states,
    text_of,
)
from tests.messaging.helpers import applicants, draft, sending, typed
from tests.support import STAFF, Factory, all_of, fetch


def test_before_sending_staff_see_how_many_and_who_is_left_out_and_why(
    make: Factory, staff_client: Build, post: Post
) -> None:
    form = make.form()
    applicants(make, form, 3)
    debtor = make.user("Olga Owes", email="olga@example.org")
    make.application(debtor, form_id=form, state="approved")
    make.invoice(debtor)
    idle = make.application(make.user("Ines Idle"), form_id=form)
    with transaction() as session:
        session.get_one(Application, idle).state = ApplicationState.INACTIVE
    make.application(make.user("Nils Nomail", email=None), form_id=form, state="approved")
    message = draft(form_id=form, extra="ann@example.org", excluded="ann@example.org")
    client = staff_client()
    page = text_of(client.get(f"{SENDING}/send/?id={message}"))
    assert "<dt>Will get it</dt><dd>3</dd>" in page
    assert "<dt>Left out</dt><dd>4</dd>" in page
    for why in ("Unpaid invoice", "Inactive application", "No e-mail", "Excluded"):
        assert f"{why} <b>1</b>" in page
    for name in ("Olga Owes", "Ines Idle", "Nils Nomail", "ann@example.org"):
        assert name in page
    answer = send(client, post, message)
    assert answer.status_code == 303
    eye = text_of(client.get(answer.location))
    assert "Sending to 3 recipients has begun. 4 left out." in eye
    assert "Olga Owes" in eye
    narrowed = eye_of(client, message, "&recipients=skipped")
    assert "Unpaid invoice" in narrowed
    assert "Person 1" not in narrowed
    assert fetch(Message, message).state is MessageState.SENDING


def test_a_long_list_of_people_left_out_is_cut_but_counted(
    make: Factory, staff_client: Build
) -> None:
    lines = "\n".join(f"out{number:03}@example.org" for number in range(205))
    message = draft(extra=f"{lines}\nann@example.org", excluded=lines)
    page = text_of(staff_client().get(f"{SENDING}/send/?id={message}"))
    assert "Excluded <b>205</b>" in page
    assert page.count('data-label="Why"') == 200
    assert "These are the first 200" in page


def test_a_message_to_nobody_is_refused_with_a_sentence(
    make: Factory, staff_client: Build, post: Post
) -> None:
    form = make.form()
    client = staff_client()
    for message in (draft(), draft(form_id=form)):
        page = text_of(client.get(f"{SENDING}/send/?id={message}"))
        assert "Nobody would get this message" in page
        assert '<button type="submit" class="button strong">' not in page
        answer = send(client, post, message)
        assert answer.status_code == 422
        assert "Nobody would get this message" in text_of(answer)
        assert fetch(Message, message).state is MessageState.DRAFT
    assert all_of(MessageRecipient) == []


def test_what_somebody_changed_meanwhile_is_not_sent_unseen(
    staff_client: Build, post: Post
) -> None:
    message = draft(extra=typed(2))
    client = staff_client()
    old = mark(message)
    post(client, f"{DO}/edit/?id={message}", {**FILLED, "seen": old})
    for seen in (old, "", "x"):
        answer = post(client, f"{SENDING}/send/?id={message}", {"seen": seen})
        assert answer.status_code == 422
        assert "Somebody else changed this message" in text_of(answer)
    assert fetch(Message, message).state is MessageState.DRAFT


def test_the_bar_says_how_far_it_is_in_a_few_statements_however_many(
    staff_client: Build, make: Factory
) -> None:
    client = staff_client()
    few, many = sending(60), sending(300)
    settle(few, typed0="sent", typed1="failed")
    asked: list[str] = []
    found: Any = {}

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    counts = []
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for message in (few, many):
            asked.clear()
            found = client.get(f"{SENDING}/progress/?id={message}").json
            counts.append(len(asked))
            asked.clear()
            eye_of(client, message)
            counts.append(len(asked))
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert found["words"] == "0 of 300 letters sent, 300 waiting"
    assert counts[0] == counts[2] <= 8
    assert counts[1] == counts[3] <= 24
    found = client.get(f"{SENDING}/progress/?id={few}").json
    assert found["words"] == "1 of 60 letters sent, 1 failed, 58 waiting"
    assert (found["state"], found["done"], found["all"], found["percent"]) == ("sending", 2, 60, 3)
    eye = eye_of(client, few)
    assert '<progress max="60" value="2"' in eye
    assert '<noscript><meta http-equiv="refresh"' in eye
    assert "admin/messages.js" in eye


def test_stop_and_resume(staff_client: Build, post: Post) -> None:
    message = sending()
    client = staff_client()
    stopped = post(client, f"{SENDING}/stop/?id={message}")
    assert stopped.status_code == 303
    assert fetch(Message, message).state is MessageState.PAUSED
    eye = eye_of(client, message)
    assert "Stopped." in eye
    assert "http-equiv" not in eye
    assert "admin/messages.js" not in eye
    post(client, f"{SENDING}/stop/?id={message}")
    assert "This message is not being sent." in eye_of(client, message)
    post(client, f"{SENDING}/resume/?id={message}")
    assert fetch(Message, message).state is MessageState.SENDING
    assert client.get(f"{SENDING}/stop/?id={message}").status_code == 405


def test_failed_letters_are_listed_with_reasons_and_sent_again(
    staff_client: Build, post: Post
) -> None:
    message = sending(3)
    client = staff_client()
    address = f"{SENDING}/resend/?id={message}"
    assert "Resend failed" not in eye_of(client, message)
    for refused in (client.get(address), post(client, address)):
        assert refused.status_code == 422
    settle(message, typed0="sent", typed1="failed", typed2="failed")
    eye = eye_of(client, message, "&recipients=failed")
    assert "550 No such mailbox" in eye
    assert eye.count("typed0@example.org") == 1  # among the extra recipients
    assert eye.count("typed1@example.org") > 1
    assert address in eye
    assert "2 letters that the mail server refused are tried again." in text_of(client.get(address))
    answer = post(client, address)
    assert "2 letters are being sent again." in text_of(client.get(answer.location))
    assert list(states(message).values()) == ["sent", "waiting", "waiting"]


def test_staff_decide_about_letters_in_doubt(staff_client: Build, post: Post) -> None:
    message = sending(3)
    client = staff_client()
    address = f"{DOUBTS}/decide/?id={message}"
    assert client.get(address).status_code == 422
    settle(message, typed0="unknown", typed1="unknown", typed2="failed")
    eye = eye_of(client, message)
    assert "May have been sent" in eye
    assert address in eye
    page = text_of(client.get(address))
    assert page.count('name="recipients"') == 2
    first, second, failed = (row.id for row in all_of(MessageRecipient))
    for wrong in ({}, {"what": "x", "recipients": first}, {"what": "sent"}, {"what": "again"}):
        assert post(client, address, wrong).status_code == 422
    foreign = {"what": "again", "recipients": [failed, 10**30, "x"]}
    assert post(client, address, foreign).status_code == 422
    assert sorted(states(message).values()) == ["failed", "unknown", "unknown"]
    post(client, address, {"what": "sent", "recipients": first})
    post(client, address, {"what": "again", "recipients": second})
    assert list(states(message).values()) == ["sent", "waiting", "failed"]


def test_recipients_have_a_list_that_can_be_narrowed_and_exported(staff_client: Build) -> None:
    message = draft(extra=typed(40), excluded="typed39@example.org")
    send_message(message, actor=STAFF)
    settle(message, typed0="failed", typed1="unknown")
    client = staff_client()
    assert f"/admin/messagerecipient/?message={message}" in eye_of(client, message)
    listed = text_of(client.get(f"/admin/messagerecipient/?message={message}&state=failed"))
    assert "550 No such mailbox" in listed
    assert "typed2@example.org" not in listed
    reason = text_of(client.get("/admin/messagerecipient/?reason=excluded"))
    assert "typed39@example.org" in reason
    sheet = text_of(client.get(f"/admin/messagerecipient/export/csv/?message={message}"))
    assert "Excluded" in sheet
    menu = text_of(client.get("/admin/message/"))
    assert 'href="/admin/messagerecipient/"' not in menu


@pytest.mark.parametrize("reason", list(LeftOut))
def test_every_reason_has_words_on_the_page(
    app: Flask, staff_client: Build, reason: LeftOut
) -> None:
    message = sending(1)
    with transaction() as session:
        session.execute(
            update(MessageRecipient).values(state=RecipientState.SKIPPED, reason=reason)
        )
        session.execute(update(Message).values(recipients=0, skipped=1))
    page = eye_of(staff_client(), message, "&recipients=skipped")
    assert "Left out" in page
    assert reason.value not in page or "_" not in reason.value
