"""House rules no other tool checks: short files, no registry hosts, no room left unguarded."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 320
MADE = {"node_modules", "var"}
# Not rooms: no other package may be left out of the import contracts.
OUTSIDE = {"bench", "migrations", "tests", "tools"}
# A lock file that names where it was downloaded from installs nowhere else.
LOCATED = re.compile(r'"resolved"\s*:|--(extra-)?index-url|--find-links|^registry\s*=|\w+://\S*@')
LOCKS = ("package-lock.json", "requirements*.txt", "requirements*.in", ".npmrc")


def problems(root: Path = ROOT) -> Iterator[str]:
    """Each broken rule as `place: what is wrong`."""
    for path in sorted(sources(root, "*.py")):
        lines = len(path.read_text().splitlines())
        if lines > LONGEST_FILE and "versions" not in path.parts:
            yield f"{path.relative_to(root)}: {lines} lines; past {LONGEST_FILE} it is two rooms"
    for lock in (path for pattern in LOCKS for path in root.glob(pattern)):
        for number, line in enumerate(lock.read_text().splitlines(), 1):
            if LOCATED.search(line):
                yield f"{lock.name}:{number}: names the server it came from"
    for path in sorted(root.glob("tests/**/__init__.py")):
        yield f"{path.relative_to(root)}: would shadow the room of the same name"
    guarded = set(
        tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"][
            "root_packages"
        ]
    )
    rooms = {path.parent.name for path in root.glob("*/__init__.py")} - OUTSIDE
    for room in sorted(rooms - guarded):
        yield f"pyproject.toml: the room {room} is missing in [tool.importlinter]"


def sources(root: Path, pattern: str) -> Iterator[Path]:
    """The project's own files: nothing that set-up, runs or tests have put here."""
    for top in root.iterdir():
        if top.is_dir() and top.name not in MADE and not top.name.startswith("."):
            yield from top.rglob(pattern)
        elif top.match(pattern):
            yield top


def main() -> int:
    """Print what is wrong; returns the exit code for the shell."""
    found = list(problems())
    print("\n".join(found) or "House rules: all kept.", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
