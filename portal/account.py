"""What a signed-in customer sees first: what is to pay, the applications, their own details."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template
from flask.typing import ResponseReturnValue

from applications.account import applications_of, invoices_of, open_forms
from billing.credit_use import available_credit
from billing.own_method import usable_method
from models import Form, PaymentMethod, User, db
from portal import limits
from portal.account_rows import InvoiceRow, rows_of
from portal.application_sheets import ApplicationRow, application_rows
from portal.credit import CreditOffer, offer_of
from portal.customers import account, customer
from portal.limits import limiter

# More than anybody has; a list must end somewhere.
MOST = 500


@dataclass(frozen=True)
class Person:
    """One of the people who share the address, with what is theirs.

    credit -- minor units of theirs that no invoice uses
    method -- the registered payment method they can pay with now
    """

    user: User
    invoices: list[InvoiceRow]
    applications: list[ApplicationRow]
    forms: list[Form]
    credit: int = 0
    method: PaymentMethod | None = None

    @property
    def open_invoices(self) -> list[InvoiceRow]:
        return [row for row in self.invoices if row.is_open]

    @property
    def closed_invoices(self) -> list[InvoiceRow]:
        return [row for row in self.invoices if not row.is_open]

    @property
    def payable(self) -> list[InvoiceRow]:
        return [row for row in self.invoices if row.payable]

    @property
    def failed(self) -> list[InvoiceRow]:
        return [row for row in self.payable if row.failed]

    @property
    def credit_offer(self) -> CreditOffer | None:
        """Using the credit for what is most urgent; the other invoices offer it on their pages."""
        if not self.credit or not self.payable:
            return None
        return offer_of(db.session(), self.payable[0].invoice)


@account.get("/account")
@limiter.limit(limits.LOOK)
def home() -> ResponseReturnValue:
    """Everything of the people who have this address, each with their own."""
    here = customer()
    session = db.session()
    invoices = rows_of(session, invoices_of(session, here.ids, limit=MOST))
    applications = application_rows(session, applications_of(session, here.ids, limit=MOST))
    people = [
        Person(
            user,
            [row for row in invoices if row.invoice.user_id == user.id],
            [row for row in applications if row.application.user_id == user.id],
            open_forms(session, user),
            available_credit(session, user.id),
            usable_method(session, user),
        )
        for user in here.people
    ]
    return render_template("portal/account/home.html", people=people)
