"""The way out of messages: a button for people, one request for their mail programs (RFC 8058).

The POST has no CSRF token, because a mail provider sends it for its reader. The signed link takes
its place: it can't be guessed, is in no cookie, and does nothing but stop messages to its address.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from billing.signed import LinkDead
from messaging import unsubscribing
from models import db
from portal import limits
from portal.customers import hint
from portal.limits import limiter
from portal.links import LONGEST_TOKEN

way_out = Blueprint("way_out", __name__)


@way_out.get("/unsubscribe/<token>")
@limiter.limit(limits.LOOK)
def ask(token: str) -> ResponseReturnValue:
    """Show the button. Opening the link changes nothing: mail scanners do it too."""
    address = unsubscribing.address_of(db.session(), _checked(token))
    return render_template("portal/unsubscribe/ask.html", token=token, address=hint(address))


@way_out.post("/unsubscribe/<token>")
@limiter.limit(limits.UNSUBSCRIBE)
def stop(token: str) -> ResponseReturnValue:
    """Stop messages to the address and say so here: such a request is never redirected."""
    address = unsubscribing.unsubscribe(_checked(token))
    return render_template("portal/unsubscribe/done.html", address=hint(address))


@way_out.errorhandler(LinkDead)
def dead_link(_: LinkDead) -> ResponseReturnValue:
    """For links that were never ours, or whose message is gone."""
    return render_template("portal/unsubscribe/dead_link.html"), 404


def _checked(token: str) -> str:
    if len(token) > LONGEST_TOKEN:
        raise LinkDead
    return token
