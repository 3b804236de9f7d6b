"""Ending every link that letters gave one person."""

from __future__ import annotations

import pytest

from applications.links import application_token, read_application_token
from billing.database import reading
from billing.errors import NotFound
from billing.link_ends import end_links
from billing.links import invoice_token, read_invoice_token
from billing.method_links import method_token, read_method_token
from billing.signed import LinkDead
from models import Application, History, Invoice, User
from tests.billing.helpers import everything, rows_of
from tests.support import STAFF, Factory, fetch

READERS = {"m": read_method_token, "i": read_invoice_token, "a": read_application_token}


def tokens_of(user: int, invoices: list[int], application: int) -> list[tuple[str, str]]:
    """What letters carry now: what it opens, and the token."""
    return [
        ("m", method_token(fetch(User, user))),
        *(("i", invoice_token(fetch(Invoice, each))) for each in invoices),
        ("a", application_token(fetch(Application, application))),
    ]


def open_now(tokens: list[tuple[str, str]]) -> list[bool]:
    found = []
    with reading() as session:
        for kind, token in tokens:
            try:
                READERS[kind](session, token)
            except LinkDead:
                found.append(False)
            else:
                found.append(True)
    return found


def test_all_of_one_persons_end_and_nobody_elses(make: Factory) -> None:
    user, other = make.user(), make.user()
    mine = (user, [make.invoice(user), make.invoice(user, state="draft")], make.application(user))
    theirs = (other, [make.invoice(other)], make.application(other))
    old, others = tokens_of(*mine), tokens_of(*theirs)
    assert all(open_now(old + others))
    end_links(user, actor=STAFF)
    assert not any(open_now(old))
    assert all(open_now(others))
    assert all(open_now(tokens_of(*mine)))
    [row] = rows_of(History, History.verb == "end_links")
    assert (row.record, row.record_id, row.user_id) == ("user", user, user)
    assert (row.sentence, row.details) == (
        "All links in letters ended; new letters carry new ones",
        {"applications": 1, "invoices": 2},
    )
    replaced = rows_of(History, History.verb == "rotate_link")
    assert {(row.record, row.record_id) for row in replaced} == {
        *(("invoice", each) for each in mine[1]),
        ("application", mine[2]),
    }
    assert {row.user_id for row in replaced} == {user}


def test_somebody_without_invoices_and_twice(make: Factory) -> None:
    user = make.user()
    old = [("m", method_token(fetch(User, user)))]
    end_links(user, actor=STAFF)
    end_links(user, actor=STAFF)
    assert open_now(old) == [False]
    assert len(rows_of(History, History.verb == "end_links")) == 2


def test_nobody(make: Factory) -> None:
    before = everything()
    with pytest.raises(NotFound):
        end_links(987, actor=STAFF)
    assert everything() == before
