"""What may be done to a transaction after it was made."""

from __future__ import annotations

from typing import Any

from sandbox import amounts, lifecycle, nonces, render, transactions
from sandbox.refusals import refusal
from sandbox.transactions import Transaction
from sandbox.work import Work

Params = dict[str, Any]

# A refund in one of these gave nothing back.
_CAME_TO_NOTHING = (*transactions.REFUSED_STATUSES, "voided", "settlement_declined")


def capture(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Settle an authorisation, all of it or less.

    Raises Refused: 91507 not authorised, 91522 more than was authorised, 815xx amount.
    """
    if transaction.status != "authorized":
        raise refusal("91507")
    amount = _amount(params, transaction.amount)
    if amount > transaction.amount:
        raise refusal("91522")
    _take_details(transaction, params)
    transaction.amount = amount
    lifecycle.move(work, transaction, "submitted_for_settlement")
    return transaction


def capture_part(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Settle part of an authorisation as a transaction of its own, leaving the rest open.

    Raises Refused: 915103 not authorised, 91522 more than is left, 815xx amount.
    """
    if transaction.status != "authorized":
        raise refusal("915103")
    amount = amounts.parse(params.get("amount"))
    parts = transactions.children(work, "authorized_id", transaction.id)
    taken = sum(part.amount for part in parts if part.status != "voided")
    if amount > transaction.amount - taken:
        raise refusal("91522")
    part = _follow_up(work, transaction, "sale", amount, params)
    part.authorized_id = transaction.id
    transactions.insert(work, part)
    lifecycle.move(work, part, "submitted_for_settlement")
    return part


def void(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Call a transaction off before it settles. Raises Refused 91504 when it is too late."""
    if not can_be_voided(work, transaction):
        raise refusal("91504")
    lifecycle.move(work, transaction, "voided")
    return transaction


def can_be_voided(work: Work, transaction: Transaction) -> bool:
    """Whether void would work; a knob decides it for bank debits on their way."""
    if transaction.status == "settlement_pending":
        return bool(work.settings["bank_debits_voidable"])
    return transaction.status in ("authorized", "submitted_for_settlement")


def refund(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Give money back, all that is left of it or less, as a transaction of type credit.

    Raises Refused: 91505 it is a credit, 91506 not settled, 91512 nothing left, 91521 more than
    is left, 91501 order id over 255 characters, 815xx amount.
    """
    if transaction.type == "credit":
        raise refusal("91505")
    if transaction.status not in ("settled", "settling"):
        raise refusal("91506")
    refunds = transactions.children(work, "refunded_id", transaction.id)
    left = transaction.amount - sum(r.amount for r in refunds if r.status not in _CAME_TO_NOTHING)
    if left <= 0:
        raise refusal("91512")
    amount = _amount(params, left)
    if amount > left:
        raise refusal("91521")
    credit = _follow_up(work, transaction, "credit", amount, params)
    credit.refunded_id = transaction.id
    transactions.insert(work, credit)
    status = "settlement_pending" if credit.is_bank_debit else "submitted_for_settlement"
    lifecycle.move(work, credit, status)
    return credit


def reverse(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Void where that is still possible, else refund in full. Raises Refused as those do."""
    if can_be_voided(work, transaction):
        return void(work, transaction, params)
    return refund(work, transaction, {})


def adjust(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Change the amount of an authorisation. Raises Refused 915218 when it is not one."""
    if transaction.status != "authorized":
        raise refusal("915218")
    amount = amounts.parse(params.get("amount"))
    kind = "incremental" if amount > transaction.amount else "reversal"
    difference = amounts.show(abs(amount - transaction.amount))
    entry = {"amount": difference, "success": True, "processor_response_code": "1000"}
    transaction.data.setdefault("adjustments", []).append(entry | {"type": kind})
    transaction.amount = amount
    lifecycle.move(work, transaction, "authorized")
    return transaction


def update_details(work: Work, transaction: Transaction, params: Params) -> Transaction:
    """Change amount (only downwards) and order id of what is not settled yet.

    Raises Refused: 91507 when it is not submitted for settlement, 91522, 91501, 815xx.
    """
    if transaction.status != "submitted_for_settlement":
        raise refusal("91507")
    amount = _amount(params, transaction.amount)
    if amount > transaction.amount:
        raise refusal("91522")
    _take_details(transaction, params)
    transaction.amount = amount
    transactions.save(work, transaction)
    return transaction


def simulate(work: Work, transaction: Transaction, status: str) -> Transaction:
    """Settle, decline or delay at once, as tests wish.

    Raises Refused 91575 unless the transaction is on its way to settlement.
    """
    if transaction.status not in lifecycle.SETTLEABLE:
        raise refusal("91575")
    lifecycle.move(work, transaction, status, source="control_panel")
    return transaction


def _amount(params: Params, otherwise: int) -> int:
    return amounts.parse(params["amount"]) if params.get("amount") else otherwise


def _take_details(transaction: Transaction, params: Params) -> None:
    order_id = params.get("order_id")
    if order_id and len(str(order_id)) > 255:
        raise refusal("91501")
    transaction.order_id = order_id or transaction.order_id


def _follow_up(
    work: Work, transaction: Transaction, kind: str, amount: int, params: Params
) -> Transaction:
    kept = ("instrument", "billing", "shipping", "customer", "merchant_account_id")
    data = {name: transaction.data.get(name) for name in kept}
    code = "1002" if kind == "credit" else "1000"
    follow_up = Transaction(
        type=kind,
        status="authorizing",
        amount=amount,
        currency=transaction.currency,
        order_id=transaction.order_id,
        customer_id=transaction.customer_id,
        payment_method_token=transaction.payment_method_token,
        kind=transaction.kind,
        fingerprint=transaction.fingerprint,
        created_at=work.now,
        updated_at=work.now,
        data=data
        | {"recurring": False, "processor_authorization_code": nonces.new_id(6).upper()}
        | render.processor_answer(code),
    )
    _take_details(follow_up, params)
    return follow_up
