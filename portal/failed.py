"""Pay my failed invoices: one page, one button, one payment with the registered method.

People come here after they have given another payment method, from their account or by the link in
a letter. ``failed_page`` and ``pay_failed_for`` know nothing of the door they came through.
"""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from billing import own_method
from billing.actor import Actor
from billing.errors import Refusal
from models import Invoice, User, db
from models.states import InvoiceState
from portal import limits
from portal.account_rows import InvoiceRow, rows_of
from portal.customers import Customer, account, acting, customer
from portal.limits import limiter
from portal.own_method import first_press, method_desk, press
from portal.paying import MAX_ID
from portal.ticked import MOST, ticked


def failed_rows(session: Session, user: User) -> list[InvoiceRow]:
    """Return the invoices of ``user`` whose last charge failed and that can be paid now."""
    found = (
        select(Invoice)
        .where(Invoice.user_id == user.id, Invoice.state == InvoiceState.FAILED)
        .options(joinedload(Invoice.user))
        .order_by(Invoice.id)
        .limit(MOST)
    )
    return [row for row in rows_of(session, session.scalars(found).all()) if row.payable]


def failed_page(
    user: User,
    action_url: str,
    *,
    back_url: str = "",
    back: str = "",
    card_url: str = "",
    methods_url: str = "",
) -> str:
    """Return the page with the failed invoices of ``user`` and one button that pays them.

    action_url  -- where the button posts to; its view calls ``pay_failed_for``
    back_url    -- where the way back leads, and ``back`` what it says
    card_url    -- where they can be paid with a typed card instead, if there is such a page
    methods_url -- where another payment method can be given, if there is such a page
    """
    session = db.session()
    rows = failed_rows(session, user)
    why_not = own_method.why_not_own_method(session, user)
    return render_template(
        "portal/account/failed.html",
        user=user,
        rows=rows,
        desk=method_desk(session, user, rows, action_url),
        why_not=why_not.sentence if why_not else "",
        back_url=back_url,
        back=back,
        card_url=card_url,
        methods_url=methods_url,
    )


def pay_failed_for(user: User, actor: Actor) -> int:
    """Pay the failed invoices the posted form names with the registered method of ``user``.

    Returns the payment, which is the first press's when the button was pressed twice. Raises
    ``Refusal`` with a sentence for the customer when something is another way than it was shown;
    this press charged nothing then. Invoices of anybody else are not found.
    """
    wanted = {invoice.id for invoice in ticked((user.id,), request.form.getlist("invoice"))}
    failed = {row.invoice.id for row in failed_rows(db.session(), user)}
    if not wanted or not wanted <= failed:
        sentence = "This has changed since you opened the page. Nothing was charged by this press."
        return first_press(wanted, Refusal(sentence, "changed"))
    return press(sorted(wanted), actor)


@account.route("/account/pay-failed", methods=["GET", "POST"])
@account.route(f"/account/pay-failed/<int(max={MAX_ID}):user_id>", methods=["GET", "POST"])
@limiter.limit(limits.LOOK, methods=["GET"])
@limiter.limit(limits.PAY, methods=["POST"])
def pay_failed(user_id: int = 0) -> ResponseReturnValue:
    """The page for who has signed in; its POST pays and leads to how it ended."""
    here = customer()
    user = here.person(user_id) if user_id else _first_with_failed(here)
    if request.method == "GET":
        chosen = [row.invoice.id for row in failed_rows(db.session(), user)]
        return failed_page(
            user,
            url_for("account.pay_failed", user_id=user.id),
            back_url=url_for("account.home"),
            back="Back to your account",
            card_url=url_for("account.several", invoice=chosen),
            methods_url=url_for("account.methods"),
        )
    try:
        payment_id = pay_failed_for(user, acting(user.id))
    except Refusal as refusal:
        flash(refusal.sentence, "refused")
        return redirect(url_for("account.pay_failed", user_id=user.id), code=303)
    return redirect(url_for("account.payment", payment_id=payment_id), code=303)


def _first_with_failed(here: Customer) -> User:
    """Of several people who share the address, the first who has something to pay here."""
    with_failed = (user for user in here.people if failed_rows(db.session(), user))
    return next(with_failed, here.people[0])
