"""What staff do with an invoice: send, replace the link, set back to draft, delete.

Each is a page that says what will follow, and a POST that does it.
"""

from __future__ import annotations

from typing import Any

from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import BooleanField

from admin.base.access import actor, holds, requires
from admin.base.actions import eye_action
from admin.base.words import words
from admin.pages.generating import outcome
from admin.pages.verbs import VerbPage, reason_field
from billing import claims, guards
from billing.errors import Refusal
from billing.invoicing import delete_invoice, rotate_link, send_invoice
from billing.planned import planned_charges
from billing.redraft import can_probably_be_stopped, set_back_to_draft
from models import Invoice, Payment, db
from models.states import BillingMethod, InvoiceState

VERB = "admin/pages/verb.html"
SETTING_BACK = [
    "Its items and dates can be changed again; it keeps its number and can't be paid until it is "
    "sent again."
]


class RedraftForm(BaseForm):
    """Fields that make no sense for the invoice at hand are taken out (``del form.confirmed``)."""

    reason = reason_field("Why", "Kept in the history; the customer does not see it.")
    switch_billing_method = BooleanField(
        "Set this user's billing method to invoice",
        description="So that nothing is charged to their registered payment method any more.",
    )
    confirmed = BooleanField(
        "Set it back all the same",
        description="If the money arrives, it becomes this user's credit and you are told.",
    )


class InvoiceActions(VerbPage):
    """The pages behind the buttons of an invoice."""

    label = "Invoice"
    permission = "invoices.view"
    slug = "invoice_actions"
    path = "/admin/invoice/do"

    @expose("/send/", methods=("GET", "POST"))
    @requires("invoices.send")
    def send(self) -> Any:
        """Issue a draft, or send an open invoice again."""
        invoice = self.record(Invoice)
        is_draft = invoice.state is InvoiceState.DRAFT
        button = "Send" if is_draft else "Resend"
        why_not = guards.why_not_send(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, button, why_not)
        address = invoice.user.email

        def send_it() -> str:
            issued = send_invoice(invoice.id, actor=actor())
            return outcome(issued, "issued" if is_draft else "sent again", address)

        return self.answer(
            VERB,
            self.form(BaseForm),
            invoice,
            send_it,
            heading=f"{button} invoice",
            button=button,
            consequences=lambda: sending(invoice),
        )

    @expose("/replace-link/", methods=("GET", "POST"))
    @requires("invoices.send")
    def replace_link(self) -> Any:
        """Make every link that was given out stop working."""
        invoice = self.record(Invoice)
        if invoice.state is InvoiceState.DELETED:
            deleted = Refusal("This invoice is deleted.")
            return self.refused(invoice, "Replace the link", deleted)

        def replace() -> str:
            rotate_link(invoice.id, actor=actor())
            return "The link was replaced. Resend the invoice to give out the new one."

        return self.answer(
            VERB,
            self.form(BaseForm),
            invoice,
            replace,
            heading="Replace the link",
            button="Replace the link",
            consequences=[
                "Every link to this invoice that was e-mailed or copied stops working at once.",
                "Nothing is e-mailed: the customer gets the new link when you resend the invoice.",
            ],
        )

    @expose("/redraft/", methods=("GET", "POST"))
    @requires("invoices.redraft")
    def redraft(self) -> Any:
        """Set an issued invoice back to draft, with a reason."""
        invoice = self.record(Invoice)
        why_not = guards.why_not_redraft(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, "Set back to draft", why_not)
        # Ticked at first, because nothing can be set back while the next charge would follow.
        form: Any = self.form(RedraftForm, switch_billing_method=True)
        in_flight = claims.live_payment(db.session(), invoice)
        in_flight_id = None if in_flight is None else in_flight.id
        charges = in_flight is not None and invoice.user.billing_method is BillingMethod.GATEWAY
        switches = charges and holds("users.billing")
        if in_flight is None:
            del form.confirmed
        if not switches:
            del form.switch_billing_method

        def set_back() -> str:
            set_back_to_draft(
                invoice.id,
                reason=form.reason.data,
                confirmed=in_flight_id is not None and form.confirmed.data,
                switch_billing_method=switches and form.switch_billing_method.data,
                actor=actor(),
            )
            return f"The invoice is a draft again.{became_of(in_flight_id)}"

        return self.answer(
            "admin/pages/redraft.html",
            form,
            invoice,
            set_back,
            heading="Set back to draft",
            button="Set back to draft",
            consequences=SETTING_BACK,
            in_flight=in_flight,
            stoppable=in_flight is not None and can_probably_be_stopped(in_flight),
            charges=charges,
            planned=lambda: planned_charges(db.session(), invoice.user_id) if switches else 0,
        )

    @expose("/delete/", methods=("GET", "POST"))
    @requires("invoices.delete")
    def delete(self) -> Any:
        """Delete a draft."""
        invoice = self.record(Invoice)
        why_not = guards.why_not_delete(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, "Delete", why_not)

        def delete_it() -> str:
            delete_invoice(invoice.id, actor=actor())
            return "The draft was deleted. It stays viewable."

        kept = f" Its number {invoice.number} is not given again." if invoice.number else ""
        return self.answer(
            VERB,
            self.form(BaseForm),
            invoice,
            delete_it,
            heading="Delete draft",
            button="Delete",
            danger=True,
            consequences=[
                f"The draft can still be looked at, but never be sent or brought back.{kept}"
            ],
        )


def sending(invoice: Invoice) -> list[str]:
    """Return what follows from sending ``invoice``."""
    said = []
    if invoice.state is InvoiceState.DRAFT:
        if invoice.balance == 0:
            return ["Nothing is left to pay: it is closed as paid, and nothing is e-mailed."]
        total = words().money(invoice.total)
        number = "" if invoice.number else ", gets its number"
        said.append(f"The draft of {total} is issued{number} and is frozen.")
    if invoice.user.reachable:
        said.append(f"An e-mail with the amount and a link to pay goes to {invoice.user.email}.")
    else:
        said.append("This user has no e-mail: nothing will be sent; you can print the invoice.")
    return said


def became_of(payment_id: int | None) -> str:
    """Return what became of the payment that was on its way when its invoice was set back."""
    if payment_id is None:
        return ""
    payment = db.session.get_one(Payment, payment_id)
    db.session.refresh(payment)
    amount = words().money(payment.amount)
    if payment.detached:
        return f" The payment of {amount} could not be stopped; you are told if it arrives."
    return f" The payment of {amount} was stopped; nothing is charged."


eye_action(Invoice, "send", "invoice_actions.send")
eye_action(Invoice, "rotate_link", "invoice_actions.replace_link")
eye_action(Invoice, "redraft", "invoice_actions.redraft")
eye_action(Invoice, "delete", "invoice_actions.delete", danger=True)
