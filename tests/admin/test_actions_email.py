"""An outgoing e-mail's page: the letter in its cage, and sending a failed one again."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock, mailing
from billing.database import transaction
from billing.letter_kinds import SECRET_KINDS
from models import OutgoingEmail
from models.states import EmailState
from tests.support import Factory, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
LETTER = "<p style='color:red'>Dear Zoë</p><script>alert(1)</script>"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def retry(email_id: Any) -> str:
    return f"/admin/outgoingemail/do/retry/?id={email_id}"


def letter(email_id: Any) -> str:
    return f"/admin/outgoingemail/do/letter/?id={email_id}"


def written(make: Factory, **user: Any) -> int:
    """An invoice's e-mail whose letter was written."""
    make.invoice(make.user(**user))
    email_id = emails()[-1].id
    with transaction() as session:
        session.get_one(OutgoingEmail, email_id).html = LETTER
    return email_id


def failed(make: Factory, **user: Any) -> int:
    email_id = written(make, **user)
    mailing.claim_email(email_id)
    mailing.record_failure(email_id, "550 No such mailbox", final=True)
    return email_id


def test_a_failed_one_is_sent_again(make: Factory, staff_client: Build, post: Post) -> None:
    email_id = failed(make, email="zoe@example.org")
    client = staff_client()
    assert retry(email_id) in text_of(client.get(f"/admin/outgoingemail/details/?id={email_id}"))
    asked = text_of(client.get(retry(email_id)))
    assert "goes to zoe@example.org once more" in asked
    assert "550 No such mailbox" in asked
    assert fetch(OutgoingEmail, email_id).state is EmailState.FAILED
    answer = post(client, retry(email_id))
    assert answer.status_code == 303
    assert fetch(OutgoingEmail, email_id).state is EmailState.QUEUED
    assert "The e-mail to zoe@example.org is queued again." in text_of(client.get(answer.location))


def test_a_copy_shows_the_letter_it_is_of(make: Factory, staff_client: Build) -> None:
    email_id = written(make, email="zoe@example.org")
    mailing.record_sent(email_id, "<1@example.org>", copies=["copy@office.example"])
    (copy,) = emails("copy")
    page = text_of(staff_client().get(f"/admin/outgoingemail/details/?id={copy.id}"))
    assert f'href="/admin/outgoingemail/details/?id={email_id}">the letter to zoe@example' in page
    assert f'src="{letter(email_id)}"' in page


@pytest.mark.parametrize("kind", SECRET_KINDS)
def test_a_secret_letter_is_never_shown(make: Factory, staff_client: Build, kind: str) -> None:
    email_id = written(make)
    with transaction() as session:
        session.get_one(OutgoingEmail, email_id).kind = kind
    client = staff_client()
    page = text_of(client.get(f"/admin/outgoingemail/details/?id={email_id}"))
    assert "only the person it was sent to may use" in page
    assert client.get(letter(email_id)).status_code == 404


def test_one_that_did_not_fail_is_not(make: Factory, staff_client: Build, post: Post) -> None:
    email_id = written(make)
    client = staff_client()
    sentence = "Only an e-mail that failed can be sent again."
    assert sentence in text_of(client.get(f"/admin/outgoingemail/details/?id={email_id}"))
    for answer in (client.get(retry(email_id)), post(client, retry(email_id))):
        assert answer.status_code == 422
        assert sentence in text_of(answer)


def test_the_letter_is_shown_where_nothing_of_it_can_run(
    make: Factory, staff_client: Build
) -> None:
    email_id = written(make)
    client = staff_client()
    eye = text_of(client.get(f"/admin/outgoingemail/details/?id={email_id}"))
    assert f'sandbox src="{letter(email_id)}"' in eye
    assert "alert(1)" not in eye
    answer = client.get(letter(email_id))
    assert answer.status_code == 200
    assert answer.get_data(as_text=True) == LETTER
    policy = answer.headers["Content-Security-Policy"]
    parts = [part.strip() for part in policy.split(";")]
    for part in ("sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"):
        assert part in parts
    assert "script-src" not in policy
    assert "nonce-" not in policy
    assert "frame-ancestors 'self'" in parts
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert (
        "frame-ancestors 'none'" in client.get(retry(email_id)).headers["Content-Security-Policy"]
    )


def test_a_letter_not_written_yet_has_no_page(make: Factory, staff_client: Build) -> None:
    make.invoice()
    email_id = emails()[-1].id
    client = staff_client()
    eye = text_of(client.get(f"/admin/outgoingemail/details/?id={email_id}"))
    assert "written when it is first delivered" in eye
    assert client.get(letter(email_id)).status_code == 404


def test_a_password_link_is_never_shown(make: Factory, staff_client: Build) -> None:
    email_id = make.add(
        OutgoingEmail(
            kind="staff_password",
            occasion="staff_password:1",
            state=EmailState.SENT,
            to_address="boss@example.org",
            html="<a href='/admin/reset/secret'>",
            queued_at=clock.now(),
        )
    )
    client = staff_client()
    assert client.get(letter(email_id)).status_code == 404
    eye = client.get(f"/admin/outgoingemail/details/?id={email_id}")
    assert eye.status_code == 200
    assert "secret" not in text_of(eye)


def test_nothing_of_another_site(make: Factory, staff_client: Build, post: Post) -> None:
    mine, other = make.site(), make.site()
    email_id = failed(make, site_id=other)
    client = staff_client(sites=(mine,))
    for record in (email_id, 10**30, "x"):
        assert client.get(letter(record)).status_code == 404
        assert client.get(retry(record)).status_code == 404
        assert post(client, retry(record)).status_code == 404
    assert fetch(OutgoingEmail, email_id).state is EmailState.FAILED
    assert staff_client(sites=(other,)).get(letter(email_id)).status_code == 200


def test_each_needs_its_permission_and_a_token(
    make: Factory, staff_client: Build, post: Post
) -> None:
    email_id = failed(make)
    looker = staff_client(["emails.view"])
    assert looker.get(letter(email_id)).status_code == 200
    assert looker.get(retry(email_id)).status_code == 403
    assert post(looker, retry(email_id)).status_code == 403
    assert staff_client(["invoices.view"]).get(letter(email_id)).status_code == 403
    assert staff_client().post(retry(email_id)).status_code == 400
    assert fetch(OutgoingEmail, email_id).state is EmailState.FAILED
