"""Correcting an address. Fees may follow it, so people see what changes before it does."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from applications.account import change_address
from applications.fees import fees_for
from billing.errors import Refusal
from models import Application, Form, User, db
from models.states import ApplicationState
from portal import limits
from portal.customers import account, acting, customer
from portal.limits import limiter
from portal.paying import MAX_ID
from web.formats import money

FIELDS = ("street", "city", "region", "postal_code", "country")


class AddressForm(FlaskForm):
    """An address as one writes it on a letter."""

    street = StringField("Street", [InputRequired("Please enter the street."), Length(max=200)])
    city = StringField("Town", [InputRequired("Please enter the town."), Length(max=120)])
    region = StringField("State or region", [Length(max=120)])
    postal_code = StringField("Postal code", [Length(max=20)])
    country = StringField("Country", [Length(max=80)])

    def address(self) -> dict[str, str]:
        """What was typed, tidied as it will be kept."""
        return {name: " ".join((self[name].data or "").split()) for name in FIELDS}


@dataclass(frozen=True)
class FeeChange:
    """What a new address does to one application; minor units."""

    application: Application
    before: int
    after: int


@account.get(f"/account/address/<int(max={MAX_ID}):user_id>")
@limiter.limit(limits.LOOK)
def address(user_id: int) -> ResponseReturnValue:
    """The address, to be corrected."""
    user = customer().person(user_id)
    return render_template(
        "portal/account/address.html", user=user, form=AddressForm(formdata=None, obj=user)
    )


@account.post(f"/account/address/<int(max={MAX_ID}):user_id>")
@limiter.limit(limits.CHANGE)
def save_address(user_id: int) -> ResponseReturnValue:
    """Save it; but first, once, show which fees would change and ask whether that is meant."""
    user = customer().person(user_id)
    form = AddressForm()
    if not form.validate():
        return _again(user, form), 400
    typed = form.address()
    try:
        changes = what_changes(db.session(), user, typed)
        if changes and _told() != _summary(changes):
            return _again(user, form, changes)
        differences = change_address(user.id, **typed, actor=acting(user.id))
    except Refusal as refusal:
        if refusal.field not in FIELDS:
            return _again(user, form, problem=refusal.sentence), 409
        form[refusal.field].errors = [refusal.sentence]
        return _again(user, form), 400
    flash("The address is corrected.", "done")
    for sentence in _sentences(db.session(), differences):
        flash(sentence, "done")
    return redirect(url_for("account.home"), code=303)


def what_changes(session: Session, user: User, typed: dict[str, str]) -> list[FeeChange]:
    """Say which fees would follow the new address, by the rules ``change_address`` goes by.

    Only to be shown: the verb works the fees out anew, under its locks. A draft is left out; its
    fees count from when it is handed in.
    """
    moved = User(**typed)
    wanted = (
        select(Application)
        .join(Form, Form.id == Application.form_id)
        .where(
            Application.user_id == user.id,
            Application.state.not_in((ApplicationState.INACTIVE, ApplicationState.DRAFT)),
            Form.active,
        )
        .order_by(Application.id)
    )
    changes = []
    for application in session.scalars(wanted):
        fees = fees_for(application.form, moved, application.answers)
        after = sum(fee.amount for fee in fees)
        if after != application.fees_total and application.form.fees:
            changes.append(FeeChange(application, application.fees_total, after))
    return changes


def _summary(changes: list[FeeChange]) -> str:
    """What people were told, so that they are asked again when it is no longer true."""
    return ",".join(f"{one.application.id}:{one.before}:{one.after}" for one in changes)


def _told() -> str:
    return request.form.get("told", "")


def _again(
    user: User, form: AddressForm, changes: list[FeeChange] | None = None, *, problem: str = ""
) -> str:
    return render_template(
        "portal/account/address.html",
        user=user,
        form=form,
        changes=changes or [],
        told=_summary(changes or []),
        problem=problem,
    )


def _sentences(session: Session, differences: dict[int, int]) -> list[str]:
    sentences = []
    for application_id, difference in differences.items():
        application = session.get_one(Application, application_id)
        if application.state is ApplicationState.DRAFT:
            continue
        before, after = application.fees_total - difference, application.fees_total
        owed = application.outstanding_balance
        sentences.append(
            f"{application.form.name}: the fees are now {money(after)}, before {money(before)}."
            + (f" {money(owed)} is outstanding." if owed > 0 else "")
        )
    return sentences
