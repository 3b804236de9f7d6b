"""Record payment: one check, transfer or cash for several invoices of a user, oldest first.

The page first shows how the amount would be spread; only what was shown is recorded.
"""

from __future__ import annotations

import re
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose

from admin.base.access import actor, not_found, requires
from admin.base.actions import eye_action
from admin.base.refusing import REFUSED
from admin.base.registry import record_url
from admin.base.scope import read_id, site_ids
from admin.base.words import office_settings, words
from admin.pages.in_person_form import CARD, InPersonForm, tenders
from admin.pages.verbs import VerbPage
from billing import spreading
from billing.errors import NotFound, Refusal
from billing.overdue import is_overdue
from billing.spreading import Plan, Share
from models import Invoice, User, db

TEMPLATE = "admin/pages/spreading.html"
_SHARE = re.compile(r"([0-9]{1,18}):([0-9]{1,15}):([0-9]{1,15})", re.ASCII)


class SpreadingPage(VerbPage):
    """The page behind Record payment on a user's page."""

    label = "Record payment"
    permission = "payments.process"
    slug = "spreading"
    path = "/admin/user/payment"

    @expose("/record/", methods=("GET",))
    @requires("payments.process")
    def ask(self) -> Any:
        """Ask for amount, form of payment and the invoices it is for."""
        user, invoices = self._open()
        if not invoices:
            return self.refused(user, self.label, _nothing_open(user))
        form = self._form(amount=sum(each.balance for each in invoices), send_receipt=True)
        return self._page(form, user, invoices, {each.id for each in invoices}, None)

    @expose("/record/", methods=("POST",))
    @requires("payments.process")
    def record_it(self) -> Any:
        """Show how the amount would be spread; record it once that was confirmed."""
        user, invoices = self._open()
        if not invoices:
            return self.refused(user, self.label, _nothing_open(user))
        form = self._form()
        ticked = {read_id(text) for text in request.form.getlist("invoices")}
        chosen = [each for each in invoices if each.id in ticked]
        plan = None
        try:
            plan = self._plan(form, chosen)
            if plan is not None and request.form.get("do") == "record":
                return self._record(form, user, plan)
        except Refusal as refusal:
            form.show(refusal)
        status = REFUSED if form.errors else 200
        page = self._page(form, user, invoices, {each.id for each in chosen}, plan)
        return make_response(page, status)

    def _open(self) -> tuple[User, list[Invoice]]:
        """Return the user and their open invoices as far as this person may see them."""
        user = self.record(User)
        return user, spreading.open_invoices(db.session(), user.id, site_ids())

    def _form(self, **data: Any) -> Any:
        form: Any = self.form(InPersonForm, **data)
        del form.nonce
        methods = office_settings().manual_methods
        form.tender.choices = [each for each in tenders(methods) if each[0] != CARD]
        return form

    def _plan(self, form: Any, chosen: list[Invoice]) -> Plan | None:
        if not form.validate():
            return None
        if not chosen:
            raise Refusal("Tick at least one invoice.", "nothing_chosen")
        if form.amount.data <= 0:
            raise Refusal("The amount must be more than zero.", "amount_zero", "amount")
        return spreading.plan(chosen, form.amount.data)

    def _record(self, form: Any, user: User, plan: Plan) -> Any:
        shown = read_plan(request.form.get("plan", ""), plan.amount)
        if shown != plan:
            raise Refusal("The amounts below are new. Please check them, then record.", "changed")
        back = record_url(user) or url_for("admin.index")
        user_id, change = user.id, form.change()
        try:
            spreading.spread(
                user_id,
                form.manual(),
                invoice_ids=[share.invoice_id for share in shown.shares],
                shown=shown,
                send_receipt=bool(form.send_receipt.data),
                actor=actor(),
            )
        except NotFound:
            not_found()
        flash(said(plan, change), "success")
        return redirect(back, 303)

    def _page(
        self, form: Any, user: User, invoices: list[Invoice], ticked: set[int], plan: Plan | None
    ) -> str:
        shares = {share.invoice_id: share for share in plan.shares} if plan else {}
        return str(
            self.render(
                TEMPLATE,
                form=form,
                record=user,
                user=user,
                back=record_url(user) or url_for("admin.index"),
                rows=[(each, each.id in ticked, shares.get(each.id)) for each in invoices],
                late={each.id for each in invoices if is_overdue(each, words().today)},
                plan=plan,
                written=written(plan) if plan else "",
                spoken=words(),
            )
        )


def written(plan: Plan) -> str:
    """Return a plan the way the page carries it to the next step."""
    return ",".join(f"{each.invoice_id}:{each.balance}:{each.amount}" for each in plan.shares)


def read_plan(text: str, amount: int) -> Plan | None:
    """Return the plan a page showed for ``amount`` minor units; None when it showed none."""
    parts = [_SHARE.fullmatch(part) for part in text.split(",")[: spreading.MOST]]
    if not all(parts):
        return None
    return Plan(amount, tuple(Share(*map(int, part.groups())) for part in parts if part))


def said(plan: Plan, change: int) -> str:
    """Return what was recorded, in a sentence."""
    money = words().money
    paid = [share for share in plan.shares if share.amount]
    closed = sum(share.amount == share.balance for share in paid)
    one = len(paid) == 1
    sentence = (
        f"{money(plan.amount)} was recorded for {'1 invoice' if one else f'{len(paid)} invoices'}"
        f"; {closed} of {'it' if one else 'them'} paid in full."
    )
    if one:
        sentence = f"{money(plan.amount)} was recorded" + (
            " and pays the invoice in full." if closed else "; the invoice stays open."
        )
    if plan.surplus:
        sentence += f" {money(plan.surplus)} is left as this user's credit."
    return f"{sentence} Change due: {money(change)}." if change else sentence


def _nothing_open(user: User) -> Refusal:
    found = spreading.why_not_spread(db.session(), user, site_ids())
    return found or Refusal("There was nothing open a moment ago. Look again.")


eye_action(User, "record_payment", "spreading.ask")
