"""Edit items: what a draft says, line by line, with its sums worked out while one types."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import flash, jsonify, make_response, redirect, request, url_for
from flask_admin import expose
from sqlalchemy import select

from admin.base.access import actor, holds, not_found, requires
from admin.base.actions import eye_action
from admin.base.fields import shown_amount, shown_number
from admin.base.refusing import REFUSED, show_refusal
from admin.base.registry import record_url
from admin.base.words import words
from admin.pages.drafting_form import (
    DraftForm,
    LineForm,
    Row,
    Worked,
    as_posted,
    changed_rows,
    rows_of,
    too_many,
    typed_rows,
    work_out,
)
from admin.pages.verbs import VerbPage
from billing.drafts import mark_of
from billing.errors import NotFound, Refusal
from billing.guards import why_not_edit
from billing.invoicing import edit_draft
from models import Invoice, PredefinedCharge, Unit, db

OFFERED = 500


@dataclass(frozen=True)
class Offer:
    """A line to start from: ``row`` is what its fields are filled with, as typed text."""

    key: str
    label: str
    row: Row


class Drafting(VerbPage):
    """The editor of a draft, and the sums it asks for while somebody types."""

    label = "Edit items"
    permission = "invoices.edit"
    slug = "drafting"
    path = "/admin/invoice/items"

    @expose("/edit/", methods=("GET", "POST"))
    @requires("invoices.edit")
    def edit(self) -> Any:
        """Show the draft's items to be edited; save what was typed."""
        invoice = self.record(Invoice)
        if request.method == "POST":
            return self._posted(invoice)
        why_not = why_not_edit(db.session(), invoice)
        if why_not is not None:
            return self.refused(invoice, "Edit items", why_not)
        form = DraftForm(
            None,
            data={
                "description": invoice.description,
                "due_on": invoice.due_on,
                "lines": rows_of(invoice),
            },
        )
        return self._shown(invoice, form, work_out(form), mark_of(invoice))

    @expose("/preview/", methods=("POST",))
    @requires("invoices.edit")
    def preview(self) -> Any:
        """Answer what the lines come to as typed. Changes nothing."""
        self.record(Invoice)
        rows = typed_rows(request.form)
        worked = work_out(DraftForm(as_posted(request.form, rows)))
        spoken = words()
        return jsonify(
            lines=[spoken.money(item.gross) if item else "" for item in worked.items],
            net=spoken.money(worked.net),
            tax=spoken.money(worked.tax),
            total=spoken.money(worked.total),
            words=too_many(rows) or in_doubt(worked),
        )

    def _posted(self, invoice: Invoice) -> Any:
        """Do what the button pressed says; only "save" and "send" change anything."""
        wish = request.form.get("do", "save")
        mark = request.form.get("seen", "")
        rows = typed_rows(request.form)
        if wish not in ("save", "send", "work"):
            return self._rearranged(invoice, rows, wish, mark)
        form: Any = DraftForm(as_posted(request.form, rows))
        good = form.validate()
        worked = work_out(form)
        crowd = too_many(rows)
        if crowd:
            form.form_errors = [*form.form_errors, crowd]
        if wish != "work" and good and not worked.unclear and not crowd:
            try:
                return self._saved(invoice, form, worked, mark, wish)
            except NotFound:
                not_found()
            except Refusal as refusal:
                mark = self._refused(invoice, form, refusal, mark)
        status = REFUSED if form.errors or worked.unclear or crowd else 200
        return self._shown(invoice, form, worked, mark, status)

    def _rearranged(self, invoice: Invoice, rows: list[Row], wish: str, mark: str) -> Any:
        chosen = request.form.get("offer", "")
        offers = [offer.row for offer in offers_for(invoice) if offer.key == chosen]
        form = DraftForm(as_posted(request.form, changed_rows(rows, wish, offers)))
        return self._shown(invoice, form, work_out_quietly(form), mark)

    def _saved(self, invoice: Invoice, form: Any, worked: Worked, mark: str, wish: str) -> Any:
        due_on: dt.date | None = form.due_on.data
        edit_draft(
            invoice.id,
            description=form.description.data,
            due_on=due_on,
            lines=worked.lines,
            shown=mark,
            actor=actor(),
        )
        flash("The draft is saved.", "success")
        if wish == "send" and holds("invoices.send"):
            return redirect(url_for("invoice_actions.send", id=invoice.id), 303)
        return redirect(record_url(invoice) or url_for("admin.index"), 303)

    def _refused(self, invoice: Invoice, form: Any, refusal: Refusal, mark: str) -> str:
        """Say why nothing was saved; return the mark that the next attempt has to carry."""
        if refusal.field == "lines":
            form.form_errors = [*form.form_errors, refusal.sentence]
        else:
            show_refusal(form, refusal)
        # Somebody who was told and compares may save over it; nobody does so unknowingly.
        return mark_of(self.record(Invoice)) if refusal.code == "changed" else mark

    def _shown(
        self, invoice: Invoice, form: Any, worked: Worked, mark: str, status: int = 200
    ) -> Any:
        # A verb that refused has ended the reading this record came from.
        invoice = self.record(Invoice)
        page = self.render(
            "admin/pages/drafting.html",
            record=invoice,
            form=form,
            worked=worked,
            doubt=in_doubt(worked),
            mark=mark,
            blank=LineForm(),
            offers=offers_for(invoice),
            may_send=holds("invoices.send"),
            back=record_url(invoice) or url_for("admin.index"),
        )
        return make_response(page, status)


def work_out_quietly(form: Any) -> Worked:
    """Work the rows out without saying what is wrong: somebody is still typing."""
    worked = work_out(form)
    for entry in form.lines:
        for each in entry.form:
            each.errors = []
    return worked


def in_doubt(worked: Worked) -> str:
    """Return what the sums leave out; empty when they are complete."""
    if not worked.unclear:
        return ""
    if worked.unclear == 1:
        return "Without 1 line that can't be worked out yet."
    return f"Without {worked.unclear} lines that can't be worked out yet."


def offers_for(invoice: Invoice) -> list[Offer]:
    """Return the lines to start from: the rate of the unit it is about, predefined charges."""
    charges = db.session.scalars(
        select(PredefinedCharge)
        .where(PredefinedCharge.active)
        .order_by(PredefinedCharge.name, PredefinedCharge.id)
        .limit(OFFERED)
    )
    offers = [
        _offer(f"charge-{each.id}", each.name, each.unit_amount, each.tax_rate, each.tax_inclusive)
        for each in charges
    ]
    return [*_rent(invoice), *offers]


def _rent(invoice: Invoice) -> list[Offer]:
    if invoice.billable_id is None:
        return []
    unit = db.session.scalar(select(Unit).where(Unit.billable_id == invoice.billable_id))
    if unit is None or unit.rate <= 0:
        return []
    return [_offer("rate", f"Rent of {unit.name}", unit.rate, Decimal(0), inclusive=False)]


def _offer(key: str, name: str, amount: int, tax_rate: Decimal, inclusive: bool) -> Offer:
    label = f"{name} · {words().money(amount)}"
    if tax_rate:
        label += f" {'including' if inclusive else 'plus'} {shown_number(tax_rate)} % tax"
    row = {"description": name, "quantity": shown_number(Decimal(1)), "price": shown_amount(amount)}
    if tax_rate:
        row["tax"] = shown_number(tax_rate)
    if inclusive:
        row["inclusive"] = "y"
    return Offer(key, label, row)


eye_action(Invoice, "edit_items", "drafting.edit")
