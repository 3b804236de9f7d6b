"""Write off / credit: take a part or all of an open invoice's balance off, with the reason."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import validators

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.fields import MoneyField
from admin.base.words import words
from admin.pages.verbs import VerbPage, read_shown, reason_field
from billing.crediting import credit_invoice, why_not_credit
from billing.errors import Refusal
from models import Invoice, db


class CreditForm(BaseForm):
    amount = MoneyField("Amount", [validators.InputRequired("Enter the amount.")])
    reason = reason_field("Why", "Kept in the history; the customer does not see it.")


class CreditPage(VerbPage):
    """The page behind Write off / credit."""

    label = "Write off / credit"
    permission = "credits.give"
    slug = "crediting"
    path = "/admin/invoice/credit"

    @expose("/give/", methods=("GET", "POST"))
    @requires("credits.give")
    def give(self) -> Any:
        """Ask for amount and reason, then give the credit."""
        invoice = self.record(Invoice)
        why_not = why_not_credit(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, "Write off / credit", why_not)
        form: Any = self.form(CreditForm, amount=invoice.balance)

        def credit() -> str:
            if form.amount.data is None:
                raise Refusal("Enter the amount.", "no_amount", "amount")
            left = credit_invoice(
                invoice.id,
                amount=form.amount.data,
                shown_balance=read_shown(request.form.get("shown_balance")),
                reason=form.reason.data,
                actor=actor(),
            )
            credited = f"{words().money(form.amount.data)} was credited."
            if left:
                return f"{credited} {words().money(left)} is left to pay."
            return f"{credited} Nothing is left to pay, so the invoice is closed."

        return self.answer(
            "admin/pages/credit.html",
            form,
            invoice,
            credit,
            heading="Write off / credit",
            button="Give credit",
            consequences=[
                "The customer has to pay that much less; no money moves and no receipt is sent. "
                "A balance of zero closes the invoice."
            ],
        )


eye_action(Invoice, "credit", "crediting.give")
