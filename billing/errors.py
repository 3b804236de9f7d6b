"""The three ways a verb can end badly, kept apart for code and for people.

A *refusal* is a rule of ours that said no: nothing happened. A *decline* is the bank's no; it is an
outcome, not an exception (see ``billing.charging.Attempt``). *Unknown* means that nobody answered:
money may have moved, so nothing may be tried again until reconciliation has looked.
"""

from __future__ import annotations


class Refusal(Exception):
    """A rule said no and nothing changed.

    sentence -- one clear sentence for the person who asked
    code     -- a short stable name of the rule, for code and tests
    field    -- the form field it is about, if any
    """

    def __init__(self, sentence: str, code: str = "refused", field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.field = field


class NotFound(Refusal):
    """There is no such record, or not for this person; both look the same."""

    def __init__(self, what: str = "record") -> None:
        super().__init__(f"There is no such {what}.", code="not_found")


class GatewayError(Exception):
    """Something went wrong between us and the gateway."""


class GatewayUnreachable(GatewayError):
    """No connection was made, so nothing can have happened there."""


class OutcomeUnknown(GatewayError):
    """The request may have been carried out; only looking it up by its reference can tell."""
