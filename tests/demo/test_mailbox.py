"""Mail goes in by SMTP and is seen on the page, and nothing in it can act there."""

from __future__ import annotations

import re
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.error import HTTPError

import pytest

from demo.mail_page import create_page
from demo.mail_store import MailStore
from demo.ports import HOST
from demo.start import listens
from tests.demo.conftest import ROOT, wait_until


def message(to: str = "Zoë 王 <zoe@example.com>", subject: str = "Invoice 7") -> EmailMessage:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = "City Permit Office <billing@example.com>"
    made["To"] = to
    made["Subject"] = subject
    made.set_content("You owe €120.00")
    made.add_alternative('<html><head></head><p>You owe <b>€120</b><img src="cid:logo">', "html")
    designed = made.get_body(("html",))
    assert designed is not None
    designed.add_related(b"picture", "image", "png", cid="<logo>")
    made.add_attachment(b"%PDF-", "application", "pdf", filename='../in"voice.pdf')
    return made


@pytest.fixture
def store(tmp_path: Path) -> MailStore:
    return MailStore(tmp_path)


@pytest.fixture
def mailbox(tmp_path: Path, port: int) -> Iterator[int]:
    """A running mailbox: its page is at the port given, its SMTP one further."""
    ports = ["--http-port", str(port), "--smtp-port", str(port + 1)]
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.mailbox", *ports, "--folder", str(tmp_path)], cwd=ROOT
    )
    assert wait_until(lambda: listens(port) and listens(port + 1))
    yield port
    process.terminate()
    assert process.wait(20) == 0


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=20) as answer:
        return str(answer.read().decode())


def test_from_smtp_to_the_page(mailbox: int) -> None:
    assert "Nothing here yet" in get(mailbox, "/")
    with smtplib.SMTP(HOST, mailbox + 1, timeout=20) as smtp:
        smtp.send_message(message())
        for address, code in (("refuse@example.com", 550), ("Later@example.com", 451)):
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                smtp.send_message(message(), to_addrs=[address])
            assert refused.value.recipients[address][0] == code
        smtp.send_message(message(subject="Second"), to_addrs=["refuse@x.example", "bcc@x.example"])
    listed = get(mailbox, "/")
    assert "2 messages" in listed
    assert "Zoë 王" in listed
    second, first = re.findall(r'href="(/mail/[0-9a-f-]+)"', listed)
    assert "City Permit Office" in get(mailbox, first)
    assert "You owe €120.00" in get(mailbox, f"{first}?view=text")
    assert "X-Envelope-To: bcc@x.example" in get(mailbox, f"{second}?view=source")
    assert second.endswith(re.findall(r'"newest":"([^"]+)"', get(mailbox, "/news"))[0])


def test_a_foreign_name_is_not_answered_to(mailbox: int) -> None:
    asked = urllib.request.Request(f"http://{HOST}:{mailbox}/", headers={"Host": "evil.example"})
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=20)
    assert refused.value.code == 400
    refused.value.close()


def test_the_html_is_shown_where_it_can_do_nothing(store: MailStore) -> None:
    name = store.keep(message().as_bytes(), ["zoe@example.com"])
    page = create_page(store).test_client()
    frame = page.get(f"/mail/{name}/html")
    assert 'src="data:image/png;base64,' in frame.text
    assert '<head><base target="_blank">' in frame.text
    rules = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "script-src" not in rules
    assert "allow-scripts" not in rules
    assert "sandbox allow-popups" in rules
    around = page.get(f"/mail/{name}").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in around


def test_everything_else_is_escaped(store: MailStore) -> None:
    bad = "<script>alert(1)</script>"
    sent = EmailMessage()
    sent["Subject"], sent["To"], sent["Cc"] = bad, f'"{bad}" <a@example.com>', f'"{bad}" <b@x.org>'
    sent.set_content(bad)
    sent.add_attachment(b"", "text", "html", filename=f"{bad}.html")
    name = store.keep(sent.as_bytes(), [])
    page = create_page(store).test_client()
    for path in ("/", f"/mail/{name}", f"/mail/{name}?view=source", "/?q=%3Cscript%3E"):
        shown = page.get(path)
        assert "<script>" not in shown.text
        assert "alert(1)" in shown.text
        assert "default-src 'none'; script-src 'self'" in shown.headers["Content-Security-Policy"]


def test_attachments_are_saved_never_shown(store: MailStore) -> None:
    name = store.keep(message().as_bytes(), [])
    page = create_page(store).test_client()
    (path,) = re.findall(r'href="(/mail/[^"]+/attachment/\d+)"', page.get(f"/mail/{name}").text)
    saved = page.get(path)
    assert saved.data == b"%PDF-"
    assert saved.mimetype == "application/octet-stream"
    assert saved.headers["Content-Disposition"] == "attachment; filename=..invoice.pdf"
    assert page.get(f"/mail/{name}/raw").headers["Content-Disposition"].startswith("attachment")
    assert page.get(f"/mail/{name}/attachment/99").status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b"Subject: =?utf-8?b?////?=\r\nTo: @@@<<>>,;\r\nDate: never\r\n\r\n\xff\xfe",
        b"Content-Type: text/html; charset=klingon\r\n\r\n<p>hello",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nnever closed",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b'From: \r\nTo: "unclosed\r\nSubject: a\r\n b\r\n\r\nhello',
    ],
)
def test_a_malformed_message_is_shown_as_far_as_it_goes(store: MailStore, raw: bytes) -> None:
    name = store.keep(raw, ["someone@example.com"])
    page = create_page(store).test_client()
    assert page.get("/").status_code == 200
    for view in ("html", "text", "source", "nonsense"):
        assert page.get(f"/mail/{name}?view={view}").status_code == 200


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    store = MailStore(tmp_path, kept=3)
    names = [store.keep(message(subject=f"No. {count}").as_bytes(), []) for count in range(5)]
    assert store.names() == names[:1:-1]
    page = create_page(store).test_client()
    gone = page.get(f"/mail/{names[0]}")
    assert gone.status_code == 404
    assert "This message is gone" in gone.text


@pytest.mark.parametrize("name", ["../secrets", "..%2fsecrets", "x", "0" * 20])
def test_a_name_leads_nowhere_else(store: MailStore, name: str) -> None:
    (store.folder.parent / "secrets.eml").write_text("secret")
    assert create_page(store).test_client().get(f"/mail/{name}").status_code == 404


def test_searching_finds_words_of_subject_and_recipient(store: MailStore) -> None:
    store.keep(message(subject="Receipt for Anna", to="anna@example.com").as_bytes(), [])
    store.keep(message(subject="Invoice for Bob", to="bob@example.com").as_bytes(), [])
    page = create_page(store).test_client()
    found = page.get("/?q=receipt+ANNA@").text
    assert "Receipt for Anna" in found
    assert "Invoice for Bob" not in found
    assert "No message matches" in page.get("/?q=nobody").text
