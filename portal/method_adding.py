"""Adding a card or a bank account: the pages, the one POST of each, and the thanks afterwards.

The views are in ``portal.methods`` (signed in) and ``portal.method_links`` (link in a letter).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, current_app, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from billing import methods
from billing.errors import GatewayUnreachable, OutcomeUnknown, Refusal
from billing.gateway import Check
from billing.mandates import SEPA, Mandate, mandate_for, read_mandate
from billing.method_guards import methods_on_file, why_not_bank
from billing.office import get_settings
from models import PaymentMethod, db
from models.states import BillingMethod
from portal.failed import failed_rows
from portal.method_forms import BankForm, CardForm
from portal.own_method import method_desk
from portal.ways import Way
from web.card_scripts import Scripts, scripts

UNREACHABLE = "The payment company can’t be reached. Nothing was saved. Please try again later."


@dataclass(frozen=True)
class EntryDesk:
    """What the templates need to take a card or an account.

    mandate -- what is agreed to with a bank account
    """

    way: Way
    form: CardForm | BankForm
    mandate: Mandate | None = None

    @property
    def user_reference(self) -> str:
        """Our name for the customer at the gateway."""
        return self.way.user.gateway_customer_id or f"customer-{self.way.user.id}"

    @property
    def merchant_account(self) -> str:
        """The gateway's name for who collects; it decides the currency."""
        configured = current_app.config["COUNTERFOIL"].merchant_account_id
        return str(configured or get_settings(db.session()).currency)

    @property
    def is_sepa(self) -> bool:
        return self.mandate is not None and self.mandate.kind == SEPA

    @property
    def scripts(self) -> Scripts:
        """The gateway's own scripts."""
        return scripts(current_app.config["COUNTERFOIL"])


def card_page(way: Way) -> ResponseReturnValue:
    """The card form, and what is on file already."""
    user = way.user
    form = CardForm(
        formdata=None, holder=user.name, street=user.street, postal_code=user.postal_code
    )
    return render_template(
        "portal/methods/card.html",
        way=way,
        desk=EntryDesk(way, form),
        on_file=methods_on_file(db.session(), user.id),
        bank_possible=why_not_bank(db.session()) is None,
        only_invoice=user.billing_method is BillingMethod.INVOICE,
    )


def save_card(way: Way) -> ResponseReturnValue:
    """Have the gateway check and keep the card behind the nonce."""
    form = CardForm()
    if not form.validate():
        flash(form.first_problem(), "refused")
        return redirect(way.url("add_card"), code=303)
    return _saved_or_why(
        way,
        "add_card",
        lambda: methods.register_method(
            way.user.id,
            nonce=form.typed("nonce"),
            check=Check.CARD,
            used_link=way.used_link,
            actor=way.actor,
        ),
    )


def bank_page(way: Way) -> ResponseReturnValue:
    """The account's form with the mandate; not found where the office takes no debits."""
    _require_bank()
    form = BankForm(formdata=None, holder=way.user.name)
    mandate = mandate_for(db.session(), way.user)
    return render_template(
        "portal/methods/bank.html",
        way=way,
        desk=EntryDesk(way, form, mandate),
        only_invoice=way.user.billing_method is BillingMethod.INVOICE,
    )


def save_bank(way: Way) -> ResponseReturnValue:
    """Have the gateway keep the account behind the nonce, with the mandate word for word."""
    _require_bank()
    form = BankForm()
    if not form.validate():
        flash(form.first_problem(), "refused")
        return redirect(way.url("add_bank"), code=303)

    def register() -> int:
        mandate = read_mandate(form.typed("mandate"), way.user.id)
        text = mandate.worded(
            holder=form.typed("holder"),
            last_four=form.typed("last_four"),
            account=form.typed("account_kind"),
        )
        return methods.register_method(
            way.user.id,
            nonce=form.typed("nonce"),
            mandate=text,
            check=Check.NONE if mandate.kind == SEPA else Check.US_ACCOUNT,
            last_four=form.typed("last_four"),
            used_link=way.used_link,
            actor=way.actor,
        )

    return _saved_or_why(way, "add_bank", register)


def saved_page(way: Way, method_id: int) -> ResponseReturnValue:
    """Thanks, and what can be done next: pay what failed."""
    method = db.session.get(PaymentMethod, method_id)
    if method is None or method.user_id != way.user.id or method.removed_at is not None:
        abort(404)
    rows = failed_rows(db.session(), way.user)
    return render_template(
        "portal/methods/saved.html",
        way=way,
        method=method,
        rows=rows,
        desk=method_desk(db.session(), way.user, rows, way.url("pay_failed")),
        only_invoice=way.user.billing_method is BillingMethod.INVOICE,
    )


def _require_bank() -> None:
    if why_not_bank(db.session()) is not None:
        abort(404)


def _saved_or_why(way: Way, page: str, register: Callable[[], int]) -> ResponseReturnValue:
    try:
        method_id = register()
    except Refusal as refusal:
        flash(f"{refusal.sentence} Nothing was saved.", "refused")
    except GatewayUnreachable:
        flash(UNREACHABLE, "refused")
    except OutcomeUnknown:
        flash(methods.NOT_KNOWN, "refused")
        return redirect(way.back, code=303)
    else:
        return redirect(way.url("method_saved", method_id=method_id), code=303)
    return redirect(way.url(page), code=303)
