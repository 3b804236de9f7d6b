"""Copies of customers' letters for the office, against a real mail server."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from billing import mailing
from billing.database import transaction
from billing.letter_texts import set_bcc
from billing.method_links import method_url, without_links
from jobs import emails as delivery
from jobs.letters import SECRET_KINDS
from jobs.smtp import mail
from models import OutgoingEmail, User
from tests.messaging.helpers import Sink
from tests.support import STAFF, Factory, all_of, emails


@pytest.fixture
def sink(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A real mail server that this process's letters go to."""
    with Sink() as server:
        for name, value in (("server", server.host), ("port", server.port), ("use_tls", False)):
            monkeypatch.setattr(mail, name, value)
        yield server


def deliver() -> OutgoingEmail:
    """Deliver the last letter of the outbox and return it as it is now."""
    delivery.deliver([emails()[-1].id])
    return emails()[-1]


def test_copies_are_in_the_envelope_only(sink: Sink, make: Factory) -> None:
    set_bcc("one@office.example\ntwo@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sent = deliver()
    assert sink.addresses == ["maria@example.org", "one@office.example", "two@office.example"]
    for raw in sink.raw:
        assert b"office.example" not in raw
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert message["To"] == "maria@example.org"
        assert message["Bcc"] is None
        assert message["Cc"] is None
        assert message["Message-ID"] == sent.message_id
    assert (sent.state, sent.tries, sent.error) == ("sent", 1, "")


@pytest.mark.parametrize("answer", ["550 No such user", "451 Try again later", "421 Closing"])
def test_a_refused_copy_neither_fails_nor_repeats_the_letter(
    sink: Sink, make: Factory, answer: str
) -> None:
    set_bcc("bad@office.example\ngood@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.rcpt = lambda address: answer if address == "bad@office.example" else None
    sent = deliver()
    assert (sent.state, sent.tries, sent.next_try_at) == ("sent", 1, None)
    assert "bad@office.example" in sent.error
    assert answer[:3] in sent.error
    assert mailing.due_emails() == []
    delivery.deliver([sent.id])
    assert sink.addresses.count("maria@example.org") == 1
    assert sink.addresses.count("good@office.example") == (0 if answer[:3] == "421" else 1)


def test_copies_the_server_breaks_off_at(sink: Sink, make: Factory) -> None:
    set_bcc("bad@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.data = lambda address: "drop" if address == "bad@office.example" else None
    sent = deliver()
    assert sent.state == "sent"
    assert "The letter was sent; its copy to bad@office.example was not" in sent.error


def test_no_copy_of_what_the_customer_did_not_get(sink: Sink, make: Factory) -> None:
    set_bcc("one@office.example", STAFF)
    make.invoice(make.user(email="maria@example.org"))
    sink.rcpt = lambda address: "550 No" if address == "maria@example.org" else None
    assert deliver().state == "failed"
    assert sink.addresses == []
    sink.rcpt = lambda _address: None
    mailing.retry_email(emails("invoice")[0].id, actor=STAFF)
    delivery.deliver([emails("invoice")[0].id])
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
        from models import Invoice

        invoice = session.get_one(Invoice, invoice_id)
        mailing.queue_email(session, "payment_failed", "test", invoice.user, invoice=invoice)
    assert deliver().state == "sent"
    bodies = [str(each.get_body(("plain",)).get_content()) for each in sink.letters()]
    assert ["Update your payment method" in each for each in bodies] == [True, True]
    links = {each: _method_links(each) for each in bodies}
    assert links[bodies[0]]
    assert links[bodies[1]] == []
    assert "/i/" in bodies[1]
    assert len(all_of(OutgoingEmail)) == 2


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
