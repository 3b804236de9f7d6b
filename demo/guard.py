"""Ends the demo's processes when their supervisor was killed and could not.

Runs beside the supervisor, hears through a pipe which processes it starts (`+pid`) and has seen
end (`-pid`), and acts when the pipe closes without `done`. It holds the folder's lock as well,
so nobody starts anew in there while the old processes are still going.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

from demo.services import alive, marked, send

# Seconds a process has to end by itself: everything is to be gone within five.
GRACE = 3.0
# Seconds until one that was killed and is still there is left to the machine.
UNKILLABLE = 10.0
POLL = 0.05


def end_all(
    direct: set[int],
    mark: str,
    grace: float,
    meanwhile: Callable[[float], object] = time.sleep,
) -> None:
    """End these processes and every descendant bearing `mark`.

    They are asked first and have `grace` seconds; whoever is left then is killed. `meanwhile` is
    called between looks with the seconds to spend. However long the machine stands still in
    between, such as a laptop that is closed, nobody is left without having been killed.
    """
    send(direct, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(map(alive, direct)) and time.monotonic() < deadline:
        meanwhile(POLL)
    given_up = time.monotonic() + UNKILLABLE
    while left := {pid for pid in direct | marked(mark) if alive(pid)}:
        send(left, signal.SIGKILL)
        meanwhile(POLL)
        if time.monotonic() > given_up:
            return


def main() -> int:
    """Listen until the supervisor is done, or gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    mark, grace = sys.argv[1], float(sys.argv[2])
    direct: set[int] = set()
    for line in sys.stdin:
        word = line.strip()
        if word == "done":
            return 0
        if word.startswith("+"):
            direct.add(int(word[1:]))
        elif word.startswith("-"):
            direct.discard(int(word[1:]))
    end_all(direct, mark, grace)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
