"""My notices: everybody chooses for themselves, and sees what waits and what was told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import mailing
from billing.database import transaction
from billing.notice_kinds import KINDS
from models import History, Staff, User
from tests.support import Factory, all_of, fetch, sign_in

PAGE = "/admin/my-notices/"
SEES = ["dashboard.view", "notices.receive"]
SignedIn = Callable[..., FlaskClient]


def tell(kind: str, title: str, user: int | None = None) -> None:
    with transaction() as session:
        about = session.get_one(User, user) if user else None
        mailing.notify_staff(session, f"{kind}:{title}", title, "At this.", kind=kind, user=about)


def chosen(client: FlaskClient) -> dict[str, str]:
    page = html.fromstring(client.get(PAGE).text)
    return {each.get("name"): each.get("value") for each in page.xpath("//input[@checked]")}


def test_a_row_a_kind_with_what_is_usual(staff_client: SignedIn) -> None:
    client = staff_client(SEES)
    page = html.fromstring(client.get(PAGE).text)
    for kind in KINDS:
        assert len(page.xpath(f"//input[@type='radio' and @name='{kind}']")) == 3
    usual = chosen(client)
    assert set(usual) == set(KINDS)
    assert (usual["charge_failed"], usual["overdue"]) == ("at_once", "daily")
    for each in page.xpath("//input[@type='radio']"):
        for part in each.get("aria-labelledby").split():
            assert page.get_element_by_id(part).text_content().strip()


def test_choices_are_saved_logged_and_ones_own(
    staff_client: SignedIn, make: Factory, post: Any
) -> None:
    other = make.staff(SEES)
    client = staff_client(SEES)
    me = all_of(Staff)[-1].id
    answer = post(client, PAGE, {"charge_failed": "off", "overdue": "daily", "id": str(other)})
    assert answer.status_code == 303
    assert "Your choices are kept" in client.get(PAGE).text
    assert chosen(client)["charge_failed"] == "off"
    assert fetch(Staff, me).notices["charge_failed"] == "off"
    assert fetch(Staff, other).notices == {}
    [row] = [row for row in all_of(History) if row.verb == "set_notices"]
    assert (row.record_id, row.actor_id) == (me, me)


@pytest.mark.parametrize("data", [{"overdue": "loudly"}, {"overdue": ""}, {"charge_failed": "\0"}])
def test_nonsense_is_refused(staff_client: SignedIn, post: Any, data: dict[str, str]) -> None:
    client = staff_client(SEES)
    answer = post(client, PAGE, data)
    assert answer.status_code == 422
    assert "Choose at once, daily or off." in answer.text
    assert fetch(Staff, all_of(Staff)[-1].id).notices == {}


def test_fields_that_are_no_kind_are_left_alone(staff_client: SignedIn, post: Any) -> None:
    client = staff_client(SEES)
    assert post(client, PAGE, {"nonsense": "off"}).status_code == 303
    assert "Nothing was changed" in client.get(PAGE).text


def test_looking_changes_nothing(staff_client: SignedIn) -> None:
    client = staff_client(SEES)
    client.get(f"{PAGE}?charge_failed=off")
    assert chosen(client)["charge_failed"] == "at_once"


def test_somebody_whose_roles_get_none_reads_it(staff_client: SignedIn) -> None:
    assert "None of your roles gets notices" in staff_client(["dashboard.view"]).get(PAGE).text
    assert "None of your roles gets notices" not in staff_client(SEES).get(PAGE).text


def test_it_stands_under_ones_name(staff_client: SignedIn) -> None:
    page = html.fromstring(staff_client(SEES).get("/admin/").text)
    assert page.xpath(f"//div[@class='side-person']/a[@href='{PAGE}']")


def test_what_waits_and_what_was_told(staff_client: SignedIn, make: Factory, app: Any) -> None:
    me = make.staff(SEES)
    client = app.test_client()
    sign_in(client, me)
    assert "Nothing waits." in client.get(PAGE).text
    tell("overdue", "4 overdue <b>invoices</b>")
    tell("charge_failed", "Charge failed")
    page = html.fromstring(client.get(PAGE).text)
    [waiting] = page.xpath("//section[@aria-labelledby='heading-waiting']")
    [told] = page.xpath("//section[@aria-labelledby='heading-told']")
    assert "4 overdue <b>invoices</b>" in waiting.text_content()
    assert "Charge failed" not in waiting.text_content()
    assert "Charge failed" in told.text_content()


def test_news_about_a_customer_leads_to_their_page(make: Factory, app: Any) -> None:
    me, user = make.staff(SEES), make.user()
    client = app.test_client()
    sign_in(client, me)
    tell("card_expiring", "It waits", user)
    tell("charge_failed", "It was told", user)
    page = html.fromstring(client.get(PAGE).text)
    for title in ("It waits", "It was told"):
        assert page.xpath(f"//a[text()='{title}']/@href") == [f"/admin/user/details/?id={user}"]


def test_the_last_twenty_are_shown(make: Factory, app: Any) -> None:
    me = make.staff(SEES)
    client = app.test_client()
    sign_in(client, me)
    for number in range(24):
        tell("dispute" if number % 2 else "unapplied", f"News {number:02}")
    page = html.fromstring(client.get(PAGE).text)
    lines = page.xpath("//section[@aria-labelledby='heading-told']//li")
    assert len(lines) == 20
    assert "News 19" in lines[0].text_content()
