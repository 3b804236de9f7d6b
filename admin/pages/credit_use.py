"""Use credit: put the user's money that no invoice has used on an invoice, or part of it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, holds, requires
from admin.base.actions import eye_action
from admin.base.scope import site_ids
from admin.base.words import words
from admin.pages.verbs import VerbPage, read_shown
from billing.credit_use import available_credit, use_credit, why_not_use_credit
from models import Invoice, db
from models.states import InvoiceState

HEADING = "Use credit"


class CreditUsePage(VerbPage):
    """The page behind Use credit."""

    label = HEADING
    permission = "payments.process"
    slug = "credit_use"
    path = "/admin/invoice/use-credit"

    @expose("/use/", methods=("GET", "POST"))
    @requires("payments.process")
    def use(self) -> Any:
        """Say what is taken off, then take it off."""
        invoice = self.record(Invoice)
        why_not = why_not_use_credit(db.session(), invoice, site_ids())
        if why_not is not None:
            return self.refused(invoice, HEADING, why_not)

        def use_it() -> str:
            shown = read_shown(request.form.get("shown_balance"))
            used = use_credit(invoice.id, shown_balance=shown, within=site_ids(), actor=actor())
            return f"{words().money(used)} of the credit was used."

        return self.answer(
            "admin/pages/credit_use.html",
            self.form(BaseForm),
            invoice,
            use_it,
            heading=HEADING,
            button=HEADING,
            credit=lambda: _credit_of(invoice),
            consequences=lambda: using(invoice),
        )


def using(invoice: Invoice) -> list[str]:
    """Return what follows from using the user's credit on ``invoice``."""
    spoken = words()
    credit = _credit_of(invoice)
    used = min(credit, invoice.balance)
    said = [f"{spoken.money(used)} is taken from the credit, the oldest money first."]
    left = invoice.balance - used
    if left:
        said.append(f"{spoken.money(left)} is left to pay on the invoice.")
    elif invoice.state is InvoiceState.DRAFT:
        said.append("Nothing is left to pay then: sending the draft closes it as paid.")
    else:
        said.append("Nothing is left to pay then, so the invoice is closed as paid.")
    if credit > used:
        said.append(f"{spoken.money(credit - used)} of credit remains.")
    return said


def credit_for(invoice: Invoice) -> int:
    """Return the minor units of credit to offer on an invoice; 0 where it can't be used now."""
    if not holds("payments.process"):
        return 0
    if why_not_use_credit(db.session(), invoice, site_ids()) is not None:
        return 0
    return _credit_of(invoice)


def _credit_of(invoice: Invoice) -> int:
    """Return the minor units of the user's credit as far as this person may see it."""
    return available_credit(db.session(), invoice.user_id, site_ids())


eye_action(Invoice, "use_credit", "credit_use.use")
