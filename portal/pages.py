"""The invoice's own page, and the three small requests its script makes."""

from __future__ import annotations

import logging

from flask import current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from billing import charging, invoicing
from billing.actor import customer_actor
from billing.errors import GatewayError
from models import db
from portal import limits
from portal.client import scripts
from portal.forms import PayForm
from portal.limits import limiter
from portal.links import only_fetched_ahead, open_link, portal, staff_is_looking
from portal.sheets import PAYABLE, sheet_of, standing_of

logger = logging.getLogger(__name__)


@portal.get("/")
@limiter.limit(limits.LOOK)
def home() -> ResponseReturnValue:
    """For people who come without a link."""
    return render_template("portal/home.html")


@portal.get("/i/<token>")
@limiter.limit(limits.LOOK)
def invoice(token: str) -> ResponseReturnValue:
    """The invoice in its present state; where it can be paid, with the card fields.

    Opening it changes nothing. That the customer has seen it is told by its script afterwards.
    """
    sheet = sheet_of(db.session(), open_link(token))
    form = None
    if sheet.standing == PAYABLE:
        form = PayForm(
            formdata=None,
            shown_balance=str(sheet.balance),
            holder=sheet.holder,
            postal_code=sheet.postal_code,
        )
    return render_template(
        "portal/invoice.html",
        sheet=sheet,
        token=token,
        form=form,
        scripts=scripts(current_app.config["COUNTERFOIL"]),
        count_view=not staff_is_looking(),
    )


@portal.get("/i/<token>/card-fields")
@limiter.limit(limits.CARD_FIELDS)
def card_fields(token: str) -> ResponseReturnValue:
    """What the card fields need to start. 503 with a sentence when the gateway can't be reached.

    It is asked for after the page is open: a slow gateway must not keep anybody from their bill.
    """
    if standing_of(db.session(), open_link(token)) != PAYABLE:
        return jsonify(problem="This invoice can't be paid at the moment."), 409
    try:
        return jsonify(authorization=charging.card_form_token())
    except GatewayError:
        logger.warning("the gateway gave no client token; card payment is switched off meanwhile")
        return jsonify(problem="Card payment isn't possible at the moment."), 503


@portal.get("/i/<token>/standing")
@limiter.limit(limits.POLL)
def standing(token: str) -> ResponseReturnValue:
    """How the invoice stands, for a page that waits for news."""
    return jsonify(standing=standing_of(db.session(), open_link(token)))


@portal.post("/i/<token>/viewed")
@limiter.limit(limits.POLL)
def viewed(token: str) -> ResponseReturnValue:
    """Note that the customer opened the invoice; a look by staff or a prefetch is not that."""
    invoice = open_link(token)
    if not staff_is_looking() and not only_fetched_ahead():
        actor = customer_actor(invoice.user_id, request.remote_addr or "")
        invoicing.record_view(invoice.id, actor=actor)
    return "", 204
