"""Delivery of the outbox. "Sent" means that the mail server accepted the letter."""

from __future__ import annotations

import logging
import smtplib
from dataclasses import dataclass

from flask import current_app

from billing import mailing
from billing.database import reading, transaction
from billing.method_links import without_links
from billing.office import get_settings
from jobs.copies import send_copies, who_gets_copies
from jobs.letters import SECRET_KINDS, Letter, render
from jobs.queues import Enqueuer
from jobs.smtp import PlainMessage, mail
from jobs.smtp_answers import in_words, is_final
from models import OutgoingEmail

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """A letter that can be handed over; copies: who gets one besides the customer, unseen."""

    letter: Letter
    to_address: str
    reply_to: str
    copies: list[str]


def deliver(ids: list[int]) -> str:
    """Send these e-mails, each at most once; failures are planned again or shown to staff."""
    sent = sum(_deliver_one(email_id) for email_id in ids)
    return f"{sent} of {len(ids)} e-mails sent"


def sweep(_ids: list[int]) -> str:
    """Queue what is due and was lost, or planned for another try."""
    due = mailing.due_emails()
    enqueue = Enqueuer(current_app.config["COUNTERFOIL"].redis_url)
    for start in range(0, len(due), 50):
        enqueue("emails.deliver", due[start : start + 50])
    return f"{len(due)} e-mails were waiting"


def _deliver_one(email_id: int) -> bool:
    if not mailing.claim_email(email_id):
        return False
    try:
        ready = _render(email_id)
    except Exception as error:
        log.exception("e-mail %s could not be written", email_id)
        mailing.record_failure(email_id, f"Could not be written: {error}", final=True)
        return False
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    message = PlainMessage(ready.letter, ready.to_address, sender, ready.reply_to)
    try:
        with mail.connect() as connection:
            connection.send(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        log.warning("e-mail %s was not accepted: %s", email_id, error)
        mailing.record_failure(email_id, in_words(error), final=is_final(error))
        return False
    mailing.record_sent(email_id, message.message_id)
    if ready.copies:
        wrong = send_copies(message, ready.copies)
        if wrong:
            mailing.record_lost_copies(email_id, wrong)
    return True


def _render(email_id: int) -> Ready:
    """Write the letter and keep its words, so that staff can read what was sent."""
    with reading() as session:
        email = session.get_one(OutgoingEmail, email_id)
        letter = render(email, session)
        settings = get_settings(session)
        copies = who_gets_copies(email, settings)
        ready = Ready(letter, email.to_address, settings.email, copies)
    with transaction() as session:
        row = session.get_one(OutgoingEmail, email_id)
        row.subject = letter.subject[:255]
        if email.kind not in SECRET_KINDS:
            row.html, row.text = without_links(letter.html), without_links(letter.text)
    return ready
