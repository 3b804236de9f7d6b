"""`make run` and its relatives: `python -m demo [run | reset | exec COMMAND …] [--folder var]`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from demo.folder import empty, hold
from demo.layout import ROOT, Layout
from demo.ports import Ports, read_port, refuse_taken
from demo.problems import DemoProblem
from demo.services import tied_to
from demo.start import start_everything
from demo.supervisor import AskedToEnd, Supervisor
from demo.terminal import Terminal

# The last run's port, so that a command meant for that demo reaches it.
LAST_PORT = "port"


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; returns the exit code for the shell."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "var", help="where the data lie")
    parser.set_defaults(act=run)
    verbs = parser.add_subparsers()
    verbs.add_parser("run", help="start everything (the default)").set_defaults(act=run)
    verbs.add_parser("reset", help="delete the demo's data").set_defaults(act=reset)
    command = verbs.add_parser("exec", help="run a command in the demo's environment")
    command.add_argument("command", nargs=argparse.REMAINDER)
    command.set_defaults(act=execute)
    chosen = parser.parse_args(arguments)
    chosen.folder = chosen.folder.absolute()
    return report(lambda terminal: chosen.act(chosen, terminal), Terminal())


def report(act: Callable[[Terminal], None], terminal: Terminal) -> int:
    """Do it, and say in a line what stopped it; returns the exit code for the shell."""
    try:
        act(terminal)
    except AskedToEnd as asked:
        terminal.line()
        terminal.step(f"Everything has ended ({asked}); the data are kept.")
    except DemoProblem as problem:
        terminal.problem(str(problem))
        return 1
    except OSError as problem:
        place = f" ({problem.filename})" if problem.filename else ""
        terminal.problem(f"The demo can't go on: {problem.strerror or problem}{place}.")
        return 1
    return 0


def run(chosen: argparse.Namespace, terminal: Terminal) -> None:
    """Start everything and stay until it is to end."""
    port = read_port(os.environ.get("PORT"))
    if "MAKELEVEL" in os.environ and (tie := tied_to(os.getppid())):
        tie()
    with hold(chosen.folder, terminal) as lock:
        layout = Layout(chosen.folder, Ports(port), dict(os.environ))
        refuse_taken(layout.occupied())
        (chosen.folder / LAST_PORT).write_text(f"{port}\n")
        with Supervisor(ROOT, layout.environment, terminal, lock) as supervisor:
            start_everything(supervisor, layout, terminal)
            supervisor.forever()


def reset(chosen: argparse.Namespace, terminal: Terminal) -> None:
    """Delete what the demo has stored; a database of the person's own is left alone."""
    with hold(chosen.folder, terminal):
        empty(chosen.folder)
    terminal.step("The demo's data are deleted; the next `make run` starts afresh.")
    if "DATABASE_URL" in os.environ:
        terminal.step("Your own DATABASE_URL was not touched.")


def execute(chosen: argparse.Namespace, terminal: Terminal) -> None:
    """Become the given command, told what the demo's processes are told."""
    if not chosen.command:
        raise DemoProblem("Say which command: python -m demo exec COMMAND …")
    chosen.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    last = chosen.folder / LAST_PORT
    known = last.read_text().strip() if last.exists() else None
    port = read_port(os.environ.get("PORT") or known)
    layout = Layout(chosen.folder, Ports(port), dict(os.environ))
    try:
        os.execvpe(chosen.command[0], chosen.command, layout.environment)
    except FileNotFoundError as missing:
        raise DemoProblem(f"There is no command {chosen.command[0]!r}.") from missing


if __name__ == "__main__":
    raise SystemExit(main())
