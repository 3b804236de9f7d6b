"""The house rules that `make check` looks after itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_rules import LONGEST_FILE, problems


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[tool.importlinter]\nroot_packages = ["billing"]\n')
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "__init__.py").write_text("")
    return tmp_path


def test_a_tidy_project_has_no_problem(project: Path) -> None:
    (project / "billing" / "ledger.py").write_text("pass\n" * LONGEST_FILE)
    (project / "requirements.txt").write_text("flask==3.1.3 --hash=sha256:00\n")
    assert list(problems(project)) == []


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("billing/long.py", "pass\n" * (LONGEST_FILE + 1), "billing/long.py: 321 lines"),
        ("package-lock.json", '{\n"resolved": "x"}', "package-lock.json:2: names the server"),
        ("requirements.txt", "--index-url x\n", "requirements.txt:1: names the server"),
        (".npmrc", "registry = x\n", ".npmrc:1: names the server"),
        ("tests/__init__.py", "", "tests/__init__.py: would shadow"),
        ("messaging/__init__.py", "", "the room messaging is missing"),
    ],
)
def test_each_broken_rule_is_named(project: Path, place: str, text: str, said: str) -> None:
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).write_text(text)
    (found,) = problems(project)
    assert said in found
