"""The words a record's state can be. What may follow what is decided in ``billing.transitions``."""

from __future__ import annotations

import enum

from sqlalchemy import Enum


class InvoiceState(enum.StrEnum):
    """Where an invoice is in its life. *Active* and *overdue* are derived, never stored here."""

    DRAFT = "draft"
    SENT = "sent"
    PENDING = "pending"
    FAILED = "failed"
    PAID = "paid"
    DELETED = "deleted"


class PaymentState(enum.StrEnum):
    """Where one movement of money, or attempt at it, is."""

    STARTED = "started"  # written down before the call; nobody has answered yet
    AUTHORISED = "authorised"  # a hold on a card, not yet captured
    PENDING = "pending"  # a direct debit the bank has not answered
    SUBMITTED = "submitted"  # a card the gateway accepted; counts as money, watched until settled
    SETTLED = "settled"  # the money is here
    DECLINED = "declined"  # the bank said no
    FAILED = "failed"  # it never took place
    VOIDED = "voided"  # undone before it settled
    RETURNED = "returned"  # settled, then taken back by the bank
    REVERSED = "reversed"  # a manual payment that was entered wrongly


class AllocationState(enum.StrEnum):
    """What a payment's share of an invoice means for that invoice's balance."""

    CLAIMED = "claimed"  # a live attempt holds the invoice; no money yet
    APPLIED = "applied"  # counts
    RELEASED = "released"  # the attempt came to nothing, or was detached
    REVERSED = "reversed"  # counted once, was taken back


class ApplicationState(enum.StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    INACTIVE = "inactive"


class EmailState(enum.StrEnum):
    """How far an outgoing e-mail got. *Sent* means the mail server accepted it."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class MessageState(enum.StrEnum):
    """Where a message to many is. *Paused* keeps its recipients, to be resumed."""

    DRAFT = "draft"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    ARCHIVED = "archived"


class RecipientState(enum.StrEnum):
    """How far one letter of a message got."""

    WAITING = "waiting"
    SENDING = "sending"  # a worker has it; it may be at the mail server already
    SENT = "sent"  # the mail server accepted it
    FAILED = "failed"  # the mail server refused it
    UNKNOWN = "unknown"  # nobody reported back: it may have been sent, so staff decide
    SKIPPED = "skipped"  # left out, see its reason


class LeftOut(enum.StrEnum):
    """Why somebody a message could have gone to gets none."""

    INACTIVE = "inactive"
    NO_EMAIL = "no_email"
    EXCLUDED = "excluded"
    UNPAID = "unpaid"
    UNSUBSCRIBED = "unsubscribed"
    SAME_ADDRESS = "same_address"
    STOPPED = "stopped"


class PaymentKind(enum.StrEnum):
    CHARGE = "charge"
    REFUND = "refund"


class Tender(enum.StrEnum):
    """What a payment is made with."""

    CARD = "card"
    DIRECT_DEBIT = "direct_debit"
    CHECK = "check"
    CASH = "cash"
    OTHER = "other"


class BillingMethod(enum.StrEnum):
    GATEWAY = "gateway"
    INVOICE = "invoice"


class BillingTrigger(enum.StrEnum):
    DEFAULT = "default"
    AUTOMATIC = "automatic"
    MANUAL = "manual"


class BulkResult(enum.StrEnum):
    """What became of one invoice of a bulk action."""

    WAITING = "waiting"
    RUNNING = "running"  # a worker has it; if it dies here, the verb's own walls protect the money
    DONE = "done"
    REFUSED = "refused"  # a rule of ours said no; nothing happened
    DECLINED = "declined"  # the bank said no
    UNKNOWN = "unknown"  # nobody answered; it is being looked up
    FAILED = "failed"  # it came to nothing
    STOPPED = "stopped"  # staff stopped the run before its turn


class DisputeState(enum.StrEnum):
    """How far a cardholder's complaint at their bank got."""

    OPEN = "open"
    WON = "won"  # the money stays
    LOST = "lost"  # the bank took it back


class OverdueBasis(enum.StrEnum):
    """Which date an invoice without a due date ages from."""

    ISSUED = "issued"
    INVOICE_DATE = "invoice_date"


class FeeRule(enum.StrEnum):
    """Whom a form's fee is for; the form says where its residents live."""

    EVERYONE = "everyone"
    RESIDENT = "resident"
    NON_RESIDENT = "non_resident"


class Rounding(enum.StrEnum):
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class ActorKind(enum.StrEnum):
    STAFF = "staff"
    CUSTOMER = "customer"
    SYSTEM = "system"


# A live payment may still bring money for the invoice it claims.
LIVE_PAYMENT_STATES = (PaymentState.STARTED, PaymentState.AUTHORISED, PaymentState.PENDING)
# Collected: the amount counts as received (a card before its settlement included).
COLLECTED_PAYMENT_STATES = (PaymentState.SUBMITTED, PaymentState.SETTLED)
ACTIVE_INVOICE_STATES = (InvoiceState.DRAFT, InvoiceState.SENT, InvoiceState.FAILED)
OPEN_INVOICE_STATES = (InvoiceState.SENT, InvoiceState.FAILED)
OWED_INVOICE_STATES = (InvoiceState.SENT, InvoiceState.FAILED, InvoiceState.PENDING)


def state_type(states: type[enum.StrEnum], name: str) -> Enum:
    """Return a text column type for ``states`` with a CHECK named ``name``.

    Text, not a native enum: adding a state is then the same migration on both databases.
    """
    return Enum(
        states,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )
