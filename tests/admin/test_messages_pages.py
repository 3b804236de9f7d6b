"""Writing, previewing, copying and archiving messages, through the panel's front door."""

from __future__ import annotations

from messaging.sending import stop_message
from models import Message, OutgoingEmail
from models.states import MessageState
from tests.admin.message_desk import (
    DO,
    FILLED,
    NEW,
    SENDING,
    Build,
    Post,
    eye_of,
    mark,
    text_of,
)
from tests.messaging.helpers import draft, sending
from tests.support import STAFF, Factory, all_of, emails, fetch


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
