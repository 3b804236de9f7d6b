"""Money, days and moments as the office writes them, for every template.

Formatting is Babel's, through Flask-Babel; the locale and the time zone are the office's settings.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask import Flask, g
from flask_babel import Babel, format_date, format_datetime
from werkzeug.local import LocalProxy

from billing.money import format_amount
from billing.office import get_settings
from billing.placeholders import paragraphs
from billing.typed_numbers import write_number
from models import Settings, db


def register(app: Flask) -> None:
    """Give ``app`` its filters (money, number, day, moment, …) and the globals: office, mode."""
    Babel(
        app,
        locale_selector=lambda: _office().locale,
        timezone_selector=lambda: _office().timezone,
    )
    filters = {"money": money, "number": number, "day": day, "moment": moment}
    app.jinja_env.filters.update(filters, paragraphs=paragraphs)
    app.jinja_env.globals.update(office=LocalProxy(_office), mode=app.config["COUNTERFOIL"].mode)


def money(minor: int | None) -> str:
    """Return minor units as the office writes money; an em dash for nothing at all."""
    if minor is None:
        return "—"
    office = _office()
    return format_amount(minor, office.currency, office.locale)


def number(plain: Decimal | str) -> str:
    """Return a number such as a quantity as the office writes it."""
    return write_number(Decimal(plain), _office().locale)


def day(value: dt.date | str | None) -> str:
    """Return a local date (or its ISO form) in words."""
    if not value:
        return "—"
    date = dt.date.fromisoformat(value) if isinstance(value, str) else value
    return str(format_date(date, "medium"))


def moment(value: dt.datetime | None) -> str:
    """Return an aware moment as the office's wall clock shows it."""
    return str(format_datetime(value, "medium")) if value else "—"


def _office() -> Settings:
    """The settings row, read once a request."""
    kept: Settings | None = g.get("office_settings")
    if kept is None:
        kept = g.office_settings = get_settings(db.session())
        db.session.expunge(kept)
    return kept
