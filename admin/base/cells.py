"""What one value looks like, by its kind: as HTML for a page and as plain data for a CSV.

Everything a person wrote is escaped here (``Markup.format`` and ``escape``); templates only print
what these return.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

from admin.base.words import Words

EMPTY = Markup('<span class="none">–</span>')
YES, NO = Markup("Yes"), Markup('<span class="no">No</span>')
CLIP = 90
# Labels of a row that are shown; with more of them the last place says how many.
CHIPS = 2

# How a state reads at a glance. Red is kept for what went wrong.
TONES = {
    "paid": "good",
    "settled": "good",
    "approved": "good",
    "applied": "good",
    "submitted": "good",
    "failed": "bad",
    "declined": "bad",
    "returned": "bad",
    "sent": "calm",
    "authorised": "calm",
    "queued": "calm",
    "sending": "calm",
    "won": "good",
    "lost": "bad",
    "open": "wait",
    "claimed": "wait",
    "pending": "wait",
    "started": "wait",
    "rejected": "wait",
}
# States whose own word only says something to who wrote it.
WORDS = {"claimed": "Under way", "released": "Came to nothing"}


# Built of escaped pieces: ``Markup.format`` does the same at six times the cost, and a page of rows
# has hundreds of these.
def link(address: str, text: Any) -> Markup:
    """Return a link; both its parts are escaped here."""
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')  # noqa: S704


@lru_cache(maxsize=256)
def _badge(tone: str, text: str) -> Markup:
    return Markup('<span class="badge badge-{}">{}</span>').format(tone, text)


@lru_cache(maxsize=256)
def _chip(text: str) -> Markup:
    return Markup('<span class="label">{}</span>').format(text)


def chips(names: Sequence[str], full: bool) -> Markup:
    """Return labels as quiet chips: all of them, or in a grid the first and how many more."""
    if full or len(names) <= CHIPS:
        return Markup(" ").join(_chip(name) for name in names)
    rest = names[CHIPS - 1 :]
    more = Markup(' <span class="label" title="{}">+{}</span>').format(", ".join(rest), len(rest))
    return Markup(" ").join(_chip(name) for name in names[: CHIPS - 1]) + more


def word(value: Any) -> str:
    """Return a stored word such as ``direct_debit`` the way people read it."""
    text = str(value.value if isinstance(value, Enum) else value)
    return text.replace("_", " ").replace("-", " ").strip().capitalize()


def badge(state: Any) -> Markup:
    """Return a state as a quiet badge: its word, and a tone that only repeats it."""
    value = str(state.value if isinstance(state, Enum) else state)
    return _badge(TONES.get(value, "quiet"), WORDS.get(value) or word(value))


def toned(tone: str, text: str) -> Markup:
    """Return ``text`` as a badge of a tone: good, bad, wait, calm or quiet."""
    return _badge(tone, text)


def overdue_flag() -> Markup:
    """Return the red flag of an overdue invoice."""
    return _badge("overdue", "Overdue")


def number(value: Any, words: Words) -> str:
    """Return a number the office's way, without needless decimals."""
    return words.number(value) if isinstance(value, Decimal) else str(value)


def lines(value: Any, full: bool) -> Markup:
    """Return text of several lines: whole on the Eye page, its beginning in a grid."""
    text = str(value).strip()
    if full:
        return Markup('<span class="lines">{}</span>').format(text)
    first = " ".join(text.split())
    if len(first) <= CLIP:
        return escape(first)
    beginning = escape(first[:CLIP].rstrip())
    return Markup(f'<span title="{escape(first[:400])}">{beginning}…</span>')  # noqa: S704


def details(value: Any) -> Markup:
    """Return JSON kept by ourselves, such as before and after values, as a list of lines."""
    if not isinstance(value, dict):
        return Markup("<code>{}</code>").format(json.dumps(value, ensure_ascii=False))
    rows = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(word(key), _detail(inner))
        for key, inner in value.items()
    )
    return Markup('<dl class="details">{}</dl>').format(rows)


def _detail(value: Any) -> Any:
    if isinstance(value, dict):
        return details(value)
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return Markup("{} → {}").format(scalar(value[0]), scalar(value[1]))
    return scalar(value)


def scalar(value: Any) -> str:
    """Return one value from JSON as people read it."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


Show = Callable[[Any, Words, bool], Any]

SHOW: dict[str, Show] = {
    "text": lambda value, _words, _full: escape(value),
    "number": lambda value, words, _full: number(value, words),
    "days": lambda value, words, _full: number(value, words),
    "percent": lambda value, words, _full: f"{number(value, words)} %",
    "money": lambda value, words, _full: words.money(value),
    "state": lambda value, _words, _full: badge(value),
    "choice": lambda value, _words, _full: word(value),
    "date": lambda value, words, _full: words.day(value),
    "datetime": lambda value, words, full: words.moment(value) if full else words.brief(value),
    "email": lambda value, _words, _full: link(f"mailto:{value}", value),
    "phone": lambda value, _words, _full: escape(value),
    "multiline": lambda value, _words, full: lines(value, full),
    "yes_no": lambda value, _words, _full: YES if value else NO,
    "code": lambda value, _words, _full: Markup("<code>{}</code>").format(value),
    "json": lambda value, _words, _full: details(value),
    "permissions": lambda value, _words, _full: Markup('<span class="lines">{}</span>').format(
        "\n".join(value)
    ),
}


def show(kind: str, value: Any, words: Words, full: bool) -> Any:
    """Return ``value`` as safe HTML. ``full``: on an Eye page, where there is room."""
    if value is None or value == "" or value == [] or value == {}:
        return EMPTY
    if isinstance(value, Enum) and kind not in ("state", "choice"):
        return word(value)
    return SHOW.get(kind, SHOW["text"])(value, words, full)


def plain(kind: str, value: Any, words: Words) -> Any:
    """Return ``value`` for a CSV: never HTML, amounts as plain decimals, local times."""
    if value is None:
        return ""
    if kind == "money":
        return Decimal(words.decimal(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return words.local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Enum) or kind in ("state", "choice"):
        return word(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return value
