"""A merchant with the real SDK, and the sandbox's controls at hand."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import braintree

from sandbox.options import Options

DAY = 86_400


def gateway(options: Options, *, seconds: float = 30, keys: dict[str, str] | None = None) -> Any:
    """The SDK pointed at a sandbox; `keys` replaces single credentials.

    Untyped, because a published result type is success or error, never known which.
    """
    port = str(options.port)
    environment = braintree.Environment(
        "local", "127.0.0.1", port, "http://127.0.0.1", False, None, "127.0.0.1", port
    )
    credentials = {
        "merchant_id": options.merchant_id,
        "public_key": options.public_key,
        "private_key": options.private_key,
    } | (keys or {})
    timeout: Any = (3, seconds)
    return braintree.BraintreeGateway(
        braintree.Configuration(
            environment, timeout=timeout, wrap_http_exceptions=True, **credentials
        )
    )


def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    """Look until it is so, at most so long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def codes(result: Any) -> list[str]:
    """The codes of everything wrong with a request."""
    assert not result.is_success
    return [error.code for error in result.errors.deep_errors]


class Merchant:
    """Sells things through one sandbox."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.gateway = gateway(options)

    def control(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Call the control API; a refusal comes back as (status, answer)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.options.public_url}/control{path}", data, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def advance(self, days: float) -> None:
        self.control("/clock", {"advance_seconds": round(days * DAY)})

    def settings(self, **changes: Any) -> None:
        self.control("/settings", changes)

    def fault(self, operation: str, kind: str, **more: Any) -> None:
        assert "id" in self.control("/faults", {"operation": operation, "kind": kind, **more})

    def request(
        self, amount: str = "10.00", nonce: str = "fake-valid-nonce", **more: Any
    ) -> dict[str, Any]:
        """The parameters of a sale that is settled at once, unless `more` says otherwise."""
        source = {} if "payment_method_token" in more else {"payment_method_nonce": nonce}
        options = {"submit_for_settlement": True}
        return {"amount": amount, "options": options} | source | more

    def sale(self, *args: Any, **more: Any) -> Any:
        """A sale, whatever comes of it."""
        return self.gateway.transaction.sale(self.request(*args, **more))

    def sold(self, *args: Any, **more: Any) -> Any:
        """The transaction of a sale that must succeed."""
        result = self.sale(*args, **more)
        assert result.is_success, result.message
        return result.transaction

    def authorized(self, amount: str = "10.00", **more: Any) -> Any:
        return self.sold(amount, options={}, **more)

    def settled(self, *args: Any, **more: Any) -> Any:
        transaction = self.sold(*args, **more)
        return self.gateway.testing.settle_transaction(transaction.id).transaction

    def find(self, transaction: Any) -> Any:
        return self.gateway.transaction.find(transaction.id)

    def statuses(self, transaction: Any) -> list[str]:
        return [event.status for event in self.find(transaction).status_history]

    def customer(self) -> str:
        return str(self.gateway.customer.create({"first_name": "Zoë"}).customer.id)

    def vaulted(self, nonce: str, **options: Any) -> Any:
        """The payment method made of a nonce, under a new customer."""
        result = self.gateway.payment_method.create(
            {
                "customer_id": self.customer(),
                "payment_method_nonce": nonce,
                "options": options,
            }
        )
        assert result.is_success, result.message
        return result.payment_method

    def sepa(self) -> str:
        return str(self.vaulted("fake-sepa-direct-debit-nonce").token)

    def us_bank(self) -> str:
        method = "network_check"
        nonce = "fake-us-bank-account-nonce"
        return str(self.vaulted(nonce, us_bank_account_verification_method=method).token)


class Receiver:
    """Takes webhooks on a port of its own; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, str]] = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.send_response(receiver.status)
                self.end_headers()
                with receiver.arrived:
                    receiver.got.append(dict(urllib.parse.parse_qsl(body)))
                    receiver.arrived.notify_all()

            def log_message(self, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, count: int, seconds: float = 20) -> list[dict[str, str]]:
        """The first `count` deliveries, once they are there."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, seconds), self.got
            return self.got[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
