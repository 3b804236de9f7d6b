"""The pages of messages, through the panel's front door."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update

from billing.database import transaction
from messaging.sending import send_message, stop_message
from models import Application, Message, MessageRecipient, OutgoingEmail, db
from models.states import ApplicationState, LeftOut, MessageState, RecipientState
from tests.messaging.helpers import applicants, draft, sending, typed
from tests.support import STAFF, Factory, all_of, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
DO, SENDING, DOUBTS = "/admin/message/do", "/admin/message/sending", "/admin/message/doubts"
NEW = f"{DO}/write/"
FILLED = {
    "subject": "News for {name}",
    "body": "Dear {name},\n\nthe park is open.",
    "form": "",
    "site": "",
    "extra": "ann@example.org\nBen@example.org",
    "excluded": "cy@example.org",
}


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def eye_of(client: FlaskClient, message: int, more: str = "") -> str:
    answer = client.get(f"/admin/message/details/?id={message}{more}")
    assert answer.status_code == 200
    return text_of(answer)


def mark(message: int) -> str:
    return str(fetch(Message, message).updated_at.isoformat())


def send(client: FlaskClient, post: Post, message: int) -> Any:
    return post(client, f"{SENDING}/send/?id={message}", {"seen": mark(message)})


def settle(message: int, **states: str) -> None:
    """Give the letters to these local parts an end, as a worker's reports would."""
    with transaction() as session:
        for name, state in states.items():
            error = "550 No such mailbox" if state == "failed" else ""
            session.execute(
                update(MessageRecipient)
                .where(
                    MessageRecipient.message_id == message,
                    MessageRecipient.address_key == f"{name}@example.org",
                )
                .values(state=state, error=error)
            )
        row = session.get_one(Message, message)
        row.failed = sum(state == "failed" for state in states.values())
        row.sent = sum(state == "sent" for state in states.values())


def states(message: int) -> dict[str, str]:
    found = [row for row in all_of(MessageRecipient) if row.message_id == message]
    return {str(row.address): str(row.state) for row in found}


def test_a_draft_is_written_and_found_in_the_list(
    make: Factory, staff_client: Build, post: Post
) -> None:
    form = make.form("2027 Dog Park")
    client = staff_client()
    listed = text_of(client.get("/admin/message/"))
    assert "New message" in listed
    assert client.get("/admin/message/new/").location == NEW
    page = text_of(client.get(NEW))
    for name in ("{name}", "{application}", "{form}", "{organisation}"):
        assert name in page
    answer = post(client, NEW, {**FILLED, "form": str(form)})
    (message,) = all_of(Message)
    assert answer.status_code == 303
    assert answer.location == f"/admin/message/details/?id={message.id}"
    assert (message.state, message.form_id) == (MessageState.DRAFT, form)
    eye = eye_of(client, message.id)
    for shown in ("News for {name}", "ann@example.org", "cy@example.org", "2027 Dog Park"):
        assert shown in eye
    assert f'src="{DO}/letter/?id={message.id}"' in eye
    assert "Created" in eye
    listed = text_of(client.get("/admin/message/"))
    assert "News for {name}" in listed
    assert "badge" in listed
    assert ">Messages<" in listed


def test_every_mistake_is_said_at_its_field_and_all_that_was_typed_stays(
    staff_client: Build, post: Post
) -> None:
    client = staff_client()
    bad = {
        "subject": "One\r\nBcc: all@example.org",
        "body": "Dear {nmae}",
        "extra": "ann@example.org\nnot an address\nANN@example.org",
        "excluded": "x@@y",
    }
    answer = post(client, NEW, bad)
    assert answer.status_code == 422
    page = text_of(answer)
    for sentence in (
        "The subject must be a single line.",
        "There is no placeholder {nmae}.",
        "Line 2: “not an address” is not an e-mail address.",
        "Line 3: ANN@example.org is on line 1 already.",
        "Line 1: “x@@y” is not an e-mail address.",
    ):
        assert sentence in page
    for typed_text in ("Dear {nmae}", "not an address", "x@@y", "Bcc: all@example.org"):
        assert typed_text in page
    assert all_of(Message) == []


