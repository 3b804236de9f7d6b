"""What staff are told about, who is told, and how: at once, in the daily digest, or not at all.

Told is whoever holds the permission and works at the site the news is about. Where nobody does,
the office's own address is told, so no news is said to nobody; where everybody chose not to hear
of a kind, that is respected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.notice_kinds import CHOICE_WORDS, KINDS, Choice, path_of, user_path
from billing.office import get_settings
from models import Invoice, OutgoingEmail, Payment, Staff, StaffNotice, User
from models.states import ActorKind

PERMISSION = "notices.receive"
# Letters of one kind to one person within the window; what comes then waits for the digest.
MOST_AT_ONCE = 10
WINDOW = dt.timedelta(hours=1)
_REST_WAITS = "More of this kind within the hour wait for your daily digest."
_REST_IS_SHOWN = "More of this kind within the hour are shown in the panel only."


@dataclass(frozen=True)
class News:
    """Something staff should know. ``occasion`` is unique: what it is about, and which time.

    It leads to its invoice, else its payment, else the page of ``user``; where it leads elsewhere,
    the page of a ``user`` is a second way out of the letter.
    """

    occasion: str
    kind: str
    title: str
    sentence: str
    invoice: Invoice | None = None
    payment: Payment | None = None
    user: User | None = None

    @property
    def site_id(self) -> int | None:
        """The site it is about; None is news of the whole office."""
        about = self.invoice or self.payment
        return about.site_id if about is not None else None

    @property
    def path(self) -> str:
        """Where in the panel it leads."""
        return path_of(
            self.kind,
            self.invoice.id if self.invoice else None,
            self.payment.id if self.payment else None,
            self.user.id if self.user else None,
        )


@dataclass(frozen=True)
class Letter:
    """A notice to be e-mailed at once."""

    occasion: str
    to_address: str
    params: dict[str, Any]


def choice_of(staff: Staff, kind: str) -> Choice:
    """Return how this person wants to hear of ``kind``: as they chose, else as is usual."""
    try:
        return Choice(str((staff.notices or {}).get(kind)))
    except ValueError:
        return KINDS[kind].default


def may_receive(staff: Staff) -> bool:
    """Whether any of this person's roles lets them hear of news, and they can still sign in."""
    return staff.active and any(PERMISSION in role.get_permissions() for role in staff.roles)


def receivers(session: Session) -> list[Staff]:
    """Return all who may be told anything, by id."""
    people = session.scalars(select(Staff).where(Staff.active).order_by(Staff.id))
    return [staff for staff in people if may_receive(staff)]


def covers(staff: Staff, site_id: int | None) -> bool:
    """Whether news of a site (None: of the whole office) is this person's business."""
    return not staff.site_ids or site_id in staff.site_ids


def letters_for(session: Session, news: News, to: Iterable[Staff] | None = None) -> list[Letter]:
    """Write down who is told ``news`` and return the letters to send at once.

    to -- whom to tell; left out, all whose business it is

    News told before, by its occasion, is told to nobody again.
    """
    if to is None:
        to = [staff for staff in receivers(session) if covers(staff, news.site_id)]
    people = list(to)
    if not people:
        return _to_the_office(session, news)
    wanted = [(staff, choice_of(staff, news.kind)) for staff in people]
    return _tell(session, news, [pair for pair in wanted if pair[1] is not Choice.OFF])


def _tell(session: Session, news: News, wanted: Sequence[tuple[Staff, Choice]]) -> list[Letter]:
    now = clock.now()
    lately = _told_lately(session, news.kind, [staff.id for staff, _choice in wanted])
    rows, at_once = [], {}
    for staff, choice in wanted:
        told = lately.get(staff.id, 0)
        if choice is Choice.AT_ONCE and told < MOST_AT_ONCE:
            at_once[staff.id] = _letter(news, staff, last=told + 1 == MOST_AT_ONCE)
        rows.append(
            {
                "staff_id": staff.id,
                "kind": news.kind,
                "occasion": news.occasion,
                "title": news.title[:200],
                "sentence": news.sentence,
                "invoice_id": news.invoice.id if news.invoice else None,
                "payment_id": news.payment.id if news.payment else None,
                "user_id": news.user.id if news.user else None,
                "created_at": now,
                "digested_at": now if staff.id in at_once else None,
            }
        )
    fresh = _insert(session, rows)
    return [letter for staff_id, letter in at_once.items() if staff_id in fresh]


