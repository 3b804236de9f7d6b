"""A verb on many invoices: what it would do to each, and beginning it.

Looking at it is a GET that changes nothing. Confirming it carries the mark of what was shown; when
what would happen is another by then, nothing is done and the page is shown anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import Row, func, select
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, validators

from admin.base import cells
from admin.base.access import actor, refuse_entry, requires, signed_in
from admin.base.refusing import REFUSED, show_refusal
from admin.base.scope import read_id, site_ids
from admin.base.words import Words, words
from admin.pages.bulk_selection import (
    HOW,
    LABEL,
    OUTCOME,
    Selection,
    read_selection,
)
from admin.pages.verbs import VerbPage
from billing import bulk_outcomes as verbs
from billing.bulk import Forecast, begin_run, counted, forecast, forecast_rows, verb_of
from billing.bulk_outcomes import BulkVerb
from billing.errors import Refusal
from models import BulkRow, BulkRun, db
from models import Label as LabelRecord
from models.states import BulkResult

# Rows that are listed; the counts and sums are always of all.
SHOWN = 200
RECENT = 50
WITH_SUMS = (verbs.SEND, verbs.CHARGE, verbs.REMIND)


class ConfirmForm(BaseForm):
    """What a charge asks for beside the button; its label names the amount."""

    confirmed = BooleanField(validators=[validators.InputRequired("Tick this to go ahead.")])


class BulkPages(VerbPage):
    """The pages behind the buttons under the list of invoices."""

    label = "Bulk actions"
    permission = "invoices.view"
    slug = "bulk"
    path = "/admin/invoice/bulk"

    @expose("/")
    def index(self) -> Any:
        """One's own latest runs."""
        person = signed_in()
        assert person is not None
        done = func.count().filter(BulkRow.result.not_in((BulkResult.WAITING, BulkResult.RUNNING)))
        latest = (
            select(BulkRun, done)
            .outerjoin(BulkRow, BulkRow.run_id == BulkRun.id)
            .where(BulkRun.staff_id == person.id)
            .group_by(BulkRun.id)
            .order_by(BulkRun.id.desc())
            .limit(RECENT)
        )
        runs = [(run, verb_of(run), count) for run, count in db.session.execute(latest)]
        return self.render("admin/pages/bulk/recent.html", runs=runs, spoken=words())

    @expose("/send/", methods=("GET", "POST"))
    @requires("invoices.send")
    def send(self) -> Any:
        """Send drafts, and send open invoices again."""
        return self._ask(verbs.SEND)

    @expose("/charge/", methods=("GET", "POST"))
    @requires("invoices.charge")
    def charge(self) -> Any:
        """Charge registered payment methods."""
        return self._ask(verbs.CHARGE)

    @expose("/remind/", methods=("GET", "POST"))
    @requires("invoices.send")
    def remind(self) -> Any:
        """Remind of open invoices."""
        return self._ask(verbs.REMIND)

    @expose("/label/", methods=("GET", "POST"))
    @requires("invoices.label")
    def label_them(self) -> Any:
        """Put a label on, or take it off; which one is asked for first."""
        return self._ask(verbs.LABEL)

    @expose("/pdf/", methods=("GET", "POST"))
    @requires("invoices.view")
    def pdf(self) -> Any:
        """Make one file of all."""
        return self._ask(verbs.PDF)

    def _ask(self, verb: BulkVerb) -> Any:
        # Beside the verb's own: the page names customers and what they owe.
        refused = refuse_entry("invoices.view")
        if refused is not None:
            return refused
        chosen = read_selection()
        if chosen is None:
            flash("Tick the invoices first, or choose all that match.", "warning")
            return redirect(url_for("invoice.index_view"))
        params, form = None, self.form(BaseForm)
        try:
            params = _params(verb)
        except Refusal as refusal:
            show_refusal(form, refusal)
        if params is not None:
            form = (ConfirmForm if verb is verbs.CHARGE else BaseForm)(request.form or None)
            run_id = self._begun(verb, chosen, params, form)
            if run_id is not None:
                return redirect(url_for("bulk_run.show", id=run_id), 303)
        page = self._page(verb, chosen, params, form)
        return make_response(page, REFUSED if form.errors else 200)

    def _begun(
        self, verb: BulkVerb, chosen: Selection, params: dict[str, Any], form: Any
    ) -> int | None:
        if request.method != "POST" or not form.validate():
            return None
        mark = request.form.get("mark", "")
        try:
            return begin_run(verb, chosen.conditions, params, mark=mark, actor=actor())
        except Refusal as refusal:
            show_refusal(form, refusal)
            return None

    def _page(
        self, verb: BulkVerb, chosen: Selection, params: dict[str, Any] | None, form: Any
    ) -> str:
        found = rows = None
        outcome = request.args.get(OUTCOME, "")
        if params is not None:
            found = forecast(
                db.session(), verb, chosen.conditions, params, staff_id=actor().id or 0
            )
            rows = forecast_rows(
                db.session(),
                verb,
                chosen.conditions,
                params,
                code=outcome,
                limit=SHOWN,
                within=site_ids(),
            )
            if verb is verbs.CHARGE:
                form.confirmed.label.text = (
                    f"Charge {words().money(found.amount)} in all, for {counted(found.going)}"
                )
        page: str = self.render(
            "admin/pages/bulk/ask.html",
            verb=verb,
            chosen=chosen,
            found=found,
            rows=_shown(verb, rows or ()),
            pills=_pills(found, outcome) if found else (),
            form=form,
            sums=verb in WITH_SUMS,
            labels=_labels() if verb is verbs.LABEL else (),
            params=params or {},
            kept=[(n, v) for n, v in request.args.items(multi=True) if n not in (LABEL, HOW)],
            action=request.full_path,
            spoken=words(),
            shown=SHOWN,
        )
        return page


