"""Create invoice, from the page of a user, a unit or an application: a draft, then its editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import SelectField, TextAreaField, validators

from admin.base.access import actor, holds, requires
from admin.base.actions import eye_action
from admin.base.registry import eye_prefix
from admin.base.scope import find, read_id, site_ids
from admin.base.words import words
from admin.pages.verbs import VerbPage, clean
from billing.drafts import (
    has_ended,
    rentals_to_invoice,
    why_not_invoice_application,
    why_not_invoice_unit,
    why_not_invoice_user,
)
from billing.errors import Refusal
from billing.invoicing import ITEM_OF_APPLICATION, create_invoice, default_description
from billing.items import Line
from models import Application, Rental, Site, Unit, User, db

HEADING = "Create invoice"
CHOOSE = ("", "Choose …")
NO_UNIT = "none"
Choice = tuple[str, str]


class CreateForm(BaseForm):
    """A rental is "12:3": its id and the site its unit was shown at.

    About no unit is "none:3", the invoice's site, or "none:" for the site of the user.
    """

    rental = SelectField("About", validate_choice=False, filters=[clean])
    description = TextAreaField(
        "Description",
        [validators.InputRequired("Write a description.")],
        [clean],
        description="Shown in the e-mail and on the invoice. Items and due date come next.",
    )


class CreatePage(VerbPage):
    """The pages behind Create invoice."""

    label = HEADING
    permission = "invoices.create"
    slug = "create_invoice"
    path = "/admin/invoice/create"

    @expose("/for-user/", methods=("GET", "POST"))
    @requires("invoices.create")
    def for_user(self) -> Any:
        """A draft for a user, about a unit they rent, or have left not long ago, or about none."""
        user = self.record(User)
        why_not = why_not_invoice_user(user)
        if why_not is not None:
            return self.refused(user, HEADING, why_not)
        rentals = in_my_sites(rentals_to_invoice(db.session(), user_id=user.id))
        none = without_unit(user)
        form: Any = self.form(CreateForm)
        form.rental.choices = [*((key_of(each), place_of(each)) for each in rentals), *none]
        running = [each for each in rentals if not has_ended(db.session(), each)]
        # The one unit they rent today is proposed; among several, somebody has to say which.
        if len(running) != 1 and len(form.rental.choices) > 1:
            form.rental.choices.insert(0, CHOOSE)
        # Whoever chose a rental that can't be invoiced any more is told, instead of getting none.
        if not rentals and len(none) == 1 and not form.rental.data:
            del form.rental

        def create() -> int:
            rental, site_id = self._about(form, none)
            return create_invoice(
                user.id,
                description=form.description.data,
                site_id=site_id,
                rental_id=rental.id if rental else None,
                within=site_ids(),
                actor=actor(),
            )

        return self._created(form, user, create)

    @expose("/for-unit/", methods=("GET", "POST"))
    @requires("invoices.create")
    def for_unit(self) -> Any:
        """A draft for whoever rents a unit, or has left it not long ago, about their rental."""
        unit = self.record(Unit)
        why_not = why_not_invoice_unit(db.session(), unit)
        if why_not is not None:
            return self.refused(unit, HEADING, why_not)
        rentals = rentals_to_invoice(db.session(), unit_id=unit.id)
        form: Any = self.form(CreateForm, description=f"{unit.name}, {unit.site.name}")
        form.rental.label.text = "For"
        form.rental.choices = [(key_of(each), tenant_of(each)) for each in rentals]
        running = [each for each in rentals if not has_ended(db.session(), each)]
        # Who rents it alone is proposed, whoever rented it before; nobody else is.
        if len(running or rentals) > 1:
            form.rental.choices.insert(0, CHOOSE)

        def create() -> int:
            rental, site_id = self._chosen(form, unit=unit)
            return create_invoice(
                rental.user_id,
                description=form.description.data,
                site_id=site_id,
                rental_id=rental.id,
                within=site_ids(),
                actor=actor(),
            )

        return self._created(form, unit, create)

    @expose("/for-application/", methods=("GET", "POST"))
    @requires("invoices.create")
    def for_application(self) -> Any:
        """A draft over what an application owes, which Generate Invoice would send at once."""
        application = self.record(Application)
        why_not = why_not_invoice_application(db.session(), application)
        if why_not is not None:
            return self.refused(application, HEADING, why_not)
        form: Any = self.form(CreateForm, description=default_description(application))
        del form.rental
        owed = application.difference

        def create() -> int:
            return create_invoice(
                application.user_id,
                description=form.description.data,
                lines=[Line(ITEM_OF_APPLICATION, owed)],
                site_id=application.site_id,
                billable_id=application.billable_id,
                within=site_ids(),
                actor=actor(),
            )

        return self._created(form, application, create)

    def _about(self, form: Any, none: Sequence[Choice]) -> tuple[Rental | None, int | None]:
        """Return the rental chosen on a user's page, None for no unit, and the invoice's site.

        none -- the choices without a unit that were offered
        """
        chosen = form.rental.data if "rental" in form else none[0][0]
        if not chosen:
            sentence = "Choose what the invoice is about: one of their units, or no unit."
            raise Refusal(sentence, "no_rental", "rental")
        if chosen in dict(none):
            return None, read_id(chosen.partition(":")[2])
        return self._chosen(form)

    def _chosen(self, form: Any, *, unit: Unit | None = None) -> tuple[Rental, int]:
        """Return the rental chosen and the site its unit was shown at."""
        if not form.rental.data:
            raise Refusal("Choose who the invoice is for.", "no_rental", "rental")
        rental_id, _, site = form.rental.data.partition(":")
        rental, site_id = find(Rental, read_id(rental_id)), read_id(site)
        strange = rental is None or (unit is not None and rental.unit_id != unit.id)
        # One whose unit went to a site of others is not there to be found any more.
        if strange or site_id is None:
            raise Refusal(
                "This rental is not among your records any more. Look again.", "no_rental", "rental"
            )
        return rental, site_id

    def _created(self, form: Any, record: Any, create: Any) -> Any:
        done: list[int] = []

        def create_it() -> str:
            done.append(create())
            return "The draft was created."

        return self.answer(
            "admin/pages/create_invoice.html",
            form,
            record,
            create_it,
            to=lambda: opened(done[0]),
            heading=HEADING,
            button="Create draft",
            consequences=[
                "A draft is made. Nothing is sent, and it has no number, until you send it."
            ],
        )


def opened(invoice_id: int) -> str | None:
    """Return where a new draft is opened: its editor, else its page; None for neither."""
    if holds("invoices.edit"):
        return url_for("drafting.edit", id=invoice_id)
    prefix = eye_prefix("invoice")
    return None if prefix is None else f"{prefix}{invoice_id}"


def in_my_sites(rentals: Sequence[Rental]) -> list[Rental]:
    """Return those rentals whose unit stands where this person may look."""
    mine = site_ids()
    return [each for each in rentals if not mine or each.unit.site_id in mine]


def without_unit(user: User) -> list[Choice]:
    """Return the ways to invoice ``user`` about no unit, at a site this person may look at.

    The invoice is at the user's own site; where this person doesn't work there, at one of theirs.
    """
    mine = site_ids()
    if not mine or user.site_id in mine:
        return [(f"{NO_UNIT}:", "No unit")]
    sites = db.session.scalars(select(Site).where(Site.id.in_(mine)).order_by(Site.name, Site.id))
    return [(f"{NO_UNIT}:{each.id}", f"No unit, {each.name}") for each in sites]


def key_of(rental: Rental) -> str:
    """Return what names a rental in the form, with the site it is shown at."""
    return f"{rental.id}:{rental.unit.site_id}"


def place_of(rental: Rental) -> str:
    return f"{rental.unit.name}, {rental.unit.site.name}{_ended(rental)}"


def tenant_of(rental: Rental) -> str:
    no_email = "" if rental.user.reachable else " (no e-mail)"
    return f"{rental.user.name}{no_email}{_ended(rental)}"


def _ended(rental: Rental) -> str:
    if rental.ended_on is None or not has_ended(db.session(), rental):
        return ""
    return f", ended {words().short_day(rental.ended_on)}"


for _model, _method in ((User, "for_user"), (Unit, "for_unit"), (Application, "for_application")):
    eye_action(_model, "create_invoice", f"create_invoice.{_method}")
