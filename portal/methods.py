"""How you pay: the cards and bank accounts on file, for who has signed in.

Several people may share an address; each has their own, and each page says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from billing import methods as verbs
from billing.errors import Refusal
from billing.method_guards import (
    is_expired,
    methods_on_file,
    why_not_bank,
    why_not_make_default,
    why_not_remove,
)
from models import PaymentMethod, User, db
from models.states import BillingMethod
from portal import limits, method_adding
from portal.customers import account, acting, customer
from portal.desk import card_fields_answer
from portal.limits import limiter
from portal.paying import MAX_ID
from portal.ways import Way

_PERSON = f"<int(max={MAX_ID}):user_id>"
_METHOD = f"<int(max={MAX_ID}):method_id>"


@dataclass(frozen=True)
class MethodRow:
    """One line of the list, with what can be done about it."""

    method: PaymentMethod
    expired: bool
    can_be_default: bool
    why_not_remove: str


@dataclass(frozen=True)
class Payer:
    """One of the people who share the address, with what they have on file."""

    user: User
    rows: list[MethodRow]

    @property
    def only_invoice(self) -> bool:
        """Whether nothing is ever charged to them by itself."""
        return self.user.billing_method is BillingMethod.INVOICE


@account.get("/account/methods")
@limiter.limit(limits.LOOK)
def methods() -> ResponseReturnValue:
    """What everybody who has this address has on file."""
    return render_template(
        "portal/methods/list.html",
        payers=[payer_of(user) for user in customer().people],
        bank_possible=why_not_bank(db.session()) is None,
    )


def payer_of(user: User) -> Payer:
    """Return what a person has on file, for a page."""
    session = db.session()
    rows = []
    for method in methods_on_file(session, user.id):
        why_not = why_not_remove(session, method)
        rows.append(
            MethodRow(
                method,
                is_expired(session, method),
                why_not_make_default(session, method) is None,
                why_not.sentence if why_not else "",
            )
        )
    return Payer(user, rows)


@account.get(f"/account/methods/card/{_PERSON}")
@limiter.limit(limits.LOOK)
def add_card(user_id: int) -> ResponseReturnValue:
    """A form for a card of this person's."""
    return method_adding.card_page(_way(user_id))


@account.post(f"/account/methods/card/{_PERSON}")
@limiter.limit(limits.PAY)
def save_card(user_id: int) -> ResponseReturnValue:
    """Keep it."""
    return method_adding.save_card(_way(user_id))


@account.get(f"/account/methods/bank/{_PERSON}")
@limiter.limit(limits.LOOK)
def add_bank(user_id: int) -> ResponseReturnValue:
    """A form for a bank account of this person's."""
    return method_adding.bank_page(_way(user_id))


@account.post(f"/account/methods/bank/{_PERSON}")
@limiter.limit(limits.PAY)
def save_bank(user_id: int) -> ResponseReturnValue:
    """Keep it."""
    return method_adding.save_bank(_way(user_id))


@account.get(f"/account/methods/fields/{_PERSON}")
@limiter.limit(limits.CARD_FIELDS)
def method_fields(user_id: int) -> ResponseReturnValue:
    """What the gateway's scripts start with."""
    customer().person(user_id)
    return card_fields_answer()


@account.get(f"/account/methods/saved/{_PERSON}/{_METHOD}")
@limiter.limit(limits.LOOK)
def method_saved(user_id: int, method_id: int) -> ResponseReturnValue:
    """Thanks."""
    return method_adding.saved_page(_way(user_id), method_id)


@account.get(f"/account/methods/{_METHOD}/remove")
@limiter.limit(limits.LOOK)
def ask_remove(method_id: int) -> ResponseReturnValue:
    """Ask whether that is meant."""
    method = _own(method_id)
    others = [one for one in methods_on_file(db.session(), method.user_id) if one != method]
    follower = others[0] if others and method.is_default else None
    return _ask("remove", method, follower)


@account.post(f"/account/methods/{_METHOD}/remove")
@limiter.limit(limits.CHANGE)
def remove(method_id: int) -> ResponseReturnValue:
    """Remove it for good; pressed again, say that it is done."""
    method = _own(method_id, even_removed=True)
    return _do(verbs.remove_method, method, f"{method} is removed.", "removed")


@account.get(f"/account/methods/{_METHOD}/default")
@limiter.limit(limits.LOOK)
def ask_default(method_id: int) -> ResponseReturnValue:
    """Ask whether that is meant."""
    return _ask("default", _own(method_id))


@account.post(f"/account/methods/{_METHOD}/default")
@limiter.limit(limits.CHANGE)
def use_first(method_id: int) -> ResponseReturnValue:
    """Charge this one from now on; pressed again, say that it is done."""
    method = _own(method_id, even_removed=True)
    return _do(verbs.make_default, method, f"{method} is used from now on.", "already_default")


def _ask(what: str, method: PaymentMethod, follower: PaymentMethod | None = None) -> str:
    rules = {"remove": why_not_remove, "default": why_not_make_default}
    why_not = rules[what](db.session(), method)
    return render_template(
        "portal/methods/confirm.html",
        what=what,
        method=method,
        follower=follower,
        why_not=why_not.sentence if why_not else "",
        form=FlaskForm(),
    )


def _do(
    verb: Callable[..., None], method: PaymentMethod, done: str, done_before: str
) -> ResponseReturnValue:
    """Carry it out; ``done_before`` is the code of the refusal that says it was done already."""
    owner, method_id = method.user_id, method.id
    try:
        verb(method_id, actor=acting(owner))
    except Refusal as refusal:
        if refusal.code == done_before:
            flash(done, "done")
        else:
            flash(f"{refusal.sentence} Nothing was changed.", "refused")
    else:
        flash(done, "done")
    return redirect(url_for("account.methods"), code=303)


def _own(method_id: int, *, even_removed: bool = False) -> PaymentMethod:
    """Return a method of this customer's; everybody else's, and what is removed, is not found."""
    here = customer()
    method = db.session.get(PaymentMethod, method_id)
    if method is None or method.user_id not in here.ids:
        abort(404)
    if method.removed_at is not None and not even_removed:
        abort(404)
    return method


def _way(user_id: int) -> Way:
    return Way(customer().person(user_id), "account", {"user_id": user_id})
