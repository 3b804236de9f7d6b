"""How you pay: cards and bank accounts on file, behind the sign-in and behind a letter's link."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import clock
from billing.database import transaction
from billing.method_links import method_url
from jobs.letters import render
from models import Invoice, OutgoingEmail, PaymentMethod, User, db
from models.states import BillingMethod
from portal.discretion import mask
from sandbox.server import Server
from tests.billing.helpers import SEPA, charge, keep
from tests.portal.reading import words
from tests.support import Clock, Factory, all_of, emails, fetch

CustomerClient = Callable[[int], FlaskClient]
Post = Callable[..., Any]
MASTERCARD = "fake-valid-mastercard-nonce"
HARD = 201_500


@pytest.fixture
def letter_link() -> Callable[[int], str]:
    """``letter_link(user_id)`` is the path that a letter to this person leads to."""
    return lambda user: urlsplit(method_url(fetch(User, user))).path


@pytest.fixture(params=["signed in", "by link"])
def door(
    request: pytest.FixtureRequest,
    client: FlaskClient,
    customer_client: CustomerClient,
    letter_link: Callable[[int], str],
) -> Callable[[int], tuple[FlaskClient, str, str]]:
    """Both ways in: a browser, and the paths of the card's and the account's page."""

    def opened(user: int) -> tuple[FlaskClient, str, str]:
        if request.param == "by link":
            path = letter_link(user)
            return client, path, f"{path}/bank"
        card, bank = f"/account/methods/card/{user}", f"/account/methods/bank/{user}"
        return customer_client(user), card, bank

    return opened


def us_nonce(server: Server, number: str = "1000000000") -> str:
    return server.desk.store.create_bank_nonce(
        account_number=number, routing_number="021000021", account_holder_name="Zoë Martin"
    ).nonce


def hidden(page: Any, name: str) -> str:
    (field,) = html.fromstring(page.get_data(as_text=True)).xpath(f"//input[@name='{name}']")
    return str(field.get("value"))


def agree(page: Any, fresh: str, **changes: str) -> dict[str, str]:
    """What the account's page sends when everything was filled in."""
    return {
        "nonce": fresh,
        "mandate": hidden(page, "mandate"),
        "last_four": "0000",
        "account_kind": "savings",
        "holder": "Zoë Martin",
        "agreed": "yes",
        **changes,
    }


def on_file(user: int) -> list[str]:
    return [str(one) for one in all_of(PaymentMethod) if one.user_id == user and not one.removed_at]


