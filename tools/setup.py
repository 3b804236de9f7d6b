"""Prepare this checkout: Python packages, front-end packages and fonts, each at its locked version.

Run as `python3 tools/setup.py` (for `make run`) or `python3 tools/setup.py --dev` (for checks and
tests). This file must stay readable to any Python 3, so that an old one gets a sentence and not a
syntax error; the work is done in `environment.py`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"
NEWER = ["python3.14", "python3.13", "python3.12", "python3.11"]


def main():  # type: () -> int
    """Hand over to a Python that is new enough; returns the exit code for the shell."""
    if sys.version_info < OLDEST:
        for name in NEWER:
            path = shutil.which(name)
            if path and subprocess.call([path, "-c", ENOUGH]) == 0:
                os.execv(path, [path, *sys.argv])
        found = ".".join(str(part) for part in sys.version_info[:3])
        sys.stderr.write(
            f"Counterfoil needs Python 3.11 or newer; this is Python {found}. Install a newer one, "
            "or name it: make run PYTHON=/path/to/python3\n"
        )
        return 1

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tools.environment import prepare

    return prepare(dev="--dev" in sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
