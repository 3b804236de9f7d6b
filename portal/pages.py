"""The invoice's own page, and the three small requests its script makes."""

from __future__ import annotations

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import invoicing
from billing.actor import customer_actor
from models import db
from portal import limits
from portal.desk import PayDesk, card_fields_answer
from portal.limits import limiter
from portal.links import only_fetched_ahead, open_link, portal, staff_is_looking
from portal.sheets import PAYABLE, sheet_of, standing_of


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
    desk = None
    if sheet.standing == PAYABLE:
        desk = PayDesk(
            amount=sheet.balance,
            holder=sheet.holder,
            street=sheet.street,
            postal_code=sheet.postal_code,
            action=url_for("portal.pay", token=token),
            card_fields=url_for("portal.card_fields", token=token),
            page=url_for("portal.invoice", token=token),
            printed=url_for("portal.invoice_file", token=token),
        )
    return render_template(
        "portal/invoice.html",
        sheet=sheet,
        token=token,
        desk=desk,
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
    return card_fields_answer()


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
