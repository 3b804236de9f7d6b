"""The invoice's page: what it shows in each state, and that looking changes nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from billing import charging, clock, invoicing
from billing.items import Line
from config import Config
from models import History, Invoice, Settings, db
from tests.portal.reading import words
from tests.support import STAFF, Clock, Factory, all_of, fetch
from wsgi import create_app

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title><style>*{display:none}",
    "{{ 7 * 191 }}",
    "<svg/onload=alert(1)>",
)
Link = Callable[[int], str]


def test_shows_everything_about_the_invoice(client: FlaskClient, make: Factory, link: Link) -> None:
    make.settings(
        organisation="City of Fairhaven",
        tagline="Permits",
        address="200 Main Street\nFairhaven",
        phone="(360) 555-0142",
        website="https://www.fairhaven.example",
    )
    due = clock.now().date() + dt.timedelta(days=20)
    invoice_id = make.invoice(make.user("Zoë Alvarez", email="zoe@example.org"), due_on=due)
    page = words(client.get(link(invoice_id)))
    invoice = fetch(Invoice, invoice_id)
    for expected in (
        "City of Fairhaven",
        "Permits",
        "fairhaven.example",
        "(360) 555-0142",
        f"Invoice #{invoice.number}",
        "Sent on",
        "Due on",
        "Zoë Alvarez",
        "zoe@example.org",
        "12 Elm Street",
        "200 Main Street",
        "Outstanding balance for 2027 Dog Park",
        "Outstanding application balance",
        "Amount due $20.00",
        "Visa Mastercard American Express Discover",
        "Pay $20.00",
    ):
        assert expected in page


def test_form_is_prefilled_and_the_button_waits_for_a_valid_card(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    page = html.fromstring(client.get(link(make.invoice())).get_data(as_text=True))
    assert page.get_element_by_id("postal-code").get("value") == "62704"
    assert page.get_element_by_id("holder").get("value") == "Maria Alvarez"
    assert page.get_element_by_id("pay-button").get("disabled") is not None
    assert page.xpath("//input[@name='shown_balance']/@value") == ["2000"]
    assert not page.xpath("//input[contains(@name, 'number') or contains(@name, 'cvv')]")


def test_tax_and_quantities_are_shown(client: FlaskClient, make: Factory, link: Link) -> None:
    lines = [Line("Tags", 1250, quantity=Decimal("2.5"), tax_rate=Decimal(8))]
    invoice_id = invoicing.create_invoice(make.user(), description="Tags", lines=lines, actor=STAFF)
    invoicing.send_invoice(invoice_id, actor=STAFF)
    page = words(client.get(link(invoice_id)))
    assert "2.5 × $12.50" in page
    assert "Before tax $31.25" in page
    assert "Tax $2.50" in page
    assert "Total $33.75" in page


def test_quantities_are_written_the_offices_way(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    lines = [Line("Tags", 1250, quantity=Decimal("2.5"))]
    invoice_id = invoicing.create_invoice(make.user(), description="Tags", lines=lines, actor=STAFF)
    invoicing.send_invoice(invoice_id, actor=STAFF)
    assert "2,5 × 12,50 €" in words(client.get(link(invoice_id)))


def test_draft_and_deleted_are_no_dead_links(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    invoice_id = make.invoice(state="draft")
    response = client.get(link(invoice_id))
    assert response.status_code == 200
    assert "being changed" in words(response)
    assert "Pay $" not in words(response)
    invoicing.delete_invoice(invoice_id, actor=STAFF)
    response = client.get(link(invoice_id))
    assert response.status_code == 200
    assert "You don’t have to pay it" in words(response)
    assert "pay-form" not in response.get_data(as_text=True)


def test_paid_shows_the_green_bar_and_the_receipt(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    response = client.get(link(invoice_id))
    assert "This invoice has been paid." in words(response)
    assert "View Receipt" in words(response)
    assert "pay-form" not in response.get_data(as_text=True)
    assert "Visa ending in" in words(response)


def test_pending_asks_not_to_pay_again_and_looks_again_by_itself(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    sandbox.fault("sale", "drop", "after")
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    response = client.get(link(invoice_id))
    assert "We are checking your payment. Please do not pay again." in words(response)
    source = response.get_data(as_text=True)
    assert "pay-form" not in source
    assert '<noscript><meta http-equiv="refresh"' in source
    assert client.get(f"{link(invoice_id)}/standing").json == {"standing": "checking"}
    assert client.get(f"{link(invoice_id)}/card-fields").status_code == 409


def test_overdue_is_said_kindly(
    client: FlaskClient, make: Factory, link: Link, time: Clock
) -> None:
    make.settings(overdue_age=0)
    invoice_id = make.invoice(due_on=clock.now().date() + dt.timedelta(days=2))
    assert "slipped your mind" not in words(client.get(link(invoice_id)))
    time.advance(days=5)
    assert "slipped your mind" in words(client.get(link(invoice_id)))


def test_page_opens_without_the_gateway(
    config: Config, make: Factory, link: Link, client: FlaskClient
) -> None:
    invoice_id = make.invoice()
    path = link(invoice_id)
    cut_off = create_app(dataclasses.replace(config, gateway_url="http://127.0.0.1:9"))
    with cut_off.test_client() as elsewhere:
        assert elsewhere.get(path).status_code == 200
        answer = elsewhere.get(f"{path}/card-fields")
        assert answer.status_code == 503
        assert answer.json == {"problem": "Card payment isn't possible at the moment."}
    with cut_off.app_context():
        db.engine.dispose()


def test_card_fields_are_given_what_they_need(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    answer = client.get(f"{link(make.invoice())}/card-fields")
    assert answer.status_code == 200
    assert answer.json
    assert len(answer.json["authorization"]) > 100


def test_looking_changes_nothing(client: FlaskClient, make: Factory, link: Link) -> None:
    invoice_id = make.invoice()
    before = len(all_of(History))
    client.get(link(invoice_id))
    client.head(link(invoice_id))
    client.get(link(invoice_id), headers={"Sec-Purpose": "prefetch"})
    assert fetch(Invoice, invoice_id).viewed_at is None
    assert len(all_of(History)) == before


def test_a_look_is_counted_once(
    client: FlaskClient, make: Factory, link: Link, post: Callable[..., Any]
) -> None:
    invoice_id = make.invoice()
    assert post(client, f"{link(invoice_id)}/viewed").status_code == 204
    seen = fetch(Invoice, invoice_id).viewed_at
    assert seen is not None
    post(client, f"{link(invoice_id)}/viewed")
    assert [row.verb for row in all_of(History)].count("view") == 1


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_fetching_ahead_is_no_look(
    client: FlaskClient, make: Factory, link: Link, post: Callable[..., Any], header: str
) -> None:
    invoice_id = make.invoice()
    post(client, f"{link(invoice_id)}/viewed", headers={header: "prefetch"})
    assert fetch(Invoice, invoice_id).viewed_at is None


def test_staff_looking_is_no_look(
    make: Factory,
    link: Link,
    post: Callable[..., Any],
    staff_client: Callable[..., FlaskClient],
) -> None:
    invoice_id = make.invoice()
    staff = staff_client()
    assert "viewed.js" not in staff.get(link(invoice_id)).get_data(as_text=True)
    post(staff, f"{link(invoice_id)}/viewed")
    assert fetch(Invoice, invoice_id).viewed_at is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(client: FlaskClient, make: Factory, link: Link, text: str) -> None:
    make.settings(organisation=f"Office {text}"[:160], website=f"javascript:{text}"[:254])
    user_id = make.user(f"Name {text}", street=text)
    invoice_id = make.invoice(user_id, description=f"About {text}")
    response = client.get(link(invoice_id))
    page = html.fromstring(response.get_data(as_text=True))
    assert f"About {text}" in page.text_content()
    assert f"Name {text}" in page.text_content()
    _assert_no_inline_code(page)
    assert "javascript:" not in " ".join(page.xpath("//@href"))


def test_no_inline_code_and_a_strict_policy(client: FlaskClient, make: Factory, link: Link) -> None:
    response = client.get(link(make.invoice()))
    _assert_no_inline_code(html.fromstring(response.get_data(as_text=True)))
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "object-src 'none'" in policy


def _assert_no_inline_code(page: Any) -> None:
    for element in page.iter():
        if isinstance(element.tag, str):
            assert not [name for name in element.attrib if re.match(r"on|style$", name)]
            if element.tag == "script":
                assert element.get("src")
                assert not (element.text or "").strip()
    assert len(page.xpath("//style")) == 1


def test_colour_setting_cannot_become_a_rule(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    make.settings(accent="red;}*{")
    source = client.get(link(make.invoice())).get_data(as_text=True)
    assert "red;}" not in source
    assert "--accent: #1f5f5b" in source


def test_works_without_javascript(client: FlaskClient, make: Factory, link: Link) -> None:
    page = html.fromstring(client.get(link(make.invoice())).get_data(as_text=True))
    assert page.get_element_by_id("pay-form").get("hidden") is not None
    told = page.get_element_by_id("pay-without-script")
    assert told.get("hidden") is None
    assert "Paying by card here needs JavaScript" in told.text_content()
    assert "invoice.pdf" in " ".join(told.xpath(".//@href"))


def test_home_has_a_way_in_for_staff(app: Flask, client: FlaskClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "Open the link in your e-mail to see your invoice" in words(response)
    assert "/admin/" in response.get_data(as_text=True)
    assert fetch(Settings, 1).organisation in words(response)
