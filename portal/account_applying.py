"""Beginning an application: a draft on a form that is open, to be filled in and handed in."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from applications import forms
from applications.account import draft_on, open_forms
from billing.errors import Refusal
from models import db
from portal import limits
from portal.customers import account, acting, customer
from portal.limits import limiter
from portal.paying import MAX_ID

CLOSED = "Please choose a form that is open for applications."


@account.post(f"/account/applications/<int(max={MAX_ID}):user_id>")
@limiter.limit(limits.CHANGE)
def begin_application(user_id: int) -> ResponseReturnValue:
    """Begin a draft, or go on with the one there is: pressing twice makes no second one."""
    user = customer().person(user_id)
    typed = request.form.get("form")
    wanted = next((one for one in open_forms(db.session(), user) if str(one.id) == typed), None)
    if wanted is None:
        flash(CLOSED, "refused")
        return redirect(url_for("account.home"), code=303)
    try:
        application_id = draft_on(db.session(), user, wanted) or forms.begin(
            user.id, wanted.id, answers={}, actor=acting(user.id)
        )
    except Refusal as refusal:
        flash(refusal.sentence, "refused")
        return redirect(url_for("account.home"), code=303)
    return redirect(url_for("account.application", application_id=application_id), code=303)
