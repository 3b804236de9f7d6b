"""Signing in by a one-time link: once, soon, for all who share the address, and telling nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from billing import sign_in_links
from billing.database import reading
from billing.errors import Refusal
from billing.signed import LinkDead
from jobs import emails as delivery
from jobs.letters import render
from models import OutgoingEmail, SignInLink
from tests.billing.helpers import everything, rows_of, together
from tests.support import Clock, Factory, emails, fetch

IP = "203.0.113.7"


def token_of(email: OutgoingEmail) -> str:
    """Read the token from the letter, as its reader would."""
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, email.id), session)
    [found] = set(re.findall(r"http://127\.0\.0\.1:8000/sign-in/([\w-]+)", letter.text))
    assert found in letter.html
    return str(found)


def asked(address: str) -> str:
    sign_in_links.ask_for_link(address, IP)
    return token_of(emails("sign_in")[-1])


def test_the_link_signs_in_everybody_who_shares_the_address(app: Any, make: Factory) -> None:
    one, two = make.user(email="Family@Example.org"), make.user(email="family@example.org")
    make.user(email="other@example.org")
    token = asked(" family@example.ORG ")
    assert len(emails("sign_in")) == 1
    assert sign_in_links.use_link(token, ip=IP) == [one, two]


def test_it_works_once_also_for_two_clicks_at_the_same_moment(app: Any, make: Factory) -> None:
    make.user(email="maria@example.org")
    token = asked("maria@example.org")
    results = together(app, [lambda: sign_in_links.use_link(token)] * 3)
    assert sorted(isinstance(result, LinkDead) for result in results) == [False, True, True]
    with reading() as session:
        assert not sign_in_links.is_alive(session, token)


def test_looking_at_it_does_not_use_it_up(app: Any, make: Factory) -> None:
    make.user(email="maria@example.org")
    token = asked("maria@example.org")
    before = everything()
    with reading() as session:
        assert sign_in_links.is_alive(session, token)
    assert everything() == before
    assert sign_in_links.use_link(token)


def test_it_works_for_thirty_minutes(app: Any, make: Factory, time: Clock) -> None:
    make.user(email="maria@example.org")
    token = asked("maria@example.org")
    time.advance(minutes=31)
    with pytest.raises(LinkDead):
        sign_in_links.use_link(token)
    with reading() as session:
        assert not sign_in_links.is_alive(session, token)


@pytest.mark.parametrize("token", ["", "x" * 43, "ü\ud800", "' OR 1=1 --", "a" * 10_000])
def test_a_forged_link_opens_nothing(app: Any, make: Factory, token: str) -> None:
    make.user(email="maria@example.org")
    asked("maria@example.org")
    with pytest.raises(LinkDead):
        sign_in_links.use_link(token)


def test_neither_the_token_nor_the_letter_is_kept(app: Any, make: Factory) -> None:
    make.user(email="maria@example.org")
    token = asked("maria@example.org")
    [email] = emails("sign_in")
    delivery.deliver([email.id])
    assert fetch(OutgoingEmail, email.id).subject == "Your sign-in link for Your office"
    assert token not in repr(everything())


def test_nobody_and_somebody_look_the_same(app: Any, make: Factory) -> None:
    make.user(email="maria@example.org")
    make.user(email=None, no_email=True)
    for address in ("maria@example.org", "nobody@example.org"):
        assert sign_in_links.ask_for_link(address, IP) is None  # type: ignore[func-returns-value]
    assert len(emails("sign_in")) == 1
    assert len(rows_of(SignInLink)) == 2


@pytest.mark.parametrize("address", ["no address", "a@b", "a@b.co\r\nBcc: x@y.zz", "a" * 300])
def test_what_is_no_address_is_refused_at_its_field(app: Any, address: str) -> None:
    with pytest.raises(Refusal) as caught:
        sign_in_links.ask_for_link(address, IP)
    assert caught.value.field == "email"


def test_at_most_five_letters_an_hour_and_address(app: Any, make: Factory, time: Clock) -> None:
    make.user(email="maria@example.org")
    for number in range(8):
        sign_in_links.ask_for_link("maria@example.org", f"203.0.113.{number}")
    assert len(emails("sign_in")) == 5
    time.advance(minutes=61)
    sign_in_links.ask_for_link("maria@example.org", IP)
    assert len(emails("sign_in")) == 6


def test_at_most_five_letters_also_when_asked_at_once(app: Any, make: Factory) -> None:
    make.user(email="maria@example.org")
    verbs = [lambda: sign_in_links.ask_for_link("maria@example.org", IP)] * 9
    assert together(app, verbs) == [None] * 9
    assert len(emails("sign_in")) == 5


def test_one_place_can_not_ask_for_everybody(app: Any, make: Factory) -> None:
    for number in range(35):
        sign_in_links.ask_for_link(f"user{number}@example.org", IP)
    assert len(rows_of(SignInLink)) == sign_in_links.MOST_AN_HOUR_AND_IP


def test_addresses_are_forgotten_after_a_day(app: Any, make: Factory, time: Clock) -> None:
    sign_in_links.ask_for_link("nobody@example.org", IP)
    time.advance(days=2)
    sign_in_links.ask_for_link("somebody@example.org", IP)
    assert [row.address for row in rows_of(SignInLink)] == ["somebody@example.org"]


def test_a_user_without_e_mail_is_not_signed_in_by_another(app: Any, make: Factory) -> None:
    from billing.database import lock, transaction
    from models import User

    user = make.user(email="maria@example.org")
    token = asked("maria@example.org")
    with transaction() as session:
        lock(session, User, user).email = "new@example.org"
    with pytest.raises(LinkDead):
        sign_in_links.use_link(token)
