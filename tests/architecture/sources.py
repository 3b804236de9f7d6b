"""The project's own source as syntax trees, for rules about what may be written where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Rooms that live by the rules below; the sandbox, the demo and the tools have their own lives.
NOT_ROOMS = {
    "bench",
    "demo",
    "docs",
    "migrations",
    "node_modules",
    "sandbox",
    "tests",
    "tools",
    "var",
}


@cache
def rooms() -> tuple[str, ...]:
    """Return the names of the rooms there are: top-level packages with Python in them."""
    found = (path.parent.name for path in ROOT.glob("*/*.py"))
    return tuple(sorted({name for name in found if not name.startswith(".")} - NOT_ROOMS))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def files(*names: str) -> list[Path]:
    """Return every Python file of the named rooms, or of all rooms."""
    return sorted(path for room in names or rooms() for path in (ROOT / room).rglob("*.py"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(*names: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of the named rooms' trees with its file's short name."""
    for path in files(*names):
        for node in ast.walk(tree(path)):
            yield short(path), node


def strings(*names: str) -> Iterator[tuple[str, str]]:
    """Yield every string constant with its file's short name."""
    for place, node in nodes(*names):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield place, node.value


def calls(*names: str) -> Iterator[tuple[str, ast.Call, str]]:
    """Yield every call with its file's short name and what is called, as written."""
    for place, node in nodes(*names):
        if isinstance(node, ast.Call):
            yield place, node, ast.unparse(node.func)


def imports(*names: str) -> Iterator[tuple[str, str]]:
    """Yield every imported module's full name with the importing file's short name."""
    for place, node in nodes(*names):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield place, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield place, node.module
