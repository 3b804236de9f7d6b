"""Every field for money, in an office that writes a comma: shown so, read so, kept as typed.

The lines of a draft are in test_drafting.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient

from applications.forms import FeeLine, set_rules
from billing import in_person
from billing.in_person import Manual
from billing.money import format_amount
from models import Application, Billable, FormFee, Invoice, Payment, PredefinedCharge, Unit
from models.states import FeeRule, Tender
from tests.applications.helpers import set_fee
from tests.billing.helpers import everything, keep
from tests.scenarios.city import Person
from tests.support import STAFF, Factory, all_of, fetch

# As typed, and what the office means by it in minor units.
MEANT = [("12,50", 1250), ("12.50", 1250), ("1.234,56 €", 123_456), ("€ 1.234", 123_400)]
MISTYPED = ["1,234.56", "12.5", "1e5", "zwölf", "$12,50", "-12,50"]
OWED = 250_000

Build = Callable[..., FlaskClient]

pytestmark = pytest.mark.usefixtures("sandbox")


@dataclass
class Desk:
    """A page with a field for money that starts at ``OWED``.

    taken -- what was taken of the amount that was sent, in minor units
    name  -- the field's
    typed -- what its form needs besides
    """

    address: str
    button: str
    taken: Callable[[], int]
    name: str = "amount"
    typed: dict[str, str] = field(default_factory=dict)


def left_on(invoice: int) -> int:
    return fetch(Invoice, invoice).balance


def credit(make: Factory) -> Desk:
    invoice = make.invoice(total=OWED)
    return Desk(
        f"/admin/invoice/credit/give/?id={invoice}",
        "Give credit",
        lambda: fetch(Invoice, invoice).credited,
        typed={"reason": "Kindness"},
    )


def counter(make: Factory) -> Desk:
    invoice = make.invoice(total=OWED)
    return Desk(
        f"/admin/invoice/in-person/?id={invoice}",
        "Process Invoice",
        lambda: OWED - left_on(invoice),
        typed={"tender": "cash", "received": "2.500,00"},
    )


def spread(make: Factory) -> Desk:
    user = make.user()
    invoice = make.invoice(user, total=OWED)
    return Desk(
        f"/admin/user/payment/record/?id={user}",
        "Show how it is spread",
        lambda: OWED - left_on(invoice),
        typed={"tender": "cash", "received": "2.500,00"},
    )


def refund(make: Factory) -> Desk:
    invoice = make.invoice(total=OWED)
    manual = Manual(Tender.CASH, OWED)
    paid = in_person.process_manual(invoice, manual, shown_balance=OWED, actor=STAFF).payment_id
    return Desk(
        f"/admin/payment/do/refund/?id={paid}",
        "Refund",
        lambda: fetch(Payment, paid).refunded,
        typed={"then": "reopen", "reason": "Withdrawn"},
    )


def charge(make: Factory) -> Desk:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=OWED)
    return Desk(
        f"/admin/invoice/charge/customer/?id={invoice}",
        "Charge 2.500,00 €",
        lambda: OWED - left_on(invoice),
    )


def predefined(make: Factory) -> Desk:
    made = make.add(PredefinedCharge(name="Rent", unit_amount=OWED, tax_rate=19, active=True))
    return Desk(
        f"/admin/predefinedcharge/edit/?id={made}",
        "Save",
        lambda: fetch(PredefinedCharge, made).unit_amount,
        "unit_amount",
    )


def rate(make: Factory) -> Desk:
    site = make.site()
    billable = make.add(Billable(kind="unit", site_id=site, label="A1"))
    unit = make.add(Unit(site_id=site, billable_id=billable, name="A1", rate=OWED))
    return Desk(f"/admin/unit/edit/?id={unit}", "Save", lambda: fetch(Unit, unit).rate, "rate")


def fee(make: Factory) -> Desk:
    form = make.form()
    set_rules(form, fees=[FeeLine("Dog", OWED)], item_name="", resident_places=[], actor=STAFF)
    return Desk(
        f"/admin/form/fees/rules/?id={form}",
        "Save",
        lambda: all_of(FormFee)[-1].amount,
        "fees-0-amount",
    )


DESKS = [credit, counter, spread, refund, charge, predefined, rate, fee]
# The button of the page that names the amount and asks once more.
CONFIRM = {"charge": "Charge {}", "spread": "Record {}"}


@pytest.mark.parametrize("desk_of", DESKS, ids=lambda each: each.__name__)
def test_money_is_shown_and_read_the_offices_way(
    make: Factory, staff_client: Build, desk_of: Callable[[Factory], Desk]
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    for typed, meant in MEANT:
        desk = desk_of(make)
        person = Person(staff_client()).open(desk.address)
        assert person.field(desk.name) == "2500,00"
        person.press(desk.button, **{**desk.typed, desk.name: typed})
        if confirm := CONFIRM.get(desk_of.__name__):
            assert (person.status, person.field(desk.name)) == (200, typed)
            written = " ".join(format_amount(meant, "EUR", "de_DE").split())
            person.press(confirm.format(written))
        assert (person.status, desk.taken()) == (200, meant), typed


@pytest.mark.parametrize("desk_of", DESKS, ids=lambda each: each.__name__)
def test_what_is_mistyped_is_told_at_its_field_comes_back_and_changes_nothing(
    make: Factory, staff_client: Build, desk_of: Callable[[Factory], Desk]
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    desk = desk_of(make)
    person = Person(staff_client()).open(desk.address)
    before = everything()
    for typed in MISTYPED:
        person.open(desk.address)
        person.press(desk.button, **{**desk.typed, desk.name: typed})
        [place] = person.find(f"//*[contains(@class, 'wrong')][.//input[@name='{desk.name}']]")
        assert "20,00." in place.text_content(), typed
        assert person.field(desk.name) == typed
        assert everything() == before


# The sandbox's merchant account is in dollars and takes no third decimal.
NOT_CHARGED = [each for each in DESKS if each is not charge]


@pytest.mark.parametrize("desk_of", NOT_CHARGED, ids=lambda each: each.__name__)
def test_what_is_sent_as_it_was_shown_is_what_it_was(
    make: Factory, staff_client: Build, desk_of: Callable[[Factory], Desk]
) -> None:
    """Three decimals in an office that groups with a point: read wrongly it is a thousandfold."""
    make.settings(locale="de_DE", currency="KWD")
    desk = desk_of(make)
    person = Person(staff_client()).open(desk.address)
    assert person.field(desk.name) == "250,000"
    person.press(desk.button, **desk.typed)
    if desk_of is spread:
        person.press("Record 250,000 KWD")
    assert person.status == 200
    assert desk.taken() == OWED


def test_settling_at_the_counter_carries_its_amount_in_any_locale(
    make: Factory, staff_client: Build
) -> None:
    """The amount of an application is not typed, but it goes through the same field."""
    make.settings(locale="de_DE", currency="KWD")
    application = make.application()
    set_fee(fetch(Application, application).form_id, FeeRule.EVERYONE, 2000)
    person = Person(staff_client()).open(f"/admin/application/settle/?id={application}")
    assert person.field("amount") == "2,000"
    person.press("Settle", tender="cash")
    assert person.status == 200
    assert [payment.amount for payment in all_of(Payment)] == [2000]
