"""What a browser may send to register a card or account: never its number."""

from __future__ import annotations

from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from portal.forms import PlainForm

_CARD_LOST = "Your card details did not reach us. Please enter them again."
_ACCOUNT_LOST = "Your account details did not reach us. Please enter them again."
_LONGEST_MANDATE = 6000


class CardForm(PlainForm):
    """The card, as what the gateway made of it. Holder and address are told to the gateway only."""

    nonce = HiddenField(validators=[InputRequired(_CARD_LOST), Length(max=255, message=_CARD_LOST)])
    holder = StringField()
    street = StringField()
    postal_code = StringField()


class BankForm(PlainForm):
    """The account, and what was agreed to.

    ``mandate`` is the shown text under our signature; ``last_four``, ``account_kind`` and
    ``holder`` are what the page put into it.
    """

    nonce = HiddenField(
        validators=[InputRequired(_ACCOUNT_LOST), Length(max=255, message=_ACCOUNT_LOST)]
    )
    mandate = HiddenField(
        validators=[
            InputRequired(_ACCOUNT_LOST),
            Length(max=_LONGEST_MANDATE, message=_ACCOUNT_LOST),
        ]
    )
    last_four = HiddenField(
        validators=[
            InputRequired(_ACCOUNT_LOST),
            Regexp(r"[0-9A-Z]{4}\Z", message=_ACCOUNT_LOST),
        ]
    )
    account_kind = StringField(validators=[Length(max=20, message=_ACCOUNT_LOST)])
    holder = StringField(
        validators=[
            InputRequired("Please enter the name of the account holder."),
            Length(max=160, message="Please shorten the name of the account holder."),
        ]
    )
    agreed = StringField(
        validators=[InputRequired("Please tick that you agree, so that we may use the account.")]
    )
