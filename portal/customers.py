"""Who has signed in as a customer in this browser, and what they may open.

Kept in the browser's session under a key of its own, beside staff's sign-in and never mixed with
it: signing in or out here leaves a member of staff what they were, and opens nothing of theirs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from billing import clock
from billing.actor import Actor, customer_actor
from billing.signed import LinkDead
from models import User, db

LASTS = dt.timedelta(hours=12)
_KEY = "customer"

account = Blueprint("account", __name__)


class SignedOut(Exception):
    """Nobody has signed in here, it was too long ago, or the address is nobody's any more."""


@dataclass(frozen=True)
class Customer:
    """The people who share the address that signed in: they see each other's records."""

    people: tuple[User, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(user.id for user in self.people)

    def person(self, user_id: int) -> User:
        """Return one of them; everybody else is not found."""
        found = next((user for user in self.people if user.id == user_id), None)
        return found or abort(404)


def begin(user_ids: Sequence[int]) -> None:
    """Sign this browser in as the customers with ``user_ids``, who share one address."""
    first = db.session.get_one(User, user_ids[0])
    session[_KEY] = {
        "ids": list(user_ids),
        "address": _plain(first),
        "until": int((clock.now() + LASTS).timestamp()),
    }


def end() -> None:
    """Sign the customer out; staff stay signed in."""
    session.pop(_KEY, None)


def signed_in() -> bool:
    """Whether somebody has signed in here not too long ago; asks no database."""
    kept: dict[str, Any] = session.get(_KEY) or {}
    return bool(kept) and clock.now().timestamp() < kept["until"]


def customer() -> Customer:
    """Return who has signed in; raises ``SignedOut``.

    Asked anew at each request, so whoever loses the address or is erased is signed out at once.
    """
    if not signed_in():
        raise SignedOut
    kept = session[_KEY]
    found = db.session.scalars(select(User).where(User.id.in_(kept["ids"])).order_by(User.id))
    people = tuple(user for user in found if user.reachable and _plain(user) == kept["address"])
    if not people:
        raise SignedOut
    return Customer(people)


def acting(user_id: int) -> Actor:
    """Return the author of what this request does for a customer."""
    return customer_actor(user_id, request.remote_addr or "")


def hint(address: str) -> str:
    """Return enough of an address for its owner to recognise it, and for nobody to write to it."""
    name, _, host = address.partition("@")
    host, _, ending = host.rpartition(".")
    return f"{name[:1]}•••@{host[:1]}•••.{ending}"


def _plain(user: User) -> str:
    return (user.email or "").lower()


@account.errorhandler(SignedOut)
def ask_to_sign_in(_: SignedOut) -> ResponseReturnValue:
    """Everything behind the sign-in leads there, whether or not there is anything to see."""
    end()
    return redirect(url_for("account.ask"), code=303)


@account.errorhandler(LinkDead)
def dead_link(_: LinkDead) -> ResponseReturnValue:
    """The one page for sign-in and application links that open nothing."""
    return render_template("portal/account/dead_link.html"), 404
