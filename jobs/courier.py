"""One SMTP session for many letters: opened when needed, opened anew when it breaks."""

from __future__ import annotations

import smtplib
from types import TracebackType

from jobs.bulk import BulkMessage
from jobs.smtp import TimedConnection, mail
from jobs.smtp_answers import in_words, is_final
from messaging.reports import Report
from models.states import RecipientState

R = RecipientState
# "Service not available, closing": about the session, not about the letter (RFC 5321, 3.8).
_CLOSING = 421
_IN_DOUBT = "The connection broke before the mail server answered:"


class ServerTrouble(Exception):
    """The mail server takes nothing at all just now; no letter was handed over.

    hopeless -- it won't before somebody changes something: it refuses us, not a recipient
    """

    def __init__(self, sentence: str, *, hopeless: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hopeless = hopeless


class Courier:
    """Hands letters to the mail server over one connection."""

    def __init__(self) -> None:
        self._connection: TimedConnection | None = None

    def __enter__(self) -> Courier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def hand_over(self, recipient_id: int, message: BulkMessage) -> Report:
        """Send one letter and return what became of it.

        A session that was closed before the letter was handed over is opened anew, once. Raises
        ``ServerTrouble`` when the server can't be reached or refuses us.
        """
        for _ in range(2):
            report = self._try(self._open(), recipient_id, message)
            if report is not None:
                return report
            self._close()
        raise ServerTrouble("The mail server closes every connection.")

    def _try(
        self, connection: TimedConnection, recipient_id: int, message: BulkMessage
    ) -> Report | None:
        """Send over ``connection``; None when it was closed before the letter was handed over."""
        try:
            connection.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            return None if _is_closing(error) else _refused(recipient_id, error)
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == _CLOSING:
                return None
            raise ServerTrouble(in_words(error), hopeless=is_final(error)) from error
        except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError, ValueError) as error:
            return _refused(recipient_id, error)
        except (smtplib.SMTPException, OSError) as error:
            if not connection.may_have_arrived:
                return None
            self._close()
            return Report(recipient_id, R.UNKNOWN, f"{_IN_DOUBT} {error}")
        return Report(recipient_id, R.SENT)

    def _open(self) -> TimedConnection:
        if self._connection is None:
            connection = mail.connect()
            try:
                connection.__enter__()
            except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
                raise ServerTrouble(in_words(error), hopeless=True) from error
            except (smtplib.SMTPException, OSError) as error:
                raise ServerTrouble(in_words(error)) from error
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.__exit__()


def _is_closing(error: smtplib.SMTPRecipientsRefused) -> bool:
    return any(code == _CLOSING for code, _text in error.recipients.values())


def _refused(recipient_id: int, error: Exception) -> Report:
    final = is_final(error) or isinstance(error, smtplib.SMTPNotSupportedError)
    return Report(recipient_id, R.FAILED if final else R.WAITING, in_words(error))
