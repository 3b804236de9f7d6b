"""What is overdue, on the pages of users, units and sites and on the dashboard."""

from __future__ import annotations

import html
import re

from billing import clock
from models import Payment
from models.states import AllocationState, PaymentState, Tender
from tests.admin.debts import Build, invoice, november, office, row_of, text_of
from tests.support import Factory

__all__ = ["november", "office"]


def test_the_pages_flag_it_and_lead_to_the_invoices(
    staff_client: Build, office: dict[str, int]
) -> None:
    client = staff_client()
    for kind in ("user", "unit", "site"):
        page = client.get(f"/admin/{kind}/details/?id={office[f'here_{kind}']}")
        heading = page.text[page.text.index("<h1>") : page.text.index("</h1>")]
        assert "badge-overdue" in heading, kind
        link = re.search(r'href="(/admin/invoice/\?state=overdue[^"]*)"', page.text)
        assert link is not None, kind
        opened = client.get(html.unescape(link.group(1)))
        assert opened.text.count("badge-overdue") == 2, kind
        assert "($40.00)" in page.text, kind
        for section in ("Invoices", "Payments", "Rentals"):
            assert f">{section}</h2>" in page.text, (kind, section)
        other = client.get(f"/admin/{kind}/details/?id={office[f'there_{kind}']}")
        assert "badge-overdue" not in other.text, kind


def test_a_person_bound_to_a_site_counts_only_its_invoices(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    # A user of here who owes something there.
    moved = {**office, "there_user": office["here_user"]}
    invoice(make, moved, "there", 100_000, -5)
    everybody, bound = staff_client(), staff_client(None, (office["here_site"],))
    for _ in range(2):
        # Twice, in turns: what is kept for one is not shown to the other.
        row = row_of(everybody.get("/admin/user/"), office["here_user"])
        assert row["Overdue"] == "$1,139.00 since Nov 3"
        row = row_of(bound.get("/admin/user/"), office["here_user"])
        assert row["Overdue"] == "$139.00 since Nov 3"
    page = text_of(bound.get(f"/admin/user/details/?id={office['here_user']}"))
    assert "Overdue: 2 invoices since Nov 3 $139.00" in page
    assert "1,000.00" not in text_of(bound.get("/admin/"))
    assert "1,000.00" in text_of(everybody.get("/admin/"))
    assert "Hilltop" not in text_of(bound.get("/admin/site/?overdue=yes"))


def test_the_dashboard_lists_the_ten_oldest(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    for days in range(40, 52):
        invoice(make, office, "there", days * 100, -days)
    page = staff_client().get("/admin/")
    text = text_of(page)
    first = text[text.index("Overdue longest") : text.index("Needs attention")]
    assert re.findall(r"\$(\d+)\.00", first) == [str(days) for days in range(51, 41, -1)]
    assert "Unit there · There" in first
    assert first.endswith("All overdue invoices ")
    assert text.index("Overdue longest") < text.index("Needs attention")
    assert "Overdue longest" not in staff_client(["dashboard.view"]).get("/admin/").text


def test_the_dashboard_is_silent_when_nothing_is_overdue(
    make: Factory, staff_client: Build
) -> None:
    make.invoice()
    assert "Overdue longest" not in staff_client().get("/admin/").text


def test_a_units_payments_are_those_of_its_invoices_each_once(
    make: Factory, staff_client: Build, office: dict[str, int]
) -> None:
    from models import Allocation

    first = invoice(make, office, "there", 5000, 2)
    second = invoice(make, office, "there", 6000, 2)
    payment = make.add(
        Payment(
            user_id=office["there_user"],
            site_id=office["there_site"],
            tender=Tender.CASH,
            state=PaymentState.SETTLED,
            amount=8765,
            currency="USD",
            reference="cf-unit",
            started_at=clock.now(),
            collected_at=clock.now(),
        )
    )
    for key in (first, second):
        make.add(
            Allocation(
                payment_id=payment,
                invoice_id=key,
                state=AllocationState.RELEASED,
                amount=100,
                created_at=clock.now(),
            )
        )
    client = staff_client()
    for kind in ("unit", "site", "user"):
        page = client.get(f"/admin/{kind}/details/?id={office[f'there_{kind}']}")
        table = page.text[page.text.index('<section class="block" id="payments"') :]
        table = table[: table.index("</section>")]
        assert table.count("$87.65") == 1, kind
    other = client.get(f"/admin/unit/details/?id={office['here_unit']}")
    assert "$87.65" not in other.text
