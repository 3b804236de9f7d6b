"""What a browser may ask for when it pays. Amount, currency and invoice are not among it."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length, Regexp

OTHER = "other"
_INCOMPLETE = "The page was not complete."


class PlainForm(FlaskForm):
    """A form of the portal: plain text in, one sentence out."""

    def typed(self, name: str) -> str:
        """What was typed into a field, without spaces around it; nothing if it was not sent."""
        return (self[name].data or "").strip()

    def first_problem(self) -> str:
        """The first sentence that was raised, in the order of the fields."""
        return next((str(sentences[0]) for sentences in self.errors.values()), "")


class CreditForm(FlaskForm):
    """The button that uses credit; ``shown_balance`` (minor units) is only compared."""

    shown_balance = HiddenField(
        validators=[InputRequired(_INCOMPLETE), Regexp(r"[0-9]{1,15}\Z", message=_INCOMPLETE)]
    )


class MethodForm(PlainForm):
    """The button that charges the registered payment method: what the page said it would charge.

    ``shown_total`` is minor units, ``method`` the payment method's id; both are only compared.
    """

    shown_total = HiddenField(
        validators=[InputRequired(_INCOMPLETE), Regexp(r"[0-9]{1,15}\Z", message=_INCOMPLETE)]
    )
    method = HiddenField(
        validators=[InputRequired(_INCOMPLETE), Regexp(r"[0-9]{1,15}\Z", message=_INCOMPLETE)]
    )


class PayForm(PlainForm):
    """The pay form.

    ``nonce`` stands for the typed card and comes from the gateway's script. ``shown_balance``
    (minor units) is what the page showed: it is compared with the balance, never charged.
    ``other_amount`` counts only when ``how_much`` is "other", and is a request: the heart reads it
    and says whether it can be paid.
    """

    nonce = HiddenField(
        validators=[
            InputRequired("Your card details did not reach us."),
            Length(max=255, message="Your card details did not reach us."),
        ]
    )
    shown_balance = HiddenField(
        validators=[
            InputRequired(_INCOMPLETE),
            Regexp(r"[0-9]{1,15}\Z", message=_INCOMPLETE),
        ]
    )
    holder = StringField(
        validators=[
            InputRequired("Please enter the name on the card."),
            Length(max=160, message="Please shorten the name on the card."),
        ]
    )
    street = StringField(validators=[Length(max=200, message="Please shorten the billing street.")])
    postal_code = StringField(
        validators=[Length(max=20, message="Please check the billing postal code.")]
    )
    how_much = StringField()
    other_amount = StringField()

    @property
    def part(self) -> str | None:
        """What was typed as another amount; None when the whole balance is to be paid."""
        return self.typed("other_amount") if self.typed("how_much") == OTHER else None
