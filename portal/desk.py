"""The card form on a page: where it sends the card, what it fetches, how much its button says."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue

from billing import charging
from billing.errors import GatewayError
from portal.forms import PayForm
from web.card_scripts import Scripts, scripts

logger = logging.getLogger(__name__)

NOT_NOW = "Card payment isn't possible at the moment."


@dataclass(frozen=True)
class OtherAmount:
    """The choice to pay a part, where the office offers it.

    check   -- where the script has an amount read while it is typed
    typed   -- what was asked for before, to be corrected
    problem -- why that can't be paid, in a sentence
    """

    check: str
    typed: str = ""
    problem: str = ""


@dataclass(frozen=True)
class PayDesk:
    """What ``_pay.html`` needs to take a card.

    amount      -- minor units on the button; compared with what is due, never charged
    action      -- where the nonce is sent
    card_fields -- where the card fields get what they start with
    page        -- this page again, for a second try
    printed     -- a paper to bring to the office instead, where there is one
    chosen      -- the invoices that are paid together, where the address does not say it
    other       -- the choice of another amount, where there is one
    """

    amount: int
    holder: str
    street: str
    postal_code: str
    action: str
    card_fields: str
    page: str
    printed: str = ""
    chosen: tuple[int, ...] = ()
    other: OtherAmount | None = None

    @property
    def form(self) -> PayForm:
        """The form as it is first shown."""
        return PayForm(
            formdata=None,
            shown_balance=str(self.amount),
            holder=self.holder,
            street=self.street,
            postal_code=self.postal_code,
        )

    @property
    def scripts(self) -> Scripts:
        """The gateway's own scripts."""
        return scripts(current_app.config["COUNTERFOIL"])


def card_fields_answer() -> ResponseReturnValue:
    """Answer with what the card fields start with; 503 with a sentence without the gateway."""
    try:
        return jsonify(authorization=charging.card_form_token())
    except GatewayError:
        logger.warning("the gateway gave no client token; card payment is switched off meanwhile")
        return jsonify(problem=NOT_NOW), 503
