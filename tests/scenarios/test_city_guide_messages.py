"""The city guide, row by row: messages to everybody with a permit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from jobs import emails as letters
from jobs import messages as jobs
from messaging.delivery import take_turn
from models import Invoice, Message
from tests.messaging.helpers import Sink, work
from tests.scenarios.city import Person, adds_up
from tests.support import Clock, Factory, all_of, emails, fetch

Staff = Callable[..., FlaskClient]


def applicant(make: Factory, form: int, name: str, **more: Any) -> int:
    """Somebody with an approved application; ``no_email`` leaves the address out."""
    email = None if more.get("no_email") else f"{name.lower()}@example.org"
    user = make.user(name, email=email, **more)
    make.application(user, form_id=form, state="approved", fees=0)
    return user


def pay_in_cash(client: FlaskClient, invoice_id: int, amount: str) -> None:
    staff = Person(client).open(f"/admin/invoice/in-person/?id={invoice_id}")
    staff.press("Process Invoice", tender="cash", amount=amount)


def test_messages(
    make: Factory, staff_client: Staff, sandbox: Any, sink: Sink, time: Clock
) -> None:
    """“Draft → show content / send a preview to yourself and others → send → archive. Duplicate
    copies all to a new draft. Recipients: approved applications of the chosen form + extra
    addresses. Excluded: inactive applications; users with unpaid invoices (back in by themselves
    once paid in full); explicitly excluded addresses; users with no e-mail.”

    Before sending, show how many will get it and the list of who is left out and why. A draft
    invoice excludes nobody; partly paid still excludes. Eligibility is decided at the moment of
    sending; progress bar; a run that dies half-way continues without writing anyone twice.
    """
    form = make.form("2027 Dog Park")
    for name in ("Ann", "Dee"):
        applicant(make, form, name)
    bob, fay, gus = (applicant(make, form, name) for name in ("Bob", "Fay", "Gus"))
    applicant(make, form, "Eve", no_email=True)
    cid = make.application(make.user("Cid", email="cid@example.org"), form_id=form, fees=0)
    unpaid, partly = make.invoice(bob), make.invoice(gus)
    make.invoice(fay, state="draft")
    client = staff_client()
    pay_in_cash(client, partly, "5")
    staff = Person(client).open(f"/admin/application/details/?id={cid}").choose("Mark Inactive")
    staff.press("Mark Inactive")
    staff.open("/admin/message/").choose("New message").press(
        "Save draft",
        subject="The park is closed on {form}",
        body="Dear {name},\n\nplease come back in May.",
        form=str(form),
        extra="guest@example.org",
        excluded="dee@example.org",
    )
    eye = staff.path
    assert "The draft is kept. Nothing was sent yet." in staff.words
    assert staff.find("//iframe[@title='The message as a recipient gets it']")
    staff.choose("Send message preview")
    staff.press("Send message preview", addresses="me@example.org\nyou@example.org")
    assert "The preview is on its way to 2 addresses." in staff.words
    letters.deliver([row.id for row in emails("message_preview")])
    assert sorted(sink.addresses) == ["me@example.org", "you@example.org"]
    sink.addresses.clear()
    staff.choose("Send")
    assert "Will get it 3 Left out 5" in staff.main
    for person in (
        "Cid cid@example.org Inactive application",
        "Bob bob@example.org Unpaid invoice",
        "Gus gus@example.org Unpaid invoice",
        "Dee dee@example.org Excluded",
        "Eve – No e-mail",
    ):
        assert person in staff.main
    pay_in_cash(client, unpaid, "20")
    staff.press("Send")
    assert "Sending to 4 recipients has begun. 4 left out." in staff.words
    assert staff.find("//progress")
    [message] = all_of(Message)
    # A worker takes its turn and dies with it.
    assert take_turn(message.id) is not None
    assert jobs.send([message.id]) == "0 letters sent"
    time.advance(minutes=10)
    jobs.sweep([])
    work(message.id)
    told = ["ann@example.org", "bob@example.org", "fay@example.org", "guest@example.org"]
    assert sorted(sink.addresses) == told
    assert "Dear Ann," in sink.letter_to("ann@example.org").get_body(("plain",)).get_content()
    assert "4 of 4 letters sent" in staff.open(eye).main
    staff.press("Duplicate message")
    assert "This is the copy: a new draft. Nothing was sent yet." in staff.words
    copy = all_of(Message)[-1]
    assert copy.subject == f"Copy of {message.subject}"
    assert (copy.body, copy.form_id) == (message.body, message.form_id)
    for address in ("guest@example.org", "dee@example.org"):
        assert address in staff.main
    pay_in_cash(client, partly, f"{fetch(Invoice, partly).balance / 100:.2f}")
    staff.choose("Send")
    assert "Will get it 5 Left out 3" in staff.main
    staff.open(eye).choose("Archive").press("Archive")
    assert fetch(Message, message.id).state == "archived"
    assert message.subject not in " ".join(staff.open("/admin/message/?state=sent").rows())
    assert sink.twice() == []
    adds_up()
