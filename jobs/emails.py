"""Delivery of the outbox. "Sent" means that the mail server accepted the letter."""

from __future__ import annotations

import logging
import smtplib
import time
from dataclasses import dataclass

from flask import current_app

from billing import mailing
from billing.database import reading, transaction
from billing.letter_kinds import COPY, SECRET_KINDS
from billing.letter_texts import copies_to
from billing.method_links import without_links
from billing.office import get_settings
from jobs.letters import render
from jobs.queues import Enqueuer
from jobs.smtp import PlainMessage, mail
from jobs.smtp_answers import in_words, is_final, is_silence
from models import OutgoingEmail, Settings

log = logging.getLogger(__name__)

# A turn ends after so long, so that money and messages get by.
TURN_SECONDS = 10.0


@dataclass(frozen=True)
class Ready:
    """A letter that can be handed over; copies: who gets one besides the customer, unseen."""

    message: PlainMessage
    copies: list[str]


def deliver(ids: list[int]) -> str:
    """Send these e-mails, each at most once; failures are planned again or shown to staff.

    Ends when its turn is over, or the mail server gave no answer: the rest stays due.
    """
    ends_at = time.monotonic() + TURN_SECONDS
    sent = 0
    for email_id in ids:
        try:
            sent += _deliver_one(email_id)
        except _NoAnswer:
            break
        if time.monotonic() >= ends_at:
            break
    return f"{sent} of {len(ids)} e-mails sent"


def sweep(_ids: list[int]) -> str:
    """Queue what is due and was lost, or planned for another try."""
    due = mailing.due_emails()
    enqueue = Enqueuer(current_app.config["COUNTERFOIL"])
    for start in range(0, len(due), 50):
        enqueue("emails.deliver", due[start : start + 50])
    return f"{len(due)} e-mails were waiting"


class _NoAnswer(Exception):
    """The mail server let a letter wait in vain, and would do so with the next one."""


def _deliver_one(email_id: int) -> bool:
    """Send one e-mail, if it is due, and write down what came of it; whether it was sent."""
    if not mailing.claim_email(email_id):
        return False
    try:
        ready = _render(email_id)
    except Exception as error:
        log.exception("e-mail %s could not be written", email_id)
        mailing.record_failure(email_id, f"Could not be written: {error}", final=True)
        return False
    try:
        with mail.connect() as connection:
            connection.send(ready.message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        log.warning("e-mail %s was not accepted: %s", email_id, error)
        mailing.record_failure(email_id, in_words(error), final=is_final(error))
        if is_silence(error):
            raise _NoAnswer from error
        return False
    mailing.record_sent(email_id, ready.message.message_id or "", copies=ready.copies)
    return True


def _render(email_id: int) -> Ready:
    """Write the letter and keep its words, so that staff can read what was sent."""
    with reading() as session:
        email = session.get_one(OutgoingEmail, email_id)
        letter = render(email, session)
        settings = get_settings(session)
        sender = current_app.config["MAIL_DEFAULT_SENDER"]
        message = PlainMessage(letter, email.to_address, sender, settings.email)
        if email.kind == COPY:
            message.become_copy_of(session.get_one(OutgoingEmail, email.params["of"]))
        ready = Ready(message, _who_gets_copies(email, settings))
    with transaction() as session:
        row = session.get_one(OutgoingEmail, email_id)
        row.subject = letter.subject[:255]
        # What a copy says is kept already, once.
        if email.kind not in (*SECRET_KINDS, COPY):
            row.html, row.text = without_links(letter.html), without_links(letter.text)
    return ready


def _who_gets_copies(email: OutgoingEmail, settings: Settings) -> list[str]:
    """The addresses for a copy (BCC): of letters to customers only, and of no secret one."""
    if email.user_id is None or email.kind in SECRET_KINDS:
        return []
    customer = email.to_address.casefold()
    return [address for address in copies_to(settings) if address.casefold() != customer]
