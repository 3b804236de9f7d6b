"""Tonight: what the nightly run will charge, send and leave, before it does; and "Run now".

The rules are the run's own (``billing.nightly``); this page only shows them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, url_for
from flask_admin import expose

from admin.base.access import holds, not_found, requires
from admin.base.page import PanelPage
from admin.base.scope import in_scope, site_ids
from admin.base.words import Words, words
from admin.pages.jobs import JobEntry, desk
from billing.errors import Refusal
from billing.nightly_plan import Preview, Row, Sum, Why, preview
from models import Invoice, db

JOB = "charges.nightly"
# Why somebody who would be charged can't be; the rest of what is sent was meant to be sent.
_CANT = (Why.NO_METHOD, Why.CARD_EXPIRED, Why.LIVE, Why.REFUSED)


@dataclass(frozen=True)
class Block:
    """One list of the page. ``sum`` counts all of it, ``rows`` are the first."""

    name: str
    heading: str
    hint: str
    sum: Sum
    rows: Sequence[Row]


class NightlyPage(PanelPage):
    """The preview of the nightly run."""

    label = "Tonight"
    permission = "invoices.charge"
    slug = "nightly"
    icon = "moon"
    group = "Money"

    @expose("/")
    def index(self) -> Any:
        """Show what the run at the coming midnight will do."""
        plan = preview(db.session(), scope=in_scope(Invoice), within=site_ids())
        spoken, job = words(), _job()
        question = _question(spoken) if job is not None and holds("jobs.run") else ""
        blocks = [block for block in _blocks(plan, question) if block.sum.count]
        return self.render(
            "admin/pages/nightly.html",
            plan=plan,
            cant=sum((plan.cannot(why) for why in _CANT), Sum()),
            blocks=blocks,
            next_run=_midnight(spoken, plan.on) if job is None else spoken.moment(job.next_run_at),
            question=question,
            bound=bool(site_ids()),
            timezone=spoken.timezone.replace("_", " "),
            spoken=spoken,
        )

    @expose("/run/", methods=("POST",))
    @requires("jobs.run")
    def run(self) -> Any:
        """Queue the run at once, as the page of the jobs does."""
        job = _job()
        if job is None:
            not_found()
        try:
            desk().run_now(job.name)
        except Refusal as refusal:
            flash(f"The run was not started. {refusal.sentence}", "error")
        else:
            flash("The run is queued; look again in a moment.", "success")
        return redirect(url_for(".index"), 303)


def _job() -> JobEntry | None:
    return next((each for each in desk().entries() if each.name == JOB), None)


def _midnight(spoken: Words, day: dt.date) -> str:
    return spoken.moment(spoken.midnight(day))


def _blocks(plan: Preview, question: str) -> list[Block]:
    retried = sum((group.sum for group in plan.retry_groups), Sum())
    return [
        Block("charge", "To charge", "", plan.to_charge, plan.charges),
        Block("send", "To send", _not_reached(plan), plan.to_send, plan.sends),
        Block(
            "again",
            "To charge again",
            "Declined before, for a reason that may have passed."
            + (" “Run now” leaves these for midnight." if question else ""),
            retried,
            plan.retries,
        ),
        Block("skip", "Left for now", "", plan.to_skip, plan.skips),
    ]


def _not_reached(plan: Preview) -> str:
    """Say how many of what is issued nobody can be written to about."""
    count = plan.without_email.count
    if not count:
        return ""
    who = "1 of them has" if count == 1 else f"{count} of them have"
    return f"{who} no e-mail: the invoice is issued, and you print it."


def _question(spoken: Words) -> str:
    """Ask once more before the run begins at once; empty when it would do nothing.

    It goes by today's date, not by that of the coming midnight: a card may end in between.
    """
    plan = preview(db.session(), limit=0, on=spoken.today, scope=in_scope(Invoice))
    charge, send = plan.to_charge, plan.to_send
    if not charge.count and not send.count:
        return ""
    invoices = "1 invoice" if send.count == 1 else f"{send.count} invoices"
    amount = spoken.money(charge.total)
    several = f"{charge.count} drafts, {amount} in all,"
    drafts = f"1 draft of {amount}" if charge.count == 1 else several
    return f"Charge {drafts} and send {invoices} now?"
