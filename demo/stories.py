"""What happened in the demo's office during the last weeks, told with the heart's own verbs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import select

from billing import charging, clock, in_person, invoicing, methods, redraft
from billing.actor import Actor, customer_actor, staff_actor
from billing.database import reading, transaction
from billing.items import Line
from billing.transitions import move
from demo.people import Cast
from demo.storage import storage_life
from models import (
    Application,
    ApplicationFee,
    Billable,
    Invoice,
    Rental,
    Site,
    Staff,
    Unit,
)
from models.states import ApplicationState, Tender

DECLINING_NONCE = "fake-processor-declined-visa-nonce"
DEBIT_NONCE = "fake-sepa-direct-debit-nonce"
DEBIT_MANDATE = "I authorize the office to debit my account for the invoices it issues to me."
PERMITS = (
    ("Grace Okafor", "2027 Dog Park", 1),
    ("Priya Raman", "2027 Dog Park", 2),
    ("Ella Fitzroy", "Block party", 1),
    ("Kofi Mensah", "Farm stand", 1),
    ("Anna Petrova", "2027 Dog Park", 1),
    ("Lucas Moreau", "Block party", 1),
)


class Traveller(Protocol):
    """Sets the clock back for a while."""

    def days_ago(self, days: float) -> AbstractContextManager[None]: ...


@dataclass
class _Diary:
    """What happens on which day before today; told in the order of the days."""

    travel: Traveller
    entries: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def on(self, days_ago: float, happening: Callable[[], object]) -> None:
        self.entries.append((days_ago, happening))

    def tell(self) -> None:
        for days_ago, happening in sorted(self.entries, key=lambda entry: -entry[0]):
            with self.travel.days_ago(days_ago):
                happening()


def unfold(cast: Cast, travel: Traveller) -> None:
    """Let the weeks pass: permits, rents, cards that work and cards that don't."""
    teller, diary = _Teller(cast), _Diary(travel)
    _permits(teller, diary)
    _rents(teller, diary)
    _loose_ends(teller, diary)
    storage_life(cast, diary.on)
    diary.tell()


def _permits(teller: _Teller, diary: _Diary) -> None:
    """Approved applications that were invoiced and paid."""
    for number, (user, form, count) in enumerate(PERMITS):
        days = 60 - 7.3 * number
        invoice = _Later()

        def generate(user: str = user, form: str = form, n: int = count) -> int:
            return teller.generate(teller.application(user, form, n, ApplicationState.APPROVED))

        diary.on(days, invoice.from_(generate))
        diary.on(days - 2, lambda invoice=invoice: teller.pay(invoice.id))  # type: ignore[misc]


def _rents(teller: _Teller, diary: _Diary) -> None:
    """Three months of rent; in the last month two have paid and one has paid a part."""
    for month, days in enumerate((62, 32, 3)):
        for number, key in enumerate(teller.cast.rentals):
            draft = _Later()
            at = days - number / 50
            diary.on(at, draft.from_(lambda key=key: teller.rent(key)))  # type: ignore[misc]
            diary.on(at - 0.01, lambda draft=draft: teller.send(draft.id))  # type: ignore[misc]
            if month < 2 or number < 2:
                diary.on(at - 1.5, lambda draft=draft: teller.pay(draft.id))  # type: ignore[misc]
            elif number == 2:
                diary.on(1, lambda draft=draft: teller.pay_in_cash(draft.id, 4000))  # type: ignore[misc]


def _loose_ends(teller: _Teller, diary: _Diary) -> None:
    """One of everything a morning in the office can bring."""
    approved, pending = ApplicationState.APPROVED, ApplicationState.PENDING
    apply = teller.application
    diary.on(
        34,
        lambda: teller.generate(apply("José Ángel Núñez", "Farm stand", 1, approved), due_in=14),
    )
    diary.on(24, lambda: teller.draft("Walter Brandt", "Copy of a site plan", 1850, send=True))
    hall = _Later()
    diary.on(
        24.1, hall.from_(lambda: teller.draft("Ruth Abrams", "Hall hire, fair", 9000, send=True))
    )
    diary.on(22, lambda: teller.pay_in_cash(hall.id, 9000))
    key = _Later()
    diary.on(12.1, lambda: teller.register_card("Omar Farouk", DECLINING_NONCE))
    diary.on(12, key.from_(lambda: teller.draft("Omar Farouk", "Lock and key", 2400, send=True)))
    # Declined last night: the letter says when the card is tried again, a day still to come.
    diary.on(0.4, lambda: teller.charge(key.id))
    diary.on(9, lambda: teller.draft("Ben Archer", "Replacement tag", 1500, send=False))
    diary.on(8.9, lambda: teller.delete(teller.draft("Ivy Chen", "Twice", 1500, send=False)))
    diary.on(6, lambda: teller.redraft(teller.draft("Sam Delgado", "Cleaning", 6500, send=True)))
    diary.on(4.2, lambda: apply("王小明", "2027 Dog Park", 1, pending))
    diary.on(4.1, lambda: apply("Harriet Bell", "Block party", 1, ApplicationState.REJECTED))
    diary.on(4, lambda: apply("ليلى حداد", "Farm stand", 1, approved))
    diary.on(2, lambda: teller.charge_new("Nora Lindqvist", "Deposit", 15000, DEBIT_NONCE))
    diary.on(1, lambda: apply("Zoë Müller", "2027 Dog Park", 3, approved))
    diary.on(0.1, lambda: apply("Dana Whitfield", "2027 Dog Park", 2, approved))


