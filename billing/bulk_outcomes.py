"""What a verb would do to each of many invoices: the guards' own rules as one SQL expression.

The guards answer for one invoice in front of them; asking them twenty thousand times would take
minutes. Here the same questions stand in the same order in a CASE, under the same codes, and a test
holds the two side by side. What is counted here is only a forecast: each verb asks its guard again
under lock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, exists, func, literal, not_, select
from sqlalchemy.orm import aliased

from billing import reminding
from models import Allocation, Invoice, Item, OutgoingEmail, PaymentMethod, User
from models.label import invoice_labels
from models.states import AllocationState, BillingMethod, InvoiceState

I = InvoiceState  # noqa: E741
Branch = tuple[ColumnElement[bool], str]
# The invoice's user; an alias, so that no filter's own look at users is mistaken for it.
Customer = aliased(User)


@dataclass(frozen=True)
class BulkVerb:
    """A verb that can be carried out on many invoices.

    permission -- what its single form needs
    goes       -- outcomes that mean it would be done, and what follows their count
    stays      -- refusals by the guard's code, and what follows their count
    most       -- how many invoices one run may have
    """

    name: str
    label: str
    permission: str
    goes: Mapping[str, str]
    stays: Mapping[str, str]
    most: int = 20_000

    def words(self, outcome: str) -> str:
        """Return what follows the count of ``outcome``."""
        return self.goes.get(outcome) or f"can't: {self.stays.get(outcome, 'it is refused')}"


IN_FLIGHT = "a payment is on its way or a card is on hold"
NOT_OPEN = "the invoice is paid or deleted"
NO_BALANCE = "nothing is left to pay"

SEND = BulkVerb(
    "send",
    "Send",
    "invoices.send",
    goes={
        "send": "will be issued and e-mailed",
        "resend": "will be e-mailed again",
        "send_on_paper": "will be issued, and nothing e-mailed: the customer has no e-mail",
        "resend_on_paper": "will be issued again, and nothing e-mailed: the customer has no e-mail",
        "close": "will be closed as paid: nothing is left to pay",
    },
    stays={
        "pending": "a payment is being processed",
        "not_open": NOT_OPEN,
        "no_items": "the draft has no items yet",
        "no_total": "the total is not more than zero",
        "live": IN_FLIGHT,
    },
)
CHARGE = BulkVerb(
    "charge",
    "Charge customer",
    "invoices.charge",
    goes={"charge": "will be charged"},
    stays={
        "not_open": NOT_OPEN,
        "billing_method_invoice": "the billing method is invoice",
        "no_payment_method": "no payment method on file",
        "method_expired": "the card on file has expired",
        "live": IN_FLIGHT,
        "no_balance": NO_BALANCE,
    },
)
REMIND = BulkVerb(
    "remind",
    "Remind",
    "invoices.send",
    goes={"remind": "will be reminded"},
    stays={
        "pending": "a payment is being processed",
        "draft": "it is a draft",
        "not_open": NOT_OPEN,
        "live": IN_FLIGHT,
        "no_balance": NO_BALANCE,
        "no_email": "the customer has no e-mail",
        "reminded": "the customer was reminded of it today",
    },
)
LABEL = BulkVerb(
    "label",
    "Label",
    "invoices.label",
    goes={"add": "will get the label", "remove": "will lose the label"},
    stays={
        "deleted": "the invoice is deleted",
        "has_it": "they have the label already",
        "has_it_not": "they don't have the label",
    },
)
PDF = BulkVerb(
    "pdf",
    "PDF",
    "invoices.view",
    goes={"print": "will be in the file"},
    stays={},
    most=1_000,
)
VERBS = {verb.name: verb for verb in (SEND, CHARGE, REMIND, LABEL, PDF)}


def outcome_of(verb: BulkVerb, params: Mapping[str, Any], today: dt.date) -> ColumnElement[str]:
    """Return the code of what ``verb`` would do to an invoice, with its ``Customer`` joined.

    params -- of Label: ``label`` (its id) and ``how`` ("add" or "remove")
    today  -- the office's local date
    """
    if verb is SEND:
        return _sending()
    if verb is CHARGE:
        return _charging(today)
    if verb is REMIND:
        return _reminding(today)
    if verb is LABEL:
        return _labelling(params)
    return literal("print", String)


def _sending() -> ColumnElement[str]:
    draft = Invoice.state == I.DRAFT
    branches: list[Branch] = [
        (Invoice.state == I.PENDING, "pending"),
        (Invoice.state.in_((I.PAID, I.DELETED)), "not_open"),
        (draft & ~exists().where(Item.invoice_id == Invoice.id), "no_items"),
        (draft & (Invoice.total <= 0), "no_total"),
        (_is_live(), "live"),
        (draft & (Invoice.balance == 0), "close"),
        (draft & _reachable(), "send"),
        (draft, "send_on_paper"),
        (_reachable(), "resend"),
    ]
    return _first_of(branches, "resend_on_paper")


def _charging(today: dt.date) -> ColumnElement[str]:
    branches: list[Branch] = [
        (Invoice.state.in_((I.PAID, I.DELETED)), "not_open"),
        (Customer.billing_method == BillingMethod.INVOICE, "billing_method_invoice"),
        (~_has_method(), "no_payment_method"),
        (_has_method(PaymentMethod.expires_on < today), "method_expired"),
        (_is_live(), "live"),
        (Invoice.state == I.PENDING, "live"),
        (Invoice.balance <= 0, "no_balance"),
    ]
    return _first_of(branches, "charge")


def _reminding(today: dt.date) -> ColumnElement[str]:
    # Written like ``reminding.occasion``, which is unique and therefore quickly found.
    once = reminding.KIND + ":" + cast(Invoice.id, String) + f":{today.isoformat()}"
    branches: list[Branch] = [
        (Invoice.state == I.PENDING, "pending"),
        (Invoice.state == I.DRAFT, "draft"),
        (Invoice.state.in_((I.PAID, I.DELETED)), "not_open"),
        (_is_live(), "live"),
        (Invoice.balance <= 0, "no_balance"),
        (not_(_reachable()), "no_email"),
        (exists().where(OutgoingEmail.occasion == once), "reminded"),
    ]
    return _first_of(branches, "remind")


def _labelling(params: Mapping[str, Any]) -> ColumnElement[str]:
    has_it = exists(
        select(invoice_labels.c.label_id).where(
            invoice_labels.c.invoice_id == Invoice.id,
            invoice_labels.c.label_id == params["label"],
        )
    )
    deleted = (Invoice.state == I.DELETED, "deleted")
    if params["how"] == "add":
        return _first_of([deleted, (has_it, "has_it")], "add")
    return _first_of([deleted, (~has_it, "has_it_not")], "remove")


def _first_of(branches: list[Branch], otherwise: str) -> ColumnElement[str]:
    whens = [(condition, literal(code, String)) for condition, code in branches]
    return case(*whens, else_=literal(otherwise, String))


def _is_live() -> ColumnElement[bool]:
    return exists().where(
        Allocation.invoice_id == Invoice.id, Allocation.state == AllocationState.CLAIMED
    )


def _has_method(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        PaymentMethod.user_id == Invoice.user_id,
        PaymentMethod.is_default,
        PaymentMethod.removed_at.is_(None),
        *which,
    )


def _reachable() -> ColumnElement[bool]:
    """``User.reachable`` as a condition; no e-mail may be missing or empty."""
    return (
        (func.coalesce(Customer.email, "") != "")
        & ~Customer.no_email
        & Customer.erased_at.is_(None)
    )
