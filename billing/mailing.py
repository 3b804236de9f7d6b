"""The outbox: an e-mail is a row, written in the transaction of what it announces.

``occasion`` is unique, so an announcement made twice (a webhook repeated, a job run again) is still
one letter. Delivery is asked for after the commit, and a sweep finds what that lost.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM, Actor
from billing.database import later, lock, reading, transaction
from billing.errors import Refusal
from billing.history import note
from billing.letter_kinds import COPY
from billing.notice_kinds import known_kind
from billing.notices import News, letters_for
from models import Invoice, OutgoingEmail, Payment, Staff, User
from models.states import EmailState

MAX_TRIES = 8
# Minutes until the next try after the first, second, … failure.
BACKOFF_MINUTES = (1, 5, 15, 60, 180, 360, 720)
# Parts of a letter that open something; forgotten as soon as the letter is out.
SECRETS = ("link", "token")
# A delivery that has not reported back for so long died with its worker.
CLAIM = dt.timedelta(minutes=10)
WORKER_STOPPED = "The worker stopped while sending it."
# A mailbox that is busy takes a letter at the second or third try, long before this.
PATIENCE = dt.timedelta(minutes=15)


def queue_email(
    session: Session,
    kind: str,
    occasion: str,
    user: User | None,
    *,
    invoice: Invoice | None = None,
    payment: Payment | None = None,
    params: dict[str, Any] | None = None,
    to_address: str = "",
) -> OutgoingEmail | None:
    """Put an e-mail in the outbox and return its row.

    kind     -- names its template in ``templates/email``
    occasion -- unique: what it is about and the how-manieth time
    user     -- who gets it; or, for staff, None and ``to_address``

    Returns None when nothing will be sent: the user has no e-mail, or it was queued already.
    """
    if user is not None:
        if not user.reachable:
            return None
        to_address = user.email or ""
    if not to_address:
        return None
    values = {
        "kind": kind,
        "occasion": occasion,
        "state": EmailState.QUEUED,
        "to_address": to_address,
        "user_id": user.id if user else None,
        "invoice_id": invoice.id if invoice else None,
        "payment_id": payment.id if payment else None,
        "params": params or {},
        "subject": "",
        "html": "",
        "text": "",
        "message_id": "",
        "error": "",
        "tries": 0,
        "queued_at": clock.now(),
        "next_try_at": clock.now(),
    }
    session.flush()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(OutgoingEmail)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["occasion"])
        .returning(OutgoingEmail.id)
    )
    email_id = session.execute(statement).scalar_one_or_none()
    if email_id is None:
        return None
    later(session, "emails.deliver", [email_id])
    return session.get(OutgoingEmail, email_id)


def notify_staff(
    session: Session,
    occasion: str,
    title: str,
    sentence: str,
    *,
    kind: str = "other",
    invoice: Invoice | None = None,
    payment: Payment | None = None,
    user: User | None = None,
) -> None:
    """Tell staff about something a person should look at: at once, or in their daily digest.

    kind -- one of ``billing.notice_kinds.KINDS``; who hears of it, and how, is decided there
    """
    tell(session, News(occasion, known_kind(kind), title, sentence, invoice, payment, user))


def tell(session: Session, news: News, to: Iterable[Staff] | None = None) -> None:
    """Queue the letters of ``news``, or of what it says to the staff named in ``to`` only."""
    for letter in letters_for(session, news, to):
        queue_email(
            session,
            "staff_notice",
            letter.occasion,
            None,
            invoice=news.invoice,
            payment=news.payment,
            params=letter.params,
            to_address=letter.to_address,
        )


def claim_email(email_id: int) -> bool:
    """Take one e-mail for delivery; False when somebody else has it or it is not due.

    The conditional update must change exactly one row, so two workers never send the same letter.
    One whose workers died at its every try is given up: it may be what they died of.
    """
    now = clock.now()
    with transaction() as session:
        claimed = session.execute(
            update(OutgoingEmail)
            .where(
                OutgoingEmail.id == email_id,
                OutgoingEmail.state.in_((EmailState.QUEUED, EmailState.SENDING)),
                OutgoingEmail.next_try_at <= now,
            )
            .values(
                state=EmailState.SENDING,
                tries=OutgoingEmail.tries + 1,
                next_try_at=now + CLAIM,
            )
            .returning(OutgoingEmail.tries)
            .execution_options(synchronize_session=False)
        )
        tries = claimed.scalar_one_or_none()
        if tries is not None and tries > MAX_TRIES:
            email = lock(session, OutgoingEmail, email_id)
            email.tries = MAX_TRIES
            _give_up(session, email, WORKER_STOPPED)
            return False
        return tries is not None


def record_sent(email_id: int, message_id: str, *, copies: Sequence[str] = ()) -> None:
    """Note that the mail server accepted the letter, and queue a copy for each of ``copies``.

    A copy is a letter of its own: whatever becomes of it, this one neither fails nor goes out
    twice, and nobody has a copy of what the customer did not get.
    """
    with transaction() as session:
        email = lock(session, OutgoingEmail, email_id)
        email.state = EmailState.SENT
        email.sent_at = clock.now()
        email.message_id = message_id
        email.next_try_at = None
        email.error = ""
        email.params = {name: v for name, v in email.params.items() if name not in SECRETS}
        for number, address in enumerate(copies):
            occasion = f"{COPY}:{email.id}:{number}"
            queue_email(session, COPY, occasion, None, params={"of": email.id}, to_address=address)


def record_failure(email_id: int, error: str, *, final: bool) -> None:
    """Note that a try failed; plan the next one, or give up and show it to staff.

    final -- the server said a permanent no (5xx to this address), so trying again is pointless
    """
    with transaction() as session:
        email = lock(session, OutgoingEmail, email_id)
        if final or email.tries >= MAX_TRIES:
            _give_up(session, email, error)
        else:
            wait = BACKOFF_MINUTES[min(email.tries, len(BACKOFF_MINUTES)) - 1]
            email.error = error[:1000]
            email.state = EmailState.QUEUED
            email.next_try_at = clock.now() + dt.timedelta(minutes=wait)


def _give_up(session: Session, email: OutgoingEmail, error: str) -> None:
    email.error = error[:1000]
    email.state = EmailState.FAILED
    email.next_try_at = None
    subject = session.get(Invoice, email.invoice_id) if email.invoice_id else None
    sentence = f"The e-mail “{email.subject or email.kind}” could not be delivered"
    note(session, subject or email, "email_failed", sentence, SYSTEM, reason=email.error)
    if email.user_id is not None:
        _tell_undelivered(session, email, subject, sentence)


def _tell_undelivered(
    session: Session, email: OutgoingEmail, invoice: Invoice | None, sentence: str
) -> None:
    """Tell staff about a customer's letter. One to staff could only fail the same way again."""
    notify_staff(
        session,
        f"email-failed:{email.id}:{clock.now():%Y%m%d%H%M%S}",
        "An e-mail could not be delivered",
        f"{sentence}. {email.error}",
        kind="email_failed",
        invoice=invoice,
    )


