"""Messages and their recipients in the generated panel: the list, the Eye page, the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import redirect, request, url_for
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import func, select

from admin.base import cells, eye
from admin.base.access import holds, requires
from admin.base.actions import choices_for
from admin.base.columns import Column
from admin.base.eye import Figure
from admin.base.filters import ChoiceFilter
from admin.base.listing import Listing
from admin.base.registry import view_of
from admin.base.view import RecordView
from admin.base.words import Words, words
from admin.pages.messages_sending import progress_words
from messaging.audience import REASONS
from messaging.sending import Progress, progress
from models import Message, MessageExclusion, MessageExtra, MessageRecipient, db
from models.states import LeftOut, MessageState, RecipientState

R = RecipientState
S = MessageState
SHOWN = 25
ADDRESSES = 50
# Name in the address → words, and the states it stands for.
STATES: dict[str, tuple[str, tuple[RecipientState, ...]]] = {
    "waiting": ("Waiting", (R.WAITING, R.SENDING)),
    "sent": ("Sent", (R.SENT,)),
    "failed": ("Failed", (R.FAILED,)),
    "unknown": ("May have been sent", (R.UNKNOWN,)),
    "skipped": ("Left out", (R.SKIPPED,)),
}


@dataclass(frozen=True)
class Shown:
    """The table of recipients on a message's page; pills: (words, count, address, current)."""

    columns: Sequence[Column]
    rows: list[tuple[int, Markup]]
    pills: list[tuple[str, int, str, bool]]
    reasons: list[tuple[str, int]]
    more_url: str | None
    eye: str | None


class RecipientView(RecordView):
    """Recipients, reached from their message: who got it, who did not, and why."""

    record = MessageRecipient
    empty = "They are decided when a message is sent."

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        options = tuple((reason.value, text) for reason, text in REASONS.items())
        self.filters = [
            replace(each, options=options)
            if isinstance(each, ChoiceFilter) and each.name == "reason"
            else each
            for each in self.filters
        ]

    def is_visible(self) -> bool:
        return False

    def column(self, name: str) -> Column:
        column = super().column(name)
        if name == "state":
            return replace(column, render=_state)
        if name == "reason":
            return replace(column, render=_reason, plain=_plain_reason)
        return column


def _state(values: Sequence[Any], words: Words, full: bool) -> Markup:
    if values[0] == R.UNKNOWN:
        return Markup('<span class="badge badge-wait">May have been sent</span>')
    return cells.badge("left_out" if values[0] == R.SKIPPED else values[0])


def _reason(values: Sequence[Any], words: Words, full: bool) -> Any:
    return cells.EMPTY if values[0] is None else REASONS[LeftOut(values[0])]


def _plain_reason(values: Sequence[Any], words: Words) -> str:
    return "" if values[0] is None else REASONS[LeftOut(values[0])]


