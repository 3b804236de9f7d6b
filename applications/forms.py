"""Setting a form's fee rules, and beginning an application on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from applications.deciding import check_answers
from applications.fees import recompute
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.history import note
from billing.money import MAX_AMOUNT
from billing.office import local_today
from billing.transitions import move
from models import Application, Billable, Form, FormFee, User
from models.states import ApplicationState, FeeRule

MOST_FEES = 50
MOST_PLACES = 2000


@dataclass(frozen=True)
class FeeLine:
    """One price as staff enter it; ``amount`` in minor units, ``per_item``: for each item."""

    label: str
    amount: int
    rule: FeeRule = FeeRule.EVERYONE
    per_item: bool = False


def set_rules(
    form_id: int,
    *,
    fees: Sequence[FeeLine],
    item_name: str,
    resident_places: Sequence[str],
    actor: Actor,
) -> None:
    """Replace a form's fees and rules. Applications keep theirs until address or answers change.

    item_name       -- what is counted, such as "dog"; empty: nothing is
    resident_places -- postal codes and towns of residents; none: everybody is a resident

    Raises ``Refusal`` with its field: a fee without a name, an amount below zero or too large, a
    price per item on a form that counts nothing.
    """
    item, places = _plain(item_name), [_plain(place) for place in resident_places]
    lines = [_checked(fee, item) for fee in fees]
    if len(lines) > MOST_FEES or len(item) > 80 or len(places) > MOST_PLACES:
        raise Refusal("That is more than a form can have.", "too_many", "fees")
    with transaction() as session:
        form = lock(session, Form, form_id)
        before = [_words(fee) for fee in form.fees]
        for old in list(form.fees):
            session.delete(old)
        session.flush()
        session.expire(form, ["fees"])
        form.item_name = item
        form.resident_places = [place for place in places if place]
        form.fees = [
            FormFee(label=fee.label, amount=fee.amount, rule=fee.rule, per_item=fee.per_item)
            for fee in lines
        ]
        details = {"before": before, "after": [_words(fee) for fee in lines]}
        note(session, form, "set_rules", "Fee rules changed", actor, details=details)


def begin(user_id: int, form_id: int, *, answers: dict[str, Any], actor: Actor) -> int:
    """Begin an application as a draft, with the fees the rules make now, and return its id.

    Refused for a form that is not open for applications, and for answers that can't be.
    """
    check_answers(answers)
    with transaction() as session:
        user = lock(session, User, user_id)
        form = session.get(Form, form_id)
        if form is None or user.erased_at is not None:
            raise NotFound("form")
        if not form.active:
            raise Refusal("This form is not open for applications any more.", "form_closed")
        site_id = form.site_id or user.site_id
        billable = Billable(kind="application", site_id=site_id, label=form.name)
        session.add(billable)
        session.flush()
        # The billable's id is given once, so a number made of it is unique without a counter.
        billable.label = f"{local_today(session).year}-{billable.id:05d}"
        application = Application(
            reference=billable.label,
            user_id=user.id,
            form_id=form.id,
            site_id=site_id,
            billable_id=billable.id,
            answers=answers,
            fees_total=0,
            submitted_at=None,
        )
        move(session, application, "create", ApplicationState.DRAFT, actor, "Begun")
        recompute(session, application, actor, "Begun")
        return application.id


def _checked(fee: FeeLine, item_name: str) -> FeeLine:
    label = _plain(fee.label)
    if not label or len(label) > 160:
        raise Refusal("Every fee needs a name of at most 160 characters.", "fee_label", "label")
    if fee.amount < 0:
        raise Refusal("A fee can't be below zero.", "fee_amount", "amount")
    if fee.amount > MAX_AMOUNT:
        raise Refusal("That amount is too large.", "fee_amount", "amount")
    if fee.per_item and not item_name:
        raise Refusal("Say what is counted, such as “dog”.", "no_item_name", "item_name")
    return FeeLine(label, fee.amount, fee.rule, fee.per_item)


def _words(fee: FeeLine | FormFee) -> list[Any]:
    return [fee.label, fee.amount, str(fee.rule), fee.per_item]


def _plain(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())
