"""The gateway's news in the panel: what names no payment of ours stays until it is dealt with."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from admin.gateway import readable
from billing import notifications, runtime
from billing.database import transaction
from models import GatewayNotification, History, Invoice, Payment
from sandbox import notifications as announced
from sandbox import transactions
from sandbox.server import Server
from tests.billing.helpers import pay, signed_news
from tests.support import Factory, all_of, fetch

SignedIn = Callable[..., FlaskClient]
GRID = "/admin/gatewaynotification/"
pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def unknown(app: Any, sandbox_server: Server) -> Callable[[], tuple[int, str]]:
    """``unknown()`` hears of a stranger's payment; returns the news and the gateway's id."""

    def build() -> tuple[int, str]:
        gateway: Any = runtime.current().gateway
        body = {"amount": "5.00", "payment_method_nonce": "fake-valid-nonce"}
        return hear(sandbox_server, gateway._own().transaction.sale(body).transaction.id)

    return build


def hear(server: Server, gateway_id: str) -> tuple[int, str]:
    with server.desk.writing() as work:
        row = transactions.load(work, gateway_id)
        assert row is not None
        announced.add_transaction(work, "transaction_settled", row)
    news = notifications.receive(*signed_news(server, gateway_id))
    notifications.process(news)
    return news, gateway_id


def details(client: FlaskClient, news: int) -> str:
    return client.get(f"{GRID}details/?id={news}").text


def on_dashboard(client: FlaskClient) -> list[str]:
    page = html.fromstring(client.get("/admin/").text)
    lines = page.xpath("//a[contains(@href, '/admin/gatewaynotification/')]//strong/text()")
    return [str(line) for line in lines]


def test_unknown_news_is_kept_filtered_and_on_the_dashboard(
    staff_client: SignedIn, make: Factory, unknown: Any, sandbox_server: Server
) -> None:
    client = staff_client()
    make.invoice()
    assert on_dashboard(client) == []
    _news, stranger = unknown()
    assert on_dashboard(client) == ["1 piece of news about an unknown payment"]
    unknown()
    assert on_dashboard(client) == ["2 pieces of news about unknown payments"]
    ours = fetch(Payment, pay(make.invoice()).payment_id).gateway_id
    hear(sandbox_server, ours)
    grid = client.get(f"{GRID}?matched=no").text
    assert stranger in grid
    assert ours not in grid
    assert ours in client.get(f"{GRID}?kind=transaction_settled").text
    assert ours not in client.get(f"{GRID}?kind=dispute_lost").text
    assert (
        stranger
        not in client.get(
            f"{GRID}?received_from=2000-01-01&received_to=2000-01-02&"
            "received_at_from=2000-01-01&received_at_to=2000-01-02"
        ).text
    )


def test_its_page_shows_what_arrived_readably(staff_client: SignedIn, unknown: Any) -> None:
    news, stranger = unknown()
    page = html.fromstring(details(staff_client(), news))
    [shown] = page.xpath("//pre[@class='payload']/text()")
    assert shown.startswith("<notification>")
    assert f"<id>{stranger}</id>" in shown
    assert "\n    <transaction>" in shown


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("not base64 at all!", "not base64 at all!"),
        ("", ""),
        (base64.b64encode(b"\xff\xfe").decode(), "//4="),
        (base64.b64encode(b"<a><b>").decode(), "PGE+PGI+"),
        (base64.b64encode(b"<a>&lt;script&gt;</a>").decode(), "<a>&lt;script&gt;</a>"),
    ],
)
def test_what_can_not_be_read_is_shown_as_it_came(payload: str, expected: str) -> None:
    assert readable(payload) == expected


def test_entities_are_never_expanded() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert readable(base64.b64encode(bomb.encode()).decode()) == bomb


def test_hostile_text_in_it_stays_text(staff_client: SignedIn, unknown: Any) -> None:
    news, _stranger = unknown()
    with transaction() as session:
        row = session.get_one(GatewayNotification, news)
        row.payload = base64.b64encode(b"<a>&lt;script&gt;alert(1)&lt;/script&gt;</a>").decode()
        row.kind = "<script>alert(2)</script>"
    page = details(staff_client(), news)
    assert "<script>alert" not in page


def test_looking_again_finds_a_payment_that_is_known_by_now(
    staff_client: SignedIn, make: Factory, sandbox: Any, sandbox_server: Server, post: Any
) -> None:
    sandbox.fault("sale", "drop", "after")
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    reference = fetch(Payment, payment).reference
    with transaction() as session:
        session.get_one(Payment, payment).reference = "not-yet"
    [transaction_there] = sandbox.transactions()
    news, _id = hear(sandbox_server, transaction_there["id"])
    client = staff_client()
    look = f"{GRID}do/look/?id={news}"
    assert post(client, look).status_code == 303
    assert "It still names no payment of ours." in details(client, news)
    assert fetch(GatewayNotification, news).matched is False
    with transaction() as session:
        session.get_one(Payment, payment).reference = reference
    assert post(client, look).status_code == 303
    assert "It is about a payment of ours" in details(client, news)
    row = fetch(GatewayNotification, news)
    assert (row.matched, row.payment_id, row.outcome) == (True, payment, "Looked up and recorded")
    assert fetch(Invoice, invoice).state == "paid"
    assert on_dashboard(client) == []
    [noted] = [row for row in all_of(History) if row.verb == "look_again"]
    assert (noted.record, noted.record_id) == ("gatewaynotification", news)
    post(client, look)
    assert "nothing is left to do" in details(client, news)


def test_looking_again_while_the_gateway_does_not_answer(
    staff_client: SignedIn, unknown: Any, sandbox: Any, post: Any
) -> None:
    news, _stranger = unknown()
    client = staff_client()
    sandbox.fault("find", "status", status=500)
    post(client, f"{GRID}do/look/?id={news}")
    assert "The gateway does not answer." in details(client, news)
    assert fetch(GatewayNotification, news).matched is False


def test_done_needs_a_reason_and_leaves_the_dashboard(
    staff_client: SignedIn, make: Factory, unknown: Any, post: Any
) -> None:
    make.invoice()
    news, _stranger = unknown()
    client = staff_client()
    done = f"{GRID}do/done/?id={news}"
    for nothing in ("", "   ", "\0"):
        assert post(client, done, {"reason": nothing}).status_code == 422
    assert on_dashboard(client) != []
    assert post(client, done, {"reason": "The shop's <own> sale"}).status_code == 303
    row = fetch(GatewayNotification, news)
    assert (row.matched, row.outcome) == (False, "Done: The shop's <own> sale")
    assert on_dashboard(client) == []
    assert "<own>" not in details(client, news)
    assert row.gateway_id in client.get(f"{GRID}?matched=no").text
    assert client.get(done).status_code == 422
    [noted] = [row for row in all_of(History) if row.verb == "mark_done"]
    assert noted.reason == "The shop's <own> sale"


def test_the_buttons_need_the_permission(staff_client: SignedIn, unknown: Any, post: Any) -> None:
    news, _stranger = unknown()
    client = staff_client(["gateway.view"])
    assert "Look again" not in details(client, news)
    for verb in ("look", "done"):
        assert post(client, f"{GRID}do/{verb}/?id={news}", {"reason": "x"}).status_code == 403
    assert staff_client(["jobs.run"]).get(GRID).status_code == 403
    assert client.get(f"{GRID}do/look/?id={news}").status_code == 405
    assert fetch(GatewayNotification, news).outcome == notifications.UNKNOWN


@pytest.mark.parametrize("number", ["0", "999", "x", "", "-1"])
def test_news_there_is_not(staff_client: SignedIn, post: Any, number: str) -> None:
    client = staff_client()
    for verb in ("look", "done"):
        assert post(client, f"{GRID}do/{verb}/?id={number}", {"reason": "x"}).status_code == 404


def test_staff_of_a_site_see_no_news_of_others(
    staff_client: SignedIn, make: Factory, unknown: Any, post: Any
) -> None:
    make.invoice()
    news, stranger = unknown()
    client = staff_client(None, (make.site(),))
    assert stranger not in client.get(GRID).text
    assert client.get(f"{GRID}details/?id={news}").status_code == 404
    assert post(client, f"{GRID}do/look/?id={news}").status_code == 404
    assert on_dashboard(client) == []