def test_a_card_is_saved_and_thanked_for(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    client, card, _bank = door(user)
    assert "Nothing is charged now." in words(client.get(card))
    answer = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    assert "Thank you. Visa ending in 1111 is saved." in words(answer)
    assert "failed" not in words(answer)
    assert on_file(user) == ["Visa ending in 1111"]


def test_after_saving_what_failed_can_be_paid_at_once(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    sandbox.control("settings", {"amounts": "braintree"})
    first, second = make.invoice(user, total=HARD), make.invoice(user, total=HARD)
    for invoice in (first, second):
        assert charge(invoice).outcome == "declined"
    sandbox.control("settings", {"amounts": "plain"})
    client, card, _bank = door(user)
    answer = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    page = html.fromstring(answer.get_data(as_text=True))
    (form,) = [one for one in page.forms if one.action.endswith(("failed", f"failed/{user}"))]
    assert "Pay my 2 failed invoices ($4,030.00)" in " ".join(form.itertext())
    sent = [pair for pair in form.form_values() if pair[0] != "csrf_token"]
    data = {name: [value for key, value in sent if key == name] for name, _value in sent}
    ended = post(client, urlsplit(form.action).path, data, follow_redirects=True)
    assert "You paid $4,030.00" in words(ended)
    assert {str(fetch(Invoice, one).state) for one in (first, second)} == {"paid"}


def test_a_us_account_with_its_mandate_word_for_word(
    door: Any, make: Factory, post: Post, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, organisation="Harbor <Storage> & Sons", address="1 Quay\nTown")
    user = make.user()
    client, card, bank = door(user)
    assert bank in client.get(card).text
    page = client.get(bank)
    (region,) = html.fromstring(page.get_data(as_text=True)).xpath("//*[@id='mandate']")
    shown = region.text_content().strip()
    answer = post(client, bank, agree(page, us_nonce(sandbox_server)), follow_redirects=True)
    assert "Thank you. Bank account ending in 0000 is saved." in words(answer)
    (method,) = all_of(PaymentMethod)
    expected = shown.replace("…", "Zoë Martin").replace("••••", "0000")
    assert method.mandate == expected.replace("checking account", "savings account")
    assert "Harbor <Storage> & Sons, 1 Quay, Town" in method.mandate
    assert "Harbor &lt;Storage&gt; &amp; Sons" in answer.text


def test_what_was_shown_is_kept_even_if_the_office_changes_meanwhile(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, organisation="Old Name")
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    page = client.get(bank)
    make.settings(organisation="New Name")
    post(client, bank, agree(page, us_nonce(sandbox_server)))
    (method,) = all_of(PaymentMethod)
    assert "Old Name" in method.mandate
    assert "New Name" not in method.mandate


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"agreed": ""}, "tick that you agree"),
        ({"mandate": "forged"}, "open for too long"),
        ({"last_four": "1234"}, "not the one you agreed to"),
        ({"last_four": "12<b>"}, "did not reach us"),
        ({"holder": ""}, "name of the account holder"),
        ({"account_kind": "piggy bank"}, "kind of account"),
        ({"nonce": "made-up"}, "open for too long"),
        ({"nonce": "x" * 300}, "did not reach us"),
    ],
)
def test_an_account_that_is_not_right_is_not_kept(
    make: Factory,
    post: Post,
    customer_client: CustomerClient,
    sandbox: Any,
    sandbox_server: Server,
    change: dict[str, str],
    sentence: str,
) -> None:
    make.settings(direct_debit=True)
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    form = agree(client.get(bank), us_nonce(sandbox_server), **change)
    assert sentence in words(post(client, bank, form, follow_redirects=True))
    assert all_of(PaymentMethod) == []


def test_a_mandate_is_its_readers_own_and_ends(
    make: Factory,
    post: Post,
    customer_client: CustomerClient,
    sandbox: Any,
    sandbox_server: Server,
    time: Clock,
) -> None:
    make.settings(direct_debit=True)
    mine, theirs = make.user(), make.user()
    client = customer_client(mine)
    other = customer_client(theirs).get(f"/account/methods/bank/{theirs}")
    bank = f"/account/methods/bank/{mine}"
    answer = post(client, bank, agree(other, us_nonce(sandbox_server)), follow_redirects=True)
    assert "open for too long" in words(answer)
    path = urlsplit(method_url(fetch(User, mine))).path + "/bank"
    page = client.get(path)
    time.advance(hours=25)
    answer = post(client, path, agree(page, us_nonce(sandbox_server)), follow_redirects=True)
    assert "open for too long" in words(answer)
    assert all_of(PaymentMethod) == []


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        ({"direct_debit": False}, False),
        ({"direct_debit": True}, True),
        ({"direct_debit": True, "currency": "EUR"}, False),
        ({"direct_debit": True, "currency": "EUR", "creditor_id": "DE98ZZZ09999999999"}, True),
        ({"direct_debit": True, "currency": "CHF"}, False),
    ],
)
def test_accounts_are_offered_where_they_can_be_debited(
    door: Any, make: Factory, post: Post, settings: dict[str, Any], offered: bool
) -> None:
    make.settings(**settings)
    client, card, bank = door(make.user())
    assert ("Use a bank account" in words(client.get(card))) is offered
    assert client.get(bank).status_code == (200 if offered else 404)
    assert post(client, bank, {}).status_code == (303 if offered else 404)


