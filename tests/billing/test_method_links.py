"""The link to one person's payment method: it opens that, for so long, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from applications.links import read_application_token
from billing import clock, methods, saving
from billing.database import reading, transaction
from billing.link_ends import end_links
from billing.links import invoice_token, read_invoice_token
from billing.method_links import (
    WORKS_FOR_DAYS,
    method_token,
    method_url,
    read_method_token,
    without_links,
)
from billing.signed import LinkDead
from models import History, Invoice, User
from tests.billing.helpers import CUSTOMER, rows_of
from tests.support import STAFF, Clock, Factory, fetch


def token_of(user: int) -> str:
    return method_token(fetch(User, user))


def opens(token: str) -> int:
    with reading() as session:
        return read_method_token(session, token).user.id


def save_by(token: str, user: int, nonce: str = "fake-valid-nonce") -> int:
    with reading() as session:
        version = read_method_token(session, token).version
    return methods.register_method(user, nonce=nonce, used_link=version, actor=CUSTOMER)


def test_it_opens_its_own_person(make: Factory) -> None:
    first, second = make.user(), make.user()
    assert [opens(token_of(one)) for one in (first, second)] == [first, second]
    assert method_url(fetch(User, first)).startswith("http://127.0.0.1:8000/m/")


@pytest.mark.parametrize("token", ["", "x", "a.b", "é" * 400, "[1,1,1]", "W10.x" * 50])
def test_forged_ones_are_dead(make: Factory, token: str) -> None:
    make.user()
    with pytest.raises(LinkDead):
        opens(token)


def test_it_is_no_other_link_and_no_other_is_it(make: Factory) -> None:
    user = make.user()
    invoice = make.invoice(user)
    with reading() as session:
        for read in (read_invoice_token, read_application_token):
            with pytest.raises(LinkDead):
                read(session, token_of(user))
    with pytest.raises(LinkDead):
        opens(invoice_token(fetch(Invoice, invoice)))


def test_a_changed_letter_kills_it(make: Factory) -> None:
    token = token_of(make.user())
    for place in (0, len(token) // 2, -5):
        changed = list(token)
        changed[place] = "A" if changed[place] != "A" else "B"
        with pytest.raises(LinkDead):
            opens("".join(changed))


def test_it_ends_after_sixty_days(make: Factory, time: Clock) -> None:
    user = make.user()
    token = token_of(user)
    time.advance(days=WORKS_FOR_DAYS)
    assert opens(token) == user
    time.advance(days=1)
    with pytest.raises(LinkDead):
        opens(token)


def test_one_from_the_future_is_dead(make: Factory, time: Clock) -> None:
    user = make.user()
    time.advance(days=2)
    token = token_of(user)
    time.set(dt.datetime.now(dt.UTC))
    with pytest.raises(LinkDead):
        opens(token)


def test_after_it_was_used_it_works_for_an_hour(make: Factory, time: Clock, sandbox: Any) -> None:
    user = make.user()
    token = token_of(user)
    save_by(token, user)
    assert opens(token) == user
    # A slip corrected with the same link makes it no older and no younger than that hour.
    save_by(token, user, "fake-valid-mastercard-nonce")
    assert opens(token) == user
    time.advance(minutes=59)
    assert opens(token) == user
    time.advance(minutes=2)
    with pytest.raises(LinkDead):
        opens(token)
    assert opens(token_of(user)) == user


def test_a_card_added_in_the_account_leaves_links_alone(
    make: Factory, time: Clock, sandbox: Any
) -> None:
    user = make.user()
    token = token_of(user)
    methods.register_method(user, nonce="fake-valid-nonce", actor=CUSTOMER)
    time.advance(days=3)
    assert opens(token) == user


def test_ending_them_ends_all_at_once(make: Factory, sandbox: Any) -> None:
    user = make.user()
    token = token_of(user)
    save_by(token, user)
    end_links(user, actor=STAFF)
    with pytest.raises(LinkDead):
        opens(token)
    assert opens(token_of(user)) == user
    assert len(rows_of(History, History.verb == "end_links")) == 1


def test_a_new_address_ends_what_is_in_the_old_mailbox(make: Factory) -> None:
    user = make.user()
    token = token_of(user)
    saving.save_record(User, user, {"phone": "555 0100"}, STAFF)
    assert opens(token) == user
    saving.save_record(User, user, {"email": "new@example.org"}, STAFF)
    with pytest.raises(LinkDead):
        opens(token)


def test_nobody_erased_has_one(make: Factory) -> None:
    user = make.user()
    token = token_of(user)
    with transaction() as session:
        session.get_one(User, user).erased_at = clock.now()
    with pytest.raises(LinkDead):
        opens(token)


def test_what_is_kept_of_a_letter_opens_nothing(make: Factory) -> None:
    url = method_url(fetch(User, make.user()))
    kept = without_links(f'<a href="{url}">Update</a> {url}')
    assert url.rpartition("/")[2] not in kept
    assert kept == '<a href="http://127.0.0.1:8000/m/…">Update</a> http://127.0.0.1:8000/m/…'


def test_saving_by_another_way_does_not_bring_a_used_link_back(
    make: Factory, sandbox: Any, time: Clock
) -> None:
    user = make.user()
    used = token_of(user)
    save_by(used, user)
    time.advance(hours=2)
    with pytest.raises(LinkDead):
        opens(used)
    methods.register_method(user, nonce="fake-valid-mastercard-nonce", actor=CUSTOMER)
    with pytest.raises(LinkDead):
        opens(used)
    assert opens(token_of(user)) == user
