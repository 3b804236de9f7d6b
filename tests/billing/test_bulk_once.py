"""What is confirmed is what was looked at: each page of a bulk action begins one run, or none."""

from __future__ import annotations

from typing import Any

import pytest

from billing.actor import Actor
from billing.bulk import begin_run
from billing.bulk_outcomes import CHARGE, PDF, SEND, BulkVerb
from billing.redraft import set_back_to_draft
from jobs import bulk_actions
from models import BulkRun
from models.states import ActorKind
from tests.billing.bulk_kinds import EVERYTHING, begin, look
from tests.billing.helpers import keep, only_refusals, refusal_of, rows_of, together
from tests.support import Factory


@pytest.fixture
def boss(make: Factory) -> Actor:
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff", "127.0.0.1")


def test_one_page_begins_once(app: Any, make: Factory, boss: Actor) -> None:
    make.invoice(state="draft")
    mark = look(SEND, EVERYTHING, boss).mark
    again = lambda: begin_run(SEND, EVERYTHING, {}, mark=mark, actor=boss)  # noqa: E731
    run = again()
    assert refusal_of(again).code == "begun"
    bulk_actions.run([run])
    assert refusal_of(again).code == "changed"
    assert begin(SEND, EVERYTHING, boss) > run


def test_one_page_begins_once_at_the_same_moment(app: Any, make: Factory, boss: Actor) -> None:
    make.invoice(state="draft")
    mark = look(SEND, EVERYTHING, boss).mark
    press = lambda: begin_run(SEND, EVERYTHING, {}, mark=mark, actor=boss)  # noqa: E731
    [refusal] = only_refusals(together(app, [press] * 2))
    assert refusal.code == "begun"
    assert len(rows_of(BulkRun)) == 1


def test_a_run_of_somebody_else_does_not_matter(app: Any, make: Factory, boss: Actor) -> None:
    other = Actor(ActorKind.STAFF, make.staff(), "Olga Other", "127.0.0.1")
    make.invoice()
    mark = look(PDF, EVERYTHING, boss).mark
    begin(PDF, EVERYTHING, other)
    assert begin_run(PDF, EVERYTHING, {}, mark=mark, actor=boss)


@pytest.mark.parametrize("verb", [SEND, CHARGE])
def test_what_was_set_back_since_it_was_shown_is_not_begun(
    app: Any, make: Factory, sandbox: Any, boss: Actor, verb: BulkVerb
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    mark = look(verb, EVERYTHING, boss).mark
    set_back_to_draft(invoice, reason="Wrong items", actor=boss)
    again = lambda: begin_run(verb, EVERYTHING, {}, mark=mark, actor=boss)  # noqa: E731
    assert refusal_of(again).code == "changed"
