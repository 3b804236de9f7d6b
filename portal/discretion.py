"""Keeps links out of logs: whoever reads a log must not be able to open what they open."""

from __future__ import annotations

import logging
import re

from flask import Flask

# The loggers that write addresses of requests: Flask's (exceptions) and the servers' (access).
_LOGGERS = ("werkzeug", "gunicorn.access", "gunicorn.error")
_LINK = re.compile(r"(/(?:i|a|m|sign-in|unsubscribe)/)[\w.~%-]{12,}")


class WithoutLinks(logging.Filter):
    """Replaces the token in every link of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; nothing is held back."""
        said = record.getMessage()
        masked = mask(said)
        if masked != said:
            record.msg, record.args = masked, ()
        return True


def mask(text: str) -> str:
    """Return ``text`` with the tokens of links left out."""
    return _LINK.sub(r"\1…", text)


def start(app: Flask) -> None:
    """Have the loggers around ``app`` leave links out."""
    for logger in (app.logger, *map(logging.getLogger, _LOGGERS)):
        if not any(isinstance(found, WithoutLinks) for found in logger.filters):
            logger.addFilter(WithoutLinks())
