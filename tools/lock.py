"""Pin the newest allowed version of every dependency, for every platform, naming no server.

`uv` writes the hashes of all files of a version and no addresses; npm is told by `.npmrc` to keep
the download addresses out of its lock.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.environment import Plan, SetupProblem

ROOT = Path(__file__).resolve().parent.parent
PYTHON_LOCKS = ("requirements", "requirements-dev", "requirements-node")


def main() -> int:
    """Write all lock files anew; returns the exit code for the shell."""
    uv = Path(sys.executable).parent / "uv"
    options = ["--upgrade", "--generate-hashes", "--universal", "--python-version", "3.11"]
    try:
        for name in PYTHON_LOCKS:
            print(f"  {name}.txt", flush=True)
            compiled = [f"{name}.in", "-o", f"{name}.txt", "--custom-compile-command", "make lock"]
            subprocess.run([uv, "pip", "compile", "-q", *options, *compiled], cwd=ROOT, check=True)
        print("  package-lock.json", flush=True)
        npm = Plan(ROOT, dev=True).npm()
        (ROOT / "package-lock.json").unlink()
        subprocess.run([npm, "install", "--package-lock-only", "--silent"], cwd=ROOT, check=True)
    except (subprocess.CalledProcessError, SetupProblem) as problem:
        print(f"The lock files couldn't be written: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
