"""What a mail server's answer means: no for good, no for now, or no answer at all."""

from __future__ import annotations

import smtplib


def is_final(error: Exception) -> bool:
    """Whether the server's no is about this letter for good (5xx), not about today."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    # A certificate that does not verify is also a ValueError, but nothing about the letter.
    return isinstance(error, ValueError) and not isinstance(error, OSError)


def is_silence(error: Exception) -> bool:
    """Whether the server could not be reached, or went away or kept silent before it answered."""
    answers = (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException)
    return isinstance(error, OSError) and not isinstance(error, answers)


def in_words(error: Exception) -> str:
    """Say for staff what the server answered, with its own words."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [f"{code} {text!r}" for code, text in error.recipients.values()]
        return f"The mail server refused the address: {', '.join(answers)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server said: {error.smtp_code} {error.smtp_error!r}"
    return f"The mail server could not be reached: {error}"
