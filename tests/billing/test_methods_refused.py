"""What is not kept: the bank's no, cards that are over, accounts nobody agreed to have debited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from billing.database import transaction
from billing.errors import Refusal
from billing.gateway import Check
from models import History, PaymentMethod
from models.states import Tender
from sandbox.server import Server
from tests.billing.helpers import SEPA, rows_of
from tests.billing.vault import at_the_gateway, history_of, register, typed_account, typed_card
from tests.support import Factory, all_of


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000111111111115", ""),
        ("378734493671000", ": the card has expired"),
        ("5105105105105100", ": there was not enough money on it"),
    ],
)
def test_the_banks_no_is_told_in_plain_words(
    make: Factory, sandbox: Any, sandbox_server: Server, number: str, reason: str
) -> None:
    user = make.user()
    with pytest.raises(Refusal) as refused:
        register(user, typed_card(sandbox_server, number), check=Check.CARD)
    said = refused.value.sentence
    assert said == f"The bank did not accept it{reason}. Please use another one."
    assert all_of(PaymentMethod) == []
    # Staff read of it what the customer was told, and what the bank said.
    assert history_of(user) == ["refuse_method"]
    [row] = rows_of(History, History.verb == "refuse_method")
    assert row.sentence == f"Payment method not added. The answer was: {said}"
    assert row.reason.split(" ", 1)[0].isdigit()
    assert number[-4:] not in f"{row.sentence} {row.reason} {row.details}"


def test_a_card_whose_days_are_over_is_not_kept(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    last_year = str(dt.datetime.now(dt.UTC).year - 1)
    nonce = sandbox_server.desk.store.create_card_nonce(
        "4111111111111111", "12", last_year, "123", None, None
    ).nonce
    with pytest.raises(Refusal, match="expired"):
        register(make.user(), nonce)
    assert all_of(PaymentMethod) == []
    assert at_the_gateway(sandbox_server) == []


@pytest.mark.parametrize("nonce", ["", "x" * 256, "two\nlines", "ünïcode", "no-such-nonce"])
def test_nonsense_is_no_card(make: Factory, sandbox: Any, nonce: str) -> None:
    with pytest.raises(Refusal):
        register(make.user(), nonce)
    assert all_of(PaymentMethod) == []


def test_an_account_other_than_the_mandate_names_is_not_kept(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    with pytest.raises(Refusal) as refused:
        register(
            make.user(),
            typed_account(sandbox_server),
            mandate="I agree.",
            check=Check.US_ACCOUNT,
            last_four="1234",
        )
    assert refused.value.code == "other_account"
    assert all_of(PaymentMethod) == []
    assert at_the_gateway(sandbox_server) == []


@pytest.mark.parametrize(
    ("tokenise", "mandate", "sentence"),
    [
        (typed_account, "", "Only cards can be added here."),
        (lambda _server: SEPA, "", "Only cards can be added here."),
        (typed_card, "I agree.", "Only bank accounts can be added here."),
    ],
)
def test_an_account_needs_a_mandate_and_a_card_has_none(
    make: Factory,
    sandbox: Any,
    sandbox_server: Server,
    tokenise: Callable[[Server], str],
    mandate: str,
    sentence: str,
) -> None:
    user = make.user()
    with pytest.raises(Refusal) as refused:
        register(user, tokenise(sandbox_server), mandate=mandate)
    assert (refused.value.code, refused.value.sentence) == ("other_tender", sentence)
    assert history_of(user) == ["refuse_method"]
    assert all_of(PaymentMethod) == []
    assert at_the_gateway(sandbox_server) == []


def test_the_database_keeps_no_account_without_a_mandate(make: Factory, app: Any) -> None:
    method = make.payment_method(make.user(), "account", Tender.DIRECT_DEBIT)
    with pytest.raises(IntegrityError, match="debit_has_mandate"), transaction() as session:
        session.get_one(PaymentMethod, method).mandate = ""
