"""The office's settings row and what is derived from it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy.orm import Session

from billing import clock, money
from billing.typed_numbers import write_number
from models import Settings


def get_settings(session: Session) -> Settings:
    """Return the one settings row. It is made by the first migration."""
    settings = session.get(Settings, 1)
    if settings is None:
        raise RuntimeError("The settings row is missing; run the migrations.")
    return settings


def local_today(session: Session) -> dt.date:
    """Return today's date where the office is."""
    return clock.today(get_settings(session).timezone)


def in_words(session: Session, minor: int) -> str:
    """Return ``minor`` units the way the office writes money."""
    settings = get_settings(session)
    return money.format_amount(minor, settings.currency, settings.locale)


def number_in_words(session: Session, number: Decimal) -> str:
    """Return a number such as a quantity the way the office writes it."""
    return write_number(number, get_settings(session).locale)
