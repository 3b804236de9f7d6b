"""What staff do with a payment: refund, reverse, apply, resend its receipt, ask the gateway."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import validators

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.cells import word
from admin.base.fields import MoneyField
from admin.base.registry import record_url
from admin.base.scope import in_scope
from admin.base.words import words
from admin.pages.choosing import OneOfField
from admin.pages.verbs import VerbPage, read_shown, reason_field
from billing import receipts, reconciliation, refunds
from billing.database import end_reading
from billing.errors import GatewayError, Refusal
from billing.refund_outcomes import CREDIT, REOPEN
from models import Invoice, Payment, db
from models.states import OPEN_INVOICE_STATES, Tender

VERB = "admin/pages/verb.html"
MOST_INVOICES = 200


class RefundForm(BaseForm):
    amount = MoneyField("Amount", [validators.InputRequired("Enter the amount.")])
    then = OneOfField(
        "What becomes of the invoice",
        choices=[
            (REOPEN, "Open it again: the customer owes the amount"),
            (CREDIT, "Credit it: the customer need not pay it again"),
        ],
        unknown="Choose what becomes of the invoice.",
    )
    reason = reason_field("Why", "Kept in the history; the customer does not see it.")


class ReverseForm(BaseForm):
    reason = reason_field("Why", "Kept in the history; the customer does not see it.")


class ApplyForm(BaseForm):
    invoice = OneOfField("Invoice", unknown="Choose an invoice from the list.")
    amount = MoneyField("Amount", [validators.InputRequired("Enter the amount.")])


class PaymentActions(VerbPage):
    """The pages behind the buttons of a payment."""

    label = "Payment"
    permission = "payments.view"
    slug = "payment_actions"
    path = "/admin/payment/do"

    @expose("/refund/", methods=("GET", "POST"))
    @requires("payments.refund")
    def refund(self) -> Any:
        """Pay a payment back, all or a part of it."""
        payment = self.record(Payment)
        why_not = refunds.why_not_refund(payment)
        if why_not is not None:
            return self.refused(payment, "Refund", why_not)
        left = refunds.left_of(payment)
        form: Any = self.form(RefundForm, amount=left)
        applied = payment.allocated > 0
        if not applied:
            del form.then
        tender = payment.tender

        def pay_back() -> str:
            attempt = refunds.refund_payment(
                payment.id,
                amount=_typed(form.amount),
                shown_left=_shown_left(),
                then=form.then.data if applied else REOPEN,
                reason=form.reason.data,
                actor=actor(),
            )
            if attempt.outcome in ("declined", "failed"):
                code = f" (code {attempt.code})" if attempt.code else ""
                raise Refusal(f"{attempt.sentence}{code}", attempt.outcome)
            by_hand = "" if tender in refunds.GATEWAY_TENDERS else " Hand it to the customer."
            return f"{attempt.sentence}{by_hand}"

        return self.answer(
            "admin/pages/refund.html",
            form,
            payment,
            pay_back,
            heading="Refund",
            button="Refund",
            left=lambda: refunds.left_of(payment),
            consequences=lambda: refunding(payment),
        )

    @expose("/reverse/", methods=("GET", "POST"))
    @requires("payments.refund")
    def reverse(self) -> Any:
        """Undo a manual payment that was entered wrongly."""
        payment = self.record(Payment)
        why_not = refunds.why_not_reverse(payment)
        if why_not is not None:
            return self.refused(payment, "Reverse", why_not)
        form: Any = self.form(ReverseForm)

        def reverse_it() -> str:
            refunds.reverse_payment(payment.id, reason=form.reason.data, actor=actor())
            return "The payment was reversed; what it had paid is open again."

        amount = words().money(payment.amount)
        return self.answer(
            VERB,
            form,
            payment,
            reverse_it,
            heading="Reverse payment",
            button="Reverse",
            danger=True,
            consequences=[
                f"For a payment that never was: {amount} is taken off what it paid, which is open "
                "again. The payment stays visible with your reason.",
                "Money that was really received and handed back is a refund.",
            ],
        )

    @expose("/apply/", methods=("GET", "POST"))
    @requires("payments.process")
    def apply(self) -> Any:
        """Put money no invoice uses on an open invoice of the same user."""
        payment = self.record(Payment)
        why_not = refunds.why_not_apply(db.session(), payment)
        choices, oldest = open_invoices(payment)
        if why_not is None and oldest is None:
            why_not = Refusal("This user has no open invoice to apply it to.")
        if why_not is not None:
            return self.refused(payment, "Apply to an invoice", why_not)
        assert oldest is not None
        start = min(payment.unapplied, oldest.balance)
        form: Any = self.form(ApplyForm, invoice=str(oldest.id), amount=start)
        form.invoice.choices = choices

        def apply_it() -> str:
            amount, invoice = _typed(form.amount), int(form.invoice.data)
            refunds.apply_payment(
                payment.id, invoice, amount=amount, shown_left=_shown_left(), actor=actor()
            )
            return f"{words().money(amount)} was applied to {dict(choices)[str(invoice)]}."

        return self.answer(
            VERB,
            form,
            payment,
            apply_it,
            heading="Apply to an invoice",
            button="Apply",
            left=lambda: payment.unapplied,
            consequences=lambda: [
                f"{words().money(payment.unapplied)} of this payment is not used by any invoice. "
                "A receipt is sent only if there was none for this payment yet."
            ],
        )

    @expose("/resend-receipt/", methods=("GET", "POST"))
    @requires("invoices.send")
    def resend_receipt(self) -> Any:
        """E-mail the receipt once more."""
        payment = self.record(Payment)
        why_not = receipts.why_not_resend(db.session(), payment)
        if why_not is not None:
            return self.refused(payment, "Resend receipt", why_not)
        return self.answer(
            VERB,
            self.form(BaseForm),
            payment,
            lambda: (
                f"The receipt goes to {receipts.resend_receipt(payment.id, actor=actor())} again."
            ),
            heading="Resend receipt",
            button="Resend receipt",
            consequences=[f"The receipt goes to {payment.user.email} once more, with its PDF."],
        )

    @expose("/check/", methods=("POST",))
    @requires("payments.process")
    def check(self) -> Any:
        """Look the payment up at the gateway now instead of on its timetable."""
        payment = self.record(Payment)
        payment_id = payment.id
        # The network is never used while a transaction is open, a reading one included; even to
        # read the payment's id again would open one.
        end_reading()
        try:
            moved = reconciliation.look_up(payment_id)
        except GatewayError:
            flash("The gateway does not answer. We keep asking; nothing was changed.", "warning")
        else:
            db.session.refresh(payment)
            now = word(payment.state).lower()
            said = f"The gateway has news: the payment is {now} now."
            same = f"Nothing new: the payment is {now}."
            flash(said if moved else same, "success")
        return redirect(record_url(payment) or url_for("admin.index"), 303)


def refunding(payment: Payment) -> list[str]:
    """Return how ``payment`` would be paid back: voided, refunded, or by hand."""
    if payment.tender not in refunds.GATEWAY_TENDERS:
        return ["Nothing goes through the gateway: hand the money back yourself; this records it."]
    by = payment.instrument or word(payment.tender).lower()
    if refunds.can_only_be_voided(payment):
        return [
            "This payment has not settled yet. Paying all of it back voids it, and the customer is "
            "never charged. A part can be paid back only once it has settled."
        ]
    days = "a few days" if payment.tender is Tender.CARD else "several days"
    return [f"The gateway refunds it to {by}; the bank takes {days}."]


def open_invoices(payment: Payment) -> tuple[list[tuple[str, str]], Invoice | None]:
    """Return the user's open invoices as (id, words), and the oldest of them."""
    rows = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.user_id == payment.user_id,
            Invoice.state.in_(OPEN_INVOICE_STATES),
            Invoice.balance > 0,
            *in_scope(Invoice),
        )
        .order_by(Invoice.id)
        .limit(MOST_INVOICES)
    ).all()
    money = words().money
    choices = [(str(row.id), f"invoice #{row.number} ({money(row.balance)} left)") for row in rows]
    return choices, rows[0] if rows else None


def _shown_left() -> int:
    return read_shown(request.form.get("shown_left"))


def _typed(field: Any) -> int:
    """Return an amount that was typed; ``Refusal`` at its field for an empty one."""
    if field.data is None:
        raise Refusal("Enter the amount.", "no_amount", field.short_name)
    return int(field.data)


eye_action(Payment, "refund", "payment_actions.refund")
eye_action(Payment, "apply", "payment_actions.apply")
eye_action(Payment, "resend_receipt", "payment_actions.resend_receipt")
eye_action(Payment, "check", "payment_actions.check", method="POST")
eye_action(Payment, "reverse", "payment_actions.reverse", danger=True)
