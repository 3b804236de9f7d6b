"""The block of neighbouring ports one demo occupies, counted from the web address."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from demo.problems import DemoProblem

HOST = "127.0.0.1"
USUAL = 8000
BLOCK = 5
LARGEST = 65535 - (BLOCK - 1)


@dataclass(frozen=True)
class Ports:
    """Where each part listens; moving `web` moves the others with it."""

    web: int

    @property
    def gateway(self) -> int:
        return self.web + 1

    @property
    def mailbox(self) -> int:
        return self.web + 2

    @property
    def smtp(self) -> int:
        return self.web + 3

    @property
    def valkey(self) -> int:
        """Used only where the folder's path is too long for a socket file."""
        return self.web + 4


def read_port(text: str | None) -> int:
    """The web port out of `PORT`, or the usual one when unset or empty.

    Raises DemoProblem for anything that can't be the first port of a block.
    """
    if not text:
        return USUAL
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= LARGEST):
        raise DemoProblem(f"PORT={text!r} makes no sense: give a number from 1 to {LARGEST}.")
    return int(text)


def refuse_taken(named: Sequence[tuple[int, str]]) -> None:
    """Raise DemoProblem naming the first of the `(port, use)` pairs that can't be had."""
    for port, use in named:
        try:
            probe(port)
        except PermissionError as refused:
            raise DemoProblem(
                f"Port {port} ({use}) is reserved for the administrator of this machine. "
                f"Choose a higher one: make run PORT={USUAL}"
            ) from refused
        except OSError as refused:
            raise DemoProblem(
                f"Port {port} ({use}) is taken by another program. End that program, or use "
                f"other ports: make run PORT={free_block(port + BLOCK)}"
            ) from refused


def probe(port: int) -> None:
    """Raise OSError unless this port of the loopback address can be listened on."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        attempt.bind((HOST, port))
        attempt.listen(1)


def free_block(start: int) -> int:
    """The first web port at or after `start` (in steps of 100) whose whole block is free."""
    for base in range(-(-start // 100) * 100, LARGEST, 100):
        try:
            for port in range(base, base + BLOCK):
                probe(port)
        except OSError:
            continue
        return base
    return USUAL
