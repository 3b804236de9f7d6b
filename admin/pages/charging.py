"""Charge customer: the registered payment method is charged for the balance or a part of it.

The page asks first, with name, card and amount in one sentence, and the button says the amount
again. Only an amount that the sentence named is charged: with another one typed and no script to
follow it, the page asks once more.
"""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import validators

from admin.base.access import actor, not_found, requires
from admin.base.actions import eye_action
from admin.base.fields import MoneyField
from admin.base.refusing import REFUSED, show_refusal
from admin.base.registry import record_url
from admin.base.scope import read_id, site_ids
from admin.base.words import words
from admin.pages.charging_words import came_of, following
from admin.pages.verbs import VerbPage, read_shown
from billing import guards
from billing.charging import charge_customer, check_part
from billing.credit_use import available_credit
from billing.errors import NotFound, Refusal
from models import Invoice, Payment, PaymentMethod, db

HEADING = "Charge customer"


class ChargeForm(BaseForm):
    amount = MoneyField(
        "Amount",
        [validators.InputRequired("Enter the amount.")],
        description="The whole balance, or a part of it; the rest stays open.",
    )


class ChargePage(VerbPage):
    """The page behind Charge customer."""

    label = HEADING
    permission = "invoices.charge"
    slug = "charging"
    path = "/admin/invoice/charge"

    @expose("/customer/", methods=("GET", "POST"))
    @requires("invoices.charge")
    def customer(self) -> Any:
        """Ask with name, card and amount; on POST charge what was asked."""
        invoice = self.record(Invoice)
        why_not = guards.why_not_charge(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, HEADING, why_not)
        form: Any = self.form(ChargeForm, amount=invoice.balance)
        if request.method == "GET":
            return self._ask(invoice, form)
        if not form.validate():
            return self._ask(invoice, form, REFUSED)
        try:
            return self._charge(invoice, form)
        except NotFound:
            not_found()
        except Refusal as refusal:
            return self._refuse(invoice, form, refusal)

    def _charge(self, invoice: Invoice, form: Any) -> Any:
        amount = form.amount.data
        if amount is None:
            raise Refusal("Enter the amount.", "no_amount", "amount")
        check_part(db.session(), invoice, amount)
        if read_id(request.form.get("named")) != amount:
            return self._ask(invoice, form, again=True)
        shown = read_shown(request.form.get("shown_balance"))
        invoice_id = invoice.id
        attempt = charge_customer(
            invoice_id,
            amount=amount,
            shown_balance=shown,
            method_id=read_id(request.form.get("method")) or 0,
            actor=actor(),
        )
        invoice = db.session.get_one(Invoice, invoice_id)
        db.session.refresh(invoice)
        payment = db.session.get_one(Payment, attempt.payment_id)
        tone, said = came_of(payment, invoice)
        flash(said, tone)
        return redirect(record_url(invoice) or url_for("admin.index"), 303)

    def _refuse(self, invoice: Invoice, form: Any, refusal: Refusal) -> Any:
        """Show the page again as things stand now, with the reason; nothing was charged."""
        shown = request.form.get("shown_balance")
        db.session.refresh(invoice)
        why_not = guards.why_not_charge(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, HEADING, why_not)
        show_refusal(form, refusal)
        if str(form.amount.data) == shown:
            # Who wanted to charge all of it wants all of what it is now.
            form.amount.raw_data, form.amount.data = None, invoice.balance
        return self._ask(invoice, form, REFUSED)

    def _ask(self, invoice: Invoice, form: Any, status: int = 200, *, again: bool = False) -> Any:
        """Show the question; ``again``: for an amount that the last one did not name."""
        typed = form.amount.data
        named = typed if typed is not None and 0 < typed <= invoice.balance else invoice.balance
        page = self.render(
            "admin/pages/charge.html",
            record=invoice,
            form=form,
            heading=HEADING,
            back=record_url(invoice) or url_for("admin.index"),
            method=self._method(invoice),
            named=named,
            again=again,
            consequences=following(db.session(), invoice, self._method(invoice)),
            credit=available_credit(db.session(), invoice.user_id, site_ids()),
            spoken=words(),
        )
        return make_response(page, status)

    def _method(self, invoice: Invoice) -> PaymentMethod:
        """Return what would be charged; the guard has seen that there is one."""
        method = guards.default_method(db.session(), invoice.user_id)
        assert method is not None
        return method


eye_action(Invoice, "charge", "charging.customer")
