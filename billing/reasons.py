"""Why a card or account did not work, in words for the person it belongs to.

A processor's code or sentence is for staff. Nobody is told that a card counts as lost or stolen:
whoever holds it then is perhaps not its owner.
"""

from __future__ import annotations

_CALL = "the bank would like you to call them"
_LIMIT = "a limit of the card or account has been reached"
_NOT_ALLOWED = "the bank does not allow payments of this kind with it"
_ACCOUNT = "the bank does not know the account"

# Braintree's processor responses, https://developer.paypal.com/braintree/docs/reference/general
_REASONS = {
    "2001": "there was not enough money on it",
    "2002": _LIMIT,
    "2003": _LIMIT,
    "2004": "the card has expired",
    "2005": "the card number is not right",
    "2006": "the expiry date is not right",
    "2007": _ACCOUNT,
    "2008": "the account number is not right",
    "2010": "the security code is not right",
    "2012": _CALL,
    "2013": _CALL,
    "2014": _CALL,
    "2015": _NOT_ALLOWED,
    "2019": _NOT_ALLOWED,
    "2022": _NOT_ALLOWED,
    "2044": _CALL,
    "2047": _CALL,
    "2053": _CALL,
    "2057": _NOT_ALLOWED,
    "2061": _ACCOUNT,
    "2092": _ACCOUNT,
    "3000": "the bank could not be reached",
    "rejected": "our payment company's safety checks said no",
}
# What the gateway says of the request itself when the browser's part of it is no longer good.
_STALE = ("93107", "93108", "93103")


def reason_in_words(code: str, *, soft: bool | None = None) -> str:
    """Return the reason as a clause without a full stop, such as "the card has expired".

    code -- the processor's or the gateway's
    soft -- whether trying again may work, where that is known
    """
    unknown = "it did not work this time" if soft else "the bank gives no reason"
    return _REASONS.get(code, unknown)


def reason_sentence(code: str) -> str:
    """Return the reason as a sentence for a letter; many a bank gives none."""
    known = _REASONS.get(code)
    return f"The reason: {known}." if known else "Your bank can tell you why."


def refused_in_words(code: str, message: str, *, declined: bool) -> str:
    """Return why a card or account is not kept, as a whole sentence or two.

    declined -- the bank said so; else the gateway did not want what was typed
    """
    if declined:
        known = _REASONS.get(code)
        said = f"The bank did not accept it: {known}." if known else "The bank did not accept it."
        return f"{said} Please use another one."
    if code in _STALE:
        return "The page was open for too long. Please enter the card or account again."
    detail = f" ({message.rstrip('.')})" if message else ""
    return f"The payment company did not accept it{detail}. Please check what you typed."
