"""What is left to a person: nothing that runs by itself, or was begun before, overrides them.

An invoice somebody set back to draft, a charge somebody called off, and a payment method the
gateway would not even try. Conditions take an invoice's id, a column or a number.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Exists, exists, or_, select
from sqlalchemy.orm import Session

from billing.errors import Refusal
from billing.gateway import NEVER_TOOK_PLACE
from models import Allocation, History, Invoice, Payment
from models.states import PaymentState

TAKEN_BACK = "This invoice was set back to draft: a person decides."


def set_back_condition(invoice_id: Any, since: dt.datetime | None = None) -> ColumnElement[bool]:
    """Whether somebody set the invoice back to draft; ``since``: after that moment."""
    redrafted = exists().where(
        History.record == "invoice", History.record_id == invoice_id, History.verb == "redraft"
    )
    return redrafted if since is None else redrafted.where(History.at > since)


def called_off_condition(invoice_id: Any) -> ColumnElement[bool]:
    """Whether a charge of a registered method was voided: making it again is for a person.

    Setting an invoice back voids its charge first, and may not get any further.
    """
    return _attempt(invoice_id).where(
        Payment.state == PaymentState.VOIDED, Payment.payment_method_id.is_not(None)
    )


def refused_condition(invoice_id: Any, method_id: Any) -> ColumnElement[bool]:
    """Whether the gateway would not try to charge this payment method for the invoice."""
    return _attempt(invoice_id).where(
        Payment.state == PaymentState.FAILED,
        Payment.message.not_in(NEVER_TOOK_PLACE),
        Payment.payment_method_id == method_id,
    )


def waits_for_a_person(invoice_id: Any) -> ColumnElement[bool]:
    """Whether the nightly run leaves a draft alone because somebody took it back."""
    return or_(set_back_condition(invoice_id), called_off_condition(invoice_id))


def why_set_back_since(
    session: Session, invoice: Invoice, since: dt.datetime | None
) -> Refusal | None:
    """Refuse what was decided at ``since``, before somebody set the invoice back to draft."""
    if since is None or not session.scalar(select(set_back_condition(invoice.id, since))):
        return None
    return Refusal(TAKEN_BACK, "set_back")


def is_for_a_person(payment: Payment) -> bool:
    """Whether a charge that came to nothing is made again by staff only, if at all.

    One that was called off, or that the gateway was asked for and would not try; what never got
    there has been judged by nobody.
    """
    if payment.payment_method_id is None:
        return False
    refused = payment.state is PaymentState.FAILED and payment.message not in NEVER_TOOK_PLACE
    return refused or payment.state is PaymentState.VOIDED


def _attempt(invoice_id: Any) -> Exists:
    return exists().where(Allocation.invoice_id == invoice_id, Payment.id == Allocation.payment_id)
