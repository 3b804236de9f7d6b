"""What the heart asks of a payment gateway, in the heart's own words.

Only ``billing.braintree_gateway`` knows a gateway's SDK. Every call either returns an ``Answer``
or raises ``GatewayUnreachable`` (surely nothing happened) or ``OutcomeUnknown`` (perhaps it did).
"""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Protocol

from billing import runtime
from models.states import DisputeState, PaymentState, Tender

# What is written to an attempt that nobody ever judged.
NOT_REACHABLE = "Gateway not reachable"
NEVER_ARRIVED = "Never reached the gateway"
NEVER_TOOK_PLACE = (NOT_REACHABLE, NEVER_ARRIVED)
# What is written to an attempt at anything but a card that was typed into a form for cards.
NOT_A_CARD = "Only cards can be used here"


class Verdict(enum.StrEnum):
    """What the gateway made of a request."""

    ACCEPTED = "accepted"
    DECLINED = "declined"  # the bank, or the gateway's own risk rules, said no
    INVALID = "invalid"  # the request itself was refused; no attempt was made


@dataclass(frozen=True)
class Order:
    """A charge to ask for.

    reference -- our unique name for the attempt, chosen and committed before the call
    amount    -- minor units
    nonce     -- a typed card or account, once; or
    token     -- a payment method kept at the gateway
    source    -- who started it, in the gateway's terms: "moto", "unscheduled", "recurring", or ""
                 for a customer who typed a card
    """

    reference: str
    amount: int
    currency: str
    nonce: str = ""
    token: str = ""
    source: str = ""
    holder: str = ""
    street: str = ""
    postal_code: str = ""


@dataclass(frozen=True)
class Answer:
    """What the gateway says about one payment, now or when asked again.

    state           -- the payment state its status means
    status          -- the gateway's own word
    amount          -- minor units
    code, message   -- the processor's answer, for staff
    soft            -- of a decline: whether trying again later may work
    instrument      -- card or account in words, such as "Visa ending in 1111"
    hold_expires_at -- of an authorisation
    """

    verdict: Verdict
    state: PaymentState
    gateway_id: str | None = None
    status: str = ""
    amount: int | None = None
    code: str = ""
    message: str = ""
    soft: bool | None = None
    tender: Tender | None = None
    instrument: str = ""
    hold_expires_at: dt.datetime | None = None
    reference: str = ""


@dataclass(frozen=True)
class KeptMethod:
    """A card or account the gateway keeps for us; ``token`` charges it.

    verified -- of a US bank account: whether it passed its check; True for everything else
    """

    customer_id: str
    token: str
    tender: Tender
    brand: str = ""
    last_four: str = ""
    expires_on: dt.date | None = None
    holder: str = ""
    verified: bool = True


class Check(enum.StrEnum):
    """What the gateway should find out before it keeps a card or account."""

    NONE = "none"
    CARD = "card"  # the bank is asked whether the card is good; nothing is charged
    US_ACCOUNT = "us_account"  # the account must exist; the gateway debits no other


@dataclass(frozen=True)
class DisputeNews:
    """What the gateway says about a dispute.

    state     -- open while the bank has not decided
    amount    -- what is disputed, in minor units, if it says
    reason    -- the cardholder's, in the gateway's word
    reply_by  -- the last day to send evidence
    opened_at -- when the bank opened it
    retrieval -- whether the bank only asks for papers: no money is taken, however it ends
    """

    gateway_id: str
    state: DisputeState
    amount: int | None = None
    reason: str = ""
    reply_by: dt.date | None = None
    opened_at: dt.datetime | None = None
    retrieval: bool = False


@dataclass(frozen=True)
class Notification:
    """A webhook whose signature was right. ``gateway_id`` is empty when it names no payment.

    dispute -- of news about one, what it said when it was sent
    """

    kind: str
    gateway_id: str
    timestamp: dt.datetime | None = None
    dispute: DisputeNews | None = None


class ForgedNotification(Exception):
    """A webhook that is ill-formed or whose signature is not the gateway's."""


@dataclass(frozen=True)
class Account:
    """Where and as whom to call.

    environment         -- "local" (our sandbox), "sandbox" or "production" (Braintree's own)
    url                 -- of the local sandbox
    merchant_account_id -- decides the currency; empty: the account's default
    request_keys        -- whether the account accepts ``api_request_key`` (at most once)
    """

    environment: str
    merchant_id: str
    public_key: str
    private_key: str
    url: str = ""
    merchant_account_id: str = ""
    currency: str = "USD"
    request_keys: bool = False


class Gateway(Protocol):
    """A payment gateway. Nothing here may be called while a transaction is open."""

    def client_token(self) -> str:
        """Return what the browser's card fields need to start."""

    def sale(self, order: Order) -> Answer:
        """Charge: authorise and submit for settlement in one step.

        What was typed is charged only if it is a card: a bank may be asked for money only with a
        mandate, which belongs to a payment method the gateway keeps.
        """

    def authorise(self, order: Order) -> Answer:
        """Place a hold on a card."""

    def capture(self, gateway_id: str, amount: int, currency: str, reference: str) -> Answer:
        """Submit a hold for settlement; ``amount`` in minor units, at most what is held."""

    def void(self, gateway_id: str, reference: str) -> Answer:
        """Undo a payment that has not settled."""

    def refund(self, gateway_id: str, amount: int, currency: str, reference: str) -> Answer:
        """Pay back ``amount`` minor units of a settled payment."""

    def find(self, gateway_id: str) -> Answer | None:
        """Return what the gateway knows of one of its payments, or None."""

    def find_by_reference(self, reference: str) -> Answer | None:
        """Return the payment made under our reference, or None when there is none."""

    def keep_method(
        self, customer_id: str | None, nonce: str, *, token: str = "", check: Check = Check.NONE
    ) -> KeptMethod | Answer:
        """Keep the card or account behind ``nonce``, for a known customer or a new one.

        token -- our own unique name for it, so that it can be looked up when nobody answers

        Returns an ``Answer`` with verdict INVALID or DECLINED when the gateway does not want it.
        """

    def find_method(self, token: str) -> KeptMethod | None:
        """Return what the gateway keeps under ``token``, or None."""

    def forget_method(self, token: str) -> None:
        """Keep a card or account no longer; one that is not there counts as forgotten."""

    def find_dispute(self, gateway_id: str) -> DisputeNews | None:
        """Return what the gateway says about a dispute now, or None when it knows none."""

    def changed_disputes(self, since: dt.date) -> list[tuple[str, DisputeNews]]:
        """Return the disputes something happened to on the day ``since`` or later, by their ids.

        Each comes with the gateway's id of the payment it is about, which need not be ours.
        """

    def parse_notification(self, signature: str, payload: str) -> Notification:
        """Check and read a webhook; raises ``ForgedNotification``."""

    def answer_challenge(self, challenge: str) -> str:
        """Return the answer that proves we are the webhook's address."""


def current() -> Gateway:
    """Return the gateway this process was started with."""
    return runtime.current().gateway
