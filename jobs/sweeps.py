"""Jobs around money: each only finds ids and calls a verb of the heart per id."""

from __future__ import annotations

import logging
from collections.abc import Callable

from billing import clock, digests, in_person, methods, notifications, overdue, reconciliation
from billing.actor import SYSTEM
from billing.errors import GatewayError, Refusal
from billing.overdue_news import tell_overdue
from billing.rounds import MOST_IN_VAIN, PIECE

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

    def process(notification_id: int) -> bool:
        notifications.process(notification_id)
        return True

    return f"{_each(ids, process)} of {len(ids)} notifications processed"


def sweep_notifications(_ids: list[int]) -> str:
    """Act on every notification nobody has acted on."""
    return process_notifications(notifications.waiting_notifications())


def mark_overdue(_ids: list[int]) -> str:
    """Mark what became overdue at the office's last midnight, or was missed since."""
    return f"{overdue.mark_overdue()} invoices became overdue"


def overdue_notices(_ids: list[int]) -> str:
    """Tell staff once a day how much is overdue."""
    return f"{tell_overdue()} overdue"


def send_digests(_ids: list[int]) -> str:
    """Send everybody what waits for them."""
    sent = _each(digests.people_waiting(), digests.send_digest)
    return f"{sent} daily {'digest' if sent == 1 else 'digests'} sent"


def release_holds(_ids: list[int]) -> str:
    """Void card holds that nobody processed in time."""
    holds = in_person.stale_holds()

    def release(payment_id: int) -> object:
        return in_person.release_hold(payment_id, actor=SYSTEM)

    return f"{_each(holds, release)} of {len(holds)} holds released"


def forget_methods(_ids: list[int]) -> str:
    """Have the gateway forget cards and accounts that were removed while it was away."""
    done = _each(methods.still_at_gateway(), methods.forget)
    return f"{done} removed payment {'method' if done == 1 else 'methods'} forgotten at the gateway"


def _each(ids: list[int], verb: Callable[[int], object]) -> int:
    """Call ``verb`` for every id; one that fails is logged and does not stop the others.

    A gateway that gives no answer, or takes its time, must not keep a worker from other work: the
    rest then waits for the next sweep.
    """
    done = in_vain = 0
    until = clock.now() + PIECE
    for record_id in ids:
        unanswered = False
        try:
            done += bool(verb(record_id))
        except Refusal as refusal:
            log.info("%s: %s", record_id, refusal.sentence)
        except GatewayError as error:
            log.warning("%s waits: %s", record_id, error)
            unanswered = True
        except Exception:
            log.exception("%s failed and will be tried again", record_id)
        in_vain = in_vain + 1 if unanswered else 0
        if in_vain >= MOST_IN_VAIN or clock.now() >= until:
            break
    return done
