"""How the office writes money, days and moments, and where its records' Eye pages are.

Read once a request. Formatting is remembered per process, because a grid shows the same amounts
and days over and over and the locale library is by far the slowest part of a cell.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_skeleton
from flask import current_app, g

from billing import clock, money, typed_numbers
from models import Settings

DEFAULT_ACCENT = "#1f5f5b"


@lru_cache(maxsize=8192)
def _money(minor: int, currency: str, locale: str) -> str:
    return money.format_amount(minor, currency, locale)


@lru_cache(maxsize=1024)
def _number(number: Decimal, locale: str) -> str:
    return typed_numbers.write_number(number, locale)


@lru_cache(maxsize=4096)
def _day(day: dt.date, locale: str) -> str:
    return format_date(day, "medium", locale=locale)


@lru_cache(maxsize=8192)
def _moment(minute: dt.datetime, locale: str) -> str:
    return f"{_day(minute.date(), locale)}, {format_datetime(minute, 'HH:mm', locale=locale)}"


@lru_cache(maxsize=8192)
def _brief(minute: dt.datetime, this_year: bool, locale: str) -> str:
    if not this_year:
        return _day(minute.date(), locale)
    time = format_datetime(minute, "HH:mm", locale=locale)
    return f"{format_skeleton('MMMd', minute, locale=locale)}, {time}"


@lru_cache(maxsize=4096)
def _short(day: dt.date, this_year: bool, locale: str) -> str:
    if not this_year:
        return _day(day, locale)
    return str(format_skeleton("MMMd", day, locale=locale))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True)
class Words:
    """The office's habits for one request."""

    locale: str
    currency: str
    timezone: str
    today: dt.date
    eyes: dict[str, str | None] = field(default_factory=dict)

    def money(self, minor: int) -> str:
        """Return minor units of the office's currency as people write them."""
        return _money(minor, self.currency, self.locale)

    def number(self, number: Decimal) -> str:
        """Return a number such as a quantity or percent as people write it."""
        return _number(number, self.locale)

    def decimal(self, minor: int) -> str:
        """Return minor units as a plain decimal, for a spreadsheet."""
        return money.to_decimal_string(minor, self.currency)

    def typed(self, minor: int) -> str:
        """Return minor units as one types them into a field."""
        return typed_numbers.write_amount(minor, self.currency, self.locale)

    def amounts(self) -> dict[str, Any]:
        """Return what a page's script needs to read and write amounts (static/admin/amounts.js)."""
        way = typed_numbers.notation(self.currency, self.locale).for_script()
        return {**way, "currency": self.currency, "locale": self.locale.replace("_", "-")}

    def day(self, day: dt.date) -> str:
        return _day(day, self.locale)

    def short_day(self, day: dt.date) -> str:
        """Return a day without its year where that is this one."""
        return _short(day, day.year == self.today.year, self.locale)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """Return an aware moment as the office's wall clock shows it."""
        return moment.astimezone(_zone(self.timezone))

    def moment(self, moment: dt.datetime) -> str:
        return _moment(self.local(moment).replace(second=0, microsecond=0), self.locale)

    def brief(self, moment: dt.datetime) -> str:
        """Return a moment for a grid: day and time of this year, only the day of another."""
        minute = self.local(moment).replace(second=0, microsecond=0)
        return _brief(minute, minute.year == self.today.year, self.locale)

    def midnight(self, day: dt.date) -> dt.datetime:
        """Return the moment the office's ``day`` begins."""
        return dt.datetime.combine(day, dt.time(), _zone(self.timezone))

    def eye(self, name: str, record_id: Any) -> str | None:
        """Return the address of a record's Eye page, or None when this person may not open it."""
        if name not in self.eyes:
            from admin.base.registry import eye_prefix

            self.eyes[name] = eye_prefix(name)
        prefix = self.eyes[name]
        return None if prefix is None else f"{prefix}{record_id}"


def office_settings() -> Settings:
    """Return the settings row: the one that all templates call ``office``, read once a request."""
    proxy: Any = current_app.jinja_env.globals["office"]
    settings: Settings = proxy._get_current_object()
    return settings


def words() -> Words:
    """Return this request's words."""
    if "panel_words" not in g:
        office = office_settings()
        g.panel_words = Words(
            office.locale, office.currency, office.timezone, clock.today(office.timezone)
        )
    found: Words = g.panel_words
    return found


def accent() -> tuple[str, str]:
    """Return the office's colour and the colour of text upon it (black or white, as readable)."""
    colour = office_settings().accent
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour or ""):
        colour = DEFAULT_ACCENT
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    light = (red * 299 + green * 587 + blue * 114) / 1000 > 150
    return colour, "#111" if light else "#fff"
