"""How fast a message goes out, against a bare smtplib loop that builds and sends the same letters.

    python -m bench.messages [letters]

Both use one connection to a mail server in a process of its own. The loop keeps no record at all:
nothing is claimed, and a crash would lose or double letters.
"""

from __future__ import annotations

import multiprocessing
import smtplib
import sys
import tempfile
import time
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import event

from billing import runtime
from config import read_config

LETTERS = 1000
# The best of several rounds, taken in turns, so that a busy machine troubles both alike.
ROUNDS = 3
BODY = "Dear {name},\n\nyour application {application} for {form} is ready.\n\n" + "More. " * 200


def main(letters: int) -> None:
    """Print letters a second of both, and what the records cost."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port: int = ours.recv()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        app = _application(Path(folder), port)
        with app.app_context():
            messages = [_message(form, letters) for form in [_crowd(letters)] * ROUNDS]
            frame, sample = _sample(messages[0])
            loops, sends, bare = [], [], []
            statements = _count_statements()
            for message in messages:
                loops.append(_seconds(lambda: _loop(port, letters, sample)))
                bare.append(_seconds(lambda: _hand_over(port, letters, sample.as_bytes())))
                sends.append(_seconds(lambda m=message: _send(m)))
            written = letters / _seconds(lambda: _write(frame, letters))
            _close()
    floor, mine, wire = (letters / min(seconds) for seconds in (loops, sends, bare))
    ours.send("stop")
    server.join()
    print(f"bare smtplib loop          {floor:8.0f} letters/s")
    print(f"the same letter, no words  {wire:8.0f} letters/s")
    print(f"messages.send              {mine:8.0f} letters/s   {mine / floor:.2f} of the loop")
    print(f"writing the letters alone  {written:8.0f} letters/s")
    print(f"statements a letter        {statements[0] / letters / ROUNDS:8.2f}")


def _serve(pipe: Connection) -> None:
    """Accept everything and keep nothing."""
    from aiosmtpd.controller import Controller

    class Sink:
        async def handle_DATA(self, *_: Any) -> str:  # noqa: N802
            return "250 OK"

    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    pipe.send(port)
    pipe.recv()
    controller.stop()


def _application(folder: Path, port: int) -> Any:
    from wsgi import create_app, migrate

    config = read_config(
        {
            "COUNTERFOIL_MODE": "demo",
            "DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite3'}",
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "SECRET_KEY": "bench-secret-" + "x" * 32,
            "SECURITY_PASSWORD_SALT": "bench-salt-" + "y" * 32,
            "SMTP_PORT": str(port),
            "SMTP_SECURITY": "none",
            "LOG_LEVEL": "ERROR",
        }
    )
    app = create_app(config)
    migrate(app)
    return app


def _crowd(letters: int) -> int:
    """A form with that many approved applicants."""
    from tests.messaging.helpers import crowd
    from tests.support import Factory

    form = Factory().form("2027 Dog Park")
    crowd(form, letters)
    return form


def _message(form: int, letters: int) -> int:
    from messaging.sending import send_message
    from tests.messaging.helpers import draft
    from tests.support import STAFF

    message = draft("News for {name}", BODY, form_id=form)
    started = time.perf_counter()
    send_message(message, actor=STAFF)
    print(f"deciding who gets it       {time.perf_counter() - started:8.2f} s for {letters:,}")
    return message


def _sample(message_id: int) -> tuple[Any, Any]:
    """The message's frame, and one letter's words for the loop to send."""
    from billing.database import reading
    from billing.office import get_settings
    from jobs.bulk import Frame
    from messaging.delivery import Turn
    from messaging.reports import Addressee

    with reading() as session:
        turn = Turn(message_id, "News for {name}", BODY, "2027 Dog Park", "City")
        frame = Frame(turn, get_settings(session))
    return frame, frame.letter_for(Addressee(1, "crowd1@example.org", "Person 1", "C-1"))


def _loop(port: int, letters: int, sample: Any) -> None:
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(letters):
            letter = EmailMessage(policy=SMTP)
            letter["Subject"] = f"News for Person {number}"
            letter["From"] = "office@example.org"
            letter["To"] = f"crowd{number}@example.org"
            letter.set_content(sample.body)
            letter.add_alternative(sample.html, subtype="html")
            server.send_message(letter)


def _hand_over(port: int, letters: int, ready: bytes) -> None:
    """What the mail server alone can take: one letter, ready made, again and again."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(letters):
            server.sendmail("office@example.org", f"crowd{number}@example.org", ready)


def _send(message_id: int) -> None:
    from jobs import messages

    while messages.send([message_id]) != "0 letters sent":
        pass


def _write(frame: Any, letters: int) -> None:
    from messaging.reports import Addressee

    for number in range(letters):
        addressee = Addressee(number, f"crowd{number}@example.org", f"Person {number}", "C-1")
        frame.letter_for(addressee).as_bytes()


def _count_statements() -> list[int]:
    seen = [0]

    def note(*_: Any) -> None:
        seen[0] += 1

    event.listen(runtime.current().engine, "before_cursor_execute", note)
    return seen


def _close() -> None:
    from models import db

    db.session.remove()
    db.engine.dispose()


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LETTERS)
