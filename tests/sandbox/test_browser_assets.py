"""Braintree's browser files are served changed in exactly the intended places, or not at all."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

import pytest

from sandbox.browser.assets import AssetProblem, Assets
from sandbox.browser.patches import COMPONENTS
from tests.sandbox.browser_fixtures import DROPIN_VERSION, PACKAGES, WEB_VERSION

URL = "http://127.0.0.1:3000"
GATEWAY_HOST = re.compile(
    r"""["']https://[\w.-]*(?:braintreegateway|braintree-api)\.com[^"']*["']"""
    r"""|["']https://(?:www\.paypal\.com/xoplatform|c\.paypal\.com)[^"']*["']"""
)


@pytest.fixture
def assets() -> Assets:
    return Assets(PACKAGES, URL)


def without_comments(source: str) -> str:
    return re.sub(r"^\s*(\*|//).*$", "", source, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(COMPONENTS))
def test_a_component_names_the_sandbox_and_no_gateway_host(assets: Assets, name: str) -> None:
    source = assets.component(WEB_VERSION, name)
    left = set(GATEWAY_HOST.findall(without_comments(source)))
    # Fastlane's loader keeps its address: the sandbox's configuration never starts Fastlane.
    assert left <= {'"https://js.braintreegateway.com/web/"'}
    assert f'"{URL}/analytics"' in source


def test_the_check_of_hosts_lets_the_sandbox_pass(assets: Assets) -> None:
    for source in (assets.component(WEB_VERSION, "client"), assets.dropin(DROPIN_VERSION)):
        assert f'if (url === "{URL}" || url.indexOf("{URL}/") === 0) return true;' in source


def test_dropin_finds_the_older_components_it_was_built_with(assets: Assets) -> None:
    package = PACKAGES / "braintree-web-drop-in/node_modules/braintree-web/package.json"
    older = json.loads(package.read_text())["version"]
    assert older != WEB_VERSION
    assert f'VERSION = "{older}"' in assets.component(older, "data-collector")


def test_dropin_styles_are_served_unchanged(assets: Assets) -> None:
    published = (PACKAGES / "braintree-web-drop-in/dropin.css").read_text(encoding="utf-8")
    assert assets.dropin_styles(DROPIN_VERSION) == published


def test_missing_packages_are_explained(tmp_path: Path) -> None:
    with pytest.raises(AssetProblem, match="npm ci") as caught:
        Assets(tmp_path, URL).component(WEB_VERSION, "client")
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("version", "name", "sentence"),
    [("3.1.0", "client", "installed is"), (WEB_VERSION, "paypal", "doesn't offer")],
)
def test_what_is_not_there_is_explained(
    assets: Assets, version: str, name: str, sentence: str
) -> None:
    with pytest.raises(AssetProblem, match=sentence) as caught:
        assets.component(version, name)
    assert caught.value.status == 404


@pytest.fixture
def client_file(tmp_path: Path) -> Path:
    """A copy of client.js in an npm folder of its own, to be changed by a test."""
    package = tmp_path / "braintree-web"
    target = package / "dist/browser/client.js"
    target.parent.mkdir(parents=True)
    original = PACKAGES / "braintree-web"
    (package / "package.json").write_bytes((original / "package.json").read_bytes())
    target.write_bytes((original / "dist/browser/client.js").read_bytes())
    return target


@pytest.mark.parametrize(
    ("found", "replacement"),
    [
        ("function isVerifiedDomain(url) {", "const isVerifiedDomain = (url) => {"),
        ('"https://assets.braintreegateway.com"', '"https://elsewhere.example"'),
        ("function isVerifiedDomain(url) {", "function isVerifiedDomain(url) {" * 2),
    ],
)
def test_a_file_that_looks_different_is_refused_and_logged(
    client_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    found: str,
    replacement: str,
) -> None:
    client_file.write_text(client_file.read_text().replace(found, replacement, 1))
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(AssetProblem, match=r"was expected \d time") as caught,
    ):
        Assets(tmp_path, URL).component(WEB_VERSION, "client")
    assert caught.value.status == 500
    assert "can't serve client.js" in caplog.text


def test_a_file_changed_on_disk_is_read_again(client_file: Path, tmp_path: Path) -> None:
    assets = Assets(tmp_path, URL)
    first = assets.component(WEB_VERSION, "client")
    client_file.write_text(client_file.read_text() + "// changed\n")
    later = client_file.stat().st_mtime_ns + 1_000_000_000
    os.utime(client_file, ns=(later, later))
    assert assets.component(WEB_VERSION, "client") == first + "// changed\n"
