"""Tonight: the preview of the nightly run, in words and figures, and "Run now"."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from billing import clock
from billing.billing_choice import set_billing_method, set_billing_trigger
from billing.database import transaction
from billing.nightly import run_nightly
from billing.redraft import set_back_to_draft
from billing.rounds import Result
from config import Config
from jobs.queues import queue_of
from models import Invoice, PaymentMethod, db
from models.states import BillingMethod, BillingTrigger, InvoiceState
from tests.admin.counter import text_of
from tests.admin.test_actions_user import cash
from tests.admin.test_grid import statements
from tests.billing.helpers import SOFT_DECLINE, charge, everything, keep
from tests.billing.nights import days_until_retry
from tests.conftest import Gateway
from tests.support import STAFF, Browser, Factory, csrf_token, fetch, sign_in
from wsgi import create_app

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
PAGE = "/admin/nightly/"
JOB = "charges.nightly"


def waiting(config: Config) -> int:
    """How many runs are queued."""
    connection = Redis.from_url(config.redis_url)
    queue = Queue(queue_of(JOB), connection=connection, serializer=JSONSerializer)
    return [job.args[0] for job in queue.jobs].count(JOB)


def shown(client: FlaskClient) -> str:
    """The page's words, in one line."""
    page = text_of(client.get(PAGE)).split("<main")[1]
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def rows(client: FlaskClient, block: str) -> list[str]:
    """The rows of one list, in one line each."""
    page = text_of(client.get(PAGE))
    if f'id="heading-{block}"' not in page:
        return []
    body = page.split(f'id="heading-{block}"')[1].split("</table>")[0].split("<tbody>")[1]
    found = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in body.split("</tr>")]
    return [row for row in found if row]


@pytest.fixture
def automatic(make: Factory) -> Callable[..., int]:
    """Make a user who is billed automatically."""

    def build(name: str, **more: Any) -> int:
        user = make.user(name, **more)
        set_billing_trigger(user, BillingTrigger.AUTOMATIC, actor=STAFF)
        return user

    return build


def test_nothing_to_do(make: Factory, staff_client: Build) -> None:
    make.invoice(state="draft")
    words = shown(staff_client())
    assert "Nothing to do tonight." in words
    assert "Users billed manually are not touched" in words
    assert "at the office’s midnight (UTC)" in words
    midnight = dt.datetime.combine(clock.now().date() + dt.timedelta(days=1), dt.time())
    assert f"Next run: {midnight:%b} {midnight.day}, {midnight.year}, 00:00" in words
    assert "Run now" not in words


def test_who_what_how_much_and_why_not(
    make: Factory, sandbox: Gateway, staff_client: Build, automatic: Callable[..., int]
) -> None:
    charged = automatic("Ada Able")
    keep(charged)
    make.invoice(charged, total=9900, state="draft", description="Unit 12")
    expired = automatic("Eve Expired")
    card = keep(expired)
    with transaction() as session:
        method = session.get_one(PaymentMethod, card)
        method.expires_on = clock.now().date() - dt.timedelta(days=1)
    make.invoice(expired, total=100, state="draft")
    without = automatic("Nora None", email="nora@example.org")
    make.invoice(without, total=200, state="draft")
    by_invoice = automatic("Ivo Invoice", email="ivo@example.org")
    set_billing_method(by_invoice, BillingMethod.INVOICE, actor=STAFF)
    make.invoice(by_invoice, total=300, state="draft")
    unreachable = automatic("Pat Paper", email=None, no_email=True)
    set_billing_method(unreachable, BillingMethod.INVOICE, actor=STAFF)
    make.invoice(unreachable, total=400, state="draft")
    manual = make.user("Max Manual")
    keep(manual)
    make.invoice(manual, state="draft")
    client = staff_client()
    before = everything()
    words = shown(client)
    assert "To charge $99.00 1 invoice" in words
    assert "To send $10.00 4 invoices" in words
    assert "To charge again $0.00 0 invoices" in words
    assert "Of these, can’t be charged $3.00 2 invoices" in words
    assert "1 of them has no e-mail" in words
    assert "Max Manual" not in words
    [row] = rows(client, "charge")
    assert row == "Ada Able Draft invoice Unit 12 $99.00 Visa ending in 1111"
    sends = rows(client, "send")
    assert [row.split(" Draft")[0] for row in sends] == [
        "Eve Expired",
        "Nora None",
        "Ivo Invoice",
        "Pat Paper",
    ]
    assert sends[0].endswith("Card expired: will be sent instead (Visa ending in 1111)")
    assert sends[1].endswith("No payment method on file: will be sent instead")
    assert sends[2].endswith("E-mailed to ivo@example.org")
    assert sends[3].endswith("Issued; this user has no e-mail")
    assert "Charge 1 draft of $99.00 and send 4 invoices now?" in text_of(client.get(PAGE))
    assert everything() == before
    tally = run_nightly().tally
    assert (tally[Result.CHARGED], tally[Result.SENT]) == (1, 4)
    assert "Nothing to do tonight." in shown(client)