def tried_in_vain() -> ColumnElement[bool]:
    """Return the condition that an e-mail was tried, is not given up, and is long in the outbox."""
    return and_(
        OutgoingEmail.state == EmailState.QUEUED,
        OutgoingEmail.tries > 0,
        OutgoingEmail.queued_at < clock.now() - PATIENCE,
    )


def retry_email(email_id: int, *, actor: Actor) -> None:
    """Queue a failed e-mail again, at once; refused unless it failed."""
    with transaction() as session:
        email = lock(session, OutgoingEmail, email_id)
        if email.state is not EmailState.FAILED:
            raise Refusal("Only an e-mail that failed can be sent again.", "not_failed")
        email.state = EmailState.QUEUED
        email.tries = 0
        email.next_try_at = clock.now()
        note(session, email, "retry", "Queued to be sent again", actor)
        later(session, "emails.deliver", [email.id])


def due_emails(limit: int = 500) -> list[int]:
    """Return the e-mails a sweep should ask for again: queued or stuck, and due."""
    with reading() as session:
        due = select(OutgoingEmail.id).where(
            OutgoingEmail.state.in_((EmailState.QUEUED, EmailState.SENDING)),
            OutgoingEmail.next_try_at <= clock.now(),
        )
        return list(session.scalars(due.order_by(OutgoingEmail.next_try_at).limit(limit)))
