"""Taking a payment in person: one page for invoices and for applications' balances.

A card takes two steps: *Authorize card* places a hold, which is then shown to everybody who opens
the page; *Process Invoice* captures it. Everything else is recorded in one step. What is under way
already is shown instead of the form, with who began it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from flask import current_app, flash, jsonify, make_response, redirect, request, url_for
from flask_admin import expose

from admin.base.access import actor, not_found
from admin.base.actions import eye_action
from admin.base.refusing import REFUSED
from admin.base.registry import record_url
from admin.base.scope import find, read_id
from admin.base.words import words
from admin.pages.in_person_desk import ApplicationDesk, Desk, InvoiceDesk
from admin.pages.in_person_form import CARD, InPersonForm, tenders
from admin.pages.in_person_words import Hold, came_to, receipt_words
from admin.pages.verbs import VerbPage, read_shown
from billing import claims, guards, in_person
from billing.charging import card_form_token
from billing.errors import GatewayError, NotFound, Refusal
from billing.office import get_settings
from models import Application, Invoice, Payment, db
from models.states import COLLECTED_PAYMENT_STATES, LIVE_PAYMENT_STATES, InvoiceState, PaymentState
from web.card_scripts import scripts

NOT_AUTHORISED = "Authorize the card first."


class Counter(VerbPage):
    """The page and its steps. ``do`` in the form says which step: authorise, process, …"""

    permission = "payments.process"

    @abstractmethod
    def desk(self) -> Desk:
        """Return the counter for the record the address names."""

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the form, the hold, or what is under way; on POST take the step asked for."""
        desk = self.desk()
        if request.method == "GET":
            return self._arrive(desk)
        step = request.form.get("do", "")
        if step in ("capture", "release"):
            return self._with_hold(desk, step)
        if desk.live() is not None or desk.why_not() is not None:
            return self._show(desk, status=REFUSED)
        form = self._form(desk)
        if not form.validate():
            return self._show(desk, form, status=REFUSED)
        try:
            return self._authorise(desk, form) if form.kind == CARD else self._receive(desk, form)
        except NotFound:
            not_found()
        except Refusal as refusal:
            form.show(refusal)
            return self._show(desk, form, status=REFUSED)

    @expose("/card-fields/")
    def card_fields(self) -> Any:
        """Give the browser's card fields what they start with."""
        self.desk()
        try:
            answer = jsonify(authorization=card_form_token())
        except GatewayError:
            answer = make_response(jsonify(error="not possible"), 503)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    # Steps.

    def _authorise(self, desk: Desk, form: InPersonForm) -> Any:
        if request.form.get("do") != "authorise":
            raise Refusal(NOT_AUTHORISED, "not_authorised", "tender")
        shown = read_shown(request.form.get("shown_balance"))
        attempt = desk.authorise(form.nonce.data or "", form.amount.data, shown, actor())
        return redirect(self._here(desk, attempt=attempt.payment_id), 303)

    def _receive(self, desk: Desk, form: InPersonForm) -> Any:
        shown = read_shown(request.form.get("shown_balance"))
        send_receipt = form.send_receipt.data
        attempt = desk.receive(form.manual(), shown, send_receipt, actor())
        return self._paid(desk, attempt.payment_id, form.change())

    def _with_hold(self, desk: Desk, step: str) -> Any:
        hold = desk.live()
        if hold is None or hold.id != read_id(request.form.get("hold")):
            return self._lost_hold(desk, step)
        try:
            if step == "release":
                in_person.release_hold(hold.id, actor=actor())
                return self._released(desk, hold.id)
            receipt = bool(request.form.get("send_receipt"))
            attempt = in_person.process_hold(hold.id, send_receipt=receipt, actor=actor())
        except Refusal as refusal:
            return self._show(desk, problem=refusal.sentence, status=REFUSED)
        payment = db.session.get_one(Payment, hold.id)
        if payment.state in COLLECTED_PAYMENT_STATES:
            return self._paid(desk, payment.id)
        if attempt.outcome == "held":
            return self._show(desk, problem=came_to(payment), status=REFUSED)
        return redirect(self._here(desk, attempt=payment.id), 303)

    def _lost_hold(self, desk: Desk, step: str) -> Any:
        """The hold on the page is not there any more: processed, released, or never was."""
        payment = self._attempt(desk, request.form.get("hold"))
        if payment is not None and payment.state in COLLECTED_PAYMENT_STATES:
            flash("This payment was processed already.", "success")
            return redirect(self._back(desk), 303)
        gone = "There is no card hold to release." if step == "release" else NOT_AUTHORISED
        return self._show(desk, problem=gone, status=REFUSED)

    def _released(self, desk: Desk, payment_id: int) -> Any:
        payment = db.session.get_one(Payment, payment_id)
        if payment.state is PaymentState.VOIDED:
            flash("The hold was released. Nothing was charged.", "success")
            return redirect(self._here(desk), 303)
        problem = f"The hold could not be released yet: {payment.message or 'no answer'}."
        return self._show(desk, problem=problem, status=REFUSED)

    # Pages.

    def _arrive(self, desk: Desk) -> Any:
        """GET: say how the attempt the address names ended, then what can be done now."""
        payment = self._attempt(desk, request.args.get("attempt"))
        if payment is None or payment.state in LIVE_PAYMENT_STATES:
            return self._show(desk, attempt=payment)
        if payment.state in COLLECTED_PAYMENT_STATES:
            return self._paid(desk, payment.id)
        return self._show(desk, self._form(desk, payment.amount), problem=came_to(payment))

    def _show(
        self,
        desk: Desk,
        form: InPersonForm | None = None,
        *,
        problem: str = "",
        attempt: Payment | None = None,
        status: int = 200,
    ) -> Any:
        live = desk.live()
        why_not = None if live is not None else desk.why_not()
        if why_not is not None:
            return self.refused(desk.record, desk.heading, why_not)
        shown: dict[str, Any] = {
            "desk": desk,
            "record": desk.record,
            "back": self._back(desk),
            "problem": problem,
            "user": desk.user,
        }
        if live is not None:
            page = self._under_way(live, shown, attempt)
        else:
            page = self.render(
                "admin/pages/in_person.html",
                form=form or self._form(desk),
                scripts=scripts(current_app.config["COUNTERFOIL"]),
                spoken=words(),
                again=self._here(desk),
                card_fields=url_for(".card_fields", id=desk.record.id),
                **shown,
            )
        answer = make_response(page, status)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _under_way(self, live: Payment, shown: dict[str, Any], attempt: Payment | None) -> Any:
        desk: Desk = shown["desk"]
        invoices = [share.invoice for share in live.allocations]
        capturing = any(invoice.state is InvoiceState.PENDING for invoice in invoices)
        if live.state is PaymentState.AUTHORISED and not capturing:
            why_not = guards.why_not_capture(db.session(), live, invoices)
            hold = Hold.of(db.session(), live)
            return self.render(
                "admin/pages/in_person_hold.html", hold=hold, why_not=why_not, **shown
            )
        # A bank takes days with a debit: nobody watches a page for that.
        waits = live.state is not PaymentState.PENDING
        return self.render(
            "admin/pages/in_person_waiting.html",
            sentence=claims.why_in_flight(db.session(), live).sentence,
            ours=attempt is not None,
            again=self._here(desk, attempt=live.id) if waits else None,
            payment=live,
            **shown,
        )

    def _paid(self, desk: Desk, payment_id: int, change: int = 0) -> Any:
        payment = db.session.get_one(Payment, payment_id)
        db.session.refresh(payment)
        db.session.refresh(desk.record)
        told = receipt_words(payment, desk.user, change, desk.balance)
        flash(told + desk.follows(), "success")
        return redirect(self._back(desk), 303)

    # Helpers.

    def _form(self, desk: Desk, amount: int | None = None) -> InPersonForm:
        start = {
            "amount": desk.balance if amount is None else min(amount, desk.balance),
            "tender": CARD,
            "send_receipt": desk.user.reachable,
        }
        typed = request.form if request.method == "POST" else None
        form = InPersonForm(typed, data=start)
        form.tender.choices = tenders(get_settings(db.session()).manual_methods)
        return form

    def _attempt(self, desk: Desk, text: str | None) -> Payment | None:
        """Return the payment named in a form or address, if it is one of this counter's."""
        payment = find(Payment, read_id(text))
        return payment if payment is not None and desk.had(payment) else None

    def _here(self, desk: Desk, **more: Any) -> str:
        return url_for(".index", id=desk.record.id, **more)

    def _back(self, desk: Desk) -> str:
        return record_url(desk.record) or url_for("admin.index")


class InPersonPage(Counter):
    """Process Invoice In-Person."""

    label = "Process Invoice In-Person"
    slug = "in_person"
    path = "/admin/invoice/in-person"

    def desk(self) -> Desk:
        return InvoiceDesk(self.record(Invoice))


class SettlePage(Counter):
    """Settle Outstanding Balance."""

    label = "Settle Outstanding Balance"
    slug = "settle"
    path = "/admin/application/settle"

    def desk(self) -> Desk:
        return ApplicationDesk(self.record(Application))


eye_action(Invoice, "process", "in_person.index")
eye_action(Application, "settle", "settle.index")