def _insert(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Insert the rows in one statement and return whose were new."""
    if not rows:
        return set()
    session.flush()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(StaffNotice)
        .values(list(rows))
        .on_conflict_do_nothing(index_elements=["staff_id", "occasion"])
        .returning(StaffNotice.staff_id)
    )
    return set(session.scalars(statement))


def _letter(news: News, staff: Staff, *, last: bool) -> Letter:
    return Letter(
        f"notice:{staff.id}:{news.occasion}",
        staff.email,
        {**_params(news, _REST_WAITS if last else ""), "choosable": True},
    )


def _params(news: News, more: str) -> dict[str, Any]:
    sentences = [news.sentence, more] if more else [news.sentence]
    return {
        "kind": news.kind,
        "title": news.title,
        "sentence": news.sentence,
        "sentences": sentences,
        "path": news.path,
        "user_path": user_path(news.user.id) if news.user else "",
    }


def _told_lately(session: Session, kind: str, staff_ids: list[int]) -> dict[int, int]:
    """Return how many letters of ``kind`` each of them was sent at once within the window.

    Charges that fail at the very same moment may each count without the other, so somebody may get
    a letter or two more; locking people's rows for that would make charges wait for each other.
    """
    rows = session.execute(
        select(StaffNotice.staff_id, func.count())
        .where(
            StaffNotice.staff_id.in_(staff_ids),
            StaffNotice.kind == kind,
            StaffNotice.created_at > clock.now() - WINDOW,
            StaffNotice.digested_at == StaffNotice.created_at,
        )
        .group_by(StaffNotice.staff_id)
    )
    return {staff_id: int(count) for staff_id, count in rows}


def _to_the_office(session: Session, news: News) -> list[Letter]:
    address = get_settings(session).email
    if not address:
        return []
    told = session.scalar(
        select(func.count()).where(
            OutgoingEmail.user_id.is_(None),
            OutgoingEmail.kind == "staff_notice",
            OutgoingEmail.to_address == address,
            OutgoingEmail.queued_at > clock.now() - WINDOW,
            OutgoingEmail.params["kind"].as_string() == news.kind,
        )
    )
    if (told or 0) >= MOST_AT_ONCE:
        return []
    more = _REST_IS_SHOWN if told == MOST_AT_ONCE - 1 else ""
    return [Letter(f"notice:{news.occasion}", address, _params(news, more))]


def set_notices(staff_id: int, choices: Mapping[str, str], *, actor: Actor) -> bool:
    """Keep how somebody wants to hear of each kind; return whether anything changed.

    choices -- by kind; a kind that is missing stays as it is

    Everybody chooses for themselves. Raises ``Refusal`` for another person's choices, and for a
    kind or a choice there is not.
    """
    if actor.kind is not ActorKind.STAFF or actor.id != staff_id:
        raise Refusal("Everybody chooses their own notices.", "not_own")
    wanted = {kind: _read(kind, choice) for kind, choice in choices.items()}
    with transaction() as session:
        staff = lock(session, Staff, staff_id)
        before = {kind: choice_of(staff, kind) for kind in wanted}
        changes = {
            kind: [CHOICE_WORDS[before[kind]], CHOICE_WORDS[choice]]
            for kind, choice in wanted.items()
            if before[kind] is not choice
        }
        if not changes:
            return False
        kept = {kind: staff.notices[kind] for kind in KINDS if kind in (staff.notices or {})}
        staff.notices = {**kept, **{kind: choice.value for kind, choice in wanted.items()}}
        sentence = "Chose which notices to get"
        note(session, staff, "set_notices", sentence, actor, details={"changes": changes})
        return True


def _read(kind: str, choice: str) -> Choice:
    if kind not in KINDS:
        raise Refusal("There is no such kind of notice.", "unknown_kind")
    try:
        return Choice(choice)
    except ValueError:
        raise Refusal("Choose at once, daily or off.", "unknown_choice", kind) from None
