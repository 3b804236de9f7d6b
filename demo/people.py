"""Who and what there is in the demo's office before anything happens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from billing import clock
from billing.database import transaction
from models import Billable, Form, FormFee, Rental, Site, Unit, User
from models.states import BillingMethod, FeeRule

TOWN = ("Riverbend", "IL", "62999", "USA")

# Name, street, and the part before the @ of the address; None: no e-mail.
CUSTOMERS: list[tuple[str, str, str | None]] = [
    ("Dana Whitfield", "48 Willow Lane", "dana.whitfield"),
    ("Zoë Müller", "7 Garden Row", "zoe.mueller"),
    ("王小明", "310 River Road", "wang.xiaoming"),
    ("ليلى حداد", "19 Cedar Street", "layla.haddad"),
    ("José Ángel Núñez", "88 Orchard Avenue", "jose.nunez"),
    ("Priya Raman", "205 Hill Street", "priya.raman"),
    ("Walter Brandt", "14 Mill Road", None),
    ("Grace Okafor", "52 Station Street", "grace.okafor"),
    ("Tomasz Wójcik", "3 Chapel Close", "tomasz.wojcik"),
    ("Harriet Bell", "71 Maple Drive", "harriet.bell"),
    ("Sam Delgado", "9 Quarry Lane", "sam.delgado"),
    ("Nora Lindqvist", "26 Lakeside", "nora.lindqvist"),
    ("Ben Archer", "140 Main Street", "ben.archer"),
    ("Ivy Chen", "33 Fern Court", "ivy.chen"),
    ("Omar Farouk", "61 Bridge Street", "omar.farouk"),
    ("Ruth Abrams", "5 Meadow View", None),
    ("Lucas Moreau", "97 Station Street", "lucas.moreau"),
    ("Ella Fitzroy", "12 Harbor Street", "ella.fitzroy"),
    ("Kofi Mensah", "44 Elm Street", "kofi.mensah"),
    ("Anna Petrova", "80 North Road", "anna.petrova"),
]
UNITS = [("A-01", "5 × 5 ft", 4900), ("A-02", "5 × 10 ft", 7900), ("A-03", "10 × 10 ft", 11900)]


@dataclass
class Cast:
    """Ids of what was made, for the stories."""

    users: dict[str, int] = field(default_factory=dict)
    sites: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    units: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    rentals: dict[str, int] = field(default_factory=dict)


def arrive() -> Cast:
    """Make sites, units, forms, customers and rentals."""
    cast = Cast()
    with transaction() as session:
        for name, address in (
            ("City Hall", "1 Harbor Street"),
            ("Harbor Street Storage", "90 Harbor Street"),
            ("Mill Road Storage", "2 Mill Road"),
        ):
            site = Site(
                name=name, address=f"{address}\nRiverbend, IL 62999", phone="(555) 010-0142"
            )
            session.add(site)
            session.flush()
            cast.sites[name] = site.id
        hall = cast.sites["City Hall"]
        for name, fees in (
            (
                "2027 Dog Park",
                (
                    ("Resident, per dog", 1000, FeeRule.RESIDENT),
                    ("Non-resident, per dog", 3000, FeeRule.NON_RESIDENT),
                ),
            ),
            ("Block party", (("Street closure", 4500, FeeRule.EVERYONE),)),
            ("Farm stand", (("Season permit", 12000, FeeRule.EVERYONE),)),
        ):
            form = Form(name=name, site_id=hall, active=True, resident_places=["62999"])
            form.item_name = "dog" if "Dog" in name else ""
            form.fees = [
                FormFee(label=label, amount=amount, rule=rule, per_item=bool(form.item_name))
                for label, amount, rule in fees
            ]
            session.add(form)
            session.flush()
            cast.forms[name] = form.id
        for name, street, mailbox in CUSTOMERS:
            user = _customer(name, street, mailbox)
            session.add(user)
            session.flush()
            cast.users[name] = user.id
        _storage(session, cast)
    return cast


def _customer(name: str, street: str, mailbox: str | None) -> User:
    city, region, postal_code, country = TOWN
    return User(
        name=name,
        email=f"{mailbox}@mail.example" if mailbox else None,
        no_email=mailbox is None,
        phone="(555) 010-0199" if mailbox is None else "",
        street=street,
        city=city,
        region=region,
        postal_code=postal_code,
        country=country,
        billing_method=BillingMethod.GATEWAY if mailbox else BillingMethod.INVOICE,
        created_at=clock.now(),
    )


def _storage(session: Session, cast: Cast) -> None:
    tenants = iter(list(cast.users.values())[8:14])
    for site in ("Harbor Street Storage", "Mill Road Storage"):
        site_id = cast.sites[site]
        for name, size, rate in UNITS:
            billable = Billable(kind="unit", site_id=site_id, label=name)
            unit = Unit(site_id=site_id, name=name, size=size, rate=rate, billable=billable)
            session.add(unit)
            session.flush()
            key = f"{site} {name}"
            cast.units[key] = (unit.id, billable.id, rate)
            rental = Rental(
                unit_id=unit.id,
                user_id=next(tenants),
                started_on=clock.now().date() - dt.timedelta(days=40),
            )
            session.add(rental)
            session.flush()
            cast.rentals[key] = rental.id
