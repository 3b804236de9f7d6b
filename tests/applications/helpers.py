"""What the tests of applications share: a form with rules, and applications on it."""

from __future__ import annotations

from typing import Any

from applications import deciding, settling
from billing.actor import customer_actor
from billing.attempts import Attempt
from billing.database import lock, reading, transaction
from billing.history import history_of
from billing.in_person import Manual
from jobs.letters import Letter, render
from models import Application, Form, FormFee, History, Invoice, OutgoingEmail, db
from models.states import FeeRule, Tender
from tests.billing.helpers import VISA, rows_of
from tests.support import STAFF, Factory, emails, fetch

DECLINED = "fake-processor-declined-visa-nonce"
RESIDENT, ELSEWHERE = "62704", "99999"


def dog_park(name: str = "2027 Dog Park") -> int:
    """A form: 10.00 a dog for residents, 30.00 for others, and 5.00 once for everybody."""
    with transaction() as session:
        form = Form(name=name, item_name="dog", resident_places=["62704", "Springfield Heights"])
        form.fees = [
            FormFee(label="Resident", amount=1000, rule=FeeRule.RESIDENT, per_item=True),
            FormFee(label="Non-resident", amount=3000, rule=FeeRule.NON_RESIDENT, per_item=True),
            FormFee(label="Registration", amount=500),
        ]
        session.add(form)
        session.flush()
        return form.id


def apply(
    make: Factory,
    *,
    form: int | None = None,
    user: int | None = None,
    items: int = 1,
    state: str = "pending",
    postal_code: str = RESIDENT,
) -> int:
    """An application on a dog park form, handed in by its user and brought to ``state``."""
    user = user or make.user(postal_code=postal_code)
    application = make.application(user, fees=0, state="draft", form_id=form or dog_park())
    with transaction() as session:
        lock(session, Application, application).answers = {"items": items}
    if state == "draft":
        return application
    deciding.submit(application, actor=customer_actor(user))
    if state == "rejected":
        deciding.reject(application, reason="The address is wrong.", actor=STAFF)
    if state in ("approved", "inactive"):
        deciding.approve(application, with_balance=True, actor=STAFF)
    if state == "inactive":
        deciding.mark_inactive(application, reason="Moved away", actor=STAFF)
    return application


def customer_of(application_id: int) -> Any:
    return customer_actor(fetch(Application, application_id).user_id, "203.0.113.7")


def owed(application_id: int) -> int:
    return int(fetch(Application, application_id).outstanding_balance)


def state_of(application_id: int) -> str:
    return str(fetch(Application, application_id).state)


def cash(application_id: int, shown: int | None = None) -> Attempt:
    """Settle the whole balance in cash."""
    balance = owed(application_id) if shown is None else shown
    manual = Manual(Tender.CASH, balance)
    return settling.settle_manual(application_id, manual, shown_balance=balance, actor=STAFF)


def authorise(application_id: int, nonce: str = VISA, shown: int | None = None) -> Attempt:
    balance = owed(application_id) if shown is None else shown
    return settling.authorise_settlement(
        application_id, nonce=nonce, shown_balance=balance, actor=STAFF
    )


def pay_online(application_id: int, nonce: str = VISA, shown: int | None = None) -> Attempt:
    balance = owed(application_id) if shown is None else shown
    return settling.pay_balance(
        application_id, nonce=nonce, shown_balance=balance, actor=customer_of(application_id)
    )


def invoices_about(application_id: int) -> list[Invoice]:
    """All invoices about an application, by id."""
    billable = fetch(Application, application_id).billable_id
    return rows_of(Invoice, Invoice.billable_id == billable)


def log_of(application_id: int) -> list[History]:
    """The application's history, the newest first."""
    with reading() as session:
        return history_of(session, "application", application_id)


def letter_of(kind: str) -> Letter:
    """The only letter of its kind, as it would be delivered now."""
    [email] = emails(kind)
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, email.id), session)
    db.session.remove()
    return letter


def set_fee(form_id: int, rule: FeeRule, amount: int) -> None:
    with transaction() as session:
        form = lock(session, Form, form_id)
        for fee in form.fees:
            if fee.rule is rule:
                fee.amount = amount


def delete_fees(form_id: int) -> None:
    with transaction() as session:
        for fee in list(lock(session, Form, form_id).fees):
            session.delete(fee)
