"""Delivery of the outbox. "Sent" means that the mail server accepted the letter."""

from __future__ import annotations

import logging
import smtplib

from flask import current_app

from billing import mailing
from billing.database import reading, transaction
from billing.office import get_settings
from jobs.letters import Letter, render
from jobs.queues import Enqueuer
from jobs.smtp import PlainMessage, mail
from models import OutgoingEmail

log = logging.getLogger(__name__)


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
        letter, to_address, reply_to = _render(email_id)
    except Exception as error:
        log.exception("e-mail %s could not be written", email_id)
        mailing.record_failure(email_id, f"Could not be written: {error}", final=True)
        return False
    message = PlainMessage(letter, to_address, current_app.config["MAIL_DEFAULT_SENDER"], reply_to)
    try:
        with mail.connect() as connection:
            connection.send(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        log.warning("e-mail %s was not accepted: %s", email_id, error)
        mailing.record_failure(email_id, _in_words(error), final=_is_final(error))
        return False
    mailing.record_sent(email_id, message.message_id)
    return True


def _render(email_id: int) -> tuple[Letter, str, str]:
    """Write the letter and keep its words, so that staff can read what was sent."""
    with reading() as session:
        email = session.get_one(OutgoingEmail, email_id)
        letter = render(email, session)
        reply_to = get_settings(session).email
        to_address = email.to_address
    with transaction() as session:
        row = session.get_one(OutgoingEmail, email_id)
        row.subject, row.html, row.text = letter.subject[:255], letter.html, letter.text
    return letter, to_address, reply_to


def _is_final(error: Exception) -> bool:
    """Whether the server's no is about this letter for good (5xx), not about today."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [f"{code} {text!r}" for code, text in error.recipients.values()]
        return f"The mail server refused the address: {', '.join(answers)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server said: {error.smtp_code} {error.smtp_error!r}"
    return f"The mail server could not be reached: {error}"
