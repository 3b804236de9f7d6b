"""Copies of customers' letters for the office, against a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from billing import mailing
from billing.database import transaction
from billing.letter_kinds import SECRET_KINDS
from billing.letter_texts import set_bcc
from billing.method_links import method_url, without_links
from jobs import emails as delivery
from jobs.smtp import mail
from models import Invoice, OutgoingEmail, User
from tests.billing.helpers import pay
from tests.messaging.helpers import Sink
from tests.support import STAFF, Clock, Factory, all_of, emails, fetch


@pytest.fixture
def sink(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A real mail server that this process's letters go to."""
    with Sink() as server:
        for name, value in (("server", server.host), ("port", server.port), ("use_tls", False)):
            monkeypatch.setattr(mail, name, value)
        yield server


def deliver() -> OutgoingEmail:
    """Deliver the last letter of the outbox and its copies; return it as it is now."""
    email_id = emails()[-1].id
    delivery.deliver([email_id])
    delivery.deliver([each.id for each in emails("copy")])
    sent: OutgoingEmail = fetch(OutgoingEmail, email_id)
    return sent


def test_copies_are_in_the_envelope_only(sink: Sink, make: Factory) -> None:
    set_bcc("one@office.example\ntwo@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sent = deliver()
    assert sink.addresses == ["maria@example.org", "one@office.example", "two@office.example"]
    assert not any(b"office.example" in raw for raw in sink.raw)
    for message in sink.letters():
        assert message["To"] == "maria@example.org"
        assert message["Bcc"] is None
        assert message["Cc"] is None
        assert message["Message-ID"] == sent.message_id
    assert (sent.state, sent.tries, sent.error) == ("sent", 1, "")
    # A copy is never copied.
    assert [each.state for each in emails("copy")] == ["sent", "sent"]
    assert len(all_of(OutgoingEmail)) == 3


def test_a_worker_that_dies_after_the_letter_loses_no_copy(
    sink: Sink, make: Factory, time: Clock
) -> None:
    set_bcc("one@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    (letter,) = emails()
    delivery.deliver([letter.id])
    assert sink.addresses == ["maria@example.org"]
    time.advance(days=2)
    make.settings(organisation="Renamed since")
    delivery.deliver(mailing.due_emails())
    assert sink.addresses == ["maria@example.org", "one@office.example"]
    first, copy = sink.letters()
    for name in ("To", "From", "Date", "Message-ID", "Subject"):
        assert first[name] == copy[name]
    assert _body(first) == _body(copy)
    assert mailing.due_emails() == []


def test_a_copy_has_the_same_paper_with_it(sink: Sink, make: Factory, sandbox: Any) -> None:
    set_bcc("one@office.example", STAFF)
    pay(make.invoice(make.user(email="maria@example.org")))
    (receipt,) = emails("receipt")
    delivery.deliver([receipt.id])
    delivery.deliver([each.id for each in emails("copy")])
    names = [[part.get_filename() for part in made.iter_attachments()] for made in sink.letters()]
    assert names[0] == names[1]
    assert names[0][0].startswith("receipt-")


@pytest.mark.parametrize("answer", ["550 No such user", "451 Try again later", "421 Closing"])
def test_a_refused_copy_neither_fails_nor_repeats_the_letter(
    sink: Sink, make: Factory, answer: str
) -> None:
    set_bcc("bad@office.example\ngood@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.rcpt = lambda address: answer if address == "bad@office.example" else None
    sent = deliver()
    assert (sent.state, sent.tries, sent.next_try_at, sent.error) == ("sent", 1, None, "")
    bad, good = emails("copy")
    assert bad.state == ("failed" if answer[:3] == "550" else "queued")
    assert answer[:3] in bad.error
    assert good.state == "sent"
    delivery.deliver([sent.id])
    assert sink.addresses == ["maria@example.org", "good@office.example"]


def test_a_copy_that_failed_can_be_sent_again(sink: Sink, make: Factory) -> None:
    set_bcc("bad@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.rcpt = lambda address: "550 No" if address == "bad@office.example" else None
    deliver()
    sink.rcpt = lambda _address: None
    (copy,) = emails("copy")
    # Staff find it among the e-mails that failed; nobody is written to about it.
    assert (copy.state, emails("staff_notice")) == ("failed", [])
    mailing.retry_email(copy.id, actor=STAFF)
    delivery.deliver([copy.id])
    assert sink.addresses == ["maria@example.org", "bad@office.example"]


def test_no_copy_of_what_the_customer_did_not_get(sink: Sink, make: Factory) -> None:
    set_bcc("one@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.rcpt = lambda address: "550 No" if address == "maria@example.org" else None
    assert deliver().state == "failed"
    assert sink.addresses == []
    assert emails("copy") == []
    sink.rcpt = lambda _address: None
    (letter,) = emails("invoice")
    mailing.retry_email(letter.id, actor=STAFF)
    delivery.deliver([letter.id])
    delivery.deliver([each.id for each in emails("copy")])
    assert sink.addresses == ["maria@example.org", "one@office.example"]


@pytest.mark.parametrize("kind", [*SECRET_KINDS, "staff_notice", "invoice"])
def test_no_copies_of_secret_letters_and_of_letters_to_staff(
    sink: Sink, make: Factory, kind: str
) -> None:
    set_bcc("one@office.example", STAFF)
    user_id = make.user(email="maria@example.org")
    params = {
        "card": "Visa",
        "expires_on": "2030-01-01",
        "link": "https://pay.example.org/x",
        "title": "T",
        "sentence": "S",
        "hours": "4",
    }
    to_staff = kind in ("staff_notice", "staff_password")
    if kind == "invoice":
        make.invoice(user_id)
    else:
        with transaction() as session:
            mailing.queue_email(
                session,
                kind,
                "test",
                None if to_staff else session.get_one(User, user_id),
                params=params,
                to_address="sam@office.example",
            )
    assert deliver().state == "sent"
    assert ("one@office.example" in sink.addresses) is (kind == "invoice")


def test_no_second_letter_to_a_customer_who_is_on_the_list(sink: Sink, make: Factory) -> None:
    set_bcc("Maria@Example.org", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    deliver()
    assert sink.addresses == ["maria@example.org"]


def test_copies_don_t_open_a_customers_payment_methods(
    sink: Sink, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_bcc("one@office.example", STAFF)
    invoice_id = make.invoice(make.user(email="maria@example.org"))
    monkeypatch.setattr("jobs.letters.failed_context", _with_link)
    with transaction() as session:
        invoice = session.get_one(Invoice, invoice_id)
        mailing.queue_email(session, "payment_failed", "test", invoice.user, invoice=invoice)
    assert deliver().state == "sent"
    bodies = [_body(each) for each in sink.letters()]
    assert ["Update your payment method" in each for each in bodies] == [True, True]
    links = {each: _method_links(each) for each in bodies}
    assert links[bodies[0]]
    assert links[bodies[1]] == []
    assert "/i/" in bodies[1]


def _body(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content())


def _with_link(email: OutgoingEmail, _session: Any) -> dict[str, Any]:
    assert email.user is not None
    return {
        "method": "Visa",
        "reason": "",
        "again_on": None,
        "may_work": False,
        "method_link": method_url(email.user),
    }


def _method_links(body: str) -> list[str]:
    return [line for line in body.splitlines() if without_links(line) != line]