def test_what_is_charged_again_and_what_was_set_back(
    make: Factory,
    sandbox: Gateway,
    staff_client: Build,
    automatic: Callable[..., int],
    time: Any,
) -> None:
    user = automatic("Ada Able")
    keep(user)
    declined = make.invoice(user, total=SOFT_DECLINE)
    charge(declined)
    back = make.invoice(user, total=500)
    set_back_to_draft(back, reason="Wrong unit", actor=STAFF)
    client = staff_client()
    assert "Nothing to do tonight." in shown(client)
    time.advance(days=days_until_retry(declined) - 1)
    [row] = rows(client, "again")
    assert row.endswith("Charged to Visa ending in 1111")
    assert "$5.00" not in shown(client)
    assert "Run now" not in shown(client)


def test_credit_is_told_where_something_is_charged(
    make: Factory,
    sandbox: Gateway,
    staff_client: Build,
    automatic: Callable[..., int],
    time: Any,
) -> None:
    user, other, sent_to = automatic("Ada Able"), automatic("Ben Bare"), automatic("Cy Cash")
    keep(user)
    keep(other)
    again = make.invoice(user, total=SOFT_DECLINE)
    charge(again)
    time.advance(days=days_until_retry(again) - 1)
    for each in (user, other, sent_to):
        make.invoice(each, total=9900, state="draft")
    for each, amount in ((user, 2000), (user, 1100), (sent_to, 500)):
        make.add(cash(each, amount))
    client = staff_client()
    with_credit, without = rows(client, "charge")
    assert with_credit.endswith("Visa ending in 1111; has $31.00 credit")
    assert without.endswith("Visa ending in 1111")
    [row] = rows(client, "again")
    assert row.endswith("Charged to Visa ending in 1111; has $31.00 credit")
    assert "$5.00 credit" not in shown(client)
    with statements() as few:
        client.get(PAGE)
    make.invoice(other, total=100, state="draft")
    make.add(cash(other, 700))
    with statements() as more:
        client.get(PAGE)
    assert len(more) == len(few)
    assert "has $7.00 credit" in shown(client)


def test_several_drafts_are_asked_for_with_their_sum(
    make: Factory, sandbox: Gateway, staff_client: Build, automatic: Callable[..., int]
) -> None:
    user = automatic("Ada Able")
    keep(user)
    for total in (100, 10000):
        make.invoice(user, total=total, state="draft")
    page = text_of(staff_client().get(PAGE))
    assert "Charge 2 drafts, $101.00 in all, and send 0 invoices now?" in page


def test_many_are_counted_and_the_first_listed(
    make: Factory, staff_client: Build, automatic: Callable[..., int]
) -> None:
    user = automatic("Ada Able")
    for _ in range(51):
        make.invoice(user, total=100, state="draft")
    client = staff_client()
    assert len(rows(client, "send")) == 50
    assert "These are the first 50 of 51." in shown(client)


def test_a_hostile_name_stays_text(
    make: Factory, staff_client: Build, automatic: Callable[..., int]
) -> None:
    make.invoice(automatic("<script>alert(1)</script>"), state="draft")
    assert "<script>alert(1)" not in staff_client().get(PAGE).get_data(as_text=True)


def test_run_now_queues_the_job(
    make: Factory,
    staff_client: Build,
    post: Post,
    config: Config,
    automatic: Callable[..., int],
) -> None:
    invoice = make.invoice(automatic("Ada Able"), state="draft")
    client = staff_client()
    before = waiting(config)
    assert f'action="{PAGE}run/"' in text_of(client.get(PAGE))
    answer = post(client, f"{PAGE}run/")
    assert answer.status_code == 303
    assert answer.location == PAGE
    assert "The run is queued; look again in a moment." in text_of(client.get(PAGE))
    assert waiting(config) == before + 1
    assert fetch(Invoice, invoice).state is InvoiceState.DRAFT


def test_without_redis_it_says_so(config: Config, app: Flask, make: Factory) -> None:
    gone = create_app(dataclasses.replace(config, redis_url="redis://127.0.0.1:1/0"))
    gone.test_client_class = Browser
    client = gone.test_client()
    sign_in(client, make.staff())
    answer = client.post(f"{PAGE}run/", data={"csrf_token": csrf_token(gone, client)})
    assert answer.status_code == 303
    words = text_of(client.get(PAGE))
    with gone.app_context():
        db.engine.dispose()
    assert "The run was not started. The queue can't be reached" in words


def test_doors(
    make: Factory, staff_client: Build, post: Post, automatic: Callable[..., int]
) -> None:
    ours, theirs = make.site(), make.site()
    make.invoice(automatic("Ada Ours", site_id=ours), state="draft", site_id=ours)
    make.invoice(automatic("Bob Theirs", site_id=theirs), state="draft", site_id=theirs)
    assert staff_client(["jobs.run"]).get(PAGE).status_code == 403
    looker = staff_client(["invoices.charge"])
    assert "Ada Ours" in shown(looker)
    assert "Run now" not in shown(looker)
    assert post(looker, f"{PAGE}run/").status_code == 403
    able = staff_client()
    assert able.post(f"{PAGE}run/").status_code == 400
    assert able.get(f"{PAGE}run/").status_code == 405
    bound = shown(staff_client(sites=(ours,)))
    assert "Ada Ours" in bound
    assert "Bob Theirs" not in bound
    assert "it runs for all of them" in bound
