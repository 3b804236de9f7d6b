"""The kinds of news staff can hear of, in the words they read, and the ways to hear of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Choice(enum.StrEnum):
    """How somebody wants to hear of one kind of news."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    OFF = "off"


CHOICE_WORDS = {Choice.AT_ONCE: "At once", Choice.DAILY: "Daily", Choice.OFF: "Off"}


@dataclass(frozen=True)
class Kind:
    """One kind of news.

    heading -- what staff read
    hint    -- what it is about, in half a sentence
    page    -- where news leads that is about no single record
    default -- for those who chose nothing
    sums    -- whether the digest adds up the payments its lines are about
    """

    heading: str
    hint: str
    page: str
    default: Choice = Choice.DAILY
    sums: bool = False


KINDS: dict[str, Kind] = {
    "charge_failed": Kind(
        "A charge failed",
        "a registered card or account was declined",
        "/admin/invoice/?state=failed",
        Choice.AT_ONCE,
        sums=True,
    ),
    "money_returned": Kind(
        "Money was taken back",
        "a bank returned a payment that had counted",
        "/admin/payment/?state=returned",
        Choice.AT_ONCE,
        sums=True,
    ),
    "dispute": Kind(
        "A payment is disputed",
        "opened, won or lost, with the day to answer by",
        "/admin/dispute/",
        Choice.AT_ONCE,
        sums=True,
    ),
    "refund_failed": Kind(
        "A refund failed",
        "the customer did not get their money back",
        "/admin/payment/",
        Choice.AT_ONCE,
    ),
    "unapplied": Kind(
        "Money without an invoice",
        "it arrived and waits to be applied or paid back",
        "/admin/payment/",
        Choice.AT_ONCE,
    ),
    "overdue": Kind(
        "Overdue invoices",
        "how many there are, whenever some are new",
        "/admin/invoice/?state=overdue",
    ),
    "card_expiring": Kind("A card expires", "a registered card is about to end", "/admin/user/"),
    "email_failed": Kind(
        "An e-mail could not be delivered",
        "a customer's letter came back",
        "/admin/outgoingemail/?state=failed",
    ),
    "gateway_unknown": Kind(
        "News about an unknown payment",
        "the gateway reports something that is not ours",
        "/admin/gatewaynotification/?matched=no",
    ),
    "other": Kind("Other news", "whatever else somebody should look at", "/admin/"),
}


def path_of(
    kind: str, invoice_id: int | None, payment_id: int | None, user_id: int | None = None
) -> str:
    """Return where in the panel news leads: to its record, else to the page of its kind."""
    if invoice_id is not None:
        return f"/admin/invoice/details/?id={invoice_id}"
    if payment_id is not None:
        return f"/admin/payment/details/?id={payment_id}"
    if user_id is not None:
        return user_path(user_id)
    return KINDS[kind].page


def user_path(user_id: int) -> str:
    """Return where in the panel the page of a customer is."""
    return f"/admin/user/details/?id={user_id}"


def known_kind(kind: str) -> str:
    """Return ``kind``; "other" for one there is not, because no verb may fail over its notice."""
    return kind if kind in KINDS else "other"
