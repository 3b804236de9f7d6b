"""Behind the link in a letter: this person's payment method, and nothing else of the account.

``method_link`` is the blueprint of everything the link opens; each of its addresses begins with
``/m/<token>`` and calls ``way_of(token)`` first.
"""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from billing import clock
from billing.errors import NotFound, Refusal
from billing.method_links import read_method_token
from billing.signed import LinkDead
from models import Payment, db
from portal import limits, method_adding
from portal.desk import card_fields_answer
from portal.failed import failed_page, pay_failed_for
from portal.limits import limiter
from portal.links import LONGEST_TOKEN
from portal.outcomes import Ending, ending_of
from portal.paying import MAX_ID
from portal.ways import Way

method_link = Blueprint("method_link", __name__)

# How long the link shows how a payment ended that was made through it.
_SHOWN_FOR = dt.timedelta(hours=1)


def way_of(token: str) -> Way:
    """Return whose payment method the link is for; raises ``LinkDead``."""
    if len(token) > LONGEST_TOKEN:
        raise LinkDead
    link = read_method_token(db.session(), token)
    return Way(link.user, "method_link", {"token": token}, used_link=link.version)


@method_link.errorhandler(LinkDead)
def dead_link(_: LinkDead) -> tuple[str, int]:
    """Forged, ended and expired look the same; there is always the way by signing in."""
    return render_template("portal/methods/dead_link.html"), 404


@method_link.get("/m/<token>")
@limiter.limit(limits.LOOK)
def add_card(token: str) -> ResponseReturnValue:
    """A form for a card."""
    return method_adding.card_page(way_of(token))


@method_link.post("/m/<token>")
@limiter.limit(limits.PAY)
def save_card(token: str) -> ResponseReturnValue:
    """Keep it."""
    return method_adding.save_card(way_of(token))


@method_link.get("/m/<token>/bank")
@limiter.limit(limits.LOOK)
def add_bank(token: str) -> ResponseReturnValue:
    """A form for a bank account."""
    return method_adding.bank_page(way_of(token))


@method_link.post("/m/<token>/bank")
@limiter.limit(limits.PAY)
def save_bank(token: str) -> ResponseReturnValue:
    """Keep it."""
    return method_adding.save_bank(way_of(token))


@method_link.get("/m/<token>/fields")
@limiter.limit(limits.CARD_FIELDS)
def method_fields(token: str) -> ResponseReturnValue:
    """What the gateway's scripts start with."""
    way_of(token)
    return card_fields_answer()


@method_link.get(f"/m/<token>/saved/<int(max={MAX_ID}):method_id>")
@limiter.limit(limits.LOOK)
def method_saved(token: str, method_id: int) -> ResponseReturnValue:
    """Thanks."""
    return method_adding.saved_page(way_of(token), method_id)


@method_link.route("/m/<token>/failed", methods=["GET", "POST"])
@limiter.limit(limits.LOOK, methods=["GET"])
@limiter.limit(limits.PAY, methods=["POST"])
def pay_failed(token: str) -> ResponseReturnValue:
    """This person's failed invoices; the button charges what is registered now."""
    way = way_of(token)
    if request.method == "GET":
        return failed_page(
            way.user,
            way.url("pay_failed"),
            back_url=way.url("add_card"),
            back="Back",
            methods_url=way.url("add_card"),
        )
    try:
        payment_id = pay_failed_for(way.user, way.actor)
    except Refusal as refusal:
        flash(refusal.sentence, "refused")
        return redirect(way.url("pay_failed"), code=303)
    return redirect(way.url("payment", payment_id=payment_id), code=303)


@method_link.get(f"/m/<token>/payments/<int(max={MAX_ID}):payment_id>")
@limiter.limit(limits.LOOK)
def payment(token: str, payment_id: int) -> ResponseReturnValue:
    """How it ended, as far as anybody knows now."""
    way = way_of(token)
    return render_template(
        "portal/account/outcome.html",
        ending=_ending(way, payment_id),
        standing_url=way.url("payment_standing", payment_id=payment_id),
        again_url=way.url("pay_failed"),
        again="Look at the invoices again",
        methods_url=way.url("add_card"),
        back_url=way.url("add_card"),
        back="Back to the payment method",
    )


@method_link.get(f"/m/<token>/payments/<int(max={MAX_ID}):payment_id>/standing")
@limiter.limit(limits.POLL)
def payment_standing(token: str, payment_id: int) -> ResponseReturnValue:
    """How it stands, for a page that waits for news."""
    return jsonify(standing=_ending(way_of(token), payment_id).outcome)


def _ending(way: Way, payment_id: int) -> Ending:
    """Read how a payment ended that was just made here: the link opens no older ones."""
    made = db.session.get(Payment, payment_id)
    if made is None or made.payment_method_id is None:
        abort(404)
    if clock.now() - made.started_at > _SHOWN_FOR:
        abort(404)
    try:
        return ending_of(db.session(), (way.user.id,), payment_id)
    except NotFound:
        abort(404)
