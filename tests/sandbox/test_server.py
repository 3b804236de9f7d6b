"""The process: starting, stopping, surviving, and who is let in."""

from __future__ import annotations

import gc
import gzip
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.http.timeout_error import ReadTimeoutError
from braintree.exceptions.not_found_error import NotFoundError

from sandbox.__main__ import parse as command_line
from sandbox.options import Options
from sandbox.server import PortTaken, Server
from sandbox.store import Store
from sandbox.wire import Malformed, parse, render
from tests.sandbox.merchant import Merchant, gateway

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """`python -m sandbox` with its data in `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "sandbox", "--data", str(folder / "s.sqlite3")]
        self.child = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def options(self) -> Options:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        address = re.fullmatch(r"Sandbox gateway: (http://127\.0\.0\.1:(\d+))\n", line)
        assert address, line
        return Options(port=int(address[2]), public_url=address[1])

    def end(self, number: int) -> int:
        self.child.send_signal(number)
        return self.close()

    def close(self) -> int:
        code = self.child.wait(10)
        for pipe in (self.child.stdout, self.child.stderr):
            assert pipe is not None
            pipe.close()
        return code


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        if process.child.poll() is None:
            process.end(signal.SIGKILL)


def test_it_survives_being_killed_and_stops_when_asked(
    tmp_path: Path, processes: list[Process]
) -> None:
    first = Process(tmp_path, "--port", "0", "--amounts", "plain", "--currency", "EUR")
    processes.append(first)
    sale = Merchant(first.options()).sold("2500.00", order_id="A")
    assert sale.currency_iso_code == "EUR"
    first.end(signal.SIGKILL)
    second = Process(tmp_path, "--port", "0")
    processes.append(second)
    merchant = Merchant(second.options())
    found = merchant.find(sale)
    assert (found.order_id, found.status) == ("A", "submitted_for_settlement")
    with pytest.raises(subprocess.TimeoutExpired):
        second.child.wait(0.1)
    assert second.end(signal.SIGTERM) == 0


def test_a_key_in_flight_when_it_was_killed_is_free_again(
    tmp_path: Path, processes: list[Process]
) -> None:
    first = Process(tmp_path, "--port", "0")
    processes.append(first)
    merchant = Merchant(first.options())
    merchant.settings(api_request_keys=True, duplicate_checking=False)
    merchant.fault("sale", "latency", seconds=30)
    hasty = gateway(merchant.options, seconds=0.5)
    with pytest.raises(ReadTimeoutError):
        hasty.transaction.sale(merchant.request(order_id="A", api_request_key="k"))
    first.end(signal.SIGKILL)
    second = Process(tmp_path, "--port", "0")
    processes.append(second)
    again = Merchant(second.options())
    assert again.control("/transactions") == []
    assert again.sold(order_id="A", api_request_key="k").order_id == "A"


def test_ctrl_c_ends_it_quietly(tmp_path: Path, processes: list[Process]) -> None:
    process = Process(tmp_path, "--port", "0")
    processes.append(process)
    process.options()
    process.child.send_signal(signal.SIGINT)
    assert process.child.wait(10) == 0
    assert process.child.stderr is not None
    assert process.child.stderr.read() == ""
    process.close()


def test_a_window_closed_early_leaves_no_file_open(server: Server) -> None:
    """Each file left open is a warning in the server's thread, which the runner makes an error."""
    address = (server.options.host, server.options.port)
    request = b"GET /web/3.142.0/html/sepa-landing-frame.html HTTP/1.0\r\n\r\n" + b"more" * 100
    for _ in range(5):
        with socket.create_connection(address) as window:
            window.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            window.sendall(request)
            assert window.recv(8) == b"HTTP/1.0"
    with urllib.request.urlopen(f"{server.options.public_url}/sandbox/frame/bus.js") as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")
    gc.collect()


def test_a_taken_port_is_one_clear_line(
    tmp_path: Path, server: Server, processes: list[Process]
) -> None:
    process = Process(tmp_path, "--port", str(server.options.port))
    processes.append(process)
    assert process.child.wait(10) == 1
    assert process.child.stderr is not None
    said = process.child.stderr.read()
    assert said.count("\n") == 1
    assert str(server.options.port) in said
    assert not (tmp_path / "s.sqlite3").exists()
    process.close()
    with pytest.raises(PortTaken):
        Server(replace(server.options, data_path=tmp_path / "other.sqlite3"))


