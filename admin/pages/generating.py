"""Generate Invoice: from an approved application's outstanding balance to a sent invoice."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import TextAreaField, validators

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.registry import eye_prefix
from admin.base.words import words
from admin.pages.verbs import DayField, VerbPage, clean
from billing.guards import why_not_generate
from billing.invoicing import Issued, default_description, generate_invoice
from models import Application, User, db


class GenerateForm(BaseForm):
    description = TextAreaField(
        "Description",
        [validators.InputRequired("Write a description.")],
        [clean],
        description="Shown in the e-mail and on the invoice.",
    )
    due_on = DayField(
        "Due date", [validators.Optional()], description="Shown on the invoice, if there is one."
    )


def sent_to(user: User) -> str:
    """Return what is e-mailed to whom, in a sentence that is true before it happens."""
    if user.reachable:
        return f"An e-mail with the amount and a link to pay goes to {user.email}."
    return "This user has no e-mail: nothing will be sent; you can print the invoice."


def outcome(issued: Issued, what: str, address: str | None) -> str:
    """Return what happened to the invoice: "Invoice #10 was generated and e-mailed to …"."""
    if issued.emailed:
        return f"Invoice #{issued.number} was {what} and e-mailed to {address}."
    return (
        f"Invoice #{issued.number} was {what}. Nothing was e-mailed, because this user has no "
        "e-mail; print it or save its PDF."
    )


class ApplicationActions(VerbPage):
    """What staff do with an application."""

    label = "Application"
    permission = "applications.view"
    slug = "application_actions"
    path = "/admin/application/do"

    @expose("/generate-invoice/", methods=("GET", "POST"))
    @requires("invoices.create")
    def generate(self) -> Any:
        """Ask for description and due date, then generate and send the invoice."""
        application = self.record(Application)
        why_not = why_not_generate(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Generate Invoice", why_not)
        form = self.form(GenerateForm, description=default_description(application))
        address = application.user.email
        done: list[Issued] = []

        def generate_it() -> str:
            due_on: dt.date | None = form.due_on.data
            issued = generate_invoice(
                application.id, description=form.description.data, due_on=due_on, actor=actor()
            )
            done.append(issued)
            return outcome(issued, "generated", address)

        answer = self.answer(
            "admin/pages/generate.html",
            form,
            application,
            generate_it,
            today=words().today,
            sent_to=lambda: sent_to(application.user),
            owed=lambda: application.fees_total - application.invoiced,
        )
        if done and eye_prefix("invoice") is not None:
            answer.location = url_for("invoice.details_view", id=done[0].invoice_id)
        return answer


eye_action(Application, "generate_invoice", "application_actions.generate")
