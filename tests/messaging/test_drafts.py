"""Writing messages: what is kept, what is refused at which field, copies and archives."""

from __future__ import annotations

from typing import Any

import pytest

from billing import clock
from billing.database import reading
from billing.errors import NotFound, Refusal
from billing.history import history_of
from messaging.delivery import next_chunk, take_turn
from messaging.drafts import (
    Content,
    archive_message,
    create_message,
    duplicate_message,
    edit_message,
)
from messaging.sending import send_message, stop_message
from models import Message
from tests.billing.helpers import everything
from tests.messaging.helpers import (
    addresses_of,
    applicants,
    counts_agree,
    draft,
    rows,
    sending,
    state_of,
)
from tests.support import STAFF, Factory, fetch


def test_a_message_is_kept_as_it_was_written(app: Any, make: Factory) -> None:
    form = make.form()
    content = Content(
        "  For {name}  ",
        "Dear {name},\r\n\r\nyour { application } for {form} at {organisation}.\r\n",
        form_id=form,
        extra="\r\n A@example.org \r\nb@example.org",
        excluded="c@example.org",
    )
    message_id = create_message(content, actor=STAFF)
    with reading() as session:
        message = session.get_one(Message, message_id)
        assert (message.state, message.subject, message.author) == (
            "draft",
            "For {name}",
            STAFF.name,
        )
        assert message.body.startswith("Dear {name},\n\nyour")
        assert [row.address for row in message.extra] == ["A@example.org", "b@example.org"]
        assert [row.address for row in message.excluded] == ["c@example.org"]
        [event] = history_of(session, "message", message_id)
        assert (event.verb, event.from_state, event.to_state) == ("create", None, "draft")


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no subject": ({"subject": " "}, "subject", "Enter a subject."),
    "two lines": ({"subject": "News\r\nBcc: x@example.org"}, "subject", "single line"),
    "line feed": ({"subject": "News\nmore"}, "subject", "single line"),
    "unicode line": ({"subject": "News\u2028more"}, "subject", "single line"),
    "null": ({"subject": "Ne\x00ws"}, "subject", "can't be sent"),
    "long subject": ({"subject": "x" * 201}, "subject", "200 characters"),
    "no body": ({"body": "\n \n"}, "body", "Write the text"),
    "long body": ({"body": "x" * 50_001}, "body", "50,000 characters"),
    "null in body": ({"body": "a\x00b"}, "body", "can't be sent"),
    "half a pair": ({"body": "a\ud800b"}, "body", "can't be sent"),
    "unknown word": ({"body": "Hi {nmae}"}, "body", "no placeholder {nmae}. You can use {name}"),
    "unknown in subject": ({"subject": "Hi {amount}"}, "subject", "no placeholder {amount}"),
    "empty word": ({"body": "Hi {}"}, "body", "no placeholder {}"),
    "form without one": ({"body": "About {form}"}, "body", "{form} needs a form"),
    "number without form": ({"subject": "{application}"}, "subject", "needs a form"),
    "no such form": ({"form_id": 4711}, "form", "Choose a form"),
    "malformed": (
        {"extra": "a@example.org\n\nnobody\nb@c"},
        "extra",
        "Line 3: “nobody” is not an e-mail address. Line 4: “b@c” is not",
    ),
    "repeated": (
        {"excluded": "a@example.org\r\nb@example.org\r\nA@Example.org"},
        "excluded",
        "Line 3: A@Example.org is on line 1 already.",
    ),
    "two on a line": ({"extra": "a@example.org, b@example.org"}, "extra", "Line 1:"),
    "header": ({"extra": "a@example.org\tBcc:b@example.org"}, "extra", "Line 1:"),
    "null in address": ({"extra": "a\x00@example.org"}, "extra", "Line 1: “a@example.org”"),
    "too many": (
        {"extra": "\n".join(f"a{number}@example.org" for number in range(5001))},
        "extra",
        "5,000 addresses at most",
    ),
    "endless mistakes": ({"extra": "x\n" * 500}, "extra", "490 more lines have mistakes."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_said_at_its_field_and_changes_nothing(app: Any, case: str) -> None:
    values, field, words = BAD[case]
    message = draft()
    before = everything()
    content = Content(**({"subject": "News", "body": "Text"} | values))
    for verb in (
        lambda: create_message(content, actor=STAFF),
        lambda: edit_message(message, content, actor=STAFF),
    ):
        with pytest.raises(Refusal) as caught:
            verb()
        assert caught.value.field == field
        assert words in caught.value.sentence
        assert everything() == before


def test_braces_that_are_no_placeholder_stay(app: Any) -> None:
    body = "if (x) {\n  y;\n}"
    assert fetch(Message, draft(body=body)).body == body


def test_a_form_of_another_site_is_refused(app: Any, make: Factory) -> None:
    form = make.form(site_id=make.site())
    with pytest.raises(Refusal, match="another site"):
        draft(form_id=form, site_id=make.site())


def test_an_edit_says_what_changed_and_keeps_addresses_out_of_the_history(
    app: Any, make: Factory
) -> None:
    message = draft(extra="a@example.org")
    shown = fetch(Message, message).updated_at
    content = Content("Other", "Hello {name}.", extra="b@example.org")
    edit_message(message, content, actor=STAFF, shown_at=shown)
    edit_message(message, content, actor=STAFF)
    with reading() as session:
        newest, created = history_of(session, "message", message)
        assert newest.sentence == "Changed subject, extra recipients"
        assert "example.org" not in str(newest.details) + newest.sentence
        assert created.verb == "create"
    with pytest.raises(Refusal, match="Somebody else changed"):
        edit_message(message, Content("Mine", "Text"), actor=STAFF, shown_at=shown)
    assert fetch(Message, message).subject == "Other"


def test_only_drafts_are_edited(app: Any) -> None:
    message = sending()
    with pytest.raises(Refusal, match="is sending") as caught:
        edit_message(message, Content("Other", "Text"), actor=STAFF)
    assert caught.value.code == "not_draft"
    with pytest.raises(NotFound):
        edit_message(4711, Content("Other", "Text"), actor=STAFF)


def test_a_duplicate_copies_all_that_was_written_and_nobody_who_got_it(
    app: Any, make: Factory
) -> None:
    form, site = make.form(), make.site()
    message = draft(
        "News", form_id=form, site_id=site, extra="a@example.org", excluded="b@example.org"
    )
    send_message(message, actor=STAFF)
    copy = duplicate_message(message, actor=STAFF)
    with reading() as session:
        made = session.get_one(Message, copy)
        assert (made.state, made.subject, made.body) == ("draft", "Copy of News", "Hello {name}.")
        assert (made.form_id, made.site_id) == (form, site)
        assert [row.address for row in made.extra] == ["a@example.org"]
        assert [row.address for row in made.excluded] == ["b@example.org"]
        assert (made.recipients, made.sent, made.started_at) == (0, 0, None)
    assert rows(copy) == []
    again = duplicate_message(copy, actor=STAFF)
    assert fetch(Message, again).subject == "Copy of News"


def test_a_duplicate_of_the_longest_subject_fits(app: Any) -> None:
    copy = duplicate_message(draft("x" * 200), actor=STAFF)
    assert len(fetch(Message, copy).subject) == 200


def test_archiving_a_paused_message_shows_who_was_never_written_to(app: Any) -> None:
    message = sending(3)
    with pytest.raises(Refusal, match="Stop it first"):
        archive_message(message, actor=STAFF)
    stop_message(message, actor=STAFF)
    archive_message(message, actor=STAFF)
    assert state_of(message) == "archived"
    assert {row.reason for row in rows(message)} == {"stopped"}
    counts_agree(message)
    with pytest.raises(Refusal, match="archived already"):
        archive_message(message, actor=STAFF)
    with pytest.raises(Refusal, match="archived"):
        send_message(message, actor=STAFF)


def test_archiving_waits_for_letters_in_a_workers_hands(app: Any) -> None:
    message = sending(3)
    assert take_turn(message) is not None
    next_chunk(message)
    stop_message(message, actor=STAFF)
    with pytest.raises(Refusal, match="on their way"):
        archive_message(message, actor=STAFF)
    assert len(addresses_of(message, "sending")) == 3


def test_messages_are_found_by_the_words_in_them(app: Any, make: Factory) -> None:
    from models.search import matches

    applicants(make, make.form(), 1)
    found = draft("Dog licences", "The office is closed on Monday.")
    draft("Other", "Nothing here.")
    with reading() as session:
        dialect = session.get_bind().dialect.name
        rows_found = session.query(Message.id).filter(matches(Message, "dog mond", dialect)).all()
    assert [row.id for row in rows_found] == [found]
    assert clock.now() >= fetch(Message, found).created_at
