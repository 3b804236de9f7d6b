"""The order of a start: what Counterfoil leans on, its database, its processes, a greeting."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from pathlib import Path

from demo.folder import empty
from demo.layout import PYTHON, Layout
from demo.ports import HOST
from demo.services import Service
from demo.supervisor import Supervisor
from demo.terminal import Terminal

# Seconds; generous, because a small machine may be busy.
PATIENCE = 120.0


def start_everything(supervisor: Supervisor, layout: Layout, terminal: Terminal) -> None:
    """Bring the whole demo up. Raises DemoProblem where it can't."""
    terminal.heading("Starting Counterfoil")
    first = not layout.seeded().exists()
    unfinished = layout.folder / "unfinished"
    if first:
        clear_remains(layout, unfinished, terminal)
        unfinished.touch()
    layout.valkey_data.mkdir(exist_ok=True)
    layout.mail.mkdir(exist_ok=True)

    answers = answering(layout)
    for service in layout.backing():
        supervisor.start(service)
        supervisor.wait_for(service.name, answers[service.name], PATIENCE)
    terminal.step("Bringing the database up to date")
    supervisor.step(Service("migrate", [PYTHON, "-m", "wsgi", "migrate"], quiet=True))
    if first:
        terminal.step("Filling it with demo data (the first time only)")
        supervisor.step(Service("seed", [PYTHON, "-m", "wsgi", "seed-demo"]))
        layout.seeded().touch()
        unfinished.unlink()

    terminal.step("Starting web, worker and scheduler")
    for service in layout.own():
        supervisor.start(service)
    supervisor.wait_for("web", answers["web"], PATIENCE)
    greet(layout, terminal)


def clear_remains(layout: Layout, unfinished: Path, terminal: Terminal) -> None:
    """Start over what a first start that was cut off has left half made, if it is ours."""
    if unfinished.exists() and "DATABASE_URL" not in layout.given:
        terminal.step("The first start was cut off; beginning it again")
        empty(layout.folder, keep=("secrets.json", "port"))


def answering(layout: Layout) -> dict[str, Callable[[], bool]]:
    """For each service one waits for, how to see that it is up."""
    ports = layout.ports
    valkey = layout.socket
    return {
        "valkey": lambda: listens(str(valkey) if valkey else ports.valkey),
        "sandbox": lambda: listens(ports.gateway),
        "mailbox": lambda: listens(ports.smtp) and listens(ports.mailbox),
        "web": lambda: healthy(ports.web),
    }


def listens(place: int | str) -> bool:
    """Whether somebody accepts connections at this port or socket file."""
    kind = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(kind) as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(place if isinstance(place, str) else (HOST, place)) == 0


def healthy(port: int) -> bool:
    """Whether the web process says it is up."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def greet(layout: Layout, terminal: Terminal) -> None:
    """Say where everything is and who can sign in."""
    # Late, because it brings in the models, which a refused start has no use for.
    from demo.seed import DEMO_SIGN_INS

    told = layout.environment
    places = [("Staff panel", f"{told['PUBLIC_URL']}/admin"), ("Portal", told["PUBLIC_URL"])]
    if "MAILBOX_URL" in told:
        places.append(("Mailbox", told["MAILBOX_URL"]))
    places.append(("Sandbox gateway", told["GATEWAY_URL"]))
    terminal.line()
    terminal.heading("Counterfoil is ready")
    for name, address in places:
        terminal.line(f"  {name:<16} {address}")
    terminal.line()
    terminal.heading("Sign in as")
    for role, email, password in DEMO_SIGN_INS:
        terminal.line(f"  {role:<16} {email:<32} {password}")
    terminal.line()
    terminal.faint("Ctrl-C ends everything. `make demo-reset` starts over.")
    terminal.line()
