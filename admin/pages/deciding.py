"""What staff decide about an application, and what becomes of a difference in its fees."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import BooleanField, TextAreaField, validators

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.words import words
from admin.pages.generating import GenerateForm, outcome, sent_to
from admin.pages.verbs import VerbPage, clean, reason_field
from applications import deciding, fees, guards
from billing.invoicing import Issued
from models import Application, User, db
from models.states import ApplicationState

VERB = "admin/pages/verb.html"


class ApproveForm(BaseForm):
    """``with_balance`` is taken out when nothing is outstanding."""

    with_balance = BooleanField(
        "Approve with the balance",
        description="It stays outstanding; you can generate an invoice for it afterwards.",
    )


class RejectForm(BaseForm):
    reason = reason_field("What has to change", "E-mailed, and shown on the application's page.")


class InactiveForm(BaseForm):
    reason = TextAreaField(
        "Why",
        [validators.Length(max=4000, message="Use at most 4,000 characters.")],
        [clean],
        description="Optional. Kept in the history; the customer does not see it.",
    )


class CreditDifferenceForm(BaseForm):
    reason = reason_field("Why", "Kept in the history; the customer does not see it.")


def told(user: User, emailed: bool, what: str) -> str:
    """Return what happened: "The application was approved and … e-mailed that."."""
    if emailed:
        return f"The application was {what}, and an e-mail says so to {user.email}."
    return f"The application was {what}. Nothing was e-mailed: this user has no e-mail."


def will_be_told(user: User) -> str:
    """Return who is e-mailed about a decision, before it happens."""
    if user.reachable:
        return f"An e-mail about it goes to {user.email}."
    return (
        "This user has no e-mail: nothing will be sent. Tell them yourself, or print this "
        "application's page for them."
    )


class ApplicationDecisions(VerbPage):
    """The pages behind an application's buttons, apart from the ones that take money."""

    label = "Application"
    permission = "applications.view"
    slug = "application_decisions"
    path = "/admin/application/decide"

    @expose("/approve/", methods=("GET", "POST"))
    @requires("applications.edit")
    def approve(self) -> Any:
        """Approve a pending application."""
        application = self.record(Application)
        why_not = guards.why_not_approve(db.session(), application, with_balance=True)
        if why_not is not None:
            return self.refused(application, "Approve", why_not)
        form: Any = self.form(ApproveForm)
        owed, user = application.outstanding_balance, application.user
        if owed <= 0:
            del form.with_balance

        def approve_it() -> str:
            with_balance = owed > 0 and form.with_balance.data
            emailed = deciding.approve(application.id, with_balance=with_balance, actor=actor())
            return told(user, emailed, "approved")

        said = [f"{words().money(owed)} is outstanding."] if owed > 0 else []
        return self.answer(
            VERB,
            form,
            application,
            approve_it,
            heading="Approve application",
            button="Approve",
            consequences=lambda: [*said, will_be_told(user)],
        )

    @expose("/reject/", methods=("GET", "POST"))
    @requires("applications.edit")
    def reject(self) -> Any:
        """Ask the user for changes."""
        application = self.record(Application)
        why_not = guards.why_not_reject(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Reject", why_not)
        form: Any = self.form(RejectForm)
        user = application.user

        def reject_it() -> str:
            emailed = deciding.reject(application.id, reason=form.reason.data, actor=actor())
            return told(user, emailed, "rejected")

        owed = application.outstanding_balance
        pays = f" There they can pay the {words().money(owed)} outstanding." if owed > 0 else ""
        return self.answer(
            VERB,
            form,
            application,
            reject_it,
            heading="Reject application",
            button="Reject",
            consequences=lambda: [
                f"The user is asked for changes, with a link to their application.{pays} Once they "
                "have changed it, it is pending again by itself.",
                will_be_told(user),
            ],
        )

    @expose("/deactivate/", methods=("GET", "POST"))
    @requires("applications.edit")
    def deactivate(self) -> Any:
        """Mark Inactive."""
        application = self.record(Application)
        why_not = guards.why_not_deactivate(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Mark Inactive", why_not)
        form: Any = self.form(InactiveForm)

        def deactivate_it() -> str:
            deciding.mark_inactive(application.id, reason=form.reason.data, actor=actor())
            return "The application is inactive."

        return self.answer(
            VERB,
            form,
            application,
            deactivate_it,
            heading="Mark Inactive",
            button="Mark Inactive",
            consequences=[
                "For people who moved or died, or whose permit was revoked; not for somebody who "
                "has not paid. They get no messages any more. Nothing is e-mailed."
            ],
        )

    @expose("/activate/", methods=("GET", "POST"))
    @requires("applications.edit")
    def activate(self) -> Any:
        """Mark Active."""
        application = self.record(Application)
        why_not = guards.why_not_activate(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Mark Active", why_not)

        def activate_it() -> str:
            deciding.mark_active(application.id, actor=actor())
            state = db.session.get_one(Application, application.id).state
            return f"The application is {ApplicationState(state).value} again."

        return self.answer(
            VERB,
            self.form(BaseForm),
            application,
            activate_it,
            heading="Mark Active",
            button="Mark Active",
            consequences=["It goes back to the state it had before. Nothing is e-mailed."],
        )

    @expose("/invoice-difference/", methods=("GET", "POST"))
    @requires("invoices.create")
    def invoice_difference(self) -> Any:
        """Invoice what the fees rose by since the last invoice."""
        application = self.record(Application)
        why_not = guards.why_not_invoice_difference(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Invoice the difference", why_not)
        form: Any = self.form(GenerateForm, description=fees.difference_description(application))
        address = application.user.email

        def invoice_it() -> str:
            due_on: dt.date | None = form.due_on.data
            issued: Issued = fees.invoice_difference(
                application.id, description=form.description.data, due_on=due_on, actor=actor()
            )
            return outcome(issued, "generated", address)

        return self.answer(
            "admin/pages/generate_difference.html",
            form,
            application,
            invoice_it,
            today=words().today,
            sent_to=lambda: sent_to(application.user),
            owed=lambda: application.difference,
        )

    @expose("/credit-difference/", methods=("GET", "POST"))
    @requires("credits.give")
    def credit_difference(self) -> Any:
        """Credit what the fees fell by on the open invoices."""
        application = self.record(Application)
        why_not = guards.why_not_credit_difference(db.session(), application)
        if why_not is not None:
            return self.refused(application, "Credit the difference", why_not)
        form: Any = self.form(CreditDifferenceForm)
        over = words().money(-application.difference)

        def credit_it() -> str:
            credited = fees.credit_difference(
                application.id, reason=form.reason.data, actor=actor()
            )
            return f"{words().money(credited)} was credited."

        return self.answer(
            VERB,
            form,
            application,
            credit_it,
            heading="Credit the difference",
            button="Credit the difference",
            consequences=[
                f"The fees are {over} less than what was invoiced. That is taken off what is "
                "still open, the newest invoice first; one that nothing is left to pay on is "
                "closed. What was paid already is paid back by a refund."
            ],
        )


for _name in (
    "approve",
    "reject",
    "activate",
    "deactivate",
    "invoice_difference",
    "credit_difference",
):
    eye_action(Application, _name, f"application_decisions.{_name}")
