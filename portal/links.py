"""From a link to its invoice, and what every answer behind a link has in common."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template, request
from flask_login import current_user

from billing.links import read_invoice_token
from billing.signed import LinkDead
from models import Invoice, db

LONGEST_TOKEN = 512
# Behind these is what only one customer may see; most of these addresses are secrets themselves.
_SECRET = ("/i/", "/a/", "/m/", "/account", "/applications/", "/sign-", "/unsubscribe/")

portal = Blueprint("portal", __name__)


def open_link(token: str) -> Invoice:
    """Return the invoice a link opens.

    Raises ``LinkDead`` for a forged, an expired and a rotated link alike, so that their answers
    cannot be told apart.
    """
    if len(token) > LONGEST_TOKEN:
        raise LinkDead
    return read_invoice_token(db.session(), token)


def staff_is_looking() -> bool:
    """Whether a member of staff is signed in in this browser: their look is not the customer's."""
    return hasattr(current_app, "login_manager") and bool(current_user.is_authenticated)


def only_fetched_ahead() -> bool:
    """Whether the browser asks before anybody has decided to look (prefetch, prerender)."""
    purpose = request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    return "prefetch" in purpose or "prerender" in purpose


@portal.app_errorhandler(LinkDead)
def dead_link(_: LinkDead) -> tuple[str, int]:
    """The one page for every link that opens nothing."""
    token = (request.view_args or {}).get("token", "")
    return render_template("portal/dead_link.html", token=token[:LONGEST_TOKEN]), 404


def keep_links_secret(response: Response) -> Response:
    """Keep links and what they open out of referrers, caches and search engines (RFC 9111)."""
    if request.path.startswith(_SECRET):
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
