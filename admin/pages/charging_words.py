"""What staff are told about a charge: what follows, how it ended, why an invoice failed.

A decline (the bank's no), a refusal (ours) and an unknown outcome are three different sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.base.words import words
from billing import guards
from billing.reasons import reason_in_words
from models import Allocation, Invoice, Payment, PaymentMethod, db
from models.states import (
    COLLECTED_PAYMENT_STATES,
    InvoiceState,
    PaymentKind,
    PaymentState,
    Tender,
)

SOFT = "It may work later (a soft decline)."
HARD = "It will not work again (a hard decline): ask the customer for another payment method."


def following(session: Session, invoice: Invoice, method: PaymentMethod) -> list[str]:
    """Return what follows from charging ``invoice`` to ``method``."""
    said = []
    if invoice.state is InvoiceState.DRAFT:
        number = "" if invoice.number else ", gets its number"
        said.append(f"The draft is issued{number} and is frozen; it is not e-mailed.")
    if method.tender is Tender.DIRECT_DEBIT:
        said.append("The bank takes some days to answer; until then the invoice is pending.")
    if invoice.user.reachable:
        said.append(f"The receipt goes to {invoice.user.email} once the money is there.")
    else:
        said.append("This user has no e-mail: no receipt will be sent; you can print it.")
    return said


def came_of(payment: Payment, invoice: Invoice) -> tuple[str, str]:
    """Return how a charge ended as (tone of the notice, sentence)."""
    amount = words().money(payment.amount)
    what = _charged(payment)
    if payment.state in COLLECTED_PAYMENT_STATES:
        left = f" {words().money(invoice.balance)} is left to pay." if invoice.balance else ""
        return "success", f"{amount} was charged to {what}.{left}{_receipt(payment, invoice)}"
    if payment.state is PaymentState.PENDING:
        said = "the invoice is pending until it answers."
        return "success", f"The bank has been asked for {amount} from {what}; {said}"
    if payment.state is PaymentState.DECLINED:
        # What comes next stands on the failed invoice itself, right below.
        said = f"{amount} could not be charged to {what}: {answer_in_words(payment)}."
        return "error", f"{said} Nothing was charged."
    if payment.state is PaymentState.STARTED:
        said = "We keep asking; do not charge again."
        return "warning", f"Nobody has answered yet whether {amount} was charged. {said}"
    said = answer_in_words(payment)
    return "error", f"Nothing was charged to {what}: {said}. You can try again."


def answer_in_words(payment: Payment) -> str:
    """Return the processor's answer with its code; without a full stop."""
    message = payment.message.strip().rstrip(".") or "no reason given"
    return f"{message} (code {payment.code})" if payment.code else message


@dataclass(frozen=True)
class Failure:
    """Why an invoice failed, and what comes next.

    why      -- what was tried, and the bank's answer with its code
    plain    -- the same as it is said to the customer; empty without an answer
    outlook  -- whether it may work later; empty when the bank did not say
    then     -- when it is charged again, or that it is not
    why_not  -- the guard's sentence when it can't be charged by hand now
    """

    payment: Payment | None
    why: str
    plain: str
    outlook: str
    then: str
    why_not: str | None


def failure_of(invoice: Invoice) -> Failure | None:
    """Return what the strip of a failed invoice says; None for any other invoice."""
    if invoice.state is not InvoiceState.FAILED:
        return None
    payment = _failed_payment(invoice)
    why_not = guards.why_not_charge(db.session(), invoice)
    return Failure(
        payment,
        _why(payment),
        reason_in_words(payment.code, soft=payment.soft) if payment and payment.code else "",
        " ".join(_outlook(payment)) if payment is not None else "",
        "".join(_next_try(invoice)) or "It is not charged again by itself.",
        None if why_not is None else why_not.sentence,
    )


def _failed_payment(invoice: Invoice) -> Payment | None:
    """Return the attempt that made the invoice fail: the registered method's, or a returned one."""
    return db.session.scalars(
        select(Payment)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(
            Allocation.invoice_id == invoice.id,
            Payment.kind == PaymentKind.CHARGE,
            (Payment.state == PaymentState.RETURNED)
            | ((Payment.state == PaymentState.DECLINED) & Payment.payment_method_id.is_not(None)),
        )
        .order_by(Payment.answered_at.desc(), Payment.id.desc())
        .limit(1)
    ).first()


def _why(payment: Payment | None) -> str:
    if payment is None:
        return "The charge failed; the history says why."
    amount, what = words().money(payment.amount), _charged(payment)
    day = words().day(words().local(payment.answered_at or payment.started_at).date())
    if payment.state is PaymentState.RETURNED:
        said = f": {answer_in_words(payment)}" if payment.message else ""
        return f"{amount} from {what} came back from the bank on {day}{said}."
    said = answer_in_words(payment)
    return f"{amount} could not be charged to {what} on {day}: {said}."


def _outlook(payment: Payment) -> list[str]:
    if payment.soft is None:
        return []
    return [SOFT if payment.soft else HARD]


def _next_try(invoice: Invoice) -> list[str]:
    if invoice.retry_on is None:
        return []
    if invoice.retry_on <= words().today:
        return ["It is charged again with the next nightly run."]
    return [f"It is charged again on {words().day(invoice.retry_on)}."]


def _charged(payment: Payment) -> str:
    method = str(payment.payment_method) if payment.payment_method is not None else ""
    return method or payment.instrument or "the payment method"


def _receipt(payment: Payment, invoice: Invoice) -> str:
    if not invoice.user.reachable:
        return " This user has no e-mail, so no receipt was sent."
    return f" The receipt is e-mailed to {invoice.user.email}."
