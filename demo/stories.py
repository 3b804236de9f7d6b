"""What happened in the demo's office during the last weeks, told with the heart's own verbs."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import select

from billing import charging, clock, in_person, invoicing, methods, redraft
from billing.actor import Actor, customer_actor, staff_actor
from billing.database import reading, transaction
from billing.items import Line
from billing.transitions import move
from demo.people import Cast
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


class Traveller(Protocol):
    """Sets the clock back for a while."""

    def days_ago(self, days: float) -> AbstractContextManager[None]: ...


def unfold(cast: Cast, travel: Traveller) -> None:
    """Let the weeks pass: permits, rents, cards that work and cards that don't."""
    teller = _Teller(cast)
    for days, (user, form, dogs) in zip(
        range(60, 20, -6),
        [
            ("Grace Okafor", "2027 Dog Park", 1),
            ("Priya Raman", "2027 Dog Park", 2),
            ("Ella Fitzroy", "Block party", 1),
            ("Kofi Mensah", "Farm stand", 1),
            ("Anna Petrova", "2027 Dog Park", 1),
            ("Lucas Moreau", "Block party", 1),
        ],
        strict=False,
    ):
        with travel.days_ago(days):
            application = teller.application(user, form, dogs, ApplicationState.APPROVED)
            invoice = teller.generate(application)
        with travel.days_ago(days - 2):
            teller.pay(invoice)
    _rents(teller, travel)
    _loose_ends(teller, travel)


def _rents(teller: _Teller, travel: Traveller) -> None:
    keys = list(teller.cast.rentals)
    for month, days in enumerate((62, 32, 3)):
        with travel.days_ago(days):
            drafts = [teller.rent(key) for key in keys]
            for draft in drafts:
                teller.send(draft)
        with travel.days_ago(days - 1.5):
            for draft in drafts if month < 2 else drafts[:2]:
                teller.pay(draft)
        if month == 2:
            with travel.days_ago(1):
                teller.pay_in_cash(drafts[2], 4000)


def _loose_ends(teller: _Teller, travel: Traveller) -> None:
    """One of everything a morning in the office can bring."""
    with travel.days_ago(34):
        late = teller.application("José Ángel Núñez", "Farm stand", 1, ApplicationState.APPROVED)
        teller.generate(late, due_in=14)
    with travel.days_ago(24):
        teller.draft("Walter Brandt", "Copy of a site plan", 1850, send=True)
        cash = teller.draft("Ruth Abrams", "Hall hire, spring fair", 9000, send=True)
    with travel.days_ago(22):
        teller.pay_in_cash(cash, 9000)
    with travel.days_ago(12):
        failed = teller.draft("Omar Farouk", "Storage lock and key", 2400, send=False)
        teller.register_card("Omar Farouk", DECLINING_NONCE)
        teller.charge(failed)
    with travel.days_ago(2):
        debit = teller.draft("Nora Lindqvist", "Storage deposit", 15000, send=False)
        teller.register_card("Nora Lindqvist", DEBIT_NONCE)
        teller.charge(debit)
    with travel.days_ago(9):
        teller.draft("Ben Archer", "Replacement permit tag", 1500, send=False)
        gone = teller.draft("Ivy Chen", "Entered twice", 1500, send=False)
        invoicing.delete_invoice(gone, actor=teller.staff)
    with travel.days_ago(6):
        wrong = teller.draft("Sam Delgado", "Cleaning of a unit", 6500, send=True)
        redraft.set_back_to_draft(wrong, reason="The wrong unit was cleaned", actor=teller.staff)
    with travel.days_ago(4):
        teller.application("王小明", "2027 Dog Park", 1, ApplicationState.PENDING)
        teller.application("Harriet Bell", "Block party", 1, ApplicationState.REJECTED)
        teller.application("ليلى حداد", "Farm stand", 1, ApplicationState.APPROVED)
    with travel.days_ago(1):
        teller.application("Zoë Müller", "2027 Dog Park", 3, ApplicationState.APPROVED)
    with travel.days_ago(0.1):
        teller.application("Dana Whitfield", "2027 Dog Park", 2, ApplicationState.APPROVED)


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
        methods.register_method(user_id, nonce=nonce, actor=customer_actor(user_id))

    def charge(self, invoice_id: int) -> None:
        balance = _invoice(invoice_id).balance
        charging.charge_customer(invoice_id, shown_balance=balance, actor=self.staff)


def _invoice(invoice_id: int) -> Invoice:
    with reading() as session:
        return session.get_one(Invoice, invoice_id)
