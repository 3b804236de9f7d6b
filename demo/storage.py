"""What the demo's storage sites bring besides rent: charges, labels, credit, cards on file."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from billing import clock, spreading
from billing.actor import customer_actor, staff_actor
from billing.database import reading, transaction
from billing.in_person import Manual
from billing.invoicing import create_invoice, send_invoice
from billing.items import Line
from billing.methods import register_method
from demo.people import Cast
from models import Label, PredefinedCharge, Staff, Unit, User
from models.states import BillingTrigger, Tender

CARD_NONCE = "fake-valid-nonce"
CHARGES = (
    ("Padlock", 1200, "0"),
    ("Unit cleaning", 6500, "0"),
    ("Late key return", 1500, "0"),
    ("Moving boxes, ten", 2490, "6.25"),
)
LABELS = (
    ("Business", "Rents for a company"),
    ("Late payer", "Call before the due date"),
    ("Ground floor", "No stairs, no lift"),
)
# Rented at Mill Road: who pays by card each month, and who has no card on file yet.
AUTOMATIC = {"Harriet Bell": True, "Ivy Chen": True, "Ben Archer": False}

Diary = Callable[[float, Callable[[], object]], None]


def storage_life(cast: Cast, on: Diary) -> None:
    """Enter into the diary (days before today, what happened) what the storage sites bring."""
    teller = _Teller(cast)
    on(70, teller.furnish)
    on(45, lambda: teller.bill("Ben Archer", "Padlock", 1200))
    on(20, lambda: teller.bill("Ben Archer", "Unit cleaning", 6500))
    on(16, lambda: teller.bill("Ivy Chen", "Late key return", 1500))
    on(15, lambda: teller.overpay("Ivy Chen", 4600))
    for name, has_card in AUTOMATIC.items():
        on(5, lambda name=name, has_card=has_card: teller.automatic(name, has_card))  # type: ignore[misc]
        on(0.2, lambda name=name: teller.draft(name, "Insurance of the unit", 2100))  # type: ignore[misc]


class _Teller:
    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        with reading() as session:
            self._staff = staff_actor(session.query(Staff).order_by(Staff.id).all()[1])

    def furnish(self) -> None:
        """Set up what staff reach for: labels and predefined charges."""
        with transaction() as session:
            for name, amount, tax in CHARGES:
                session.add(PredefinedCharge(name=name, unit_amount=amount, tax_rate=Decimal(tax)))
            labels = [Label(name=name, note=note) for name, note in LABELS]
            session.add_all(labels)
            business, late, ground = labels
            session.get_one(User, self._cast.users["Ben Archer"]).labels = [late]
            session.get_one(User, self._cast.users["Harriet Bell"]).labels = [business]
            for key, (unit_id, _billable, _rate) in self._cast.units.items():
                if key.endswith("A-01"):
                    session.get_one(Unit, unit_id).labels = [ground]

    def draft(self, name: str, description: str, amount: int) -> int:
        """Make a draft with one line."""
        return create_invoice(
            self._cast.users[name],
            description=description,
            lines=[Line(description, amount)],
            site_id=self._cast.sites["Mill Road Storage"],
            actor=self._staff,
        )

    def bill(self, name: str, description: str, amount: int) -> None:
        """Send an invoice with one line."""
        send_invoice(self.draft(name, description, amount), actor=self._staff)

    def overpay(self, name: str, amount: int) -> None:
        """Take a check for more than is open; the rest stays the customer's credit."""
        user_id = self._cast.users[name]
        with reading() as session:
            plan = spreading.plan(spreading.open_invoices(session, user_id), amount)
        spreading.spread(
            user_id,
            Manual(Tender.CHECK, amount, check_number="2201", check_date=clock.now().date()),
            invoice_ids=[share.invoice_id for share in plan.shares],
            shown=plan,
            actor=self._staff,
        )

    def automatic(self, name: str, has_card: bool) -> None:
        """Have the nightly run charge a customer, or send the invoice without a card."""
        user_id = self._cast.users[name]
        with transaction() as session:
            session.get_one(User, user_id).billing_trigger = BillingTrigger.AUTOMATIC
        if has_card:
            register_method(user_id, nonce=CARD_NONCE, actor=customer_actor(user_id))
