"""`python -m sandbox`: start a sandbox and serve it until told to stop."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from sandbox import settings
from sandbox.options import Options
from sandbox.server import PortTaken, Server


def parse(arguments: list[str]) -> Options:
    """Options from the command line; ends the process with one line when they make no sense."""
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default=defaults.host)
    parser.add_argument("--port", type=int, default=defaults.port, help="0 takes a free one")
    parser.add_argument("--data", type=Path, default=defaults.data_path, metavar="PATH.sqlite3")
    parser.add_argument("--assets", type=Path, default=defaults.assets_path, metavar="FOLDER",
                        help="where npm installed the browser client")  # fmt: skip
    parser.add_argument("--public-url", default="", help="what browsers are told")
    parser.add_argument("--webhook-url", default="", help="where webhooks go until changed")
    parser.add_argument("--amounts", choices=settings.CHOICES["amounts"], default="braintree",
                        help="what decides a sale: test amounts, or (plain) the card")  # fmt: skip
    parser.add_argument("--currency", default=defaults.currency)
    given = parser.parse_args(arguments)
    try:
        settings.check({"webhook_url": given.webhook_url, "currency": given.currency})
    except settings.BadSetting as error:
        parser.error(str(error))
    if not 0 <= given.port <= 65535:
        parser.error("--port must be from 0 to 65535.")
    return Options(
        host=given.host,
        port=given.port,
        public_url=given.public_url.rstrip("/") or f"http://{given.host}:{given.port}",
        data_path=given.data,
        assets_path=given.assets,
        webhook_url=given.webhook_url,
        amounts=given.amounts,
        currency=given.currency,
    )


def main() -> int:
    """Serve until SIGTERM or SIGINT; 1 when port or file cannot be had."""
    options = parse(sys.argv[1:])
    try:
        server = Server(options)
    except PortTaken as error:
        print(f"Cannot listen on {error}", file=sys.stderr)
        return 1
    except (OSError, sqlite3.Error) as error:
        print(f"Cannot keep data in {options.data_path}: {error}", file=sys.stderr)
        return 1
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        print(f"Sandbox gateway: {server.options.public_url}", flush=True)
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
