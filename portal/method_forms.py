"""What a browser may send to register a card or account: never its number."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length, Regexp

_CARD_LOST = "Your card details did not reach us. Please enter them again."
_ACCOUNT_LOST = "Your account details did not reach us. Please enter them again."
_LONGEST_MANDATE = 6000


class _NonceForm(FlaskForm):
    """A form whose card or account is a nonce of the gateway's script."""

    def typed(self, name: str) -> str:
        """What was sent for a field, without spaces around it; nothing if it was not sent."""
        return (self[name].data or "").strip()

    def first_problem(self) -> str:
        """The first sentence that was raised, in the order of the fields."""
        return next((str(sentences[0]) for sentences in self.errors.values()), "")


class CardForm(_NonceForm):
    """The card, as what the gateway made of it. Holder and address are told to the gateway only."""

    nonce = HiddenField(validators=[InputRequired(_CARD_LOST), Length(max=255, message=_CARD_LOST)])
    holder = StringField()
    street = StringField()
    postal_code = StringField()


class BankForm(_NonceForm):
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
