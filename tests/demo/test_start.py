"""A start is refused in one line before anything runs, and what was kept is found again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.retry import Retry

from demo.folder import empty
from demo.layout import Layout, valkey_binary
from demo.ports import HOST, Ports, free_block, read_port
from demo.problems import DemoProblem
from demo.start import clear_remains
from demo.terminal import Terminal

Command = Callable[..., subprocess.CompletedProcess[str]]
USES = ["web", "sandbox gateway", "mailbox page", "mailbox SMTP"]


@pytest.mark.parametrize(("offset", "use"), list(enumerate(USES)))
def test_a_taken_port_is_named_in_one_line(
    tmp_path: Path, command: Command, port: int, offset: int, use: str
) -> None:
    with socket.create_server((HOST, port + offset)):
        refused = command("--folder", str(tmp_path), PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr == ""
    assert refused.stdout.count("\n") == 1
    assert refused.stdout.startswith(f"Port {port + offset} ({use}) is taken by another program.")
    assert "make run PORT=" in refused.stdout
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}


@pytest.mark.parametrize("text", ["0", "-1", "http", "8000.0", "65532", "99999999", "٨٠٠٠", "80 0"])
def test_a_senseless_port_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(DemoProblem, match="makes no sense: give a number from 1 to 65531"):
        read_port(text)


def test_a_senseless_port_ends_the_command(tmp_path: Path, command: Command) -> None:
    refused = command("--folder", str(tmp_path / "var"), PORT="eighty")
    assert refused.returncode == 1
    assert refused.stdout == "PORT='eighty' makes no sense: give a number from 1 to 65531.\n"
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(("text", "port"), [(None, 8000), ("", 8000), ("4300", 4300)])
def test_the_port_is_read(text: str | None, port: int) -> None:
    assert read_port(text) == port


def test_a_suggested_block_is_free(port: int) -> None:
    base = free_block(port)
    assert base % 100 == 0
    with socket.create_server((HOST, base)):
        # The very next block may be in use by something else on this machine.
        other = free_block(base)
        assert other > base
        assert other % 100 == 0


def test_every_part_moves_with_the_web_port(tmp_path: Path) -> None:
    told = Layout(tmp_path, Ports(4300), {}).environment
    assert told["PUBLIC_URL"] == "http://127.0.0.1:4300"
    assert told["GATEWAY_URL"] == "http://127.0.0.1:4301"
    assert told["MAILBOX_URL"] == "http://127.0.0.1:4302"
    assert told["SMTP_PORT"] == "4303"


def test_own_settings_win_and_their_part_is_not_started(tmp_path: Path) -> None:
    own = {"REDIS_URL": "redis://r", "SMTP_HOST": "mail.example", "GATEWAY_URL": "https://g"}
    layout = Layout(tmp_path, Ports(4300), own)
    assert layout.backing() == []
    assert layout.occupied() == [(4300, "web")]
    assert {name: layout.environment[name] for name in own} == own
    assert "MAILBOX_URL" not in layout.environment
    assert "SMTP_PORT" not in layout.environment


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    first = Layout(tmp_path, Ports(4300), {}).environment
    again = Layout(tmp_path, Ports(4400), {}).environment
    assert len(first["SECRET_KEY"]) >= 48
    assert first["SECRET_KEY"] != first["SECURITY_PASSWORD_SALT"]
    assert first["SECRET_KEY"] == again["SECRET_KEY"]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_path_too_long_for_a_socket_gets_a_port(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("x" * 100), Ports(4300), {"SECRET_KEY": "s"})
    assert layout.socket is None
    assert (4304, "Valkey") in layout.occupied()
    assert "4304" in layout.valkey_command()


def test_a_first_start_that_was_cut_off_begins_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports(4300), {})
    kept = layout.secrets()
    mark = tmp_path / "unfinished"
    mark.touch()
    layout.database.write_text("half")
    clear_remains(layout, mark, Terminal())
    assert not layout.database.exists()
    assert layout.secrets() == kept


def test_a_finished_start_keeps_its_data(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports(4300), {})
    layout.database.write_text("whole")
    clear_remains(layout, tmp_path / "unfinished", Terminal())
    assert layout.database.read_text() == "whole"


def test_reset_deletes_everything_but_the_lock(tmp_path: Path, command: Command) -> None:
    (tmp_path / "mailbox").mkdir()
    (tmp_path / "mailbox" / "one.eml").touch()
    (tmp_path / "counterfoil.sqlite3").touch()
    assert command("--folder", str(tmp_path), "reset").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_emptying_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "link").symlink_to(tmp_path / "elsewhere")
    empty(tmp_path / "var")
    assert list((tmp_path / "var").iterdir()) == []
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_a_command_is_told_what_the_last_demo_was(tmp_path: Path, command: Command) -> None:
    (tmp_path / "port").write_text("4390\n")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    ran = command("--folder", str(tmp_path), "exec", sys.executable, "-c", show, PORT="")
    told = json.loads(ran.stdout)
    assert told["GATEWAY_URL"] == "http://127.0.0.1:4391"
    assert told["COUNTERFOIL_MODE"] == "demo"


def test_the_queue_survives_a_kill(tmp_path: Path) -> None:
    layout = Layout(tmp_path, Ports(4300), {})
    assert layout.socket is not None
    layout.valkey_data.mkdir()
    with start_valkey(layout) as server:
        connected(layout.socket).set("kept", "yes")
        time.sleep(1.2)
        os.kill(server.pid, signal.SIGKILL)
    with start_valkey(layout) as server:
        assert connected(layout.socket).get("kept") == b"yes"
        server.terminate()
    assert valkey_binary() == layout.valkey_command()[0]


def start_valkey(layout: Layout) -> subprocess.Popen[bytes]:
    return subprocess.Popen(layout.valkey_command())


def connected(place: Path) -> Redis:
    patient = Retry(ConstantBackoff(0.05), 100)
    client = Redis(unix_socket_path=str(place), retry=patient, retry_on_error=[NoConnection])
    client.ping()
    return client
