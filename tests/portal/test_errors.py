"""Error pages: plain words, the office's design, never a stack trace."""

from __future__ import annotations

import dataclasses
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis.exceptions import TimeoutError as RedisTimeout

from billing.database import transaction
from config import Config
from jobs.queues import connect
from models import Settings, db
from tests.support import Factory
from web.counting import storage, storage_address
from wsgi import create_app

TOKEN = "WzEsMSwyNTE2XQ.AuN12QDCmrTpiUDP2NvQHDkE_7WXYna9ykqliW2GTVw"


@pytest.fixture
def broken(config: Config) -> FlaskClient:
    """A client of an application with a page that always fails."""
    app = create_app(config)

    def fail() -> str:
        raise ZeroDivisionError("a secret detail")

    app.add_url_rule(f"/i/{TOKEN}/broken", "broken", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


def test_not_found(client: FlaskClient) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "We couldn’t find that" in response.text
    assert "portal.css" in response.text


def test_wrong_method(client: FlaskClient) -> None:
    response = client.get("/i/token/pay")
    assert response.status_code == 405
    assert "That doesn’t work this way" in response.text
    assert "POST" in response.headers["Allow"]


def test_own_fault_says_so_and_tells_nothing(broken: FlaskClient) -> None:
    response = broken.get(f"/i/{TOKEN}/broken")
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.text
    assert "please do not pay again" in response.text
    assert "secret detail" not in response.text
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_no_log_holds_a_link(broken: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    broken.get(f"/i/{TOKEN}/broken")
    logging.getLogger("werkzeug").warning('"GET /i/%s/pay HTTP/1.1" 200', TOKEN)
    assert "Exception on /i/…/broken" in caplog.text
    assert '"GET /i/…/pay HTTP/1.1" 200' in caplog.text
    assert TOKEN not in caplog.text


def test_own_fault_without_an_office_still_has_a_page(broken: FlaskClient) -> None:
    with transaction() as session:
        session.delete(session.get_one(Settings, 1))
    response = broken.get(f"/i/{TOKEN}/broken")
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.text


def test_too_often(client: FlaskClient, post: Callable[..., Any]) -> None:
    for _ in range(6):
        response = post(client, "/i/nonsense/fresh-link")
    assert response.status_code == 429
    assert "One moment, please" in response.text


def test_pages_open_while_the_counters_are_gone(config: Config, make: Factory) -> None:
    alone = create_app(dataclasses.replace(config, redis_url="redis://127.0.0.1:9/0"))
    assert alone.test_client().get("/").status_code == 200
    with alone.app_context():
        db.engine.dispose()


def test_a_redis_that_never_answers_is_given_up(config: Config) -> None:
    """Connections are taken and never answered, and nothing else ends the wait."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        silent = connect(dataclasses.replace(config, redis_url=url, redis_timeout=1))
        with pytest.raises(RedisTimeout):
            silent.ping()
        silent.close()


def test_how_long_a_page_waits_is_the_offices_to_say(config: Config) -> None:
    patient = dataclasses.replace(config, redis_timeout=7)
    waits = {"socket_connect_timeout": 7, "socket_timeout": 7}
    assert storage(patient)["storage_options"] == waits
    assert connect(patient).connection_pool.connection_kwargs.items() >= waits.items()


def test_without_redis_each_process_counts_for_itself() -> None:
    assert storage(None) == {"storage_uri": "memory://", "storage_options": {}}


@pytest.mark.parametrize(
    ("redis_url", "address"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("unix:///tmp/v.sock?db=0", "redis+unix:///tmp/v.sock?db=0"),
    ],
)
def test_where_it_is_counted(redis_url: str, address: str) -> None:
    assert storage_address(redis_url) == address
