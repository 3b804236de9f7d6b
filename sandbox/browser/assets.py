"""Braintree's published browser files, found in npm's folder and patched while served."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from sandbox.browser.patches import (
    COMPONENTS,
    DROPIN,
    UnexpectedSource,
    apply_patches,
    patches_for,
)

logger = logging.getLogger(__name__)

WEB_PACKAGE = "braintree-web"
DROPIN_PACKAGE = "braintree-web-drop-in"


class AssetProblem(Exception):
    """A file can't be served; `status` is the HTTP status and the message a whole sentence."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Assets:
    """Reads the packages in `folder` (npm's node_modules) for the sandbox at `public_url`."""

    def __init__(self, folder: Path, public_url: str) -> None:
        self._folder = folder
        self._public_url = public_url.rstrip("/")
        self._patched: dict[Path, tuple[int, str]] = {}

    def component(self, version: str, name: str) -> str:
        """One component of braintree-web, for example `client`.

        Raises AssetProblem: 404 for a component or version the sandbox doesn't have, 503 when
        the package isn't installed, 500 when the file doesn't look as expected.
        """
        if name not in COMPONENTS:
            raise AssetProblem(f"The sandbox doesn't offer the component {name!r}.", 404)
        # Drop-in carries an older braintree-web and asks for files of that version.
        places = (
            self._folder / WEB_PACKAGE,
            self._folder / DROPIN_PACKAGE / "node_modules" / WEB_PACKAGE,
        )
        package = self._package_of_version(places, version)
        return self._served(package / "dist" / "browser" / f"{name}.js", name)

    def dropin(self, version: str) -> str:
        """Drop-in's script. Raises AssetProblem as `component` does."""
        package = self._dropin_package(version)
        return self._served(package / "dist" / "browser" / "dropin.js", DROPIN)

    def dropin_styles(self, version: str) -> str:
        """Drop-in's style sheet, unchanged. Raises AssetProblem as `component` does."""
        return _read(self._dropin_package(version) / "dropin.css")

    def _dropin_package(self, version: str) -> Path:
        return self._package_of_version((self._folder / DROPIN_PACKAGE,), version)

    def _package_of_version(self, places: tuple[Path, ...], version: str) -> Path:
        installed = {_version_of(place): place for place in places if place.is_dir()}
        if not installed:
            raise AssetProblem(
                f"The sandbox found no {places[0].name} in {self._folder}. "
                "Run `npm ci` in the project, or point --assets at its node_modules folder.",
                503,
            )
        if version not in installed:
            raise AssetProblem(
                f"The page asked for {places[0].name} {version}; "
                f"installed is {' and '.join(sorted(installed))}.",
                404,
            )
        return installed[version]

    def _served(self, path: Path, name: str) -> str:
        if not path.is_file():
            raise AssetProblem(f"The installed package has no {path.name}; run `npm ci`.", 503)
        changed_at = path.stat().st_mtime_ns
        known = self._patched.get(path)
        if known and known[0] == changed_at:
            return known[1]
        try:
            patches = patches_for(name, self._public_url)
            patched = apply_patches(_read(path), patches, f"{name}.js")
        except UnexpectedSource as problem:
            logger.error("%s", problem)
            raise AssetProblem(str(problem), 500) from problem
        self._patched[path] = (changed_at, patched)
        return patched


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _version_of(package: Path) -> str:
    return str(json.loads(_read(package / "package.json"))["version"])
