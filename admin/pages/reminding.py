"""Remind: a letter about what is still open, from an invoice's page."""

from __future__ import annotations

from typing import Any

from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.words import words
from admin.pages.verbs import VerbPage
from billing.overdue import is_overdue
from billing.reminding import remind, why_not_remind
from models import Invoice, db


class RemindPage(VerbPage):
    """The page behind Remind."""

    label = "Remind"
    permission = "invoices.send"
    slug = "reminding"
    path = "/admin/invoice/remind"

    @expose("/letter/", methods=("GET", "POST"))
    @requires("invoices.send")
    def letter(self) -> Any:
        """Say what the letter will say and to whom it goes, then queue it."""
        invoice = self.record(Invoice)
        why_not = why_not_remind(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, "Remind", why_not)
        address = invoice.user.email

        def remind_them() -> str:
            remind(invoice.id, actor=actor())
            return f"A reminder is on its way to {address}."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            invoice,
            remind_them,
            heading="Remind",
            button="Send reminder",
            consequences=lambda: reminding(invoice),
        )


def reminding(invoice: Invoice) -> list[str]:
    """Return what follows from reminding of ``invoice``."""
    left = words().money(invoice.balance)
    said = f"A letter with a link to pay the {left} that is left goes to {invoice.user.email}."
    if is_overdue(invoice, words().today):
        return [said, "It says that the invoice is overdue."]
    return [said]


eye_action(Invoice, "remind", "reminding.letter")
