"""How far a bulk action is and what became of each row; stopping it; the file it made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask_admin import expose
from sqlalchemy import select

from admin.base import cells
from admin.base.access import actor, not_found, requires
from admin.base.scope import read_id
from admin.base.words import words
from admin.pages.bulk_selection import AGAIN_OF, HOW, LABEL, RETRIED, WHICH, visible_run
from admin.pages.verbs import VerbPage
from billing import bulk_outcomes as verbs
from billing.bulk import counted, results_of, stop_run, verb_of
from billing.errors import Refusal
from models import BulkRow, BulkRun, Invoice, User, db
from models.states import BulkResult

R = BulkResult
SHOWN = 100
WORDS = {
    R.DONE: "Done",
    R.REFUSED: "Refused",
    R.DECLINED: "Declined",
    R.UNKNOWN: "Being looked up",
    R.FAILED: "Failed",
    R.RUNNING: "In hand",
    R.WAITING: "Waiting",
    R.STOPPED: "Left undone",
}
TONES = {
    R.DONE: "good",
    R.DECLINED: "bad",
    R.FAILED: "bad",
    R.UNKNOWN: "wait",
    R.RUNNING: "calm",
}
STANDINGS = {
    "queued": "About to begin",
    "running": "Under way",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "ended": "Finished",
}


@dataclass(frozen=True)
class Progress:
    """How far a run is; ``standing`` is one of ``STANDINGS``."""

    standing: str
    total: int
    counts: Mapping[BulkResult, int]

    @property
    def begun(self) -> int:
        """Rows that have a result."""
        return self.total - sum(self.counts.get(each, 0) for each in (R.WAITING, R.RUNNING))

    @property
    def percent(self) -> int:
        return self.begun * 100 // (self.total or 1)

    @property
    def is_under_way(self) -> bool:
        return self.standing not in ("stopped", "ended")

    @property
    def words(self) -> str:
        """How far it is in one line that leaves out what is none."""
        parts = [f"{self.begun:,} of {counted(self.total)}"]
        parts += [
            f"{count:,} {WORDS[result].lower()}"
            for result in R
            if result not in (R.RUNNING, R.WAITING) and (count := self.counts.get(result))
        ]
        return " · ".join(parts)


def progress_of(run: BulkRun) -> Progress:
    """Read how far ``run`` is, in one statement whatever its size."""
    return Progress(_standing(run), run.total, results_of(db.session(), run.id))


def _standing(run: BulkRun) -> str:
    if run.finished_at is not None:
        return "ended" if run.stopped_at is None else "stopped"
    if run.stopped_at is not None:
        return "stopping"
    return "running" if run.started_at is not None else "queued"


class BulkRunPages(VerbPage):
    """One run. Leaving its page stops nothing."""

    label = "Bulk action"
    permission = "invoices.view"
    slug = "bulk_run"
    path = "/admin/invoice/bulk/run"

    @expose("/show/")
    def show(self) -> Any:
        """How far it is, and its rows by result."""
        run = self._run()
        far = progress_of(run)
        result = request.args.get("result", "")
        rows = self._rows(run, result, read_id(request.args.get("after")))
        more = rows[SHOWN - 1]["id"] if len(rows) > SHOWN else None
        return self.render(
            "admin/pages/bulk/run.html",
            run=run,
            verb=verb_of(run),
            far=far,
            standings=STANDINGS,
            pills=_pills(run, far, result),
            rows=rows[:SHOWN],
            result=result,
            more=more,
            file=self._has_file(run),
            again=_again(run, far),
            spoken=words(),
        )

    @expose("/progress/")
    def progress(self) -> Any:
        """How far it is, for the bar."""
        far = progress_of(self._run())
        answer = jsonify(
            state=far.standing,
            done=far.begun,
            all=far.total,
            percent=far.percent,
            words=far.words,
            trouble="",
        )
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    @expose("/stop/", methods=("POST",))
    @requires("invoices.view")
    def stop(self) -> Any:
        """Leave what has not begun undone."""
        run = self._run()
        try:
            left = stop_run(run.id, actor=actor())
        except Refusal as refusal:
            flash(refusal.sentence, "warning")
        else:
            flash(f"Stopped. {counted(left).capitalize()} left undone.", "success")
        return redirect(url_for(".show", id=run.id), 303)

    @expose("/invoices.pdf")
    def file(self) -> Any:
        """The file the run made, to be saved."""
        run = self._run()
        data = db.session.scalar(select(BulkRun.file).where(BulkRun.id == run.id))
        if data is None:
            not_found()
        response = Response(data, mimetype="application/pdf")
        response.headers.set("Content-Disposition", "attachment", filename=run.file_name)
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _run(self) -> BulkRun:
        run = visible_run(read_id(request.args.get("id")))
        return run if run is not None else not_found()

    def _has_file(self, run: BulkRun) -> bool:
        there = select(BulkRun.id).where(BulkRun.id == run.id, BulkRun.file.is_not(None))
        return bool(run.file_name) and db.session.scalar(there) is not None

    def _rows(self, run: BulkRun, result: str, after: int | None) -> list[dict[str, Any]]:
        rows = (
            select(
                BulkRow.id,
                BulkRow.result,
                BulkRow.sentence,
                BulkRow.done_at,
                BulkRow.shown_balance,
                BulkRow.invoice_id,
                Invoice.number,
                User.name,
            )
            .join(Invoice, Invoice.id == BulkRow.invoice_id)
            .join(User, User.id == Invoice.user_id)
            .where(BulkRow.run_id == run.id)
            .order_by(BulkRow.id)
            .limit(SHOWN + 1)
        )
        if result in {each.value for each in R}:
            rows = rows.where(BulkRow.result == result)
        if after is not None:
            rows = rows.where(BulkRow.id > after)
        return [_shown(row) for row in db.session.execute(rows)]


def _shown(row: Any) -> dict[str, Any]:
    spoken = words()
    done_at: dt.datetime | None = row.done_at
    return {
        "id": row.id,
        "name": f"#{row.number}" if row.number else "Draft",
        "url": spoken.eye("invoice", row.invoice_id),
        "user": row.name,
        "left": spoken.money(row.shown_balance),
        "badge": cells.toned(TONES.get(row.result, "quiet"), WORDS[row.result]),
        "sentence": row.sentence,
        "at": spoken.brief(done_at) if done_at else "",
    }


def _pills(run: BulkRun, far: Progress, result: str) -> list[tuple[str, int, str, bool]]:
    """Return (words, count, address, current) of every result there is."""
    pills = [("All", run.total, url_for(".show", id=run.id), not result)]
    for each in R:
        count = far.counts.get(each, 0)
        if count or each.value == result:
            url = url_for(".show", id=run.id, result=each.value)
            pills.append((WORDS[each], count, url, each.value == result))
    return pills


def _again(run: BulkRun, far: Progress) -> list[tuple[str, str]]:
    """Return (words, address) of what can be tried once more: the page that asks, never at once."""
    if far.is_under_way:
        return []
    endpoint = "label_them" if run.verb == verbs.LABEL.name else run.verb
    asked: dict[str, Any] = {AGAIN_OF: run.id}
    if run.verb == verbs.LABEL.name:
        asked |= {LABEL: run.params["label"], HOW: run.params["how"]}
    words_ = {"failed": "Run the failed ones again", "stopped": "Do the rest"}
    return [
        (words_[which], url_for(f"bulk.{endpoint}", **{**asked, WHICH: which}))
        for which, results in RETRIED.items()
        if any(far.counts.get(each) for each in results)
    ]
