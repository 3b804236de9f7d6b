"""Flask-Mail with what it lacks: a timeout, verified TLS, and lines no server refuses.

Flask-Mail stays the configuration and the way tests record letters; the connection and the message
it sends are built from the standard library here.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail, Message

from billing import clock
from jobs.letters import Letter
from models import OutgoingEmail


class Watched:
    """An SMTP session that knows whether a letter was handed over without an answer.

    Such a letter may have arrived: sending it again could write to somebody twice.
    """

    may_have_arrived = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.may_have_arrived = True
        try:
            answer: tuple[int, bytes] = super().data(msg)  # type: ignore[misc]
        except smtplib.SMTPDataError:
            self.may_have_arrived = False
            raise
        self.may_have_arrived = False
        return answer


class WatchedSMTP(Watched, smtplib.SMTP):
    """Plain, or encrypted by STARTTLS."""


class WatchedSMTPOverTLS(Watched, smtplib.SMTP_SSL):
    """Encrypted from the first byte."""


class TimedConnection(Connection):
    """A connection that gives up after ``MAIL_TIMEOUT`` seconds and checks the server's name."""

    @property
    def may_have_arrived(self) -> bool:
        """Whether the last letter was handed over without an answer."""
        return bool(getattr(self.host, "may_have_arrived", False))

    def configure_host(self) -> WatchedSMTP | WatchedSMTPOverTLS:
        mail = self.mail
        assert isinstance(mail, CarefulMail)
        context = ssl.create_default_context()
        if mail.use_ssl:
            host: WatchedSMTP | WatchedSMTPOverTLS = WatchedSMTPOverTLS(
                mail.server, mail.port, timeout=mail.timeout, context=context
            )
        else:
            host = WatchedSMTP(mail.server, mail.port, timeout=mail.timeout)
        try:
            if mail.use_tls:
                host.starttls(context=context)
            if mail.username and mail.password:
                host.login(mail.username, mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def __exit__(self, *_error: object) -> None:
        """Say goodbye. A server that goes without one has had the letters all the same."""
        if self.host is None:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError):
            self.host.quit()
        # quit() leaves the socket open when the server has gone.
        self.host.close()


class CarefulMail(Mail):
    """Flask-Mail whose connections are ``TimedConnection``s."""

    timeout: float = 10

    def init_app(self, app: Flask) -> Any:
        # Flask-Mail looks its settings up on ``state``, and sets that only for Mail(app).
        self.state = super().init_app(app)
        self.timeout = app.config["MAIL_TIMEOUT"]
        return self.state

    def connect(self) -> TimedConnection:
        return TimedConnection(self)


class PlainMessage(Message):
    """A message whose bytes come from the standard library: quoted-printable, short lines."""

    def __init__(self, letter: Letter, to_address: str, sender: str, reply_to: str) -> None:
        super().__init__(
            subject=letter.subject,
            recipients=[to_address],
            body=letter.text,
            html=letter.html,
            sender=sender,
            reply_to=reply_to or None,
        )
        self._letter = letter
        self._to = to_address
        self._domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        self._at = clock.now()
        self.message_id = make_msgid(domain=self._domain)

    def become_copy_of(self, sent: OutgoingEmail) -> None:
        """Take over the header of ``sent``, a letter to somebody else; the envelope stays."""
        self._to = sent.to_address
        self._at = sent.sent_at or self._at
        self.message_id = sent.message_id

    def as_bytes(self) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["Subject"] = self._letter.subject
        message["From"] = self.sender
        message["To"] = Address(addr_spec=self._to)
        if self.reply_to:
            message["Reply-To"] = self.reply_to
        message["Date"] = format_datetime(self._at)
        message["Message-ID"] = self.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._letter.text, cte="quoted-printable")
        message.add_alternative(self._letter.html, subtype="html", cte="quoted-printable")
        for attachment in self._letter.attachments:
            maintype, _, subtype = attachment.content_type.partition("/")
            message.add_attachment(
                attachment.data, maintype=maintype, subtype=subtype, filename=attachment.filename
            )
        return message.as_bytes()


mail = CarefulMail()
