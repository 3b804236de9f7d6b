"""What the person sees: calm lines, each saying who speaks, coloured where that helps."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TextIO

COLOURS = (36, 33, 35, 32, 34, 96)
RED = 31
BOLD = 1
FAINT = 2


class Terminal:
    """Writes to `stream`, and goes on in silence when the terminal was closed."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.colour = self.stream.isatty() and "NO_COLOR" not in os.environ
        self.names: dict[str, int] = {}
        self.hang_up = select.poll()
        for number in (0, 1, 2):
            with contextlib.suppress(OSError):
                if os.isatty(number):
                    self.hang_up.register(number, 0)

    def closed(self) -> bool:
        """Whether the window is gone. The system tells that by SIGHUP only to the first program in
        it, which may be `make`, and `make` waits for us in silence."""
        return any(event & select.POLLHUP for _, event in self.hang_up.poll(0))

    def line(self, text: str = "") -> None:
        """One plain line."""
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            self.stream = open(os.devnull, "w")  # noqa: PTH123, SIM115 - kept open to the end

    def step(self, text: str) -> None:
        """What is being done now, while starting."""
        self.line(f"  {text}")

    def said(self, name: str, text: str) -> None:
        """A line that the process `name` has written."""
        number = self.names.setdefault(name, COLOURS[len(self.names) % len(COLOURS)])
        self.line(f"{self.paint(f'{name:<9} |', number)} {text}")

    def problem(self, text: str) -> None:
        """The one line that says why it doesn't go on."""
        self.line(self.paint(text, RED))

    def heading(self, text: str) -> None:
        self.line(self.paint(text, BOLD))

    def faint(self, text: str) -> None:
        self.line(self.paint(text, FAINT))

    def paint(self, text: str, number: int) -> str:
        return f"\x1b[{number}m{text}\x1b[0m" if self.colour else text