class MessageView(RecordView):
    """Messages, written by their own pages."""

    record = Message
    empty = "Write to everybody with an approved application of a form, or to any addresses."
    strip = "Delivery"

    def may_create(self) -> bool:
        return holds("messages.edit")

    @expose("/new/")
    @requires("messages.edit")
    def create_view(self) -> Any:
        return redirect(url_for("message_pages.write"))

    @expose("/details/")
    def details_view(self) -> Any:
        message = self._record(*eye.loading(self))
        spoken = words()
        far = progress(db.session(), message.id)
        draft = message.state is S.DRAFT
        return self.render(
            "admin/pages/messages/eye.html",
            record=message,
            title=self.title_of(message),
            badges=self.badges(message, spoken),
            # While it is being sent the bar says the numbers, and keeps them fresh.
            figures=figures_of(message, far) if far.state not in (S.DRAFT, S.SENDING) else [],
            actions=choices_for(message),
            sections=eye.sections_of(self, message, spoken),
            related=[],
            history=eye.history_for(message, spoken),
            far=far,
            progress_words=progress_words(far),
            typed=[
                ("Extra recipients", *typed_of(MessageExtra, message)),
                ("Excluded recipients", *typed_of(MessageExclusion, message)),
            ],
            recipients=None if draft else self._recipients(message, far, spoken),
        )

    def _recipients(self, message: Message, far: Progress, spoken: Words) -> Shown:
        wanted = request.args.get("recipients", "")
        wanted = wanted if wanted in STATES else ""
        view = view_of(MessageRecipient)
        assert view is not None
        columns = view.columns
        listing = self.kept.get(
            ("recipients", spoken.today), lambda: Listing(MessageRecipient, columns, spoken)
        )
        statement = listing.statement().where(MessageRecipient.message_id == message.id)
        if wanted:
            statement = statement.where(MessageRecipient.state.in_(STATES[wanted][1]))
        rows = db.session.execute(statement.order_by(MessageRecipient.id).limit(SHOWN + 1)).all()
        asked: dict[str, Any] = {"state": wanted} if wanted else {}
        more = url_for("messagerecipient.index_view", message=message.id, **asked)
        return Shown(
            columns=columns,
            rows=[(row[0], listing.cells(row, spoken)) for row in rows[:SHOWN]],
            pills=pills_of(message, far, wanted),
            reasons=reasons_of(message) if far.skipped else [],
            more_url=more if len(rows) > SHOWN else None,
            eye=spoken.eye("messagerecipient", ""),
        )


def narrowed(message: Message, state: str) -> str:
    """Return the address of the message's page with only the recipients in ``state``."""
    asked: dict[str, Any] = {"recipients": state} if state else {}
    return url_for("message.details_view", id=message.id, _anchor="recipients", **asked)


def figures_of(message: Message, far: Progress) -> list[Figure]:
    """Return the numbers at the top of a message that was sent."""
    figures = [
        Figure("Recipients", f"{far.recipients:,}", url=narrowed(message, "")),
        Figure("Sent", f"{far.sent:,}", url=narrowed(message, "sent")),
        Figure(
            "Failed",
            f"{far.failed:,}",
            "overdue" if far.failed else "",
            narrowed(message, "failed"),
        ),
        Figure("Left out", f"{far.skipped:,}", url=narrowed(message, "skipped")),
    ]
    if far.unknown:
        doubt = Figure("May have been sent", f"{far.unknown:,}", url=narrowed(message, "unknown"))
        figures.insert(3, doubt)
    return figures


def pills_of(message: Message, far: Progress, wanted: str) -> list[tuple[str, int, str, bool]]:
    """Return the states to narrow the recipients by, from counts that are kept anyway."""
    counts = {
        "waiting": far.waiting,
        "sent": far.sent,
        "failed": far.failed,
        "unknown": far.unknown,
        "skipped": far.skipped,
    }
    every = ("All", far.recipients + far.skipped, narrowed(message, ""), not wanted)
    return [every] + [
        (STATES[name][0], count, narrowed(message, name), wanted == name)
        for name, count in counts.items()
    ]


def reasons_of(message: Message) -> list[tuple[str, int]]:
    """Return why people were left out, each with how many."""
    count = func.count()
    rows: Any = db.session.execute(
        select(MessageRecipient.reason, count)
        .where(MessageRecipient.message_id == message.id, MessageRecipient.state == R.SKIPPED)
        .group_by(MessageRecipient.reason)
        .order_by(count.desc(), MessageRecipient.reason)
    )
    return [(REASONS[LeftOut(reason)], number) for reason, number in rows]


def typed_of(kind: Any, message: Message) -> tuple[list[str], int]:
    """Return the first addresses typed by hand, and how many more there are."""
    mine = kind.message_id == message.id
    found = select(kind.address).where(mine).order_by(kind.id).limit(ADDRESSES)
    first = list(db.session.scalars(found))
    if len(first) < ADDRESSES:
        return first, 0
    every = db.session.scalar(select(func.count()).select_from(kind).where(mine)) or 0
    return first, every - len(first)
