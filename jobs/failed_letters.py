"""What a letter about a failed charge says: why in plain words, and what happens next."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from billing.method_links import method_url
from billing.reasons import reason_sentence
from models import OutgoingEmail, Payment, PaymentMethod
from models.states import BillingMethod, InvoiceState


def failed_context(email: OutgoingEmail, session: Session) -> dict[str, Any]:
    """Return what the letters add to an invoice's.

    method      -- the card or account, if it was a registered one
    reason      -- a sentence in plain words, without a processor's code; empty without an answer
    again_on    -- the day on which it is charged again, if that is planned
    may_work    -- whether the same card or account may work another time
    method_link -- the customer's own page to give another one; empty where none is charged
    """
    payment = session.get(Payment, email.payment_id) if email.payment_id else None
    method_id = payment.payment_method_id if payment else None
    method = session.get(PaymentMethod, method_id) if method_id else None
    invoice, user = email.invoice, email.user
    still_open = invoice is not None and invoice.state is InvoiceState.FAILED
    charged = user is not None and user.billing_method is BillingMethod.GATEWAY
    # A plain "returned" or "not settled" is no reason, so nothing is made up for it.
    said = payment is not None and bool(payment.code)
    return {
        "method": method.in_a_sentence if method is not None else "",
        "reason": reason_sentence(payment.code) if payment and said else "",
        "again_on": invoice.retry_on if invoice is not None and still_open else None,
        "may_work": payment is not None and payment.soft is True,
        "method_link": method_url(user) if user is not None and charged and method else "",
    }
