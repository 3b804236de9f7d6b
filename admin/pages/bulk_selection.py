"""Which invoices a bulk action is about, read from its address.

The rows that were ticked, all that match the list's filters, or those of an earlier run that came
to nothing: always as conditions, inside the person's sites, for one statement to use. An id of
another site is simply not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from admin.base import grid, searching
from admin.base.access import holds, signed_in
from admin.base.bulk import ALL, TICKED
from admin.base.registry import view_of
from admin.base.scope import find, in_scope, read_id, site_ids
from admin.base.words import words
from billing.bulk import verb_of
from models import BulkRow, BulkRun, Invoice, db
from models.states import BulkResult

AGAIN_OF, OUTCOME, LABEL, HOW, WHICH = "again_of", "outcome", "label_id", "how", "which"
# Not the grid's, so not read as its filters.
OWN = {TICKED, ALL, "chosen", AGAIN_OF, OUTCOME, LABEL, HOW, WHICH, *grid.PAGE_MARKS}
# Results that may be worth another try. An unknown one never: money may have moved.
RETRIED = {
    "failed": (BulkResult.REFUSED, BulkResult.FAILED),
    "stopped": (BulkResult.STOPPED,),
}


@dataclass(frozen=True)
class Selection:
    """The invoices chosen.

    notices -- what of the filters was not understood, so that more may be chosen than was meant
    back    -- the list they were chosen from
    """

    conditions: Sequence[Any]
    words: str
    back: str
    notices: Sequence[str] = ()


def read_selection() -> Selection | None:
    """Return what this request is about; None when nothing was chosen."""
    args = request.args
    kept = MultiDict((name, value) for name, value in args.items(multi=True) if name not in OWN)
    back = url_for("invoice.index_view") + (f"?{urlencode(list(kept.items(multi=True)))}")
    if AGAIN_OF in args:
        return _again(back)
    if ALL in args:
        view = view_of(Invoice)
        assert view is not None
        wanted = grid.read_request(view, kept, words(), searching.ALL_FINDS)
        notices = wanted.reading.notices
        return Selection(wanted.conditions, "All that match", back, tuple(notices))
    ids = {number for number in map(read_id, args.getlist(TICKED)) if number}
    if not ids:
        return None
    return Selection([Invoice.id.in_(ids), *in_scope(Invoice)], "Selected", back)


def _again(back: str) -> Selection | None:
    run = visible_run(read_id(request.args[AGAIN_OF]))
    results = RETRIED.get(request.args.get(WHICH, ""))
    if run is None or results is None:
        return None
    rows = select(BulkRow.invoice_id).where(BulkRow.run_id == run.id, BulkRow.result.in_(results))
    conditions = [Invoice.id.in_(rows), *in_scope(Invoice)]
    return Selection(conditions, "Of an earlier run", back)


def visible_run(run_id: int | None) -> BulkRun | None:
    """Return a run this person may see, else None.

    Whose it is may see it, and whoever may do the same; but nobody whose sites don't hold every
    invoice of it, because its sums, results and file are of all of them.
    """
    run = find(BulkRun, run_id)
    if run is None:
        return None
    person = signed_in()
    is_own = person is not None and run.staff_id == person.id
    if not is_own and not holds(verb_of(run).permission):
        return None
    return run if _is_in_scope(run) else None


def _is_in_scope(run: BulkRun) -> bool:
    if not site_ids():
        return True
    seen = select(Invoice.id).where(*in_scope(Invoice))
    outside = (
        select(BulkRow.id).where(BulkRow.run_id == run.id, BulkRow.invoice_id.not_in(seen)).limit(1)
    )
    return db.session.scalar(outside) is None