def test_a_form_that_is_not_there_is_refused(staff_client: Build, post: Post) -> None:
    for value in ("999", "x", str(10**30)):
        answer = post(staff_client(), NEW, {**FILLED, "form": value})
        assert answer.status_code == 422
        assert "Choose one from the list." in text_of(answer)
    assert all_of(Message) == []


def test_editing_never_overwrites_a_colleague(staff_client: Build, post: Post) -> None:
    message = draft()
    client = staff_client()
    address = f"{DO}/edit/?id={message}"
    assert "Hello {name}." in text_of(client.get(address))
    old = mark(message)
    assert post(client, address, {**FILLED, "seen": old, "subject": "First"}).status_code == 303
    answer = post(client, address, {**FILLED, "seen": old, "subject": "Second"})
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Somebody else changed this message" in page
    assert 'value="Second"' in page
    assert fetch(Message, message).subject == "First"
    assert f'name="seen" value="{mark(message)}"' in page
    assert post(client, address, {**FILLED, "seen": ""}).status_code == 422
    again = {**FILLED, "seen": mark(message), "subject": "Second"}
    assert post(client, address, again).status_code == 303
    assert fetch(Message, message).subject == "Second"


def test_only_a_draft_can_be_edited_or_sent(staff_client: Build, post: Post) -> None:
    message = sending()
    client = staff_client()
    for address in (f"{DO}/edit/?id={message}", f"{SENDING}/send/?id={message}"):
        for answer in (client.get(address), post(client, address, FILLED)):
            assert answer.status_code == 422
            assert "This message is sending." in text_of(answer)
    eye = eye_of(client, message)
    assert f"{DO}/edit/" not in eye
    assert f"{SENDING}/send/" not in eye
    assert f"{SENDING}/stop/" in eye


def test_the_letter_is_shown_in_a_frame_where_nothing_runs(
    make: Factory, staff_client: Build
) -> None:
    form = make.form()
    make.application(make.user("<b>Zoë</b>"), form_id=form, state="approved")
    message = draft(body="Dear {name}, <script>alert(1)</script>", form_id=form)
    answer = staff_client().get(f"{DO}/letter/?id={message}")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    page = answer.get_data(as_text=True)
    assert "&lt;b&gt;Zoë&lt;/b&gt;" in page
    assert "<script>" not in page


def test_send_message_preview_goes_to_oneself_and_others(staff_client: Build, post: Post) -> None:
    message = draft("Hello {name}")
    client = staff_client()
    address = f"{SENDING}/preview/?id={message}"
    page = text_of(client.get(address))
    assert "Send message preview" in page
    assert "@example.org</textarea>" in page
    wrong = post(client, address, {"addresses": "ann@example.org\nnobody"})
    assert wrong.status_code == 422
    assert "Line 2: “nobody” is not an e-mail address." in text_of(wrong)
    assert "ann@example.org" in text_of(wrong)
    assert emails("message_preview") == []
    done = post(client, address, {"addresses": "ann@example.org\nben@example.org"})
    assert done.status_code == 303
    assert "on its way to 2 addresses" in text_of(client.get(done.location))
    kept: list[OutgoingEmail] = emails("message_preview")
    assert sorted(mail.to_address for mail in kept) == ["ann@example.org", "ben@example.org"]
    assert fetch(Message, message).state is MessageState.DRAFT


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


def test_duplicate_message_copies_all_into_a_new_draft(staff_client: Build, post: Post) -> None:
    message = sending(2)
    client = staff_client()
    assert "Duplicate message" in eye_of(client, message)
    answer = post(client, f"{DO}/duplicate/?id={message}")
    copy = all_of(Message)[-1]
    assert answer.location == f"/admin/message/details/?id={copy.id}"
    assert (copy.state, copy.subject) == (MessageState.DRAFT, "Copy of News")
    assert "typed1@example.org" in eye_of(client, copy.id)


