"""The set-up installs once, notices what changed, and starts over what was cut off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.conftest import ROOT

NPM = """#!/bin/sh
if [ "$1" = --version ]; then echo {version}; exit; fi
echo "$@" >> npm-calls
rm -rf node_modules && mkdir node_modules
"""
NO_SUCH = f"nosuch==1 --hash=sha256:{'0' * 64}\n"
PREPARE = "import sys; from pathlib import Path; from tools.environment import prepare; "
PREPARE += "sys.exit(prepare('--dev' in sys.argv, Path(sys.argv[1])))"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that needs no package, set up once, with an npm that only notes its calls."""
    folder = tmp_path_factory.mktemp("checkout")
    write_locks(folder)
    (folder / "bin").mkdir()
    give_npm(folder, "10.1.0")
    first = prepare(folder)
    assert (first.returncode, first.stderr) == (0, "")
    begun = [line.split()[0] for line in first.stdout.splitlines()]
    assert begun == ["Creating", "Installing", "Installing", "Ready."]
    return folder


@pytest.fixture
def checkout(made: Path) -> Path:
    """The project, brought back to where nothing is left to do."""
    write_locks(made)
    give_npm(made, "10.1.0")
    assert prepare(made).returncode == 0
    (made / "npm-calls").unlink(missing_ok=True)
    return made


def write_locks(folder: Path) -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-node.txt"):
        (folder / name).write_text("# nothing\n")
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_text("{}")


def give_npm(checkout: Path, version: str) -> None:
    npm = checkout / "bin" / "npm"
    npm.write_text(NPM.format(version=version))
    npm.chmod(0o755)


def prepare(checkout: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "PIP_NO_INDEX": "1"}
    return subprocess.run(
        [sys.executable, "-c", PREPARE, str(checkout), *words],
        cwd=ROOT,
        env=environment | more,
        capture_output=True,
        text=True,
    )


def test_a_second_run_has_nothing_to_do(checkout: Path) -> None:
    again = prepare(checkout)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert not (checkout / "npm-calls").exists()


def test_only_what_changed_is_done_again(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("# nothing yet\n")
    changed = prepare(checkout).stdout
    assert "Python packages" in changed
    assert "virtual environment" not in changed
    assert "payment client" not in changed

    (checkout / "package-lock.json").write_text("{ }")
    changed = prepare(checkout).stdout
    assert "Python packages" not in changed
    assert "payment client" in changed
    assert (checkout / "npm-calls").read_text() == "ci --ignore-scripts --no-audit --no-fund\n"


def test_a_failure_is_one_sentence_and_spoils_nothing(checkout: Path) -> None:
    (checkout / "requirements-dev.txt").write_text(NO_SUCH)
    refused = prepare(checkout, "--dev")
    assert refused.returncode == 1
    assert refused.stderr == (
        "Set-up stopped: couldn't install the Python packages. The whole output is in .setup.log.\n"
    )
    assert "nosuch" in (checkout / ".setup.log").read_text()
    assert prepare(checkout).stdout == ""


def test_no_network_is_said_in_one_sentence(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text(NO_SUCH)
    dead = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/"}
    refused = prepare(checkout, **dead)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "the package server can't be reached" in refused.stderr


def test_an_old_npm_is_not_used(checkout: Path) -> None:
    give_npm(checkout, "9.9.0")
    (checkout / "package-lock.json").write_text("{  }")
    assert "fetching it into .venv" in prepare(checkout).stdout
    assert not (checkout / "npm-calls").exists()


def test_what_was_cut_off_is_made_anew(checkout: Path) -> None:
    (checkout / ".venv" / "half-a-package").touch()
    (checkout / ".venv" / ".busy").touch()
    assert prepare(checkout).returncode == 0
    assert not (checkout / ".venv" / "half-a-package").exists()
    assert not (checkout / ".venv" / ".busy").exists()
    assert subprocess.run([checkout / ".venv" / "bin" / "python", "-c", "pass"]).returncode == 0


def test_an_old_python_is_told_so() -> None:
    pretend = "from tools import setup; setup.OLDEST = (9, 9); setup.NEWER = []; exit(setup.main())"
    refused = subprocess.run(
        [sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("Counterfoil needs Python 3.11 or newer; this is Python 3.")
    assert refused.stderr.count("\n") == 1
