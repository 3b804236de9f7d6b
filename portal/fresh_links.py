"""A way back for people whose link no longer works."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from billing import links
from billing.database import transaction
from portal import limits
from portal.limits import limiter
from portal.links import LONGEST_TOKEN, portal


@portal.post("/i/<token>/fresh-link")
@limiter.limit(limits.FRESH_LINK)
def fresh_link(token: str) -> ResponseReturnValue:
    """Send a fresh link to the address the invoice belongs to, if the old one was ever ours.

    The answer is the same in every case: it tells nobody whether a link, an invoice or an
    address exists.
    """
    if len(token) <= LONGEST_TOKEN:
        with transaction() as session:
            links.fresh_link(session, token)
    return redirect(url_for("portal.fresh_link_sent"), code=303)


@portal.get("/link-sent")
@limiter.limit(limits.LOOK)
def fresh_link_sent() -> ResponseReturnValue:
    """What everybody is told who asked for a fresh link."""
    return render_template("portal/link_sent.html")
