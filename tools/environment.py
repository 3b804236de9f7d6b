"""What the set-up does, in order, and how it survives being interrupted anywhere.

A stamp holds the digest of the lock files it stands for and is written last, so a step is either
known to be complete or done again. A virtual environment found half written (`BUSY` is there) is
built anew: a package cut off in the middle looks installed to pip. Standard library only, because
nothing else is there yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NPM_OLDEST = 10
NETWORK_SIGNS = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "ConnectTimeoutError",
    "Read timed out",
    "Temporary failure in name resolution",
    "Could not fetch URL",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
)


class SetupProblem(Exception):
    """Set-up can't go on; the message is the one sentence the person gets to see."""


def prepare(dev: bool, root: Path = ROOT) -> int:
    """Bring `root` up to its lock files; returns the exit code for the shell.

    `dev` adds what checks and tests need. Takes a few milliseconds when nothing changed.
    """
    plan = Plan(root, dev)
    try:
        if plan.complete():
            return 0
        with alone(root) as lock:
            plan.carry_out(lock)
    except SetupProblem as problem:
        print(f"Set-up stopped: {problem}", file=sys.stderr)
        return 1
    except OSError as problem:
        place = f" ({problem.filename})" if problem.filename else ""
        print(f"Set-up stopped: {problem.strerror or problem}{place}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


@contextmanager
def alone(root: Path) -> Iterator[int]:
    """Hold the checkout's set-up lock, and give the file that carries it.

    The steps inherit that file: should we be killed, the lock stays until the step has ended too.
    """
    with (root / ".setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is running in this folder; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


class Plan:
    """The steps for one checkout, and which of them are already done."""

    def __init__(self, root: Path, dev: bool) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        self.busy = self.venv / ".busy"
        self.log = root / ".setup.log"
        self.inherited: list[int] = []
        self.locks = ["requirements.txt", *(["requirements-dev.txt"] if dev else [])]
        self.package_stamps = [
            Stamp(self.venv / f".installed-{name}", [root / name]) for name in self.locks
        ]
        self.front_end_stamp = Stamp(
            root / "node_modules" / ".installed",
            [root / "package.json", root / "package-lock.json"],
        )

    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.packages_done() and self.front_end_stamp.matches()

    def packages_done(self) -> bool:
        whole = self.python.exists() and not self.busy.exists()
        return whole and all(stamp.matches() for stamp in self.package_stamps)

    def carry_out(self, lock: int) -> None:
        """Do what is missing, holding `lock`. Raises SetupProblem with the sentence to show."""
        self.inherited = [lock]
        self.log.write_text("")
        if not self.packages_done():
            self.make_venv()
            self.install_packages()
        if not self.front_end_stamp.matches():
            self.install_front_end()
        say("Ready.")

    def make_venv(self) -> None:
        """Create `.venv`, or keep the one that is whole and still at this place."""
        home = Stamp(self.venv / ".home", [])
        if self.python.exists() and not self.busy.exists() and home.matches():
            return
        for module in ("venv", "ensurepip"):
            if importlib.util.find_spec(module) is None:
                raise SetupProblem(
                    f"this Python has no '{module}' module. On Debian and Ubuntu: "
                    "apt install python3-venv; then run the same command again."
                )
        say("Creating a virtual environment in .venv")
        shutil.rmtree(self.venv, ignore_errors=True)
        self.venv.mkdir()
        self.busy.touch()
        self.run([sys.executable, "-m", "venv", str(self.venv)], "create the virtual environment")
        home.write()
        self.busy.unlink()

    def install_packages(self) -> None:
        """Install the locked Python packages, checking every file against its hash."""
        wanted = {
            line.split("==")[0]
            for name in self.locks
            for line in (self.root / name).read_text().splitlines()
            if "==" in line and line[0].isalnum()
        }
        say(f"Installing up to {len(wanted)} Python packages (about a minute the first time)")
        progress = Progress(len(wanted))
        files = [part for name in self.locks for part in ("-r", str(self.root / name))]

        def watch(line: str) -> None:
            progress.pip(line)
            if line.startswith("Installing collected packages"):
                self.busy.touch()

        self.run(
            [*self.pip(), "--require-hashes", *files],
            "install the Python packages",
            watch,
            PIP_USER="0",
        )
        for stamp in self.package_stamps:
            stamp.write()
        self.busy.unlink(missing_ok=True)

    def pip(self) -> list[str]:
        options = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
        return [str(self.python), "-I", "-m", "pip", "install", *options]

    def install_front_end(self) -> None:
        """Install the payment client, fonts and icons with npm, running none of their scripts."""
        npm = self.npm()
        say("Installing the payment client, fonts and icons (about 80 MB to download, once)")
        self.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            "install the front-end packages",
            PATH=f"{Path(npm).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        )
        self.front_end_stamp.write()

    def npm(self) -> str:
        """The machine's npm if it is new enough, else the one from a wheel."""
        for found in (shutil.which("npm"), str(self.venv / "bin" / "npm")):
            if found and npm_major(found) >= NPM_OLDEST:
                return found
        say("No Node here (or an old one): fetching it into .venv")
        lock = str(self.root / "requirements-node.txt")
        self.run([*self.pip(), "--require-hashes", "-r", lock], "fetch Node", PIP_USER="0")
        return str(self.venv / "bin" / "npm")

    def run(
        self,
        command: list[str],
        aim: str,
        watch: Callable[[str], None] = lambda line: None,
        **environment: str,
    ) -> None:
        """Run a step, its words going to the log. Raises SetupProblem when it fails."""
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        said: list[str] = []
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                command,
                cwd=self.root,
                env=clean | environment,
                pass_fds=self.inherited,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                said.append(line)
                watch(line)
        if process.returncode == 0:
            return
        text = "".join(said)
        if any(sign in text for sign in NETWORK_SIGNS):
            raise SetupProblem(
                f"couldn't {aim}, because the package server can't be reached. Check the "
                "network (or proxy) and run the same command again; what is done stays done."
            )
        raise SetupProblem(f"couldn't {aim}. The whole output is in {self.log.name}.")


class Stamp:
    """A file saying which lock files, at which place, a finished step belongs to."""

    def __init__(self, path: Path, sources: list[Path]) -> None:
        self.path = path
        self.sources = sources

    def digest(self) -> str:
        total = hashlib.sha256(str(self.path).encode())
        for source in self.sources:
            total.update(source.read_bytes())
        return total.hexdigest()

    def matches(self) -> bool:
        try:
            return self.path.read_text() == self.digest()
        except FileNotFoundError:
            return False

    def write(self) -> None:
        self.path.write_text(self.digest())


class Progress:
    """Counts pip's packages on a terminal; stays silent in a log file, where it would be noise."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.seen = 0
        self.show = sys.stdout.isatty()

    def pip(self, line: str) -> None:
        """Take one line of pip's output into account."""
        if not self.show:
            return
        if line.startswith("Collecting "):
            self.seen += 1
            print(f"\r    {self.seen} of {self.total} fetched", end="", flush=True)
        elif line.startswith("Installing collected"):
            print("\r    all fetched; putting them in place", flush=True)


def npm_major(npm: str) -> int:
    """The major version of this npm; 0 when it doesn't run."""
    try:
        said = subprocess.run([npm, "--version"], capture_output=True, text=True, timeout=30)
        return int(said.stdout.split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def say(line: str) -> None:
    """One line of progress."""
    print(f"  {line}", flush=True)
