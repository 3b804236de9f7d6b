"""Carries out bulk actions, turn by turn. All it may forget is in the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import OperationalError

from billing import bulk_turns
from billing.bulk import counted
from billing.bulk_outcomes import CHARGE, LABEL, PDF, REMIND, SEND
from billing.bulk_results import charged
from billing.bulk_turns import ClaimedRow, Report, Turn
from billing.charging import charge_customer
from billing.database import reading
from billing.errors import NotFound, Refusal
from billing.invoicing import send_invoice
from billing.labelling import add_label, remove_label
from billing.reminding import remind
from documents import invoices_pdf
from documents.papers import InvoicePaper, invoice_paper
from models import Invoice, Payment
from models.states import BulkResult

log = logging.getLogger(__name__)

# A turn ends after so long and asks for the next, so that money and letters get by, and so that
# whoever asked for the run is looked at again.
TURN_SECONDS = 10.0
LABELS_AT_ONCE = 500
# Papers drawn between two looks at whether the run was stopped.
PAPERS_AT_ONCE = 20

BROKE = "Something went wrong on our side. Nothing was done."
ELSEWHERE = "This invoice is not at one of your sites."

R = BulkResult
Verb = Callable[[Turn, ClaimedRow], tuple[BulkResult, str]]


def run(ids: list[int]) -> str:
    """Go on with these runs for one turn each."""
    done = sum(_take_turn(run_id) for run_id in ids)
    return f"{counted(done)} done"


def sweep(_ids: list[int]) -> str:
    """Go on with what lost its worker, and look at what nobody had answered."""
    idle, known = bulk_turns.sweep()
    return f"{idle} runs looked after, {counted(known)} known now"


def _take_turn(run_id: int) -> int:
    turn = bulk_turns.take_turn(run_id)
    if turn is None:
        return 0
    if turn.verb is PDF:
        return _make_file(turn)
    size = LABELS_AT_ONCE if turn.verb is LABEL else 1
    carry_out = _label if turn.verb is LABEL else _one_by_one
    ends_at = time.monotonic() + TURN_SECONDS
    reports: list[Report] = []
    done = 0
    try:
        while time.monotonic() < ends_at:
            rows = bulk_turns.next_rows(turn, reports, limit=size)
            reports = []
            if not rows:
                break
            reports = carry_out(turn, rows)
            done += len(rows)
    finally:
        bulk_turns.end_turn(turn, reports)
    return done


def _one_by_one(turn: Turn, rows: Sequence[ClaimedRow]) -> list[Report]:
    return [Report(row.id, *_carry_out(turn, row)) for row in rows]


def _carry_out(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str]:
    """Call the single verb, which asks its guard again, and put what came of it into words."""
    if _is_elsewhere(turn, row):
        return R.REFUSED, ELSEWHERE
    try:
        return _VERBS[turn.verb.name](turn, row)
    except Refusal as refusal:
        return R.REFUSED, refusal.sentence
    except OperationalError:
        # The database is gone: nothing can be written down, and the next turn finds out.
        raise
    except Exception:
        log.exception("%s of invoice %s failed", turn.verb.name, row.invoice_id)
        return _after_failure(turn, row)


def _is_elsewhere(turn: Turn, row: ClaimedRow) -> bool:
    return bool(turn.sites) and row.site_id not in turn.sites


def _send(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str]:
    issued = send_invoice(row.invoice_id, decided_at=turn.begun_at, actor=turn.actor)
    if issued.emailed:
        return R.DONE, "Sent."
    return R.DONE, "Issued; nothing was e-mailed."


def _charge(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str]:
    attempt = charge_customer(
        row.invoice_id,
        shown_balance=row.shown_balance,
        decided_at=turn.begun_at,
        actor=turn.actor,
    )
    with reading() as session:
        return charged(session, session.get_one(Payment, attempt.payment_id))


def _remind(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str]:
    remind(row.invoice_id, actor=turn.actor)
    return R.DONE, "Reminder queued."


_VERBS: dict[str, Verb] = {SEND.name: _send, CHARGE.name: _charge, REMIND.name: _remind}


def _after_failure(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str]:
    """Say what the records say: a charge may have been made before something else broke."""
    found = bulk_turns.found_out(turn, row)
    return found or (R.FAILED, BROKE)


def _label(turn: Turn, rows: Sequence[ClaimedRow]) -> list[Report]:
    """Put the label on, or take it off, in a few statements for all."""
    mine = [row for row in rows if not _is_elsewhere(turn, row)]
    verb = add_label if turn.params["how"] == "add" else remove_label
    sentence = "Label put on." if turn.params["how"] == "add" else "Label taken off."
    ids = [row.invoice_id for row in mine]
    try:
        changed = set(verb(ids, int(turn.params["label"]), actor=turn.actor))
    except NotFound:
        return [Report(row.id, R.REFUSED, "This label is gone.") for row in rows]
    except OperationalError:
        raise
    except Exception:
        log.exception("labelling %s invoices failed", len(ids))
        return [Report(row.id, R.FAILED, BROKE) for row in rows]
    return [
        Report(row.id, R.REFUSED, ELSEWHERE)
        if row not in mine
        else Report(row.id, R.DONE, sentence if row.invoice_id in changed else "Nothing to change.")
        for row in rows
    ]


class _Stopped(Exception):
    """Staff stopped the run while its file was being drawn."""


def _make_file(turn: Turn) -> int:
    """Draw all invoices into one file. A run is small enough for one turn."""
    rows = bulk_turns.next_rows(turn, limit=turn.verb.most)
    file, left = None, (R.FAILED, BROKE)
    try:
        file = _draw(turn, rows)
    except _Stopped:
        left = (R.STOPPED, "Stopped before the file was made.")
    except OperationalError:
        bulk_turns.end_turn(turn)
        raise
    except Exception:
        log.exception("the file of run %s could not be made", turn.run_id)
    reports = [] if file else [Report(row.id, *left) for row in rows]
    bulk_turns.end_turn(turn, reports, file=file)
    return len(rows)


def _draw(turn: Turn, rows: Sequence[ClaimedRow]) -> bytes | None:
    """Return the file, or None when there is nothing to put into it."""
    papers: dict[int, InvoicePaper] = {}
    refused: list[Report] = []
    for row in rows:
        if _is_elsewhere(turn, row):
            refused.append(Report(row.id, R.REFUSED, ELSEWHERE))
            continue
        with reading() as session:
            invoice = session.get_one(Invoice, row.invoice_id)
            papers[row.id] = invoice_paper(session, invoice)
    if not bulk_turns.keep_on(turn, refused):
        raise _Stopped
    if not papers:
        return None
    row_ids = list(papers)

    def told(count: int) -> None:
        if count % PAPERS_AT_ONCE and count < len(row_ids):
            return
        fresh = row_ids[(count - 1) // PAPERS_AT_ONCE * PAPERS_AT_ONCE : count]
        if not bulk_turns.keep_on(turn, [Report(each, R.DONE, "In the file.") for each in fresh]):
            raise _Stopped

    return invoices_pdf(list(papers.values()), title=counted(len(papers)), told=told)