def test_the_sepa_mandate_names_creditor_identifier_and_reference(
    make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(direct_debit=True, currency="EUR", creditor_id="DE98ZZZ09999999999")
    user = make.user()
    client, bank = customer_client(user), f"/account/methods/bank/{user}"
    nonce = sandbox_server.desk.store.create_bank_nonce(iban="DE89370400440532013000").nonce
    form = agree(client.get(bank), nonce, last_four="3000", account_kind="")
    answer = post(client, bank, form, follow_redirects=True)
    assert "Bank account ending in 3000 is saved" in words(answer)
    (method,) = all_of(PaymentMethod)
    assert "Creditor identifier: DE98ZZZ09999999999" in method.mandate
    assert re.search(rf"Mandate reference: CF-{user}-[0-9A-F]{{8}}\n", method.mandate)
    assert "IBAN ending in 3000" in method.mandate
    assert "[" not in method.mandate


def test_the_banks_no_is_told_without_codes(
    door: Any, make: Factory, post: Post, sandbox: Any, sandbox_server: Server
) -> None:
    client, card, _bank = door(make.user())
    nonce = sandbox_server.desk.store.create_card_nonce("4000111111111115", "12", "2040").nonce
    said = words(post(client, card, {"nonce": nonce}, follow_redirects=True))
    assert "The bank did not accept it" in said
    assert "Nothing was saved." in said
    assert "2000" not in said
    assert "Honor" not in said


def test_a_gateway_that_says_nothing_is_told_as_such(
    door: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    keep(user, MASTERCARD)
    client, card, _bank = door(user)
    sandbox.fault("payment_method", "drop", times=2)
    said = words(post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True))
    assert "we don't know yet whether it was saved" in said
    assert on_file(user) == ["MasterCard ending in 4444"]


def test_a_double_press_is_one_card(door: Any, make: Factory, post: Post, sandbox: Any) -> None:
    user = make.user()
    client, card, _bank = door(user)
    pages = [
        post(client, card, {"nonce": "fake-valid-nonce"}).headers["Location"] for _ in range(2)
    ]
    assert pages[0] == pages[1]
    assert len(on_file(user)) == 1


def test_nothing_happens_without_the_forms_token(
    door: Any, make: Factory, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    method = keep(user)
    client, card, _bank = door(user)
    assert client.post(card, data={"nonce": MASTERCARD}).status_code == 400
    signed_in = customer_client(user)
    for page in ("remove", "default"):
        assert signed_in.post(f"/account/methods/{method}/{page}").status_code == 400
    assert on_file(user) == ["Visa ending in 1111"]


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
    assert post(client, f"/account/methods/{old}/remove").status_code == 404
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


def test_who_pays_by_invoice_is_told_that_nothing_is_charged(
    door: Any, make: Factory, post: Post, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user(billing_method=BillingMethod.INVOICE)
    client, card, _bank = door(user)
    saved = post(client, card, {"nonce": "fake-valid-nonce"}, follow_redirects=True)
    pages = (client.get(card), saved, customer_client(user).get("/account/methods"))
    for page in pages:
        assert "nothing is charged to" in words(page)


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


def test_without_scripts_people_read_what_else_they_can_do(
    make: Factory, customer_client: CustomerClient
) -> None:
    make.settings(direct_debit=True, phone="(360) 555-0142")
    user = make.user()
    client = customer_client(user)
    for page in ("card", "bank"):
        said = words(client.get(f"/account/methods/{page}/{user}"))
        assert "needs JavaScript" in said
        assert "call us at (360) 555-0142" in said


def test_the_link_opens_one_thing_only(
    client: FlaskClient, make: Factory, letter_link: Any, post: Post, sandbox: Any
) -> None:
    user, other = make.user(), make.user()
    path = letter_link(user)
    theirs, mine = keep(other), keep(user, MASTERCARD)
    assert "So far we use MasterCard ending in 4444" in words(client.get(path))
    assert client.get(f"{path}/saved/{theirs}").status_code == 404
    assert client.get(f"{path}/saved/{mine}").status_code == 200
    for page in ("/account", "/account/methods", f"/account/methods/{mine}/remove"):
        assert client.get(page).headers["Location"] == "/sign-in"
    assert post(client, f"/account/methods/{mine}/remove").headers["Location"] == "/sign-in"
    assert "Sign out" not in client.get(path).text


def test_the_link_shows_no_payment_but_its_own(
    client: FlaskClient, make: Factory, letter_link: Any, sandbox: Any, time: Clock
) -> None:
    user, other = make.user(), make.user()
    path = letter_link(user)
    keep(user)
    keep(other)
    mine, theirs = charge(make.invoice(user)), charge(make.invoice(other))
    assert client.get(f"{path}/payments/{mine.payment_id}").status_code == 200
    assert client.get(f"{path}/payments/{theirs.payment_id}").status_code == 404
    assert client.get(f"{path}/payments/999999").status_code == 404
    time.advance(hours=2)
    assert client.get(f"{path}/payments/{mine.payment_id}").status_code == 404


def test_dead_links_look_alike_and_lead_to_the_sign_in(
    client: FlaskClient, make: Factory, letter_link: Any, post: Post, time: Clock, sandbox: Any
) -> None:
    used_by, user = make.user(), make.user()
    used, good = letter_link(used_by), letter_link(user)
    post(client, used, {"nonce": "fake-valid-nonce"})
    assert client.get(used).status_code == 200
    time.advance(hours=2)
    body, _, signature = good.rpartition(".")
    forged = f"{body}.{('B' if signature[0] == 'A' else 'A') + signature[1:]}"
    dead = [used, forged, "/m/nonsense", "/m/%00%ff", "/m/" + "A" * 4000]
    assert client.get(good).status_code == 200
    pages = set()
    for path in dead:
        answers = [
            client.get(path + page)
            for page in ("", "/bank", "/fields", "/saved/1", "/failed", "/payments/1")
        ]
        answers += [client.get(f"{path}/payments/1/standing")]
        answers += [post(client, path + page) for page in ("", "/bank", "/failed")]
        assert {answer.status_code for answer in answers} == {404}
        pages |= {words(answer) for answer in answers}
    (page,) = pages
    assert "This link no longer works" in page
    assert "Sign in" in page
    time.advance(days=61)
    assert client.get(good).status_code == 404


def test_the_link_stays_out_of_referrers_caches_and_logs(
    client: FlaskClient, make: Factory, letter_link: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = letter_link(make.user())
    for answer in (client.get(path), client.get("/m/nonsense")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert mask(f"GET {path}/bank 200") == "GET /m/…/bank 200"
    with caplog.at_level(logging.INFO, logger="werkzeug"):
        logging.getLogger("werkzeug").info("GET %s", path)
    assert path.rpartition("/")[2] not in caplog.text


def test_a_failed_charges_letter_leads_here(
    client: FlaskClient, make: Factory, sandbox: Any, app: Any
) -> None:
    user = make.user()
    keep(user)
    charge(make.invoice(user, total=HARD))
    (letter,) = emails("payment_failed")
    with app.app_context():
        written = render(db.session.get_one(OutgoingEmail, letter.id), db.session())
    (button,) = html.fromstring(written.html).xpath("//a[@class='button']")
    assert button.text_content() == "Update your payment method"
    assert "your Visa ending in 1111" in written.text
    assert "The reason: the bank does not allow payments of this kind" in written.text
    assert "Please give us another card or account." in written.text
    assert "2015" not in written.text.replace("$2,015.00", "")
    page = client.get(urlsplit(button.get("href")).path)
    assert "Update your payment method" in words(page)
