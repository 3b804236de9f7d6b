"""The demo clock's page: there in the demo alone, and moving every clock at once."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing import clock
from config import Config
from models import db
from tests.conftest import Gateway
from tests.support import Browser, Factory, csrf_token, sign_in
from wsgi import create_app

PAGE = "/admin/clock/"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture
def start(app: Flask, config: Config) -> Iterator[Callable[..., Flask]]:
    """Start the same office again in demo mode, with other values of its configuration."""
    started: list[Flask] = []

    def build(**values: Any) -> Flask:
        application = create_app(dataclasses.replace(config, mode="demo", **values))
        application.test_client_class = Browser
        started.append(application)
        return application

    yield build
    for application in started:
        with application.app_context():
            db.engine.dispose()


@pytest.fixture
def demo(start: Callable[..., Flask]) -> Flask:
    return start()


@pytest.fixture
def signed_in(demo: Flask, make: Factory) -> Callable[..., FlaskClient]:
    def build(permissions: list[str] | None = None) -> FlaskClient:
        client = demo.test_client()
        sign_in(client, make.staff(permissions))
        return client

    return build


@pytest.fixture
def advance(demo: Flask) -> Callable[..., Any]:
    def move(client: FlaskClient, amount: str, unit: str) -> Any:
        data = {"csrf_token": csrf_token(demo, client), "amount": amount, "unit": unit}
        return client.post(f"{PAGE}advance/", data=data)

    return move


def test_outside_the_demo_there_is_no_such_page(
    app: Flask, staff_client: Callable[..., FlaskClient], post: Callable[..., Any]
) -> None:
    client = staff_client()
    assert client.get(PAGE).status_code == 404
    assert post(client, f"{PAGE}advance/", {"amount": "3", "unit": "days"}).status_code == 404
    assert not [rule for rule in app.url_map.iter_rules() if "clock" in rule.rule]
    assert "Demo clock" not in text_of(client.get("/admin/invoice/"))


def test_every_page_shows_the_time_and_leads_to_the_buttons(
    signed_in: Callable[..., FlaskClient],
) -> None:
    client = signed_in()
    assert "Demo clock: " in text_of(client.get("/admin/invoice/"))
    shown = text_of(client.get(PAGE))
    for button in ("+1 hour", "+1 day", "+3 days", "+7 days", "+30 days"):
        assert f">{button}<" in shown


@pytest.mark.parametrize(
    ("amount", "unit", "seconds", "words"),
    [
        ("3", "days", 3 * 86_400, "3 days"),
        ("1", "hours", 3600, "1 hour"),
        ("36", "hours", 36 * 3600, "36 hours"),
        ("400", "days", 400 * 86_400, "400 days"),
    ],
)
def test_it_moves_the_office_and_the_gateway(
    signed_in: Callable[..., FlaskClient],
    advance: Callable[..., Any],
    sandbox: Gateway,
    amount: str,
    unit: str,
    seconds: int,
    words: str,
) -> None:
    client = signed_in()
    before = clock.now()
    answer = advance(client, amount, unit)
    assert answer.status_code == 303
    moved = (clock.now() - before).total_seconds()
    assert seconds <= moved < seconds + 30
    assert f"The clock moved {words} ahead." in text_of(client.get(answer.location))


@pytest.mark.parametrize(
    ("amount", "unit"),
    [
        ("0", "days"),
        ("-1", "days"),
        ("401", "days"),
        ("9601", "hours"),
        ("1.5", "days"),
        ("abc", "days"),
        ("", "days"),
        ("3", "years"),
        ("3", ""),
        ("9" * 40, "days"),
    ],
)
def test_nonsense_moves_nothing(
    signed_in: Callable[..., FlaskClient], advance: Callable[..., Any], amount: str, unit: str
) -> None:
    client = signed_in()
    before = clock.now()
    answer = advance(client, amount, unit)
    assert answer.status_code == 422
    assert "at least 1 hour, at most 400 days" in text_of(answer)
    assert (clock.now() - before).total_seconds() < 30


def test_without_the_gateway_nothing_moves(start: Callable[..., Flask], make: Factory) -> None:
    alone = start(gateway_url="http://127.0.0.1:1")
    client = alone.test_client()
    sign_in(client, make.staff())
    before = clock.now()
    data = {"csrf_token": csrf_token(alone, client), "amount": "3", "unit": "days"}
    answer = client.post(f"{PAGE}advance/", data=data)
    assert answer.status_code == 503
    assert "does not answer, so the clock was not moved" in text_of(answer)
    assert (clock.now() - before).total_seconds() < 30


def test_it_needs_its_permission_and_a_token(
    signed_in: Callable[..., FlaskClient], advance: Callable[..., Any]
) -> None:
    other = signed_in(["dashboard.view", "invoices.view"])
    assert other.get(PAGE).status_code == 403
    assert advance(other, "3", "days").status_code == 403
    assert "Demo clock" not in text_of(other.get("/admin/invoice/"))
    able = signed_in()
    data = {"amount": "3", "unit": "days"}
    assert able.post(f"{PAGE}advance/", data=data).status_code == 400
