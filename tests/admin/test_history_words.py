"""Whatever the outbox can hold and the history can be about has words, and can be asked for."""

from __future__ import annotations

import html
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from admin.history import KINDS, NAMES
from billing.letter_kinds import COPY, LETTERS
from jobs.letters import KINDS as WRITTEN
from models import Base

# Parts and traces of other records; what happens to them is told of those.
PARTS = {
    "allocation",
    "applicationfee",
    "billable",
    "bulkrow",
    "counter",
    "credit",
    "formfee",
    "history",
    "invoiceversion",
    "item",
    "jobrun",
    "messageexclusion",
    "messageextra",
    "messagerecipient",
    "note",
    "paymentmethod",
    "signinlink",
    "staffnotice",
    "unsubscribe",
}


def test_every_kind_of_letter_has_words() -> None:
    assert {kind for kind, _words in KINDS} == {*WRITTEN, *LETTERS, COPY}
    words = [words for _kind, words in KINDS]
    assert len(set(words)) == len(words)


def test_every_record_has_words_or_is_part_of_another() -> None:
    models = {mapper.class_.__name__.lower() for mapper in Base.registry.mappers}
    assert set(NAMES) == models - PARTS


@pytest.mark.parametrize("kind", ["card_expiring", "statement", "method_link", "invoice_again"])
def test_the_outbox_can_be_asked_for_it(
    staff_client: Callable[..., FlaskClient], kind: str
) -> None:
    page = html.unescape(staff_client().get(f"/admin/outgoingemail/?kind={kind}").text)
    assert "was left out" not in page
