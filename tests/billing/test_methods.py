"""Cards and bank accounts on file: kept once, removed for good, never half there."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest

from billing import charging, clock, methods
from billing.braintree_gateway import BraintreeGateway
from billing.database import transaction
from billing.errors import GatewayUnreachable, NotFound, OutcomeUnknown, Refusal
from billing.gateway import Check
from billing.runtime import current
from jobs import sweeps
from models import Invoice, PaymentMethod, User
from models.states import Tender
from sandbox.server import Server
from tests.billing.helpers import CUSTOMER, SEPA, charge, keep, refusal_of
from tests.billing.vault import at_the_gateway, history_of, register, typed_account, typed_card
from tests.support import STAFF, Factory, all_of, fetch

MASTERCARD = "fake-valid-mastercard-nonce"


def test_a_typed_card_is_checked_and_kept_once(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user, nonce = make.user(), typed_card(sandbox_server)
    first = register(user, nonce, check=Check.CARD)
    assert register(user, nonce, check=Check.CARD) == first
    method = fetch(PaymentMethod, first)
    assert (str(method), method.is_default, method.holder) == ("Visa ending in 1111", True, "Zoë")
    assert len(all_of(PaymentMethod)) == 1
    assert history_of(user) == ["register_method"]


def test_two_clicks_at_the_same_moment_keep_one(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user, nonce = make.user(), typed_card(sandbox_server)
    keep(user, MASTERCARD)
    sandbox.fault("payment_method", "latency", "after", seconds=0.3)
    found: list[int] = []
    clicks = [
        threading.Thread(target=lambda: found.append(register(user, nonce))) for _ in range(2)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert sorted(str(one) for one in all_of(PaymentMethod)) == [
        "MasterCard ending in 4444",
        "Visa ending in 1111",
    ]


def test_a_us_account_must_exist_and_carries_its_mandate(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user = make.user()
    with pytest.raises(Refusal, match="The bank did not accept it"):
        register(user, typed_account(sandbox_server, "1000000005"), check=Check.US_ACCOUNT)
    assert at_the_gateway(sandbox_server) == []
    text = "I agree.\nWord for word — “all” of it."
    method = fetch(
        PaymentMethod,
        register(
            user,
            typed_account(sandbox_server),
            mandate=text,
            check=Check.US_ACCOUNT,
            last_four="0000",
        ),
    )
    assert (method.mandate, method.tender, method.last_four) == (text, Tender.DIRECT_DEBIT, "0000")
    assert method.holder == "Zoë Martin"
    invoice = make.invoice(user)
    assert charge(invoice).outcome == "pending"


def test_an_answer_that_was_lost_is_looked_up(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    sandbox.fault("payment_method", "drop", "after")
    method = register(user, typed_card(sandbox_server), check=Check.CARD)
    assert fetch(PaymentMethod, method).is_default


def test_what_nobody_knows_leaves_nothing_half(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user, nonce = make.user(), typed_card(sandbox_server)
    keep(user, MASTERCARD)
    sandbox.fault("payment_method", "drop", "after", times=2)
    with pytest.raises(OutcomeUnknown):
        register(user, nonce)
    assert [str(one) for one in all_of(PaymentMethod)] == ["MasterCard ending in 4444"]
    # The same card sent again finds what the gateway has kept meanwhile.
    assert fetch(PaymentMethod, register(user, nonce)).last_four == "1111"


def test_an_unchecked_account_is_not_taken_for_a_kept_one(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    sandbox.fault("payment_method", "drop", "after")
    with pytest.raises(OutcomeUnknown):
        register(user, typed_account(sandbox_server, "1000000005"), check=Check.US_ACCOUNT)
    assert len(all_of(PaymentMethod)) == 1


def test_a_gateway_that_is_away_is_told_as_such(make: Factory, sandbox: Any) -> None:
    user = make.user()
    own = current().gateway
    assert isinstance(own, BraintreeGateway)
    away = BraintreeGateway(
        type(own._account)(**{**vars(own._account), "url": "http://127.0.0.1:9"})
    )
    bound = current()
    object.__setattr__(bound, "gateway", away)
    try:
        with pytest.raises(GatewayUnreachable):
            register(user, "fake-valid-nonce")
    finally:
        object.__setattr__(bound, "gateway", own)
    assert all_of(PaymentMethod) == []


def test_an_erased_person_registers_nothing(make: Factory, sandbox: Any) -> None:
    user = make.user()
    with transaction() as session:
        session.get_one(User, user).erased_at = clock.now()
    assert refusal_of(lambda: register(user, "fake-valid-nonce")).code == "erased"


def test_the_new_one_is_charged_and_the_old_one_can_be_chosen_again(
    make: Factory, sandbox: Any
) -> None:
    user = make.user()
    old, new = keep(user), keep(user, MASTERCARD)
    assert [fetch(PaymentMethod, one).is_default for one in (old, new)] == [False, True]
    methods.make_default(old, actor=CUSTOMER)
    assert [fetch(PaymentMethod, one).is_default for one in (old, new)] == [True, False]
    assert refusal_of(lambda: methods.make_default(old, actor=CUSTOMER)).code == "already_default"
    assert history_of(user) == ["register_method", "register_method", "default_method"]


def test_an_expired_card_is_not_chosen(make: Factory, sandbox: Any) -> None:
    user = make.user()
    old = keep(user)
    keep(user, MASTERCARD)
    with transaction() as session:
        session.get_one(PaymentMethod, old).expires_on = dt.date(2020, 1, 31)
    assert refusal_of(lambda: methods.make_default(old, actor=CUSTOMER)).code == "expired"


def test_removing_is_for_good_here_and_at_the_gateway(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user = make.user()
    old, new = keep(user), keep(user, MASTERCARD)
    token = fetch(PaymentMethod, new).token
    methods.remove_method(new, actor=CUSTOMER)
    assert fetch(PaymentMethod, new).removed_at is not None
    assert fetch(PaymentMethod, old).is_default
    assert token not in at_the_gateway(sandbox_server)
    assert history_of(user)[-1] == "remove_method"
    for verb in (methods.remove_method, methods.make_default):
        with pytest.raises(Refusal) as refused:
            verb(new, actor=CUSTOMER)
        assert refused.value.code == "removed"
    methods.remove_method(old, actor=CUSTOMER)
    invoice = make.invoice(user)
    assert refusal_of(lambda: charge(invoice)).code == "no_payment_method"


def test_a_method_the_gateway_does_not_know_any_more_is_removed(
    make: Factory, sandbox: Any
) -> None:
    method = make.payment_method(make.user(), "long-gone")
    methods.remove_method(method, actor=STAFF)
    assert fetch(PaymentMethod, method).token == f"forgotten-{method}"


def test_a_method_in_use_stays(make: Factory, sandbox: Any) -> None:
    user = make.user()
    method = keep(user, SEPA)
    charge(make.invoice(user))
    with pytest.raises(Refusal, match="waiting for the bank") as refused:
        methods.remove_method(method, actor=CUSTOMER)
    assert refused.value.code == "live"
    assert fetch(PaymentMethod, method).removed_at is None


def test_a_gateway_that_was_away_is_told_later(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    method = keep(make.user())
    sandbox.fault("payment_method", "drop")
    methods.remove_method(method, actor=CUSTOMER)
    assert fetch(PaymentMethod, method).removed_at is not None
    assert len(at_the_gateway(sandbox_server)) == 1
    assert sweeps.forget_methods([]) == "1 removed payment method forgotten at the gateway"
    assert at_the_gateway(sandbox_server) == []
    assert methods.still_at_gateway() == []


def test_a_charge_never_uses_a_removed_method(make: Factory, sandbox: Any) -> None:
    user = make.user()
    invoice = make.invoice(user)
    methods.remove_method(keep(user), actor=CUSTOMER)
    with pytest.raises(Refusal):
        charging.charge_customer(invoice, amount=2000, shown_balance=2000, actor=STAFF)
    assert sandbox.transactions() == []
    assert fetch(Invoice, invoice).balance == 2000


def test_what_is_not_there_is_not_found(make: Factory) -> None:
    for verb in (methods.remove_method, methods.make_default):
        with pytest.raises(NotFound):
            verb(999_999, actor=CUSTOMER)