def test_a_file_that_is_no_database_is_one_clear_line(
    tmp_path: Path, processes: list[Process]
) -> None:
    (tmp_path / "s.sqlite3").write_text("a letter to a friend, long enough to be looked at\n" * 99)
    process = Process(tmp_path, "--port", "0")
    processes.append(process)
    assert process.child.wait(10) == 1
    assert process.child.stderr is not None
    said = process.child.stderr.read()
    assert (said.count("\n"), "s.sqlite3" in said) == (1, True)
    process.close()


def test_what_was_not_changed_follows_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    for url, other in (("http://one.example", "EUR"), ("http://two.example", "USD")):
        store = Store(path, {"webhook_url": url, "currency": other})
        with store.writing() as db:
            assert store.settings(db)["webhook_url"] == url
            store.change_settings(db, {"webhook_url": url, "settlement_days": 5})
            assert store.settings(db)["settlement_days"] == 5
        store.close()


@pytest.mark.parametrize(
    "arguments",
    [["--port", "70000"], ["--webhook-url", "nonsense"], ["--currency", "usd"], ["--amounts", "x"]],
)
def test_options_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_the_public_address_follows_the_port() -> None:
    assert command_line(["--port", "3999"]).public_url == "http://127.0.0.1:3999"
    given = command_line(["--public-url", "https://pay.example/"])
    assert given.public_url == "https://pay.example"


def test_only_the_merchants_keys_open_the_api(merchant: Merchant) -> None:
    for wrong in ({"private_key": "guess"}, {"public_key": "guess"}):
        with pytest.raises(AuthenticationError):
            gateway(merchant.options, keys=wrong).transaction.find("any")
        with pytest.raises(AuthenticationError):
            gateway(merchant.options, keys=wrong).customer.create({})
    with pytest.raises(NotFoundError):
        gateway(merchant.options, keys={"merchant_id": "someone_else"}).transaction.find("any")


def send(merchant: Merchant, path: str, body: bytes | None, **headers: str) -> tuple[int, bytes]:
    options = merchant.options
    keys = b64encode(f"{options.public_key}:{options.private_key}".encode()).decode()
    request = urllib.request.Request(
        f"{options.public_url}{options.merchant_path}{path}",
        body,
        {"Authorization": f"Basic {keys}", "Content-Type": "application/xml"} | headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_answers_are_compressed_when_asked(merchant: Merchant) -> None:
    path = f"/transactions/{merchant.sold().id}"
    _, plain = send(merchant, path, None)
    _, packed = send(merchant, path, None, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed) == plain
    assert plain.startswith(b"<?xml")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><transaction>&b;</transaction>'


@pytest.mark.parametrize("body", [b"not xml", b"<a><b></a>", BOMB, b"\xff\xfe", b"<a type='x'"])
def test_broken_xml_is_a_bad_request(merchant: Merchant, body: bytes) -> None:
    assert send(merchant, "/transactions", body)[0] == 400
    with pytest.raises(Malformed):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<transaction/>",
        b"<transaction>text</transaction>",
        b"<other><amount>1</amount></other>",
        b"<transaction><type>sale</type><amount><x>1</x></amount></transaction>",
        b"<transaction><type>sale</type><amount>1</amount><options>no</options>"
        b"<payment_method_nonce>fake-valid-nonce</payment_method_nonce></transaction>",
        b"<transaction><type>sale</type><amount>1</amount><credit_card>no</credit_card>"
        b"</transaction>",
        b"<transaction><type>sale</type><amount>1</amount><order_id><a>1</a></order_id>"
        b"<payment_method_nonce>fake-valid-nonce</payment_method_nonce></transaction>",
        b"<transaction><type>sale</type><amount>1</amount><billing>no</billing>"
        b"<payment_method_nonce>fake-valid-nonce</payment_method_nonce></transaction>",
    ],
)
def test_oddly_shaped_sales_are_refused_not_tripped_over(merchant: Merchant, body: bytes) -> None:
    assert send(merchant, "/transactions", body)[0] in (400, 422)


def test_xml_keeps_types_and_survives_any_text() -> None:
    content = {
        "text": "a <b> & \x00 王\x0b",
        "none": None,
        "yes": True,
        "list_of": ["x", "y"],
        "empty": [],
    }
    document = render("some_thing", content)
    assert "<list-of" in document
    assert parse(document.encode())["some_thing"] == content | {"text": "a <b> &  王"}
