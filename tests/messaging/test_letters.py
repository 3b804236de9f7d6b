"""What recipients read: their own words, no one else's, and the way out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from billing.database import reading
from billing.errors import Refusal
from billing.signed import LinkDead
from jobs import emails as outbox
from messaging.previews import preview_message, send_preview
from messaging.sending import send_message, stop_message
from messaging.unsubscribing import address_of, unsubscribe, unsubscribe_url
from models import Unsubscribe
from models.states import EmailState
from tests.billing.helpers import everything
from tests.messaging.helpers import (
    Sink,
    counts_agree,
    draft,
    how_far,
    rows,
    sending,
    state_of,
    states,
    typed,
    work,
)
from tests.support import STAFF, Factory, all_of, emails

HOSTILE = "{form} <b>&\r\nBcc: x@example.org"


def _token(recipient_id: int) -> str:
    return unsubscribe_url(recipient_id).rpartition("/")[2]


def test_each_letter_has_its_recipients_own_words(app: Any, make: Factory, sink: Sink) -> None:
    make.settings(organisation="City of Riverbend", email="office@example.org")
    form = make.form("2027 Dog Park")
    for name, email in (("Zoë Müller", "zoe@example.org"), (HOSTILE, "bad@example.org")):
        make.application(make.user(name, email=email), form_id=form)
    body = "Dear {name},\n\n{ application } for {form}.\n\nSee https://example.org/a?b=1&c=2"
    message = draft("{name}: {organisation}", body, form_id=form, extra="typed@example.org")
    send_message(message, actor=STAFF)
    work(message)
    first = sink.letter_to("zoe@example.org")
    assert first["Subject"] == "Zoë Müller: City of Riverbend"
    assert first["Reply-To"] == "office@example.org"
    text = first.get_body(("plain",)).get_content()
    html = first.get_body(("html",)).get_content()
    for part in (text, html):
        assert "Dear Zoë Müller," in part
        assert "A-0" in part
        assert "2027 Dog Park" in part
    assert 'href="https://example.org/a?b=1&amp;c=2"' in html
    hostile = sink.letter_to("bad@example.org")
    assert hostile["Subject"].startswith("{form} <b>& Bcc: x@example.org: City")
    assert hostile["Bcc"] is None
    assert "{form} &lt;b&gt;&amp; Bcc" in hostile.get_body(("html",)).get_content()
    typed_letter = sink.letter_to("typed@example.org").get_body(("plain",)).get_content()
    assert "Dear typed@example.org," in typed_letter
    assert "– for 2027 Dog Park." in typed_letter
    assert all(len(line) <= 998 for raw in sink.raw for line in raw.split(b"\r\n"))


def test_a_hostile_text_stays_text(app: Any, sink: Sink) -> None:
    message = draft("<script>", "<script>alert(1)</script>\n.\nend", extra=typed(1))
    send_message(message, actor=STAFF)
    work(message)
    [letter] = sink.letters()
    html = letter.get_body(("html",)).get_content()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "\n.\nend" in letter.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_every_letter_carries_one_link_out_in_body_and_header(app: Any, sink: Sink) -> None:
    message = sending(2)
    work(message)
    links = set()
    for letter, row in zip(sink.letters(), rows(message), strict=True):
        link = unsubscribe_url(row.id)
        assert letter["List-Unsubscribe"] == f"<{link}>"
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link in letter.get_body(("plain",)).get_content()
        assert f'href="{link}"' in letter.get_body(("html",)).get_content()
        assert letter["Message-ID"] not in links
        links |= {link, letter["Message-ID"]}
    assert b"List-Unsubscribe: <http" in sink.raw[0]
    assert len(links) == 4


def test_unsubscribing_takes_the_address_out_of_what_still_waits(app: Any, sink: Sink) -> None:
    running, paused = sending(3), sending(3)
    stop_message(paused, actor=STAFF)
    token = _token(rows(running)[1].id)
    with reading() as session:
        assert address_of(session, token) == "typed1@example.org"
    assert all_of(Unsubscribe) == []
    for _ in range(2):
        assert unsubscribe(token) == "typed1@example.org"
    assert len(all_of(Unsubscribe)) == 1
    for message in (running, paused):
        assert states(message) == {"waiting": 2, "skipped": 1}
        counts_agree(message)
    work(running)
    assert sorted(sink.addresses) == ["typed0@example.org", "typed2@example.org"]


def test_a_message_whose_last_reader_left_still_ends(app: Any, sink: Sink) -> None:
    message = sending(1)
    unsubscribe(_token(rows(message)[0].id))
    work(message)
    assert (state_of(message), sink.addresses, how_far(message).percent) == ("sent", [], 100)


@pytest.mark.parametrize("token", ["", "x", "MQ.", "null", "é", "A" * 5000])
def test_a_forged_link_opens_nothing(app: Any, token: str) -> None:
    message = sending(1)
    genuine = _token(rows(message)[0].id)
    forged = token or re.sub(r"^\w+", "999", genuine)
    with pytest.raises(LinkDead):
        unsubscribe(forged)
    with reading() as session, pytest.raises(LinkDead):
        address_of(session, forged)
    assert all_of(Unsubscribe) == []


def test_a_preview_shows_a_real_applicant(app: Any, make: Factory) -> None:
    make.settings(organisation="City of Riverbend")
    form = make.form("2027 Dog Park")
    make.application(make.user("Maria"), form_id=form)
    message = draft("For {name}", "{application}\n\n{form}, {organisation}", form_id=form)
    with reading() as session:
        shown = preview_message(session, message)
    assert (shown.name, shown.subject) == ("Maria", "For Maria")
    assert shown.paragraphs[1] == "2027 Dog Park, City of Riverbend"
    with reading() as session:
        assert preview_message(session, draft("For {name}")).subject == "For Jane Example"


def test_a_preview_is_mailed_and_nobody_becomes_a_recipient(app: Any, sink: Sink) -> None:
    message = draft("For {name}", "Hello {name}.")
    assert send_preview(message, "me@example.org\nyou@example.org", actor=STAFF) == 2
    assert send_preview(message, "me@example.org", actor=STAFF) == 1
    outbox.deliver([email.id for email in emails("message_preview")])
    assert sorted(sink.addresses) == ["me@example.org", "me@example.org", "you@example.org"]
    [letter] = [letter for letter in sink.letters() if letter["To"] == "you@example.org"]
    assert letter["Subject"] == "For Jane Example"
    assert "Hello Jane Example." in letter.get_body(("plain",)).get_content()
    assert "preview" in letter.get_body(("html",)).get_content()
    assert {email.state for email in emails()} == {EmailState.SENT}
    assert (rows(message), state_of(message)) == ([], "draft")


@pytest.mark.parametrize(
    ("typed_in", "words"),
    [
        (" \n", "at least one"),
        ("me@example.org\nme", "Line 2: “me”"),
        ("a@example.org\nA@example.org", "Line 2: A@example.org is on line 1"),
        ("\n".join(f"a{number}@example.org" for number in range(21)), "20 addresses at most"),
    ],
)
def test_bad_preview_addresses_are_said_by_line(app: Any, typed_in: str, words: str) -> None:
    message = draft()
    before = everything()
    with pytest.raises(Refusal, match=re.escape(words)) as caught:
        send_preview(message, typed_in, actor=STAFF)
    assert caught.value.field == "addresses"
    assert everything() == before
