"""Handing in, approving, rejecting, taking out of use: the table, its letters and its refusals."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from applications import deciding
from billing.actions import application_actions
from billing.database import reading
from models import Application
from tests.applications.helpers import apply, customer_of, log_of, owed, pay_online, state_of
from tests.billing.helpers import only_refusals, refusal_of, together
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("proven")


def test_handing_in_works_the_fees_out_and_waits_for_a_decision(app: Any, make: Factory) -> None:
    application = apply(make, items=2)
    record = fetch(Application, application)
    assert (record.state, record.fees_total, record.outstanding_balance) == ("pending", 2500, 2500)
    assert log_of(application)[0].verb == "submit"


def test_a_form_that_is_closed_takes_no_application(app: Any, make: Factory) -> None:
    from billing.database import lock, transaction
    from models import Form

    application = apply(make, state="draft")
    with transaction() as session:
        lock(session, Form, fetch(Application, application).form_id).active = False
    verb = lambda: deciding.submit(application, actor=customer_of(application))  # noqa: E731
    assert refusal_of(verb).code == "form_closed"


def test_approving_is_refused_while_a_balance_is_outstanding(app: Any, make: Factory) -> None:
    application = apply(make)
    refusal = refusal_of(lambda: deciding.approve(application, actor=STAFF))
    assert (refusal.code, refusal.field) == ("outstanding_balance", "with_balance")
    assert "$15.00" in refusal.sentence


def test_approving_with_balance_approves_and_says_so(app: Any, make: Factory) -> None:
    application = apply(make)
    assert deciding.approve(application, with_balance=True, actor=STAFF) is True
    assert state_of(application) == "approved"
    assert "outstanding" in log_of(application)[0].sentence
    assert len(emails("application_approved")) == 1


def test_approving_what_is_paid_needs_no_tick(app: Any, make: Factory) -> None:
    application = apply(make)
    pay_online(application)
    deciding.approve(application, actor=STAFF)
    record = fetch(Application, application)
    assert record.state == "approved"
    assert record.decided_at is not None


def test_rejecting_needs_a_reason_which_is_kept_and_mailed(app: Any, make: Factory) -> None:
    application = apply(make)
    refusal = refusal_of(lambda: deciding.reject(application, reason="  ", actor=STAFF))
    assert refusal.field == "reason"
    deciding.reject(application, reason="Please add the map.", actor=STAFF)
    assert fetch(Application, application).reason == "Please add the map."
    [email] = emails("application_rejected")
    assert email.params["reason"] == "Please add the map."
    assert log_of(application)[0].reason == "Please add the map."


def test_a_rejected_application_its_user_changes_is_pending_again(app: Any, make: Factory) -> None:
    application = apply(make, state="rejected")
    changed = deciding.change_answers(application, {"items": 3}, actor=customer_of(application))
    assert (changed, state_of(application)) == (2000, "pending")
    assert fetch(Application, application).reason == "The address is wrong."
    assert log_of(application)[0].verb == "resubmit"


def test_a_change_by_staff_leaves_it_rejected(app: Any, make: Factory) -> None:
    application = apply(make, state="rejected")
    deciding.change_answers(application, {"items": 3}, actor=STAFF)
    assert state_of(application) == "rejected"


def test_the_same_answers_again_are_no_change(app: Any, make: Factory) -> None:
    application = apply(make, state="rejected", items=2)
    rows = len(log_of(application))
    assert deciding.change_answers(application, {"items": 2}, actor=customer_of(application)) == 0
    assert (state_of(application), len(log_of(application))) == ("rejected", rows)


def test_what_is_approved_only_staff_change(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    actor = customer_of(application)
    verb = lambda: deciding.change_answers(application, {"items": 2}, actor=actor)  # noqa: E731
    assert refusal_of(verb).code == "approved"
    assert deciding.change_answers(application, {"items": 2}, actor=STAFF) == 1000


@pytest.mark.parametrize("items", [0, -1, 1001, 1.5, "2", True, None, 10**12])
def test_a_number_of_items_that_can_not_be_is_refused_at_its_field(
    app: Any, make: Factory, items: Any
) -> None:
    application = apply(make, items=2)
    actor = customer_of(application)
    verb = lambda: deciding.change_answers(application, {"items": items}, actor=actor)  # noqa: E731
    assert refusal_of(verb).code in ("items", "answers")


@pytest.mark.parametrize(
    "answers", [{"a": {"b": 1}}, {"a": "x" * 30_000}, {"a": "nul\x00"}, {1: "a"}]
)
def test_answers_that_are_no_answers_are_refused(app: Any, make: Factory, answers: Any) -> None:
    application = apply(make)
    actor = customer_of(application)
    verb = lambda: deciding.change_answers(application, answers, actor=actor)  # noqa: E731
    assert refusal_of(verb).code == "answers"


@pytest.mark.parametrize("state", ["pending", "approved", "rejected"])
def test_inactive_and_active_again_ends_where_it_was(app: Any, make: Factory, state: str) -> None:
    application = apply(make, state=state)
    before = owed(application)
    deciding.mark_inactive(application, reason="Moved away", actor=STAFF)
    assert (state_of(application), log_of(application)[0].reason) == ("inactive", "Moved away")
    deciding.mark_active(application, actor=STAFF)
    assert (state_of(application), owed(application)) == (state, before)


# (from, verb): every other pair must be refused and change nothing.
VERBS = {
    "submit": lambda n: deciding.submit(n, actor=customer_of(n)),
    "approve": lambda n: deciding.approve(n, with_balance=True, actor=STAFF),
    "reject": lambda n: deciding.reject(n, reason="Why", actor=STAFF),
    "deactivate": lambda n: deciding.mark_inactive(n, actor=STAFF),
    "activate": lambda n: deciding.mark_active(n, actor=STAFF),
    "change": lambda n: deciding.change_answers(n, {"items": 9}, actor=customer_of(n)),
}
ALLOWED = {
    ("draft", "submit"): "pending",
    ("draft", "change"): "draft",
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("pending", "deactivate"): "inactive",
    ("pending", "change"): "pending",
    ("approved", "deactivate"): "inactive",
    ("rejected", "deactivate"): "inactive",
    ("rejected", "change"): "pending",
    ("inactive", "activate"): "approved",
}


@pytest.mark.parametrize(("state", "verb"), ALLOWED)
def test_an_allowed_verb_moves_along_the_table(
    app: Any, make: Factory, state: str, verb: str
) -> None:
    application = apply(make, state=state)
    VERBS[verb](application)
    assert state_of(application) == ALLOWED[state, verb]


@pytest.mark.parametrize("state", ["draft", "pending", "approved", "rejected", "inactive"])
def test_every_other_verb_is_refused_and_changes_nothing(
    app: Any, make: Factory, state: str
) -> None:
    application = apply(make, state=state)
    for name, verb in VERBS.items():
        if (state, name) not in ALLOWED:
            refusal_of(partial(verb, application))


def test_of_two_staff_who_decide_at_once_one_wins(app: Any, make: Factory) -> None:
    application = apply(make)
    results = together(app, [lambda: VERBS["approve"](application)] * 2)
    assert len(only_refusals(results)) == 1
    assert len(emails("application_approved")) == 1


def test_users_without_e_mail_get_nothing_and_the_verb_says_so(app: Any, make: Factory) -> None:
    user = make.user(email=None, no_email=True)
    application = apply(make, user=user)
    assert deciding.approve(application, with_balance=True, actor=STAFF) is False
    assert emails() == []
    assert "no e-mail" in log_of(application)[0].sentence


BUTTONS = {
    "draft": {"generate_invoice", "create_invoice"},
    "pending": {"approve", "reject", "settle", "deactivate"},
    "approved": {"settle", "deactivate", "generate_invoice", "create_invoice"},
    "rejected": {"settle", "deactivate", "generate_invoice", "create_invoice"},
    "inactive": {"activate", "generate_invoice", "create_invoice"},
}


@pytest.mark.parametrize("state", BUTTONS)
def test_the_page_offers_what_makes_sense_and_says_why_not(
    app: Any, make: Factory, state: str
) -> None:
    application = apply(make, state=state)
    with reading() as session:
        actions = application_actions(session, session.get_one(Application, application))
    assert {action.name for action in actions} == BUTTONS[state]
    generate = [action.why_not for action in actions if action.name == "generate_invoice"]
    assert all(bool(why) == (state != "approved") for why in generate)
