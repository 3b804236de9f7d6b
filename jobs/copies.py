"""Copies of customers' letters for the office (BCC): only ever in the envelope.

A copy is handed over by itself, after the customer's own letter was accepted and that is written
down. So whatever becomes of it, the customer's letter neither fails nor goes out twice.
"""

from __future__ import annotations

import logging
import smtplib
from dataclasses import replace

from billing.letter_texts import copies_to
from billing.method_links import without_links
from jobs.letters import SECRET_KINDS
from jobs.smtp import PlainMessage, TimedConnection, mail
from jobs.smtp_answers import in_words
from models import OutgoingEmail, Settings

log = logging.getLogger(__name__)
_TROUBLE = (smtplib.SMTPException, OSError, ValueError)


def who_gets_copies(email: OutgoingEmail, settings: Settings) -> list[str]:
    """Return the addresses for a copy: of letters to customers only, and of no secret one."""
    if email.user_id is None or email.kind in SECRET_KINDS:
        return []
    customer = email.to_address.casefold()
    return [address for address in copies_to(settings) if address.casefold() != customer]


def send_copies(message: PlainMessage, addresses: list[str]) -> str:
    """Hand a copy of ``message`` over for each address; return what went wrong, in sentences.

    What opens a customer's payment methods is left out of the copies: it is the customer's alone.
    """
    letter = message.letter
    bare = replace(letter, html=without_links(letter.html), text=without_links(letter.text))
    tried: list[str] = []
    try:
        with mail.connect() as connection:
            tried = [_send(connection, message.copy_for(each, bare), each) for each in addresses]
    except _TROUBLE as error:
        # A server that goes without a goodbye has had them all the same.
        if not tried:
            log.warning("copies of a letter were not accepted: %s", error)
            return f"The letter was sent; its copies were not: {in_words(error)}"
    return " ".join(filter(None, tried))


def _send(connection: TimedConnection, copy: PlainMessage, address: str) -> str:
    try:
        connection.send(copy)
    except _TROUBLE as error:
        log.warning("a copy to %s was not accepted: %s", address, error)
        return f"The letter was sent; its copy to {address} was not: {in_words(error)}"
    return ""
