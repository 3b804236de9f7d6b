"""Messages as files, one `.eml` each, newest kept; and what can be read out of one, however odd."""

from __future__ import annotations

import base64
import contextlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from functools import cached_property, lru_cache
from pathlib import Path

KEPT = 500
NAME = re.compile(r"[0-9]{20}-[0-9a-f]{8}")
ENVELOPE = "X-Envelope-To"
CID = re.compile(r"cid:([^\s\"'<>)]+)", re.IGNORECASE)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
INLINE_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}


@dataclass(frozen=True)
class Attachment:
    """A file that came with a message."""

    number: int
    name: str
    kind: str
    content: bytes


class Mail:
    """One message, read forgivingly: a broken header is shown as far as it goes."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.raw = raw
        self.message = BytesParser(policy=policy.default).parsebytes(raw)

    @property
    def received(self) -> datetime:
        """When it arrived, by the machine's own clock."""
        return datetime.fromtimestamp(int(self.name[:20]) / 1e9, UTC).astimezone()

    def header(self, name: str) -> str:
        """The header's text, empty if there is none."""
        try:
            return " ".join(str(self.message[name] or "").split())
        except (ValueError, LookupError, AttributeError, TypeError):
            # Python's parser stumbles over some malformed headers.
            return ""

    @property
    def subject(self) -> str:
        return self.header("Subject") or "(no subject)"

    @property
    def recipients(self) -> str:
        return self.header("To") or self.header(ENVELOPE)

    @property
    def html(self) -> str | None:
        """The HTML as it should look: its own images inside, its links opening in a new tab."""
        part = self.body("html")
        if part is None:
            return None
        images = self.inline_images()
        shown = CID.sub(lambda found: images.get(found[1], found[0]), text_of(part))
        base = '<base target="_blank">'
        head = HEAD.search(shown)
        return shown[: head.end()] + base + shown[head.end() :] if head else base + shown

    @property
    def text(self) -> str | None:
        part = self.body("plain")
        return None if part is None else text_of(part)

    def body(self, kind: str) -> Message | None:
        return self.message.get_body((kind,))

    def inline_images(self) -> dict[str, str]:
        """Content-ID → data address of the images that belong into the HTML."""
        found = {}
        for part in self.message.walk():
            cid = str(part.get("Content-ID", "")).strip(" <>")
            if cid and part.get_content_type() in INLINE_IMAGES:
                data = base64.b64encode(content_of(part)).decode()
                found[cid] = f"data:{part.get_content_type()};base64,{data}"
        return found

    @cached_property
    def attachments(self) -> list[Attachment]:
        """Everything that has a file name or says it is attached (not the HTML's own images)."""
        bodies = (self.body("html"), self.body("plain"))
        found = []
        for number, part in enumerate(self.message.walk()):
            named = part.get_filename()
            if part.is_multipart() or part in bodies or not (named or part.is_attachment()):
                continue
            name = named or f"part-{number}"
            found.append(Attachment(number, name, part.get_content_type(), content_of(part)))
        return found


class MailStore:
    """The folder of messages."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self.folder = folder
        self.kept = kept
        self.read = lru_cache(maxsize=kept)(self.read_file)

    def keep(self, raw: bytes, recipients: list[str]) -> str:
        """Store a message with the addresses it was really for; returns its name."""
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        envelope = f"{ENVELOPE}: {', '.join(recipients)}\r\n".encode()
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(envelope + raw)
        fresh.replace(self.folder / f"{name}.eml")
        for old in self.names()[self.kept :]:
            (self.folder / f"{old}.eml").unlink(missing_ok=True)
        return name

    def names(self) -> list[str]:
        """All messages, newest first."""
        return sorted((path.stem for path in self.folder.glob("*.eml")), reverse=True)

    def list(self) -> list[Mail]:
        """All messages, newest first; one that is being deleted is left out."""
        found = []
        for name in self.names():
            with contextlib.suppress(FileNotFoundError):
                found.append(self.read(name))
        return found

    def read_file(self, name: str) -> Mail:
        """The message of this name. Raises FileNotFoundError, also for a name that can't be one."""
        if not NAME.fullmatch(name):
            raise FileNotFoundError(name)
        return Mail(name, (self.folder / f"{name}.eml").read_bytes())


def content_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def text_of(part: Message) -> str:
    """The part's text; bytes its character set doesn't know become a replacement sign."""
    content = content_of(part)
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
