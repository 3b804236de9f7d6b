"""One message as many letters: rendered once, then only the recipient's own words are put in.

Rendering, style inlining and quoted-printable in pure Python would cost more than the mail server.
"""

from __future__ import annotations

import binascii
import secrets
from email.policy import SMTP
from email.utils import format_datetime

from flask import current_app
from markupsafe import escape

from billing import clock
from billing.placeholders import fill, paragraphs
from documents.colours import accent
from jobs.letters import Letter, one_line, write
from jobs.smtp import PlainMessage
from messaging.delivery import Turn
from messaging.reports import Addressee
from messaging.unsubscribing import unsubscribe_headers, unsubscribe_url
from messaging.words import PLACEHOLDERS, personal
from models import Settings

# Of a header, before it is folded (RFC 5322, 2.1.1).
LONGEST_LINE = 78


class Frame:
    """A message's letter with gaps where each recipient's own words go."""

    def __init__(self, turn: Turn, office: Settings) -> None:
        self._turn = turn
        self._sender: str = current_app.config["MAIL_DEFAULT_SENDER"]
        self._reply_to = office.email
        # Words nobody can type, so that nothing else in the letter is taken for a gap.
        mark = secrets.token_hex(8)
        self._gaps = {name: f"{mark}{name}" for name in (*PLACEHOLDERS, "subject", "link")}
        body = [fill(part, self._gaps) for part in paragraphs(turn.body)]
        self._frame = write(
            "message",
            {
                "office": office,
                "colours": accent(office.accent),
                "name": "",
                "params": {"subject": self._gaps["subject"], "paragraphs": body},
                "link": f"https://{self._gaps['link']}",
            },
        )

    def letter_for(self, addressee: Addressee) -> BulkMessage:
        """Return the letter to one recipient, with their own unsubscribe link."""
        who = personal(
            name=addressee.name,
            application=addressee.application,
            form=self._turn.form,
            organisation=self._turn.organisation,
            address=addressee.address,
        )
        subject = one_line(fill(self._turn.subject, who))
        link = unsubscribe_url(addressee.id)
        html, text = self._frame.html, self._frame.text
        for name, word in {"subject": subject, **who}.items():
            html = html.replace(self._gaps[name], str(escape(word)))
            text = text.replace(self._gaps[name], word)
        gap = f"https://{self._gaps['link']}"
        letter = Letter(subject, html.replace(gap, link), text.replace(gap, link))
        return BulkMessage(letter, addressee.address, self._sender, self._reply_to, link)


class BulkMessage(PlainMessage):
    """A letter of a message: its bytes are made by C, its link is in the headers too."""

    def __init__(
        self, letter: Letter, to_address: str, sender: str, reply_to: str, link: str
    ) -> None:
        super().__init__(letter, to_address, sender, reply_to)
        self._from = sender
        self._answers = reply_to
        self._link = link

    def as_bytes(self) -> bytes:
        boundary = secrets.token_hex(16)
        headers = {
            "Subject": self._letter.subject,
            "From": self._from,
            "To": self._to,
            "Reply-To": self._answers,
            "Date": format_datetime(clock.now()),
            "Message-ID": self.message_id,
        }
        lines = [
            *(_header(name, value) for name, value in headers.items() if value),
            # The library would encode a long address, and mail programs then don't find it.
            *(f"{name}: {value}" for name, value in unsubscribe_headers(self._link).items()),
            "Auto-Submitted: auto-generated",
            "Precedence: bulk",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/alternative; boundary="{boundary}"',
            "",
            "",
        ]
        parts = [
            "\r\n".join(lines).encode(),
            _part(boundary, "plain", self._letter.text),
            _part(boundary, "html", self._letter.html),
            f"--{boundary}--\r\n".encode(),
        ]
        return b"".join(parts)


def _header(name: str, value: str) -> str:
    """A header's line or lines; the library is slow and needed only for what is not plain."""
    plain = f"{name}: {value}"
    if len(plain) <= LONGEST_LINE and plain.isascii() and plain.isprintable():
        return plain
    return SMTP.fold(name, SMTP.header_factory(name, value)).rstrip("\r\n")


def _part(boundary: str, kind: str, content: str) -> bytes:
    """A text as quoted-printable (RFC 2045, 6.7): no line is longer than 76 characters."""
    head = (
        f"--{boundary}\r\n"
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = "\r\n".join(content.splitlines())
    return head.encode() + binascii.b2a_qp(lines.encode(), istext=True) + b"\r\n"
