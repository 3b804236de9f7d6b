"""How you pay, in the account: choosing, removing, and what each person sees of it."""

from __future__ import annotations

from typing import Any

from billing import clock
from billing.database import transaction
from models import PaymentMethod
from tests.billing.helpers import SEPA, charge, keep
from tests.portal.methods import MASTERCARD, CustomerClient, Post, on_file
from tests.portal.reading import words
from tests.support import Clock, Factory, all_of, fetch


def test_looking_changes_nothing(
    make: Factory, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    old = keep(user)
    new = keep(user, MASTERCARD)
    client = customer_client(user)
    for method in (old, new):
        for page in ("remove", "default"):
            assert client.get(f"/account/methods/{method}/{page}").status_code == 200
    assert [fetch(PaymentMethod, one).is_default for one in (old, new)] == [False, True]
    assert len(on_file(user)) == 2


def test_choosing_and_removing(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    old, new = keep(user), keep(user, MASTERCARD)
    client = customer_client(user)
    said = words(client.get(f"/account/methods/{new}/remove"))
    assert "Visa ending in 1111 is used from then on." in said
    done = post(client, f"/account/methods/{old}/default", follow_redirects=True)
    assert "Visa ending in 1111 is used from now on." in words(done)
    done = post(client, f"/account/methods/{old}/remove", follow_redirects=True)
    assert "Visa ending in 1111 is removed." in words(done)
    assert "nothing else is on file" in words(client.get(f"/account/methods/{new}/remove"))
    assert on_file(user) == ["MasterCard ending in 4444"]


def test_what_is_in_use_says_why_it_stays(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    method = keep(user, SEPA)
    charge(make.invoice(user))
    client = customer_client(user)
    for answer in (
        client.get("/account/methods"),
        client.get(f"/account/methods/{method}/remove"),
        post(client, f"/account/methods/{method}/remove", follow_redirects=True),
    ):
        assert "waiting for the bank" in words(answer)
    assert len(on_file(user)) == 1


def test_an_expired_card_says_so_and_is_not_offered(
    make: Factory, customer_client: CustomerClient, sandbox: Any, time: Clock
) -> None:
    user = make.user()
    keep(user)
    keep(user, MASTERCARD)
    with transaction() as session:
        for method in all_of(PaymentMethod):
            session.get_one(PaymentMethod, method.id).expires_on = (
                clock.now().date().replace(year=2020, month=5, day=31)
            )
    page = customer_client(user).get("/account/methods")
    assert words(page).count("Expired 05/2020") == 2
    assert "Use first" not in words(page)


def test_people_who_share_an_address_each_have_their_own(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    maria, pablo = (
        make.user("Maria", email="both@example.org"),
        make.user("Pablo", email="both@example.org"),
    )
    client = customer_client(maria)
    post(client, f"/account/methods/card/{pablo}", {"nonce": "fake-valid-nonce"})
    assert (on_file(maria), on_file(pablo)) == ([], ["Visa ending in 1111"])
    said = words(client.get("/account/methods"))
    assert said.index("Maria") < said.index("No card") < said.index("Pablo")
    (method,) = all_of(PaymentMethod)
    # Not one's own page, even though both may see it.
    assert client.get(f"/account/methods/saved/{maria}/{method.id}").status_code == 404


def test_what_a_name_holds_is_never_code(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    evil = "<script>alert(1)</script>"
    user = make.user(evil)
    method = keep(user)
    with transaction() as session:
        row = session.get_one(PaymentMethod, method)
        row.holder, row.mandate = evil, f"I agree {evil}"
    client = customer_client(user)
    for path in (
        "/account",
        "/account/methods",
        f"/account/methods/card/{user}",
        f"/account/methods/{method}/remove",
        f"/account/methods/saved/{user}/{method}",
    ):
        assert evil not in client.get(path).text, path


def test_the_account_shows_how_one_pays(make: Factory, customer_client: CustomerClient) -> None:
    user = make.user()
    client = customer_client(user)
    assert "No card or bank account is on file." in words(client.get("/account"))
    make.payment_method(user, "token-1")
    assert "How you pay Visa ending in 1111" in words(client.get("/account"))
