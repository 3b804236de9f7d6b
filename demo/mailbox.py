"""A mail server for trying things out: takes every message, delivers none, shows them in a page.

`python -m demo.mailbox --http-port 8002 --smtp-port 8003 --folder var/mailbox`

To see what happens when mail fails, write to `refuse@…` (answered 550, for good) or `later@…`
(answered 451, try again), at any domain.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from werkzeug.serving import WSGIRequestHandler, make_server

from demo.mail_page import create_page
from demo.mail_store import MailStore
from demo.ports import HOST

REFUSALS = {
    "refuse": "550 5.1.1 This address refuses all mail (that is what it is for)",
    "later": "451 4.3.0 This address is always busy (that is what it is for); try again later",
}
# Bytes of one message; the newest ones are held in memory.
LARGEST = 10_000_000


class Catcher:
    """What aiosmtpd asks about each recipient and message."""

    def __init__(self, store: MailStore) -> None:
        self.store = store

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept every recipient but the two that are for trying failures."""
        refusal = REFUSALS.get(address.partition("@")[0].lower())
        if refusal is None:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the message."""
        self.store.keep(bytes(envelope.original_content or b""), envelope.rcpt_tos)
        return "250 Message accepted"


class Quiet(WSGIRequestHandler):
    """No line for each request: the page asks for news every few seconds."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code for the shell."""
    parser = argparse.ArgumentParser(prog="python -m demo.mailbox", description=__doc__)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    store = MailStore(chosen.folder)
    mail = Controller(
        Catcher(store),
        hostname=HOST,
        port=chosen.smtp_port,
        ident="Counterfoil demo mailbox",
        enable_SMTPUTF8=True,
        data_size_limit=LARGEST,
    )
    try:
        page = make_server(
            HOST, chosen.http_port, create_page(store), threaded=True, request_handler=Quiet
        )
        mail.start()
    except OSError as problem:
        print(f"The mailbox can't listen: {problem.strerror}", file=sys.stderr)
        return 1
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=page.serve_forever, daemon=True).start()
    ended.wait()
    mail.stop()
    page.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