class _Later:
    """The id of something that will have been made by the time it is needed."""

    id: int = 0

    def from_(self, make: Callable[[], int]) -> Callable[[], None]:
        def run() -> None:
            self.id = make()

        return run


class _Teller:
    """Says in one line what a story needs."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._references = 1030
        with reading() as session:
            self.staff: Actor = staff_actor(session.scalars(select(Staff)).all()[1])

    def application(self, user: str, form: str, count: int, state: ApplicationState) -> int:
        """A permit application with its fees, brought to ``state``."""
        amount = {"2027 Dog Park": 1000, "Block party": 4500, "Farm stand": 12000}[form] * count
        self._references += 1
        reference = f"RB-{self._references}"
        site_id = self.cast.sites["City Hall"]
        with transaction() as session:
            application = Application(
                reference=reference,
                user_id=self.cast.users[user],
                form_id=self.cast.forms[form],
                site_id=site_id,
                billable=Billable(kind="application", site_id=site_id, label=reference),
                fees_total=amount,
                answers={"items": count},
                submitted_at=clock.now(),
            )
            applicant = customer_actor(self.cast.users[user])
            move(session, application, "create", ApplicationState.DRAFT, applicant, "Begun")
            fee = ApplicationFee(label=f"{form} fee", quantity=count, amount=amount)
            fee.application_id = application.id
            session.add(fee)
            pending = ApplicationState.PENDING
            move(session, application, "submit", pending, applicant, "Handed in")
            if state is ApplicationState.APPROVED:
                application.decided_at = clock.now()
                move(session, application, "approve", state, self.staff, "Approved")
            elif state is ApplicationState.REJECTED:
                application.reason = "Please add the map of the street."
                why = application.reason
                move(session, application, "reject", state, self.staff, "Rejected", reason=why)
            return application.id

    def generate(self, application_id: int, due_in: int = 21) -> int:
        """Generate Invoice, as staff would."""
        with reading() as session:
            application = session.get_one(Application, application_id)
            description = invoicing.default_description(application)
        due_on = clock.now().date() + dt.timedelta(days=due_in)
        issued = invoicing.generate_invoice(
            application_id, description=description, due_on=due_on, actor=self.staff
        )
        return issued.invoice_id

    def rent(self, key: str) -> int:
        """A draft for a month's rent of a unit."""
        _unit_id, billable_id, rate = self.cast.units[key]
        with reading() as session:
            rental = session.get_one(Rental, self.cast.rentals[key])
            unit = session.get_one(Unit, rental.unit_id)
            site = session.get_one(Site, unit.site_id)
        month = clock.now().strftime("%B %Y")
        return invoicing.create_invoice(
            rental.user_id,
            description=f"Rent of unit {unit.name}, {site.name}",
            lines=[Line(f"Unit {unit.name} ({unit.size}), {month}", rate)],
            due_on=clock.now().date() + dt.timedelta(days=10),
            site_id=site.id,
            rental_id=rental.id,
            billable_id=billable_id,
            actor=self.staff,
        )

    def draft(self, user: str, description: str, amount: int, *, send: bool) -> int:
        """An invoice with one line."""
        invoice_id = invoicing.create_invoice(
            self.cast.users[user],
            description=description,
            lines=[Line(description, amount)],
            site_id=self.cast.sites["City Hall"],
            actor=self.staff,
        )
        if send:
            self.send(invoice_id)
        return invoice_id

    def send(self, invoice_id: int) -> None:
        invoicing.send_invoice(invoice_id, actor=self.staff)

    def pay(self, invoice_id: int) -> None:
        """The customer pays by card; one without e-mail comes to the desk."""
        invoice = _invoice(invoice_id)
        charging.pay_invoice(
            invoice_id,
            nonce="fake-valid-nonce",
            shown_balance=invoice.balance,
            actor=customer_actor(invoice.user_id),
        )

    def pay_in_cash(self, invoice_id: int, amount: int) -> None:
        manual = in_person.Manual(Tender.CASH, amount, received=amount)
        balance = _invoice(invoice_id).balance
        in_person.process_manual(invoice_id, manual, shown_balance=balance, actor=self.staff)

    def register_card(self, user: str, nonce: str) -> None:
        """Keep a card or account for a customer, as the portal will."""
        user_id = self.cast.users[user]
        mandate = DEBIT_MANDATE if nonce == DEBIT_NONCE else ""
        actor = customer_actor(user_id)
        methods.register_method(user_id, nonce=nonce, mandate=mandate, actor=actor)

    def charge_new(self, user: str, description: str, amount: int, nonce: str) -> None:
        """Keep a card or account, and charge it for something new."""
        invoice_id = self.draft(user, description, amount, send=False)
        self.register_card(user, nonce)
        self.charge(invoice_id)

    def charge(self, invoice_id: int) -> None:
        """Charge what is left of an invoice to what its customer has registered."""
        balance = _invoice(invoice_id).balance
        charging.charge_customer(invoice_id, shown_balance=balance, actor=self.staff)

    def delete(self, invoice_id: int) -> None:
        invoicing.delete_invoice(invoice_id, actor=self.staff)

    def redraft(self, invoice_id: int) -> None:
        reason = "The wrong unit was cleaned"
        redraft.set_back_to_draft(invoice_id, reason=reason, actor=self.staff)


def _invoice(invoice_id: int) -> Invoice:
    with reading() as session:
        return session.get_one(Invoice, invoice_id)
