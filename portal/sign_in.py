"""Signing in without a password: ask for a link, open it, press the button."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import sign_in_links
from billing.errors import Refusal
from billing.signed import LinkDead
from models import db
from portal import customers, limits
from portal.customers import account
from portal.limits import limiter
from portal.links import LONGEST_TOKEN


@account.get("/sign-in")
@limiter.limit(limits.LOOK)
def ask() -> ResponseReturnValue:
    """Where a customer types their address; whoever has signed in goes on to their account."""
    if customers.signed_in():
        return redirect(url_for("account.home"), code=303)
    return render_template("portal/account/ask.html")


@account.post("/sign-in")
@limiter.limit(limits.SIGN_IN)
def send_link() -> ResponseReturnValue:
    """Send a link, if the address is a customer's. The answer is the same whether or not it is."""
    typed = request.form.get("email", "").strip()
    problem = "" if typed else "Please enter your e-mail address."
    if typed:
        try:
            sign_in_links.ask_for_link(typed, request.remote_addr or "")
        except Refusal as refusal:
            problem = refusal.sentence
    if problem:
        return render_template("portal/account/ask.html", typed=typed, problem=problem), 400
    return redirect(url_for("account.link_sent"), code=303)


@account.get("/sign-in-sent")
@limiter.limit(limits.LOOK)
def link_sent() -> ResponseReturnValue:
    """What everybody is told who asked to sign in."""
    return render_template("portal/account/asked.html")


@account.get("/sign-in/<token>")
@limiter.limit(limits.LOOK)
def enter(token: str) -> ResponseReturnValue:
    """Show the button that signs in. Opening the link uses nothing up: mail scanners do it too."""
    address = sign_in_links.address_of(db.session(), _checked(token))
    if address is None:
        raise LinkDead
    return render_template(
        "portal/account/enter.html", token=token, address=customers.hint(address)
    )


@account.post("/sign-in/<token>")
@limiter.limit(limits.SIGN_IN)
def use(token: str) -> ResponseReturnValue:
    """Use the link up and sign this browser in."""
    user_ids = sign_in_links.use_link(_checked(token), ip=request.remote_addr or "")
    customers.begin(user_ids)
    return redirect(url_for("account.home"), code=303)


@account.post("/sign-out")
@limiter.limit(limits.LOOK)
def sign_out() -> ResponseReturnValue:
    """End the customer's sign-in in this browser, and nobody else's."""
    customers.end()
    flash("You are signed out.", "done")
    return redirect(url_for("account.ask"), code=303)


def _checked(token: str) -> str:
    if len(token) > LONGEST_TOKEN:
        raise LinkDead
    return token
