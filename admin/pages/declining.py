"""Let them try again: end the pause after several declined cards."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, holds, requires
from admin.base.words import words
from admin.pages.verbs import VerbPage
from billing.declines import Bill, let_try_again, paused_until
from models import Application, Invoice, db
from models.states import OPEN_INVOICE_STATES

HEADING = "Let them try again"
NEEDS = "payments.process"


class DeclinePages(VerbPage):
    """Where the note of an invoice or an application leads."""

    label = HEADING
    permission = NEEDS
    slug = "declining"
    path = "/admin/declines"

    @expose("/invoice/", methods=("GET", "POST"))
    @requires(NEEDS)
    def invoice(self) -> Any:
        """End the pause of an invoice."""
        return self._end(self.record(Invoice))

    @expose("/application/", methods=("GET", "POST"))
    @requires(NEEDS)
    def application(self) -> Any:
        """End the pause of an application that is paid before it has an invoice."""
        return self._end(self.record(Application))

    def _end(self, bill: Bill) -> Any:
        def end() -> str:
            let_try_again(type(bill), bill.id, actor=actor())
            return "Cards can be tried again now."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            bill,
            end,
            heading=HEADING,
            button=HEADING,
            consequences=[
                "So many cards were declined here that more are refused for an hour: somebody may "
                "be guessing card numbers.",
                "If you know who it is, let them try again at once. Declines from now on count "
                "anew.",
            ],
        )


def declines_on(bill: Bill) -> tuple[str, str] | None:
    """Return until when cards are refused for ``bill``, in words, and where staff end it.

    The address is empty for those who may not; None if nothing is paused.
    """
    over = isinstance(bill, Invoice) and bill.state not in OPEN_INVOICE_STATES
    until = None if over else paused_until(db.session(), bill)
    if until is None:
        return None
    kind = type(bill).__name__.lower()
    address = url_for(f"declining.{kind}", id=bill.id) if holds(NEEDS) else ""
    return words().moment(until), address
