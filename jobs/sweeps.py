"""Jobs around money: each only finds ids and calls a verb of the heart per id."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import func, select

from billing import in_person, notifications, overdue, reconciliation
from billing.actor import SYSTEM
from billing.database import transaction
from billing.errors import Refusal
from billing.mailing import notify_staff
from billing.office import get_settings, in_words, local_today
from billing.overdue import overdue_condition
from models import Invoice

log = logging.getLogger(__name__)


def check_payments(ids: list[int]) -> str:
    """Look these payments up at the gateway now."""
    moved = _each(ids, reconciliation.check_payment)
    return f"{moved} of {len(ids)} payments changed"


def reconcile(_ids: list[int]) -> str:
    """Look every payment up whose time has come."""
    return check_payments(reconciliation.due_payments())


def process_notifications(ids: list[int]) -> str:
    """Act on these notifications of the gateway."""
    _each(ids, notifications.process)
    return f"{len(ids)} notifications processed"


def sweep_notifications(_ids: list[int]) -> str:
    """Act on every notification nobody has acted on."""
    return process_notifications(notifications.waiting_notifications())


def mark_overdue(_ids: list[int]) -> str:
    """Mark what became overdue at the office's last midnight, or was missed since."""
    return f"{overdue.mark_overdue()} invoices became overdue"


def overdue_notices(_ids: list[int]) -> str:
    """Tell the office once a day how much is overdue."""
    with transaction() as session:
        today = local_today(session)
        count, total = session.execute(
            select(func.count(Invoice.id), func.coalesce(func.sum(Invoice.balance), 0)).where(
                overdue_condition(today)
            )
        ).one()
        if count:
            notify_staff(
                session,
                f"overdue:{today.isoformat()}",
                f"{count} overdue {'invoice' if count == 1 else 'invoices'}",
                f"{in_words(session, total)} is overdue at {get_settings(session).organisation}.",
            )
    return f"{count} overdue"


def release_holds(_ids: list[int]) -> str:
    """Void card holds that nobody processed in time."""
    holds = in_person.stale_holds()

    def release(payment_id: int) -> object:
        return in_person.release_hold(payment_id, actor=SYSTEM)

    _each(holds, release)
    return f"{len(holds)} holds released"


def _each(ids: list[int], verb: Callable[[int], object]) -> int:
    """Call ``verb`` for every id; one that fails is logged and does not stop the others."""
    done = 0
    for record_id in ids:
        try:
            done += bool(verb(record_id))
        except Refusal as refusal:
            log.info("%s: %s", record_id, refusal.sentence)
        except Exception:
            log.exception("%s failed and will be tried again", record_id)
    return done
