"""What the scenarios of invoices share: tenants, an invoice in each state, a look at a list."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from billing.database import transaction
from billing.in_person import Manual, process_manual
from billing.invoicing import delete_invoice
from models import Invoice
from models.states import Tender
from tests.billing.helpers import HARD_DECLINE, SEPA, charge, keep
from tests.scenarios.city import Person
from tests.support import STAFF, Factory, fetch

Staff = Callable[..., FlaskClient]


def eye(invoice: int) -> str:
    return f"/admin/invoice/details/?id={invoice}"


def tenant(make: Factory, name: str = "Tia Tenant") -> int:
    return make.user(name, email=f"{name.split()[0].lower()}@example.org")


def one_of_each(make: Factory) -> dict[str, int]:
    """An invoice in every state, reached as the office reaches it; the description names it."""
    user = tenant(make)
    keep(user)
    made = {
        state: make.invoice(user, total=2000, state="draft", description=f"Is {state}")
        for state in ("draft", "paid", "deleted")
    }
    made["sent"] = make.invoice(user, description="Is sent")
    pay_in_cash(made["paid"], 2000)
    delete_invoice(made["deleted"], actor=STAFF)
    debtor, failing = tenant(make, "Della Debit"), tenant(make, "Fay Failing")
    keep(debtor, SEPA)
    made["pending"] = make.invoice(debtor, description="Is pending")
    charge(made["pending"])
    keep(failing)
    made["failed"] = make.invoice(failing, total=HARD_DECLINE, description="Is failed")
    charge(made["failed"])
    return made


def pay_in_cash(invoice: int, amount: int) -> None:
    shown = fetch(Invoice, invoice).balance
    process_manual(invoice, Manual(Tender.CASH, amount), shown_balance=shown, actor=STAFF)


def greyed(page: Person) -> str:
    """The buttons that can't be pressed, each with its reason, in one line."""
    return " ".join(f"{label} {why_not}" for label, why_not in page.actions.items() if why_not)


def listed(client: FlaskClient, state: str) -> set[str]:
    """The states whose invoices the list shows under a pill."""
    rows = " ".join(Person(client).open(f"/admin/invoice/?state={state}").rows())
    words = ("draft", "sent", "pending", "failed", "paid", "deleted")
    return {word for word in words if f"Is {word}" in rows}


def with_billable(invoice: int, billable: int) -> None:
    with transaction() as session:
        session.get_one(Invoice, invoice).billable_id = billable
