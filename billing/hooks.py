"""What other rooms do when a payment changed, inside the transaction that changed it.

The heart knows nothing of the rooms above it; they register here when the process starts. Because
a hook runs in the transaction that records the outcome, what follows from money follows from it
wherever the outcome became known: the request, a webhook, or reconciliation after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.actor import Actor
from models import Invoice, Payment
from models.states import COLLECTED_PAYMENT_STATES, PaymentState


@dataclass(frozen=True)
class Change:
    """A payment that was recorded: its state before and after.

    applied -- it was received before, and only now put on these invoices
    """

    payment: Payment
    before: PaymentState
    after: PaymentState
    applied: bool = False

    @property
    def moved(self) -> bool:
        return self.before is not self.after

    @property
    def brought_money(self) -> bool:
        return self.applied or (
            self.before not in COLLECTED_PAYMENT_STATES and self.after in COLLECTED_PAYMENT_STATES
        )

    @property
    def lost_money(self) -> bool:
        return (
            self.before in COLLECTED_PAYMENT_STATES and self.after not in COLLECTED_PAYMENT_STATES
        )


Hook = Callable[[Session, Change, Sequence[Invoice], Actor], None]

_hooks: list[Hook] = []


def register(hook: Hook) -> None:
    """Have ``hook(session, change, invoices, actor)`` called; registering it again does nothing.

    The applications the invoices are about, the invoices and the payment are locked, in this order.
    A hook must not call the network and must not open a transaction.
    """
    if hook not in _hooks:
        _hooks.append(hook)


def payment_changed(
    session: Session, change: Change, invoices: Sequence[Invoice], actor: Actor
) -> None:
    """Call every hook, after the change was written."""
    session.flush()
    for hook in _hooks:
        hook(session, change, invoices, actor)
