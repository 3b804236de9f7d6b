"""Where people arrive: what needs attention first, then the numbers, then what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import redirect, url_for
from flask_admin import expose
from sqlalchemy import Row, String, cast, literal, select, union_all

from admin.base.access import holds, signed_in
from admin.base.columns import title_name, title_text
from admin.base.eye import Event, event
from admin.base.page import PanelPage
from admin.base.registry import menu
from admin.base.scope import in_scope
from admin.base.words import Words, words
from admin.history import address_of, name_of
from admin.pages.attention import read_facts, week_starts
from admin.pages.matter import Matter
from admin.pages.matters_gateway import gateway_matters
from admin.pages.oldest import oldest_overdue
from models import Application, History, Invoice, Label, User, db

EVENTS = 12
# Height of the chart's tallest bar, and the width of a week, in the drawing's own units.
TALL, WIDE = 100, 20


@dataclass(frozen=True)
class Bar:
    """One week of the chart, ready to draw."""

    x: int
    y: int
    height: int
    week: str
    amount: str
    running: bool


class Dashboard(PanelPage):
    """The first page. Somebody who may not see it is led to the first page they may."""

    label = "Dashboard"
    permission = "dashboard.view"
    slug = "admin"
    path = "/admin"
    icon = "layout-dashboard"

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        if signed_in() is not None and not self.is_accessible():
            entries = [item for _group, items in menu(self) for item in items]
            if entries:
                return redirect(entries[0].url)
        return super()._handle_view(name, **kwargs)

    @expose("/")
    def index(self) -> Any:
        spoken = words()
        facts = read_facts(spoken)
        return self.render(
            "admin/pages/dashboard.html",
            facts=facts._mapping,
            matters=matters_of(facts, spoken),
            oldest=oldest_overdue(spoken) if facts._mapping.get("overdue_count") else None,
            bars=bars_of(facts, spoken),
            events=newest_events(spoken) if holds("history.view") else None,
        )


def matters_of(facts: Row[Any], spoken: Words) -> list[Matter]:
    """Return what needs attention, the most urgent first; an empty list on a good day."""
    return [
        *_invoices(facts, spoken),
        *_letters(facts),
        *_payments(facts, spoken),
        *gateway_matters(facts, spoken),
    ]


def _invoices(facts: Row[Any], spoken: Words) -> list[Matter]:
    if "overdue_count" not in facts._mapping:
        return []
    found = []
    if facts.overdue_count:
        found.append(
            Matter(
                "clock-alert",
                _count(facts.overdue_count, "invoice is overdue", "invoices are overdue"),
                spoken.money(int(facts.overdue)),
                url_for("invoice.index_view", state="overdue"),
                f"the oldest since {spoken.day(facts.overdue_since)}",
                "bad",
            )
        )
    if facts.failed_count:
        found.append(
            Matter(
                "circle-x",
                _count(facts.failed_count, "charge failed", "charges failed"),
                spoken.money(int(facts.failed)),
                url_for("invoice.index_view", state="failed"),
                "the reason is on each invoice",
                "bad",
            )
        )
    return found


def _letters(facts: Row[Any]) -> list[Matter]:
    if "undelivered_count" not in facts._mapping:
        return []
    found = []
    count = facts.undelivered_count
    if count:
        what = _count(count, "e-mail could not be delivered", "e-mails could not be delivered")
        url = url_for("outgoingemail.index_view", state="failed")
        found.append(Matter("mail-x", what, "", url, "look at why, then send again", "bad"))
    count = facts.untaken_count
    if count:
        what = _count(count, "e-mail has not got out yet", "e-mails have not got out yet")
        url = url_for("outgoingemail.index_view", state="queued")
        how = "we keep trying; the reason is on each e-mail"
        found.append(Matter("mail-warning", what, "", url, how))
    return found


def _payments(facts: Row[Any], spoken: Words) -> list[Matter]:
    if "unanswered_count" not in facts._mapping:
        return []
    found = []
    if facts.unanswered_count:
        what = _count(
            facts.unanswered_count, "payment has no answer yet", "payments have no answer yet"
        )
        found.append(
            Matter(
                "circle-help",
                what,
                spoken.money(int(facts.unanswered)),
                url_for("payment.index_view", state="started"),
                "we keep asking the gateway; nobody should pay again",
            )
        )
    if facts.unapplied_count:
        what = _count(
            facts.unapplied_count, "payment is not fully used", "payments are not fully used"
        )
        found.append(
            Matter(
                "coins",
                what,
                spoken.money(int(facts.unapplied)),
                url_for("payment.details_view", id=facts.unapplied_oldest),
                "apply it to an invoice or pay it back, the oldest first",
            )
        )
    return found


def _count(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def bars_of(facts: Row[Any], spoken: Words) -> list[Bar]:
    """Return the chart of what came in by week; nothing for those who may not see payments."""
    if "week_0" not in facts._mapping:
        return []
    starts = week_starts(spoken)
    amounts = [int(facts._mapping[f"week_{n}"]) for n in range(len(starts))]
    highest = max(amounts) or 1
    bars = []
    for n, (day, amount) in enumerate(zip(starts, amounts, strict=True)):
        # Whole units; a small amount stays visible, nothing at all stays nothing.
        height = max(amount * TALL // highest, 1 if amount else 0)
        running = n == len(starts) - 1
        bars.append(
            Bar(n * WIDE, TALL - height, height, spoken.day(day), spoken.money(amount), running)
        )
    return bars


def newest_events(spoken: Words) -> list[tuple[Event, str, str | None]]:
    """Return the newest events as (event, what it is about, its address)."""
    newest = select(History).where(*in_scope(History)).order_by(History.id.desc()).limit(EVENTS)
    rows = db.session.scalars(newest).all()
    titles = _titles({(row.record, row.record_id) for row in rows})
    return [
        (
            event(row, spoken),
            titles.get((row.record, row.record_id)) or name_of(row.record, row.record_id),
            address_of(
                row.record, row.record_id, spoken, there=(row.record, row.record_id) in titles
            ),
        )
        for row in rows
    ]


def _titles(wanted: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return what those of the commonest kinds that are there are called, in one statement."""
    models: dict[str, Any] = {
        "invoice": Invoice,
        "application": Application,
        "user": User,
        "label": Label,
    }
    members = []
    for name, model in models.items():
        ids = sorted(key for record, key in wanted if record == name)
        if ids and holds(f"{model.__panel__.area}.view"):
            title = cast(getattr(model, title_name(model)), String)
            kind = cast(literal(name), String)
            members.append(select(kind, model.id, title).where(model.id.in_(ids), *in_scope(model)))
    if not members:
        return {}
    rows = db.session.execute(union_all(*members))
    return {(name, key): title_text(models[name], text, key) for name, key, text in rows}
