"""The letters whose words an office can change, and what the gaps in them stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from billing.errors import NotFound

# Their words are not kept: whoever reads them could become the person they were sent to.
SECRET_KINDS = ("sign_in", "method_link", "card_expiring", "staff_password")
# Another letter word for word, for the office; it has no template of its own.
COPY = "copy"

_EVERY = {"name": "the customer’s name", "office": "the name of this office"}
_INVOICE = {
    "amount": "what is left to pay",
    "invoice": "the invoice’s number, such as #1042",
    "description": "what the invoice is for",
}
_DUE = {"due_date": "the day it is due, if it has one"}
_CHARGED = {**_INVOICE, **_DUE, "method": "the card or account, if it was a registered one"}
_APPLICATION = {
    "application": "the application’s number",
    "form": "the name of the form",
}


@dataclass(frozen=True)
class LetterKind:
    """A letter whose words can be changed; placeholders: name → what it stands for.

    when -- in which letters of the kind the office's words stand; the others have the house's
    """

    title: str
    placeholders: Mapping[str, str]
    when: str = ""


_OPEN = (
    "Your words stand in it while the invoice can be paid. If it was paid in the meantime, the "
    "letter says so itself."
)
LETTERS: Mapping[str, LetterKind] = {
    "invoice": LetterKind("Invoice", {**_EVERY, **_INVOICE, **_DUE}, _OPEN),
    "invoice_again": LetterKind("Invoice, sent again", {**_EVERY, **_INVOICE, **_DUE}, _OPEN),
    "reminder": LetterKind("Reminder", {**_EVERY, **_INVOICE, **_DUE}, _OPEN),
    "receipt": LetterKind(
        "Receipt",
        {
            **_EVERY,
            **_INVOICE,
            "amount": "what was paid",
            "invoice": "the invoice’s number, or several",
            "description": "what the invoice is for, if it is one",
            "paid_on": "the day it was paid",
            "method": "what it was paid with",
        },
    ),
    "payment_failed": LetterKind(
        "Payment did not go through",
        {**_EVERY, **_CHARGED, "amount": "what we tried to collect"},
        _OPEN,
    ),
    "payment_returned": LetterKind(
        "Payment was returned",
        {**_EVERY, **_CHARGED, "amount": "what the bank took back"},
        _OPEN,
    ),
    "card_expiring": LetterKind(
        "Card expires soon",
        {
            **_EVERY,
            "card": "the card, such as Visa ending in 1111",
            "expires_on": "the last day it works",
        },
        "Your words stand in it before the card expires. If it has expired already, the letter "
        "says so itself.",
    ),
    "statement": LetterKind(
        "Statement",
        {**_EVERY, "amount": "what is to pay in all", "date": "the day of the statement"},
        "Your words stand in it while something is open. If nothing is, the letter says so itself.",
    ),
    "application_approved": LetterKind("Application approved", {**_EVERY, **_APPLICATION}),
    "application_rejected": LetterKind(
        "Application to be changed",
        {**_EVERY, **_APPLICATION},
        "What the customer is asked to change follows right after the opening words.",
    ),
    "outstanding_balance": LetterKind(
        "Fees have changed",
        {**_EVERY, **_APPLICATION, "amount": "what is outstanding, if anything is"},
    ),
}


def letter_kind(kind: str) -> LetterKind:
    """Return the letter called ``kind``; ``NotFound`` for one whose words are fixed."""
    if kind not in LETTERS:
        raise NotFound("letter")
    return LETTERS[kind]
