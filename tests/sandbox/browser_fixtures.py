"""A merchant's page on one origin, the sandbox on another, and a Chromium that sees both."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import braintree
from playwright.sync_api import Browser, FrameLocator, Locator, Page, sync_playwright

from sandbox.options import Options
from sandbox.server import Server
from sandbox.store import Store
from tests.serving import answering
from tools.browser import find_chromium

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "node_modules"
WEB_VERSION = "3.144.0"
DROPIN_VERSION = "1.48.0"
VISA = "4111111111111111"
FIELDS_PAGE = ("client", "hosted-fields")
DROPIN_PAGE = ("client", "us-bank-account", "data-collector", "dropin")

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Merchant</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body><form>
<label for="number">Card number</label><div class="field" id="number"></div>
<label for="expiry">Expiry</label><div class="field" id="expiry"></div>
<label for="cvv">CVV</label><div class="field" id="cvv"></div>
<label for="postal-code">Postal code</label><div class="field" id="postal-code"></div>
<button>Pay</button></form><div id="dropin"></div>{scripts}<script src="/page.js"></script>
</body></html>"""
STYLES = """.field { border: 1px solid; height: 2.5rem; width: 20rem }
.focus-intercept { position: absolute; opacity: 0 }"""
SCRIPT = """
const events = [];
const refused = (error) => ({ code: error.code, type: error.type, details: error.details });
const NAMES = ["focus", "blur", "empty", "notEmpty", "cardTypeChange", "validityChange",
  "inputSubmitRequest", "binAvailable"];
const FIELDS = {
  number: { container: "#number", placeholder: "1234 1234 1234 1234" },
  expirationDate: { container: "#expiry", placeholder: "MM / YY" },
  cvv: { container: "#cvv" },
  postalCode: { container: "#postal-code" },
};
async function createFields(authorization, options) {
  const client = await braintree.client.create({ authorization });
  window.fields = await braintree.hostedFields.create({ client, fields: FIELDS, ...options });
  NAMES.forEach((name) => fields.on(name, (event) => events.push([name, event])));
}
async function createDropin(authorization) {
  window.dropin = await braintree.dropin.create({ authorization, container: "#dropin" });
}
"""


@dataclass
class Served:
    """A running sandbox, and a merchant's server SDK pointed at it."""

    options: Options
    store: Store
    gateway: braintree.BraintreeGateway

    def client_token(self) -> str:
        """A client token as a merchant's server gets it."""
        return str(self.gateway.client_token.generate())


@dataclass
class Visit:
    """A merchant's page in the browser, with every request and complaint it caused."""

    page: Page
    token: str
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def create_fields(self, **options: Any) -> None:
        self.run("([token, options]) => createFields(token, options)", [self.token, options])

    def tokenize(self) -> Any:
        """The payload of a tokenisation, or {code, type, details} of its error."""
        return self.run("fields.tokenize().catch(refused)")

    def control(self, name: str, tag: str = "input", within: str = "form") -> Locator:
        return self.frame(name, within).locator(tag)

    def frame(self, name: str, within: str = "form") -> FrameLocator:
        return self.page.frame_locator(f"{within} iframe[name=braintree-hosted-field-{name}]")

    def wait_until(self, script: str, argument: Any = None) -> Any:
        """The script's first true value. The page's policy stops Playwright's own waiting."""
        deadline = time.monotonic() + 20
        while not (value := self.run(script, argument)):
            assert time.monotonic() < deadline, f"never true: {script}"
            self.page.wait_for_timeout(10)
        return value

    def wait_for_event(self, name: str, field: str) -> Any:
        """The latest event `name` of `field`, waiting until there is one."""
        latest = """([name, field]) => {
          const found = events.findLast(([n, event]) => n === name && event.emittedBy === field);
          return found && JSON.parse(JSON.stringify(found[1]));
        }"""
        return self.wait_until(latest, [name, field])

    def hosts(self) -> set[str]:
        return {url.split("/")[2] for url in self.requested if not url.startswith("data:")}


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A sandbox with its data in `folder` that answers until the block ends."""
    assert (PACKAGES / "braintree-web").is_dir(), "Run `npm ci` first."
    wanted = Options(port=0, data_path=folder / "sandbox.sqlite3", assets_path=PACKAGES)
    with Server(wanted) as server:
        options = server.options
        environment = braintree.Environment(
            "sandbox", options.host, str(options.port), options.public_url, False, None, "", ""
        )
        keys = (options.merchant_id, options.public_key, options.private_key)
        gateway = braintree.BraintreeGateway(braintree.Configuration(environment, *keys))
        yield Served(options, server.desk.store, gateway)


@contextmanager
def merchant_site(sandbox_url: str, scripts: tuple[str, ...]) -> Iterator[str]:
    """A merchant's page on an origin of its own, with a policy as strict as one can be."""
    folders = {"dropin": f"/web/dropin/{DROPIN_VERSION}"}
    tags = "".join(
        f'<script src="{sandbox_url}{folders.get(name, f"/web/{WEB_VERSION}")}/js/{name}.min.js">'
        "</script>"
        for name in scripts
    )

    class Handler(BaseHTTPRequestHandler):
        bodies: ClassVar = {
            "/": ("text/html", PAGE.replace("{scripts}", tags)),
            "/page.css": ("text/css", STYLES),
            "/page.js": ("text/javascript", SCRIPT),
        }

        def do_GET(self) -> None:
            kind, body = self.bodies[self.path]
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header(
                "Content-Security-Policy",
                f"default-src 'none'; img-src data:; style-src 'self' {sandbox_url}; "
                f"script-src 'self' {sandbox_url}; frame-src {sandbox_url}; "
                f"connect-src {sandbox_url}",
            )
            self.end_headers()
            self.wfile.write(body.encode())

        def log_request(self, *_: object) -> None:
            """Say nothing: the test's output is the report."""

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield address


@contextmanager
def chromium() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        yield browser
        browser.close()


@contextmanager
def visiting(
    browser: Browser, sandbox: Served, site: str, user_agent: str | None = None
) -> Iterator[Visit]:
    """Open the merchant's page."""
    context = browser.new_context(user_agent=user_agent)
    page = context.new_page()
    visit = Visit(page, sandbox.client_token())
    page.on("request", lambda request: visit.requested.append(request.url))
    page.on(
        "console",
        lambda said: visit.complaints.append(said.text) if said.type == "error" else None,
    )
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.goto(site)
    yield visit
    context.close()
