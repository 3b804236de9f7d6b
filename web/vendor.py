"""Front-end packages, served from where npm installed them; none is in the repository."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, abort, send_from_directory
from flask.typing import ResponseReturnValue

# Only what a page needs, and only these kinds of file.
PACKAGES = ("@fontsource-variable/inter/", "lucide-static/", "@tabler/icons-sprite/")
SUFFIXES = {".woff2", ".svg", ".css"}
YEAR_SECONDS = 365 * 24 * 3600


def register(app: Flask, folder: Path) -> None:
    """Serve the listed packages of ``folder`` (npm's node_modules) under ``/vendor``."""

    def vendor(filename: str) -> ResponseReturnValue:
        if not filename.startswith(PACKAGES) or Path(filename).suffix not in SUFFIXES:
            abort(404)
        return send_from_directory(folder, filename, max_age=YEAR_SECONDS)

    app.add_url_rule("/vendor/<path:filename>", "vendor", vendor)
