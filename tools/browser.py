"""Find the Chromium that the browser tests drive, or fetch Playwright's own.

A distribution's package is preferred: it needs no download and gets its security fixes with the
system.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of the machine's Chromium, or None where only Playwright's own can be used."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Make sure that there is a browser; returns the exit code for the shell."""
    if find_chromium():
        return 0
    fetched = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    if fetched.returncode != 0:
        print(
            "The browser tests need Chromium and it couldn't be downloaded. Install it "
            "(Debian: apt install chromium) and run the same command again.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
