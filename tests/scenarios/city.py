"""What people of the city office do: open pages, press what is on them, read letters.

Nothing is posted that the page in front of them did not hold, but for what they type.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from lxml import html

from billing import proof
from billing.database import reading
from jobs.letters import Letter, render
from models import OutgoingEmail, db
from tests.support import emails

VISA = "fake-valid-nonce"
# A button may hold the words of its busy state, unseen.
_SEEN = ".//text()[not(ancestor::*[@hidden and ancestor::button])]"


def _label(element: Any) -> str:
    return " ".join("".join(element.xpath(_SEEN)).split())


class Person:
    """Somebody at a browser, with the page in front of them."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.path = ""
        self.status = 0
        self._page: Any = None

    def open(self, path: str) -> Person:
        """Open an address and follow where it leads."""
        return self._arrive(self._client.get(self._local(path)), path)

    def choose(self, label: str) -> Person:
        """Follow the link with exactly these words; the dropdown's are links, too."""
        found = [link for link in self._page.iter("a") if _label(link) == label]
        assert found, f"no link “{label}” on {self.path}"
        return self.open(found[0].get("href"))

    def choose_row(self, words: str = "") -> Person:
        """Press the Eye of the first row with these words."""
        eyes = [
            row.xpath(".//td[@class='eye']/a/@href")[0]
            for row in self.find("//tbody/tr")
            if words in " ".join(row.itertext())
        ]
        assert eyes, f"no row “{words}” on {self.path}: {self.rows()}"
        return self.open(eyes[0])

    def press(self, button: str, **typed: Any) -> Person:
        """Press the button with exactly these words; its form goes off with what was typed."""
        pressed = self.button(button)
        form = next(pressed.iterancestors("form"))
        data: dict[str, Any] = {}
        for name, value in form.form_values():
            data.setdefault(name, []).append(value)
        if pressed.get("name"):
            data[pressed.get("name")] = pressed.get("value", "")
        data.update(typed)
        path = form.get("action") or self.path
        data = {name: value for name, value in data.items() if value is not None}
        return self._arrive(self._client.post(self._local(path), data=data), path)

    def send(self, post: Any, path: str, **typed: Any) -> Person:
        """Send a form that no page offered: what the server itself has to refuse."""
        return self._arrive(post(self._client, path, typed), path)

    def button(self, label: str) -> Any:
        found = [each for each in self._page.iter("button") if _label(each) == label]
        assert found, f"no button “{label}” on {self.path}: {self.buttons}"
        return found[0]

    @property
    def buttons(self) -> list[str]:
        return [_label(each) for each in self._page.iter("button")]

    @property
    def actions(self) -> dict[str, str]:
        """The dropdown upper right: label → why it can't be pressed, or nothing."""
        return {
            _label(each).removesuffix(each.get("title", "")).strip(): each.get("title", "")
            for each in self._page.find_class("act")
        }

    @property
    def words(self) -> str:
        """What one reads, in one line."""
        page = html.fromstring(html.tostring(self._page))
        for unread in page.xpath("//script|//style|//head"):
            unread.drop_tree()
        return " ".join(" ".join(page.itertext()).split())

    @property
    def main(self) -> str:
        """What one reads in the middle of the page."""
        [main] = self._page.xpath("//main")
        return " ".join(" ".join(main.itertext()).split())

    def field(self, name: str) -> str:
        """What a field holds when the page opens."""
        [field] = self._page.xpath(f"//*[@name='{name}' and not(@type='radio')]")
        return str(field.text or "").strip() if field.tag == "textarea" else field.get("value", "")

    def ticked(self, name: str) -> bool:
        return bool(self._page.xpath(f"//input[@type='checkbox' and @name='{name}' and @checked]"))

    def find(self, xpath: str) -> list[Any]:
        return list(self._page.xpath(xpath))

    def rows(self) -> list[str]:
        """The rows of the list, each in one line."""
        return [" ".join(" ".join(row.itertext()).split()) for row in self.find("//tbody/tr")]

    def pdf(self, link: str) -> bytes:
        """Fetch the PDF behind a link whose words begin with these."""
        hrefs = [a.get("href") for a in self._page.iter("a") if _label(a).startswith(link)]
        assert hrefs, f"no link “{link}” on {self.path}"
        answer = self._client.get(self._local(hrefs[0]))
        assert answer.mimetype == "application/pdf"
        return bytes(answer.data)

    def _local(self, path: str) -> str:
        parts = urlsplit(urljoin(self.path, path))
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def _arrive(self, answer: Any, path: str) -> Person:
        self.path = self._local(path)
        while answer.status_code in (302, 303):
            self.path = self._local(answer.location)
            answer = self._client.get(self.path)
        self.status = answer.status_code
        self._page = html.fromstring(answer.get_data(as_text=True))
        return self


def letter(kind: str, to: str | None = None) -> Letter:
    """The newest letter of its kind, written as it would be delivered now."""
    rows = [row for row in emails(kind) if to is None or row.to_address == to]
    assert rows, f"no letter {kind} to {to}; there are {[row.kind for row in emails()]}"
    with reading() as session:
        written = render(session.get_one(OutgoingEmail, rows[-1].id), session)
    db.session.remove()
    return written


def link_in(written: Letter) -> str:
    """The path of the link in a letter."""
    found = re.search(r"https?://\S+/(?:a|i|sign-in)/\S+", written.text)
    assert found, written.text
    return urlsplit(found.group(0)).path


def signed_in(client: FlaskClient, email: str) -> Person:
    """A customer who asked for a link, opened it in the letter and pressed its button."""
    person = Person(client).open("/sign-in").press("Send me a link", email=email)
    person.open(link_in(letter("sign_in", email)))
    [button] = [each for each in person.buttons if each.startswith("Sign in as")]
    return person.press(button)


def pay_by_card(person: Person, button: str, nonce: str = VISA) -> Person:
    """Press Pay as the page would once its card fields are filled in."""
    return person.press(button, nonce=nonce)


def adds_up() -> None:
    """Every balance and state follows from the rows beneath, and the gateway agrees."""
    assert proof.verify() == []
