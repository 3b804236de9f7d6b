"""From a row of the outbox to a letter: subject, HTML, plain text and what is attached.

Only the words are made here; delivering them is ``jobs.emails``. A letter is rendered when it is
delivered, so it tells how things stand then: nobody is asked for money that came in meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import css_inline
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from applications.links import application_url
from billing import sign_in_links
from billing.letter_kinds import COPY
from billing.links import invoice_url
from billing.method_links import method_url
from billing.office import get_settings, local_today
from billing.overdue import is_overdue
from documents import receipt_pdf
from documents.colours import accent
from documents.papers import invoice_paper, receipt_paper, surplus_of
from jobs.failed_letters import failed_context
from jobs.staff_letters import staff_context
from jobs.statement_letters import statement_context, statement_file
from models import Allocation, Application, Invoice, OutgoingEmail, Payment
from models.states import AllocationState
from web.letter_words import write_letter

KINDS = (
    "invoice",
    "invoice_again",
    "reminder",
    "receipt",
    "payment_failed",
    "payment_returned",
    "card_expiring",
    "fresh_link",
    "application_approved",
    "application_rejected",
    "outstanding_balance",
    "sign_in",
    "method_link",
    "message_preview",
    "statement",
    "staff_notice",
    "staff_digest",
    "staff_password",
)
LONGEST_SUBJECT = 255
_WITH_RECEIPT = ("receipt", "payment_returned")

# Never fetches anything: a style sheet is in the template or nowhere.
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Letter:
    """A letter ready to be sent: the same words twice, for every kind of reader."""

    subject: str
    html: str
    text: str
    attachments: tuple[Attachment, ...] = ()


def render(email: OutgoingEmail, session: Session) -> Letter:
    """Render an outbox row through ``templates/email``.

    Needs an application context, for the templates. Raises ``LookupError`` for a kind that has no
    template: such a row can never be delivered, and staff should see why.
    """
    if email.kind == COPY:
        return _again(session.get_one(OutgoingEmail, email.params["of"]), session)
    if email.kind not in KINDS:
        raise LookupError(f"There is no letter of the kind {email.kind!r}.")
    return replace(
        write(email.kind, _context(email, session)), attachments=_attached(email, session)
    )


def _again(sent: OutgoingEmail, session: Session) -> Letter:
    """The words that were kept of ``sent``: without what opens a customer's payment methods."""
    return Letter(sent.subject, sent.html, sent.text, _attached(sent, session))


def _attached(email: OutgoingEmail, session: Session) -> tuple[Attachment, ...]:
    if email.kind == "statement":
        name, data = statement_file(email, session)
        return (Attachment(name, "application/pdf", data),)
    return tuple(_receipts(email, session)) if email.kind in _WITH_RECEIPT else ()


def write(kind: str, context: dict[str, Any]) -> Letter:
    """Render the templates of ``kind`` with ``context``; nothing is attached."""
    written = write_letter(kind, context)
    return Letter(
        subject=one_line(written.subject),
        html=_inliner.inline(written.html),
        text=_tidy(written.text),
    )


