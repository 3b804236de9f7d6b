"""The settings page, and the verb behind it."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from admin.pages.settings import as_typed
from admin.pages.settings_words import effect_words
from billing.errors import Refusal
from billing.overdue import Effect
from billing.setting_values import READERS
from billing.settings import change_settings, problems
from models import History, Invoice, Settings
from models.states import BillingTrigger, OverdueBasis
from tests.support import STAFF, Factory, all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
PAGE = "/admin/settings/"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def test_the_page_shows_every_setting(make: Factory, staff_client: Build) -> None:
    make.settings(organisation="Dog Park Office", manual_methods=["Money order"])
    shown = text_of(staff_client().get(PAGE))
    assert "Dog Park Office" in shown
    assert "Money order" in shown
    for name in READERS:
        assert f'name="{name}"' in shown


def test_saving_changes_what_was_typed_and_logs_before_and_after(
    make: Factory, staff_client: Build, post: Post
) -> None:
    make.settings(organisation="Old name", overdue_age=None)
    client = staff_client()
    typed = {
        "organisation": "  Dog Park Office ",
        "overdue_age": "14",
        "overdue_basis": "invoice_date",
        "billing_trigger": "automatic",
        "manual_methods": "Money order\r\n\r\nBank transfer\r\nMoney order",
        "locale": "de-DE",
        "timezone": "Europe/Berlin",
        "website": "www.example.org",
    }
    answer = post(client, PAGE, typed)
    assert answer.status_code == 303
    assert "Saved." in text_of(client.get(PAGE))
    settings = fetch(Settings, 1)
    assert settings.organisation == "Dog Park Office"
    assert settings.overdue_age == 14
    assert settings.overdue_basis is OverdueBasis.INVOICE_DATE
    assert settings.billing_trigger is BillingTrigger.AUTOMATIC
    assert settings.manual_methods == ["Money order", "Bank transfer"]
    assert (settings.locale, settings.timezone) == ("de_DE", "Europe/Berlin")
    (row,) = [row for row in all_of(History) if row.record == "settings"]
    assert row.details["changes"]["organisation"] == ["Old name", "Dog Park Office"]
    assert row.details["changes"]["overdue_age"] == [None, 14]
    assert row.actor_name == "Sam Staff"


def test_saving_the_page_as_it_is_changes_nothing(staff_client: Build, post: Post) -> None:
    client = staff_client()
    stored = fetch(Settings, 1)
    typed = as_typed(stored)
    assert post(client, PAGE, typed).status_code == 303
    assert "Nothing was changed." in text_of(client.get(PAGE))
    assert [row for row in all_of(History) if row.record == "settings"] == []


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("overdue_age", "-1", "whole days from 0 to 3,650"),
        ("overdue_age", "10,000", "whole days from 0 to 3,650"),
        ("overdue_age", "3651", "whole days from 0 to 3,650"),
        ("overdue_age", "abc", "whole days from 0 to 3,650"),
        ("overdue_age", "1.5", "whole days from 0 to 3,650"),
        ("overdue_age", "٣", "whole days from 0 to 3,650"),
        ("overdue_basis", "whenever", "Choose one from the list."),
        ("billing_trigger", "default", "Choose one from the list."),
        ("organisation", "   ", "Enter the office's name."),
        ("organisation", "x" * 161, "at most 160 characters; this has 161"),
        ("email", "nobody", "not an e-mail address"),
        ("website", "javascript:alert(1)", "an address such as https://"),
        ("website", "ftp://example.org", "an address such as https://"),
        ("website", "http://[bad", "an address such as https://"),
        ("accent", "red", "a colour such as #1f5f5b"),
        ("currency", "XYZ", "the code of a currency"),
        ("locale", "klingon", "such as en_US or de_DE"),
        ("timezone", "Mars/Olympus", "a time zone such as America/Chicago"),
        ("timezone", "../../etc/passwd", "a time zone such as America/Chicago"),
        ("link_days", "0", "from 1 to 3,650"),
        ("hold_minutes", "4", "from 5 to 10,080"),
        ("max_declines", "", "from 1 to 100"),
        ("manual_methods", "\n".join(map(str, range(21))), "at most 20 ways"),
        ("manual_methods", "x" * 61, "too long"),
    ],
)
def test_a_wrong_value_is_said_at_its_field_and_nothing_is_saved(
    staff_client: Build, post: Post, name: str, typed: str, sentence: str
) -> None:
    before = getattr(fetch(Settings, 1), name)
    answer = post(staff_client(), PAGE, {"tagline": "Kept as typed", name: typed})
    shown = text_of(answer)
    assert answer.status_code == 422
    assert sentence in shown
    assert "Kept as typed" in shown
    assert getattr(fetch(Settings, 1), name) == before
    assert fetch(Settings, 1).tagline != "Kept as typed"


def test_all_wrong_values_are_said_at_once(staff_client: Build, post: Post) -> None:
    shown = text_of(post(staff_client(), PAGE, {"overdue_age": "abc", "email": "nobody"}))
    assert "whole days from 0" in shown
    assert "not an e-mail address" in shown


def test_the_overdue_age_can_be_nothing_and_zero() -> None:
    assert problems({"overdue_age": ""}) == []
    assert READERS["overdue_age"]("overdue_age", "") is None
    assert READERS["overdue_age"]("overdue_age", "0") == 0
    assert READERS["overdue_age"]("overdue_age", 3650) == 3650


def test_a_new_overdue_age_gives_unpaid_invoices_a_new_day(
    make: Factory, staff_client: Build, post: Post
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    make.settings(overdue_age=30)
    invoices = [make.invoice(due_on=today), make.invoice(due_on=today)]
    draft = make.invoice(state="draft")
    client = staff_client()
    answer = post(client, PAGE, {"overdue_age": "5", "confirmed": json.dumps({"overdue_age": "5"})})
    expected = "Saved. 2 unpaid invoices become overdue on another day now."
    assert expected in text_of(client.get(answer.location))
    for invoice in invoices:
        assert fetch(Invoice, invoice).overdue_on == today + dt.timedelta(days=6)
    assert fetch(Invoice, draft).overdue_on is None
    post(client, PAGE, {"overdue_age": "", "confirmed": json.dumps({"overdue_age": ""})})
    assert fetch(Invoice, invoices[0]).overdue_on is None
    rows = [row for row in all_of(History) if row.record == "settings"]
    assert [row.details["redated"] for row in rows] == [2, 2]


def test_the_currency_stays_once_there_are_invoices(
    make: Factory, staff_client: Build, post: Post
) -> None:
    client = staff_client()
    assert post(client, PAGE, {"currency": "eur"}).status_code == 303
    assert fetch(Settings, 1).currency == "EUR"
    make.invoice(state="draft")
    answer = post(client, PAGE, {"currency": "USD"})
    assert answer.status_code == 422
    assert "There are invoices in EUR already" in text_of(answer)
    assert fetch(Settings, 1).currency == "EUR"
    assert post(client, PAGE, {"currency": "EUR", "phone": "555"}).status_code == 303


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(
    make: Factory, staff_client: Build, post: Post
) -> None:
    make.settings(organisation="Before")
    seen = json.dumps({"organisation": "Before", "phone": ""})
    make.settings(organisation="Theirs")
    typed = {"organisation": "Mine", "phone": "555", "seen": seen}
    answer = post(staff_client(), PAGE, typed)
    assert answer.status_code == 422
    assert "Somebody else has just changed this." in text_of(answer)
    assert "Mine" in text_of(answer)
    assert fetch(Settings, 1).organisation == "Theirs"
    assert fetch(Settings, 1).phone == ""


def test_the_verb_refuses_by_itself(make: Factory) -> None:
    with pytest.raises(Refusal) as caught:
        change_settings({"overdue_age": -1}, STAFF)
    assert caught.value.field == "overdue_age"
    assert change_settings({"overdue_age": 0}, STAFF).names == ("overdue_age",)
    assert change_settings({"overdue_age": "0"}, STAFF).names == ()


def test_looking_and_changing_are_two_permissions(staff_client: Build, post: Post) -> None:
    looker = staff_client(["settings.view"])
    shown = text_of(looker.get(PAGE))
    assert ">Save<" not in shown
    assert post(looker, PAGE, {"organisation": "Mine"}).status_code == 403
    assert staff_client(["dashboard.view"]).get(PAGE).status_code == 403
    assert staff_client().post(PAGE, data={"organisation": "Mine"}).status_code == 400
    assert fetch(Settings, 1).organisation != "Mine"


def test_what_becomes_overdue_is_asked_before_it_is_saved(
    make: Factory, staff_client: Build, post: Post
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    make.settings(overdue_age=30, timezone="UTC")
    for days in (20, 10, 5):
        make.invoice(due_on=today - dt.timedelta(days=days))
    client = staff_client()
    typed = {"overdue_age": "7", "tagline": "Kept as typed"}
    asked = post(client, PAGE, typed)
    shown = text_of(asked)
    assert asked.status_code == 200
    redated = "in all, 3 invoices become overdue on another day."
    assert f"This makes 2 invoices overdue today; {redated}" in shown
    assert "Nothing is saved yet." in shown
    assert "Kept as typed" in shown
    assert fetch(Settings, 1).overdue_age == 30
    confirming = re.search(r'name="confirmed" value="([^"]*)"', asked.get_data(as_text=True))
    assert confirming is not None
    confirmed = html.unescape(confirming.group(1))
    # What was agreed to is this age and no other.
    other = post(client, PAGE, {**typed, "overdue_age": "12", "confirmed": confirmed})
    assert f"This makes 1 invoice overdue today; {redated}" in text_of(other)
    assert fetch(Settings, 1).overdue_age == 30
    assert post(client, PAGE, {**typed, "confirmed": confirmed}).status_code == 303
    assert fetch(Settings, 1).overdue_age == 7
    assert fetch(Settings, 1).tagline == "Kept as typed"
    # Nothing to say: nothing is asked.
    assert post(client, PAGE, {**typed, "phone": "555"}).status_code == 303


def test_the_question_counts_both_ways(make: Factory) -> None:
    assert effect_words(Effect(12, 3, 40)) == (
        "This makes 12 invoices overdue today and 3 invoices no longer overdue; "
        "in all, 40 invoices become overdue on another day."
    )
    assert effect_words(Effect(0, 1, 1)) == (
        "This makes 1 invoice no longer overdue; in all, 1 invoice becomes overdue on another day."
    )
    assert effect_words(Effect(0, 0, 2)) == "With this, 2 invoices become overdue on another day."
    assert effect_words(Effect(1, 0, 0)) == "This makes 1 invoice overdue today."
