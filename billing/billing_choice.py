"""How a user is billed: by which method, and whether that happens by itself.

The one writer of a user's billing method and billing trigger. A charge of a registered method reads
the method again under the user's lock, so ``invoice`` stops every one that has not started yet.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.retry_plan import stop_retries
from models import Settings, User
from models.states import BillingMethod, BillingTrigger

Choice = TypeVar("Choice", BillingMethod, BillingTrigger)
WHY_STOPPED = "The user's billing method was set to invoice."


def trigger_of(user: User, settings: Settings) -> BillingTrigger:
    """Return whether this user is billed automatically or manually, the default worked out."""
    if user.billing_trigger is not BillingTrigger.DEFAULT:
        return user.billing_trigger
    automatic = settings.billing_trigger is BillingTrigger.AUTOMATIC
    return BillingTrigger.AUTOMATIC if automatic else BillingTrigger.MANUAL


def automatic_triggers(settings: Settings) -> tuple[BillingTrigger, ...]:
    """Return the values of a user's trigger that come to automatic, for conditions in SQL."""
    if settings.billing_trigger is BillingTrigger.AUTOMATIC:
        return (BillingTrigger.AUTOMATIC, BillingTrigger.DEFAULT)
    return (BillingTrigger.AUTOMATIC,)


def set_billing_method(user_id: int, method: BillingMethod, *, actor: Actor) -> bool:
    """Set what this user's invoices are settled with; False when it was so already.

    ``invoice`` stops every charge of a registered method at once: planned retries, and what is
    queued. A debit that is on its way already is not called back (see ``billing.redraft``).
    """
    wanted = _read(BillingMethod, method, "billing_method")
    with transaction() as session:
        return change_method(session, lock(session, User, user_id), wanted, actor)


def change_method(session: Session, user: User, method: BillingMethod, actor: Actor) -> bool:
    """Do the same in the caller's transaction, which holds the user's lock and no later one."""
    before = user.billing_method
    if before is method:
        return False
    user.billing_method = method
    sentence = f"Billing method set to {method}"
    if method is BillingMethod.INVOICE:
        sentence += _planned(len(stop_retries(session, user.id, WHY_STOPPED, actor)))
    details = {"changes": {"billing_method": [before.value, method.value]}}
    note(session, user, "billing_method", sentence, actor, details=details)
    return True


def set_billing_trigger(user_id: int, trigger: BillingTrigger, *, actor: Actor) -> bool:
    """Set whether the nightly run bills this user by itself; False when it was so already."""
    wanted = _read(BillingTrigger, trigger, "billing_trigger")
    with transaction() as session:
        user = lock(session, User, user_id)
        before = user.billing_trigger
        if before is wanted:
            return False
        user.billing_trigger = wanted
        details = {"changes": {"billing_trigger": [before.value, wanted.value]}}
        sentence = f"Billing trigger set to {wanted}"
        note(session, user, "billing_trigger", sentence, actor, details=details)
        return True


def _read(choices: type[Choice], value: str, field: str) -> Choice:
    try:
        return choices(value)
    except ValueError as error:
        raise Refusal("Choose one of the choices given.", "no_such_choice", field) from error


def _planned(count: int) -> str:
    if not count:
        return ""
    return f"; {count} planned {'charge' if count == 1 else 'charges'} stopped"