def _context(email: OutgoingEmail, session: Session) -> dict[str, Any]:
    settings = get_settings(session)
    context: dict[str, Any] = {
        "office": settings,
        "colours": accent(settings.accent),
        "name": email.user.name if email.user else "",
        "params": email.params,
        "paper": None,
        "lines": (),
        "link": _web_address(email.params.get("link")),
    }
    if email.invoice is not None:
        paper = invoice_paper(session, email.invoice)
        context |= {
            "paper": paper,
            "content": paper.content,
            "lines": [line for line in paper.payments if line.payment_id == email.payment_id],
            "failed_amount": _claimed(session, email),
            "surplus": _surplus(email, session),
            "tried_for": _tried_for(email, session) if email.kind == "payment_failed" else (),
            "today": local_today(session).isoformat(),
            "overdue": is_overdue(email.invoice, local_today(session)),
        }
        if email.user_id is not None:
            context["link"] = invoice_url(email.invoice)
            context["paid_for"] = _paid_for(email, session)
            paid = sum(share for _invoice, share in context["paid_for"])
            context["paid_amount"] = paid + context["surplus"]
    if "application_id" in email.params:
        application = session.get_one(Application, email.params["application_id"])
        context |= {"application": application, "link": application_url(application)}
    if email.kind == "statement":
        context |= statement_context(email, session)
    if email.kind in ("staff_notice", "staff_digest"):
        context |= staff_context(email, session)
    if "sign_in_link" in email.params:
        context["link"] = sign_in_links.link_url(session, email.params["sign_in_link"])
    if email.kind in ("payment_failed", "payment_returned"):
        context |= failed_context(email, session)
    if email.kind in ("method_link", "card_expiring") and email.user is not None:
        context["link"] = method_url(email.user)
    return context


def _paid_for(email: OutgoingEmail, session: Session) -> list[tuple[Invoice, int]]:
    """The invoices a payment went to and its minor units for each."""
    rows = (
        select(Invoice, func.sum(Allocation.amount))
        .join(Allocation, Allocation.invoice_id == Invoice.id)
        .where(
            Allocation.payment_id == email.payment_id, Allocation.state == AllocationState.APPLIED
        )
        .group_by(Invoice.id)
        .order_by(Invoice.id)
    )
    return [(invoice, int(amount)) for invoice, amount in session.execute(rows)]


def _web_address(link: Any) -> str:
    """Keep a button from being anything but a web address."""
    return link if isinstance(link, str) and link.startswith(("http://", "https://")) else ""


def _claimed(session: Session, email: OutgoingEmail) -> int:
    """Minor units the letter's payment was meant to bring for its invoice."""
    shares = session.scalars(
        select(Allocation.amount).where(
            Allocation.payment_id == email.payment_id,
            Allocation.invoice_id == email.invoice_id,
            Allocation.refund_id.is_(None),
        )
    )
    return sum(shares)


def _tried_for(email: OutgoingEmail, session: Session) -> list[tuple[Invoice, int]]:
    """The invoices one payment was meant to pay and its minor units for each."""
    rows = (
        select(Invoice, Allocation.amount)
        .join(Allocation, Allocation.invoice_id == Invoice.id)
        .where(Allocation.payment_id == email.payment_id, Allocation.refund_id.is_(None))
        .order_by(Invoice.id)
    )
    return [(invoice, int(amount)) for invoice, amount in session.execute(rows)]


def _surplus(email: OutgoingEmail, session: Session) -> int:
    """Minor units of the letter's payment that no invoice uses."""
    payment = session.get(Payment, email.payment_id) if email.payment_id else None
    return surplus_of(payment) if payment else 0


def _receipts(email: OutgoingEmail, session: Session) -> list[Attachment]:
    """One receipt for each invoice the payment went to."""
    invoices = session.scalars(
        select(Invoice)
        .join(Allocation, Allocation.invoice_id == Invoice.id)
        .where(
            Allocation.payment_id == email.payment_id,
            Allocation.state.in_((AllocationState.APPLIED, AllocationState.REVERSED)),
        )
        .distinct()
        .order_by(Invoice.id)
    ).all()
    return [
        Attachment(
            f"receipt-{invoice.number}-{email.payment_id}.pdf",
            "application/pdf",
            receipt_pdf(receipt_paper(session, invoice, email.payment_id or 0)),
        )
        for invoice in invoices
    ]


def one_line(text: str) -> str:
    """A subject is one header line: a line break in a name must not begin another header."""
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_SUBJECT else f"{plain[: LONGEST_SUBJECT - 1]}…"


def _tidy(text: str) -> str:
    """Plain text as people write it: no more than one empty line, none at the ends."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"
