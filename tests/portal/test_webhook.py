"""The gateway's door: what it signed is kept, everything else is a 400 and a line in the log."""

from __future__ import annotations

import logging

import braintree
import pytest
from flask.testing import FlaskClient

from config import SANDBOX_ACCOUNT
from models import GatewayNotification
from tests.support import all_of

_SIGNATURE, _PAYLOAD = "bt_signature", "bt_payload"


def _gateway() -> braintree.BraintreeGateway:
    merchant, public, private = SANDBOX_ACCOUNT
    environment = braintree.Environment.Development
    return braintree.BraintreeGateway(
        braintree.Configuration(
            environment, merchant_id=merchant, public_key=public, private_key=private
        )
    )


@pytest.fixture
def sample() -> dict[str, str]:
    """A notification as the gateway signs it."""
    news = _gateway().webhook_testing.sample_notification(
        braintree.WebhookNotification.Kind.TransactionSettled, "nobodys"
    )
    return {
        name: text.decode() if isinstance(text, bytes) else str(text) for name, text in news.items()
    }


def test_a_signed_notification_is_kept_without_a_csrf_token(
    client: FlaskClient, sample: dict[str, str]
) -> None:
    for _ in range(3):
        assert client.post("/gateway/webhook", data=sample).status_code == 200
    (kept,) = all_of(GatewayNotification)
    assert kept.payload == sample[_PAYLOAD]
    assert kept.deliveries == 3


@pytest.mark.parametrize(
    "change",
    [
        {_SIGNATURE: ""},
        {_PAYLOAD: ""},
        {_SIGNATURE: "integration_public_key|" + "0" * 40},
        {_SIGNATURE: "a|b|c"},
        {_SIGNATURE: "&&&"},
        {_SIGNATURE: "integration_public_key"},
        {_PAYLOAD: "é王"},
        {_PAYLOAD: "not base64 at all"},
        {_PAYLOAD: "A" * 200_000},
        {_SIGNATURE: "\x00", _PAYLOAD: "\x00"},
    ],
)
def test_a_forged_or_broken_one_is_refused_and_logged(
    client: FlaskClient,
    sample: dict[str, str],
    change: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "portal.webhook"):
        response = client.post("/gateway/webhook", data=sample | change)
    assert response.status_code == 400
    assert "refused a webhook notification" in caplog.text
    assert all_of(GatewayNotification) == []


def test_too_much_is_refused(client: FlaskClient, sample: dict[str, str]) -> None:
    response = client.post("/gateway/webhook", data=sample | {_PAYLOAD: "A" * 3_000_000})
    assert response.status_code == 413
    assert client.post("/gateway/webhook", json={"a": 1}).status_code == 400


def test_the_challenge_is_answered(client: FlaskClient) -> None:
    challenge = "20f9f8ed05f77439fe955c977e4c8a53"
    response = client.get(f"/gateway/webhook?bt_challenge={challenge}")
    assert response.status_code == 200
    assert response.text == _gateway().webhook_notification.verify(challenge)


@pytest.mark.parametrize("query", ["", "?bt_challenge=", "?bt_challenge=zz", "?bt_challenge=%00é"])
def test_a_challenge_that_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/gateway/webhook{query}").status_code == 400
