"""What staff fill in when they take a payment in person, and what it means to the heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_admin.form import BaseForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField, validators

from admin.base.fields import MoneyField
from admin.base.refusing import show_refusal
from admin.base.words import words
from admin.pages.choosing import OneOfField
from admin.pages.verbs import DayField, clean
from billing.errors import Refusal
from billing.in_person import Manual
from models.states import Tender

CARD, CHECK = Tender.CARD.value, Tender.CHECK.value
CASH, OTHER = Tender.CASH.value, Tender.OTHER.value
# A manual method of the settings is a form of payment of its own: "other:Bank transfer".
_METHOD = f"{OTHER}:"
_FIELDS = {
    CARD: {"nonce"},
    CHECK: {"check_number", "check_date", "payer", "note"},
    CASH: {"received", "note"},
    OTHER: {"reference", "paid_on", "note"},
}


class InPersonForm(BaseForm):
    """Amount, form of payment, and the fields of every form of payment; only one's count."""

    amount = MoneyField("Amount", [validators.InputRequired("Enter the amount.")])
    tender = OneOfField("Form of payment", default=CARD, unknown="Choose a form of payment.")
    nonce = HiddenField("Card", filters=[clean])
    check_number = StringField(
        "Check number", [validators.Length(max=40, message="Use at most 40 characters.")], [clean]
    )
    check_date = DayField("Date on the check", [validators.Optional()])
    payer = StringField(
        "Bank or payer",
        [validators.Length(max=160, message="Use at most 160 characters.")],
        [clean],
    )
    received = MoneyField(
        "Cash received",
        [validators.Optional()],
        description="What was handed over. Leave it empty if it was the exact amount.",
    )
    reference = StringField(
        "Reference",
        [validators.Length(max=40, message="Use at most 40 characters.")],
        [clean],
        description="Such as the bank's number for the transfer.",
    )
    paid_on = DayField(
        "Date of the payment",
        [validators.Optional()],
        description="The day on the bank's statement; the receipt says it. Empty: today.",
    )
    note = TextAreaField(
        "Note",
        [validators.Length(max=2000, message="Use at most 2,000 characters.")],
        [clean],
        description="For the office; the customer does not see it.",
    )
    send_receipt = BooleanField("Send receipt")

    @property
    def kind(self) -> str:
        """The form of payment without the name of a manual method."""
        return str(self.tender.data or "").partition(":")[0]

    @property
    def method(self) -> str:
        """The name of the manual method chosen, if one is."""
        return str(self.tender.data or "").partition(":")[2]

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Judge what belongs to the chosen form of payment; the rest was not meant."""
        super().validate(*args, **kwargs)
        meant = {"amount", "tender"} | _FIELDS.get(self.kind, set())
        for field in self:
            if field.short_name not in meant:
                field.errors = []
        if self.amount.data is None and not self.amount.errors:
            self.amount.errors = ["Enter the amount."]
        return not self.errors

    def show(self, refusal: Refusal) -> None:
        """Put the sentence at its field; a manual method is chosen as a form of payment here."""
        field = "tender" if refusal.field == "method" else refusal.field
        show_refusal(self, Refusal(refusal.sentence, refusal.code, field))

    def manual(self) -> Manual:
        """Return the payment as typed; call it for a valid form that is not about a card."""
        kind = self.kind
        return Manual(
            tender=Tender(kind),
            amount=self.amount.data,
            received=self.received.data if kind == CASH else None,
            # Searched and printed alike, whatever kind of paper the number stands on.
            check_number=self._text({CHECK: "check_number", OTHER: "reference"}.get(kind)),
            check_date={CHECK: self.check_date.data, OTHER: self.paid_on.data}.get(kind),
            payer=self._text("payer" if kind == CHECK else None),
            method=self.method,
            note=self._note(),
        )

    def change(self) -> int:
        """Return the change due in minor units; 0 for anything but cash."""
        received = self.received.data if self.kind == CASH else None
        return 0 if received is None else max(0, received - self.amount.data)

    def _text(self, name: str | None) -> str:
        return str(self[name].data or "") if name else ""

    def _note(self) -> str:
        typed = str(self.note.data or "").strip()
        if not self.change():
            return typed
        money = words().money
        paid = f"{money(self.received.data)} received, {money(self.change())} change"
        return f"{paid}\n{typed}".strip()


def tenders(methods: Sequence[str]) -> list[tuple[str, str]]:
    """Return the forms of payment as (value, label), the settings' manual methods last."""
    fixed = [(CARD, "Credit Card"), (CHECK, "Check"), (CASH, "Cash")]
    return fixed + [(f"{_METHOD}{method}", method) for method in methods]
