"""Setting a form's rules, and beginning an application on it."""

from __future__ import annotations

from typing import Any

import pytest

from applications import deciding
from applications.forms import FeeLine, begin, set_rules
from billing.actor import customer_actor
from billing.database import lock, transaction
from billing.errors import NotFound
from models import Application, Form, FormFee, History
from models.states import FeeRule
from tests.applications.helpers import ELSEWHERE, apply, dog_park, owed
from tests.billing.helpers import refusal_of, rows_of
from tests.support import STAFF, Factory, fetch

FEES = [
    FeeLine("Resident", 700, FeeRule.RESIDENT, per_item=True),
    FeeLine(" Other  people ", 900, FeeRule.NON_RESIDENT),
]


def put(form: int, **values: Any) -> None:
    rules = {"fees": FEES, "item_name": "dog", "resident_places": ["62704", " "], **values}
    set_rules(form, **rules, actor=STAFF)


def test_rules_are_replaced_and_the_history_says_so(app: Any, make: Factory) -> None:
    form = make.form()
    put(form)
    put(form, resident_places=["99999"])
    assert [(fee.label, fee.amount, fee.rule, fee.per_item) for fee in rows_of(FormFee)] == [
        ("Resident", 700, "resident", True),
        ("Other people", 900, "non_resident", False),
    ]
    assert fetch(Form, form).resident_places == ["99999"]
    assert len(rows_of(History, History.verb == "set_rules")) == 2


def test_applications_keep_their_fees_until_they_change(app: Any, make: Factory) -> None:
    form = dog_park()
    application = apply(make, form=form)
    put(form)
    assert owed(application) == 1500
    deciding.change_answers(application, {"items": 2}, actor=STAFF)
    assert owed(application) == 1400


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"fees": [FeeLine(" ", 100)]}, "label"),
        ({"fees": [FeeLine("A", -1)]}, "amount"),
        ({"fees": [FeeLine("A", 10**12)]}, "amount"),
        ({"item_name": " "}, "item_name"),
        ({"fees": [FeeLine("A", 1)] * 51}, "fees"),
    ],
)
def test_rules_that_can_not_be_are_refused_at_their_field(
    app: Any, make: Factory, values: dict[str, Any], field: str
) -> None:
    form = dog_park()
    assert refusal_of(lambda: put(form, **values)).field == field


def test_an_application_is_begun_with_its_fees_and_a_number(app: Any, make: Factory) -> None:
    form, user = dog_park(), make.user(postal_code=ELSEWHERE)
    actor = customer_actor(user)
    one = begin(user, form, answers={"items": 2}, actor=actor)
    two = begin(user, form, answers={}, actor=actor)
    first, second = fetch(Application, one), fetch(Application, two)
    assert (first.state, first.fees_total, second.fees_total) == ("draft", 6500, 3500)
    assert first.reference != second.reference
    deciding.submit(one, actor=actor)
    assert fetch(Application, one).submitted_at is not None


def test_nothing_is_begun_on_a_closed_or_missing_form(app: Any, make: Factory) -> None:
    form, user = dog_park(), make.user()
    with transaction() as session:
        lock(session, Form, form).active = False
    refusal = refusal_of(lambda: begin(user, form, answers={}, actor=customer_actor(user)))
    assert refusal.code == "form_closed"
    with pytest.raises(NotFound):
        begin(user, 10**9, answers={}, actor=customer_actor(user))
