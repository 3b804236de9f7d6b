"""What a customer agrees to before a bank account is debited: shown, agreed to, kept word for word.

The text is made once, when the page is shown, and travels through the browser under our signature;
only the account's kind and last digits, typed there, are put in afterwards. So what is kept is what
was read, whatever happened to the settings or the date in between.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass

from babel.dates import format_date
from itsdangerous import BadData
from sqlalchemy.orm import Session

from billing import clock
from billing.errors import Refusal
from billing.method_guards import BANKS
from billing.office import get_settings, local_today
from billing.signed import serializer
from models import Settings, User

SEPA = "sepa"
US_BANK = "us_bank"
ACCOUNTS = ("checking", "savings")
# Where the typed account goes; the page's script fills in the same places.
ACCOUNT = "[account]"
LAST_FOUR = "[last four]"
HOLDER = "[holder]"
PLACES = (ACCOUNT, LAST_FOUR, HOLDER)
_SALT = "mandate"
_GOOD_FOR = dt.timedelta(days=1)
_LONGEST_HOLDER = 160

_SEPA_TEXT = """\
SEPA Direct Debit Mandate
Creditor: {creditor}
Creditor identifier: {creditor_id}
Mandate reference: {reference}
Type of payment: recurrent
Account holder: {holder}
Account: IBAN ending in {last_four}
Date: {day}

By signing this mandate form, you authorise (A) {organisation} to send instructions to your bank \
to debit your account and (B) your bank to debit your account in accordance with the instructions \
from {organisation}.

As part of your rights, you are entitled to a refund from your bank under the terms and conditions \
of your agreement with your bank. A refund must be claimed within 8 weeks starting from the date \
on which your account was debited. Your rights are explained in a statement that you can obtain \
from your bank."""

_US_TEXT = """\
Authorization to debit a bank account
Company: {creditor}
Account holder: {holder}
Account: {account} account ending in {last_four}
Date: {day}
Reference: {reference}

I authorize {organisation} and Braintree, a service of PayPal, on behalf of {organisation} (i) to \
verify my bank account information using bank information and consumer reports and (ii) to debit \
my bank account for the invoices {organisation} issues to me, now and in future.

This authorization stays in force until I remove the account from my payment methods or tell \
{organisation} that I revoke it. Debits that are already on their way are not affected."""


@dataclass(frozen=True)
class Mandate:
    """A text to agree to. ``text`` has the three places where the typed account goes."""

    user_id: int
    kind: str
    reference: str
    text: str
    made_at: int

    def signed(self) -> str:
        """Return the mandate for a hidden field of the form."""
        values = [self.user_id, self.kind, self.reference, self.text, self.made_at]
        return str(serializer(_SALT).dumps(values))

    @property
    def pieces(self) -> list[str]:
        """The text cut where the typed account goes; each place is a piece of its own."""
        return re.split(f"({'|'.join(map(re.escape, PLACES))})", self.text)

    def worded(self, *, holder: str, last_four: str, account: str = "") -> str:
        """Return the text with what was typed, as it was shown; raises ``Refusal`` for nonsense."""
        if not re.fullmatch(r"[0-9A-Z]{4}", last_four, re.ASCII):
            raise Refusal("Please check the account number.", "last_four", "account")
        if self.kind == US_BANK and account not in ACCOUNTS:
            raise Refusal("Choose the kind of account.", "account_kind", "account_kind")
        name = " ".join(holder.split())
        if not name or len(name) > _LONGEST_HOLDER:
            raise Refusal("Enter the name of the account holder.", "holder", "holder")
        # The holder's own words come last: nothing in them is taken for a place.
        text = self.text.replace(ACCOUNT, account).replace(LAST_FOUR, last_four)
        return text.replace(HOLDER, name)


def mandate_for(session: Session, user: User) -> Mandate:
    """Return a fresh mandate for ``user``, of the kind the office's currency has."""
    settings = get_settings(session)
    kind = BANKS[settings.currency]
    reference = f"CF-{user.id}-{secrets.token_hex(4).upper()}"
    text = (_SEPA_TEXT if kind == SEPA else _US_TEXT).format(
        creditor=_creditor(settings),
        creditor_id=settings.creditor_id,
        organisation=settings.organisation,
        reference=reference,
        holder=HOLDER,
        account=ACCOUNT,
        last_four=LAST_FOUR,
        day=format_date(local_today(session), "long", locale=settings.locale),
    )
    return Mandate(user.id, kind, reference, text, int(clock.now().timestamp()))


def read_mandate(signed: str, user_id: int) -> Mandate:
    """Return the mandate that was shown to this user; ``Refusal`` when it is forged or too old."""
    stale = Refusal(
        "The page was open for too long. Please read it again and enter the account once more.",
        "stale_mandate",
    )
    try:
        owner, kind, reference, text, made_at = serializer(_SALT).loads(signed)
        mandate = Mandate(int(owner), str(kind), str(reference), str(text), int(made_at))
    except (BadData, ValueError, TypeError):
        raise stale from None
    age = clock.now().timestamp() - mandate.made_at
    if mandate.user_id != user_id or not 0 <= age + 1 <= _GOOD_FOR.total_seconds():
        raise stale
    return mandate


def _creditor(settings: Settings) -> str:
    lines = (settings.organisation, *settings.address.splitlines())
    return ", ".join(line.strip() for line in lines if line.strip())