def test_archive_leaves_the_list_but_stays_findable(staff_client: Build, post: Post) -> None:
    message = sending(1)
    client = staff_client()
    address = f"{DO}/archive/?id={message}"
    assert "It is being sent. Stop it first." in eye_of(client, message)
    refused = post(client, address)
    assert refused.status_code == 422
    assert "This message is being sent. Stop it first." in text_of(refused)
    stop_message(message, actor=STAFF)
    assert post(client, address).status_code == 303
    assert fetch(Message, message).state is MessageState.ARCHIVED
    link = f"/admin/message/details/?id={message}"
    assert link not in text_of(client.get("/admin/message/"))
    assert link in text_of(client.get("/admin/message/?state=archived"))
    assert "Archived before it was sent" in eye_of(client, message)


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


NEEDS = {
    f"{DO}/write/": "messages.edit",
    f"{DO}/edit/": "messages.edit",
    f"{DO}/duplicate/": "messages.edit",
    f"{DO}/archive/": "messages.edit",
    f"{SENDING}/preview/": "messages.send",
    f"{SENDING}/send/": "messages.send",
    f"{SENDING}/stop/": "messages.send",
    f"{SENDING}/resume/": "messages.send",
    f"{SENDING}/resend/": "messages.send",
    f"{DOUBTS}/decide/": "messages.send",
}


def test_each_page_needs_its_permission_a_sign_in_and_a_token(
    staff_client: Build, post: Post, client: FlaskClient
) -> None:
    message = draft(extra=typed(2))
    others = {"messages.view", "messages.edit", "messages.send"}
    for address, permission in NEEDS.items():
        lacking = staff_client(sorted(others - {permission}))
        path = f"{address}?id={message}"
        assert post(lacking, path, FILLED).status_code == 403
        assert "/admin/login" in post(client, path, FILLED).location
        assert staff_client().post(path, data=FILLED).status_code == 400
    looker = staff_client(["messages.view"])
    eye = eye_of(looker, message)
    assert "Actions" not in eye
    assert "New message" not in text_of(looker.get("/admin/message/"))
    assert looker.get("/admin/message/new/").status_code == 403
    assert looker.get(f"{DO}/letter/?id={message}").status_code == 200
    nobody = staff_client(["users.view"])
    for path in ("/admin/message/", f"{DO}/letter/", f"{SENDING}/progress/"):
        assert nobody.get(f"{path}?id={message}").status_code == 403
    assert len(all_of(Message)) == 1
    assert fetch(Message, message).state is MessageState.DRAFT


def test_another_sites_message_is_not_found(
    app: Flask, make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site(), make.site()
    theirs = sending(1, site_id=other)
    everywhere = sending(1)
    client = staff_client(sites=(mine,))
    paths = [*NEEDS, f"{DO}/letter/", f"{SENDING}/progress/", "/admin/message/details/"]
    paths.remove(f"{DO}/write/")
    for wrong in (theirs, everywhere, 10**30, "x", ""):
        for path in paths:
            if path.endswith(("/duplicate/", "/stop/", "/resume/")):
                assert post(client, f"{path}?id={wrong}").status_code == 404, path
            else:
                assert client.get(f"{path}?id={wrong}").status_code == 404, path
    assert "typed0@example.org" not in text_of(client.get("/admin/messagerecipient/"))
    row = all_of(MessageRecipient)[0]
    assert client.get(f"/admin/messagerecipient/details/?id={row.id}").status_code == 404


def test_somebody_of_one_site_writes_for_that_site_only(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site("Mine"), make.site("Other")
    foreign = make.form("Foreign", other)
    client = staff_client(sites=(mine,))
    page = text_of(client.get(NEW))
    assert f'value="{mine}" selected' in page
    assert "Other" not in page
    assert "Foreign" not in page
    for wrong in ({"site": ""}, {"site": str(other)}, {"site": str(mine), "form": str(foreign)}):
        assert post(client, NEW, {**FILLED, **wrong}).status_code == 422
    assert post(client, NEW, {**FILLED, "site": str(mine)}).status_code == 303
    assert [message.site_id for message in all_of(Message)] == [mine]


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