def _params(verb: BulkVerb) -> dict[str, Any] | None:
    """Return what the verb needs besides; None when that has still to be asked for.

    Raises ``Refusal`` when the label it is about is gone.
    """
    if verb is not verbs.LABEL:
        return {}
    number, how = read_id(request.args.get(LABEL)), request.args.get(HOW)
    if number is None or how not in ("add", "remove"):
        return None
    label = db.session.get(LabelRecord, number)
    if label is None:
        raise Refusal("This label is gone. Nothing was done.", "no_label")
    return {"label": label.id, "how": how}


def _labels() -> Sequence[LabelRecord]:
    return db.session.scalars(select(LabelRecord).order_by(LabelRecord.name)).all()


def _pills(found: Forecast, outcome: str) -> list[tuple[str, int, str, bool]]:
    """Return the outcomes as (words, count, address, current), for the rows below."""
    address = MultiDict(request.args)
    address.pop(OUTCOME, None)

    def url(code: str) -> str:
        return "?" + urlencode([*address.items(multi=True), *([(OUTCOME, code)] if code else [])])

    return [
        ("All", found.chosen, url(""), not outcome),
        *(
            (_plain(each.words), each.count, url(each.code), each.code == outcome)
            for each in found.outcomes
        ),
    ]


def _plain(sentence: str) -> str:
    """Return what follows a count as words of their own; nothing has happened yet."""
    bare = sentence.removeprefix("can't: ")
    return bare[0].upper() + bare[1:]


def _shown(verb: BulkVerb, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return the rows as the page shows them."""
    spoken = words()
    return [
        {
            "name": f"#{row.number}" if row.number else "Draft",
            "url": spoken.eye("invoice", row.id),
            "user": row.name,
            "state": cells.badge(row.state)
            + (cells.overdue_flag() if row.is_overdue else Markup()),
            "left": spoken.money(row.balance),
            "goes": row.outcome in verb.goes,
            "words": _plain(verb.words(row.outcome)) + _credit(verb, row, spoken),
        }
        for row in rows
    ]


def _credit(verb: BulkVerb, row: Row[Any], spoken: Words) -> str:
    """Say that the customer who is charged has money which no invoice uses."""
    if row.outcome not in verb.goes or not row.credit:
        return ""
    return f"; has {spoken.money(int(row.credit))} credit"
