"""How a user is billed: method and trigger with one click each, and what they have on file.

The card stands on the user's Eye page (``templates/admin/pages/eye/user_billing.html``); its
buttons come here. Who may not change it reads the same in words.
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, holds, not_found, requires
from admin.base.registry import record_url
from admin.base.scope import find, read_id
from admin.base.words import office_settings, words
from admin.pages.verbs import VerbPage
from billing import methods
from billing.billing_choice import set_billing_method, set_billing_trigger, trigger_of
from billing.errors import NotFound, Refusal
from billing.method_guards import (
    is_expired,
    methods_on_file,
    why_not_make_default,
    why_not_remove,
)
from billing.method_letters import ask_for_method, why_not_ask
from billing.planned import planned_charges
from models import PaymentMethod, User, db
from models.states import BillingMethod, BillingTrigger

Choice = TypeVar("Choice", bound=enum.StrEnum)

METHODS = {
    BillingMethod.GATEWAY: "Gateway",
    BillingMethod.INVOICE: "Invoice",
}
TRIGGERS = {
    BillingTrigger.DEFAULT: "Default",
    BillingTrigger.AUTOMATIC: "Automatic",
    BillingTrigger.MANUAL: "Manual",
}
ALREADY = "It was so already; nothing was changed."
_WHAT_FOLLOWS = {
    BillingTrigger.AUTOMATIC: "The nightly run charges or sends this user's drafts by itself.",
    BillingTrigger.MANUAL: "This user's drafts wait for staff to charge or send them.",
}


@dataclass(frozen=True)
class OnFile:
    """A card or account on file. ``tone``: "expired", "soon" or ""; ``until``: as on the card."""

    method: PaymentMethod
    until: str
    tone: str
    added: str
    why_not_default: str | None
    why_not_remove: str | None


@dataclass(frozen=True)
class BillingCard:
    """What the card shows.

    default   -- what the trigger "default" means now, in a word
    trigger   -- what follows from the trigger as it is resolved
    planned   -- charges that switching to invoices would stop
    why_not_ask -- why no link to add a method can be e-mailed
    """

    user: User
    may_change: bool
    default: str
    trigger: str
    planned: str
    on_file: list[OnFile]
    why_not_ask: str | None
    since: str
    methods = METHODS
    triggers = TRIGGERS


def billing_card(user: User) -> BillingCard:
    """Read what the card of ``user`` shows."""
    session, office = db.session(), office_settings()
    planned = planned_charges(session, user.id)
    asked = why_not_ask(session, user)
    return BillingCard(
        user,
        holds("users.billing"),
        TRIGGERS[office.billing_trigger].lower(),
        _WHAT_FOLLOWS[trigger_of(user, office)],
        _charges(planned) if planned else "",
        [_on_file(method, office.expiry_days) for method in methods_on_file(session, user.id)],
        asked.sentence if asked is not None else None,
        words().day(words().local(user.created_at).date()),
    )


def _on_file(method: PaymentMethod, expiry_days: int) -> OnFile:
    session = db.session()
    tone = ""
    if is_expired(session, method):
        tone = "expired"
    elif method.expires_on and method.expires_on <= words().today + dt.timedelta(expiry_days):
        tone = "soon"
    until = method.expires_on.strftime("%m/%Y") if method.expires_on else ""
    first, last = why_not_make_default(session, method), why_not_remove(session, method)
    return OnFile(
        method,
        until,
        tone,
        words().day(words().local(method.created_at).date()),
        first.sentence if first else None,
        last.sentence if last else None,
    )


def _charges(count: int) -> str:
    return "1 planned charge" if count == 1 else f"{count} planned charges"


class BillingPages(VerbPage):
    """Where the buttons of the card lead."""

    label = "Billing"
    permission = "users.billing"
    slug = "billing_card"
    path = "/admin/user/billing"

    @expose("/method/", methods=("POST",))
    @requires("users.billing")
    def method(self) -> Any:
        """Charge the registered payment method from now on, or send invoices."""
        user = self.record(User)
        wanted = _chosen(BillingMethod)
        planned = planned_charges(db.session(), user.id)

        def switch() -> str:
            if not set_billing_method(user.id, wanted, actor=actor()):
                return ALREADY
            if wanted is BillingMethod.GATEWAY:
                return "The registered payment method is charged from now on."
            said = "Invoices are sent from now on; nothing is charged to a registered method."
            if not planned:
                return said
            stopped = "was stopped" if planned == 1 else "were stopped"
            return f"{said} {_charges(planned)} {stopped}."

        return self._at_once(user, switch)

    @expose("/trigger/", methods=("POST",))
    @requires("users.billing")
    def trigger(self) -> Any:
        """Set when this user is billed: as the office does by default, by itself, or by staff."""
        user = self.record(User)
        wanted = _chosen(BillingTrigger)

        def switch() -> str:
            if not set_billing_trigger(user.id, wanted, actor=actor()):
                return ALREADY
            default = TRIGGERS[office_settings().billing_trigger].lower()
            now = f" (now: {default})" if wanted is BillingTrigger.DEFAULT else ""
            return f"The billing trigger is {TRIGGERS[wanted].lower()}{now}."

        return self._at_once(user, switch)

    @expose("/default-method/", methods=("POST",))
    @requires("users.billing")
    def default_method(self) -> Any:
        """Charge another card or account on file from now on."""
        method, user = self._method()
        name, method_id = str(method), method.id

        def choose() -> str:
            methods.make_default(method_id, actor=actor())
            return f"{name} is charged from now on."

        return self._at_once(user, choose)

    @expose("/remove-method/", methods=("GET", "POST"))
    @requires("users.billing")
    def remove_method(self) -> Any:
        """Forget a card or account."""
        method, user = self._method()
        name, method_id = str(method), method.id
        heading = "Remove payment method"
        why_not = why_not_remove(db.session(), method)
        if why_not is not None:
            return self.refused(user, heading, why_not)

        def remove() -> str:
            methods.remove_method(method_id, actor=actor())
            return f"{name} was removed."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            user,
            remove,
            heading=heading,
            button="Remove",
            danger=True,
            consequences=lambda: _removing(method),
        )

    @expose("/ask/", methods=("POST",))
    @requires("users.billing")
    def ask(self) -> Any:
        """E-mail a link with which the customer adds a payment method."""
        user = self.record(User)

        def send() -> str:
            address = ask_for_method(user.id, actor=actor())
            return f"A link to add a payment method goes to {address}."

        return self._at_once(user, send)

    def _at_once(self, user: User, verb: Any) -> Any:
        """Do it, say how it went, and go back to the card."""
        user_id = user.id
        try:
            flash(verb(), "success")
        except NotFound:
            not_found()
        except Refusal as refusal:
            flash(refusal.sentence, "error")
        back = record_url(db.session.get_one(User, user_id)) or url_for("admin.index")
        return redirect(f"{back}#billing", 303)

    def _method(self) -> tuple[PaymentMethod, User]:
        """Return the method the address names and its user, if this person may see the user."""
        method_id = read_id(request.args.get("id"))
        method = db.session.get(PaymentMethod, method_id) if method_id is not None else None
        user = find(User, method.user_id) if method is not None else None
        if method is None or user is None:
            not_found()
        return method, user


def _chosen(kind: type[Choice]) -> Choice:
    """Return the choice that the pressed button names."""
    try:
        return kind(request.form.get("to", ""))
    except ValueError:
        not_found()


def _removing(method: PaymentMethod) -> list[str]:
    """Return what follows from removing ``method``."""
    others = [m for m in methods_on_file(db.session(), method.user_id) if m.id != method.id]
    said = [f"{method} is forgotten here and at the gateway, and can't be charged any more."]
    if not others:
        said.append("No payment method is left on file then: this user's invoices are sent.")
    elif method.is_default:
        said.append(f"{others[0]} is charged from then on.")
    return said
