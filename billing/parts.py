"""Paying a part of an invoice at the customer's own wish, where the office allows it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import typed_numbers
from billing.errors import Refusal
from billing.office import get_settings, in_words
from models import Invoice

FIELD = "other_amount"


def why_not_part(session: Session, invoice: Invoice, amount: int) -> Refusal | None:
    """An amount that is nothing, or more than the balance; ``amount`` is minor units."""
    if amount <= 0:
        return Refusal("The amount must be more than zero.", "amount_zero", "amount")
    if amount > invoice.balance_now:
        left = in_words(session, invoice.balance_now)
        return Refusal(f"Only {left} is left to pay.", "more_than_balance", "amount")
    return None


def why_not_other_amount(session: Session, invoice: Invoice, amount: int) -> Refusal | None:
    """An amount the customer chose: only where the office allows parts, and never more than owed.

    The whole balance is no part, so it is fine in every office.
    """
    if amount != invoice.balance_now and not get_settings(session).other_amounts:
        return Refusal("Please pay the whole amount.", "no_other_amounts", FIELD)
    why_not = why_not_part(session, invoice, amount)
    return Refusal(why_not.sentence, why_not.code, FIELD) if why_not else None


def read_other_amount(session: Session, invoice: Invoice, text: str) -> int:
    """Return the minor units a customer typed as the amount to pay on ``invoice``.

    Read the way the office writes numbers. Raises ``Refusal`` (at ``FIELD``) for anything that is
    not an amount the customer can pay now; ``charging.pay_invoice`` asks again under lock.
    """
    settings = get_settings(session)
    amount = typed_numbers.parse_amount(text, settings.currency, settings.locale, field=FIELD)
    why_not = why_not_other_amount(session, invoice, amount)
    if why_not is not None:
        raise why_not
    return amount
