"""What a person does with the demo: sign in, read letters, fill in a card."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import requests
from playwright.sync_api import Browser, Page, expect

from demo.ports import HOST, Ports
from demo.seed import DEMO_SIGN_INS

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
VISA = "4111 1111 1111 1111"
DECLINED_VISA = "4000 1111 1111 1115"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def wait_for(what: str, look: Callable[[], Found | None], patience: float = PATIENCE) -> Found:
    """Look again until something is there; fails naming ``what``."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come within {patience:.0f} s")


class Office:
    """A running demo: its addresses, its mailbox, and the gateway's control panel."""

    def __init__(self, ports: Ports, folder: Path, process: subprocess.Popen[str]) -> None:
        self.ports = ports
        self.folder = folder
        self.process = process
        self.said: deque[str] = deque(maxlen=200)
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.ports.web}"

    @property
    def gateway(self) -> str:
        return f"http://{HOST}:{self.ports.gateway}"

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line.rstrip())

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError("the demo ended:\n" + "\n".join(self.said))
            return any("Ctrl-C ends everything" in line for line in self.said)

        wait_for("the demo", ready, 300)

    def letters(self, to: str) -> list[EmailMessage]:
        """The letters in the local mailbox to an address, the oldest first."""
        found = []
        for path in sorted((self.folder / "mailbox").rglob("*.eml")):
            with path.open("rb") as file:
                message = email.message_from_binary_file(file, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if to in str(message["To"]):
                found.append(message)
        return found

    def letter(self, to: str, subject: str) -> EmailMessage:
        """Wait for the letter with ``subject`` in its subject line; the newest counts."""

        def newest() -> EmailMessage | None:
            matching = [mail for mail in self.letters(to) if subject in str(mail["Subject"])]
            return matching[-1] if matching else None

        return wait_for(f"“{subject}” to {to}", newest)

    def proof(self) -> str:
        """What ``make verify`` says, once what is still under way has ended.

        The clock moves days at once, so for a moment the gateway knows of money that the worker is
        only about to ask for: a contradiction that stays is one.
        """
        said = ""

        def adds_up() -> bool:
            nonlocal said
            command = [sys.executable, "-m", "demo", "--folder", str(self.folder), "exec"]
            proved = subprocess.run(
                [*command, sys.executable, "-m", "wsgi", "verify"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            said = proved.stdout + proved.stderr
            return proved.returncode == 0

        with suppress(AssertionError):
            wait_for("the proof", adds_up)
        return said

    def control(self, path: str, data: dict[str, Any], method: str = "POST") -> object:
        answer = requests.request(method, f"{self.gateway}/control/{path}", json=data, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def link_in(letter: EmailMessage) -> str:
    """The invoice's address in a letter's plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    found = re.search(r"http://\S+/i/\S+", body.get_content())
    assert found, body.get_content()
    return found.group(0)


@contextmanager
def visit(browser: Browser, size: dict[str, int], **options: object) -> Iterator[Page]:
    """A browser of its own with one page, which must end without a complaint on its console."""
    context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
    except Exception as error:
        error.add_note(f"The page was {page.url}\n{page.locator('body').aria_snapshot()}")
        raise
    finally:
        context.close()
    real = [text for text in complaints if "status of 4" not in text]
    assert not real, real


def sign_in(page: Page, office: Office, role: str = "Manager") -> None:
    """Sign in to the panel as one of the demo's staff."""
    address, password = next((mail, word) for name, mail, word in DEMO_SIGN_INS if name == role)
    page.goto(f"{office.url}/admin/")
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{office.url}/admin/")


def from_menu(page: Page, label: str) -> None:
    """Open a page from the menu, which is not seen before the page has its style."""
    menu = page.get_by_role("navigation", name="Main")
    menu.get_by_role("link", name=label, exact=True).click()


def type_card(page: Page, number: str) -> None:
    """Type a card into the gateway's frames, as a customer would."""
    fields = {"number": number, "expirationDate": "12/30", "cvv": "123"}
    for name, value in fields.items():
        frame = page.frame_locator(f"iframe[name='braintree-hosted-field-{name}']")
        frame.locator("input").first.press_sequentially(value)
