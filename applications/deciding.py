"""Handing in, deciding, and taking out of use. Every step goes through ``transitions.move``."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from applications import guards, letters
from applications.fees import checked_reason, lock_with_user, recompute
from billing import clock
from billing.actor import Actor
from billing.database import transaction
from billing.errors import Refusal
from billing.history import note, state_before
from billing.locks import lock_application
from billing.transitions import move
from models import Application, History
from models.states import ActorKind, ApplicationState

A = ApplicationState
MAX_ANSWERS = 20_000


def submit(application_id: int, *, actor: Actor) -> None:
    """Hand a draft in: its fees are worked out and it waits for a decision.

    Refused unless it is a draft of a form that is open for applications.
    """
    with transaction() as session:
        application = lock_with_user(session, application_id)
        guards.require(guards.why_not_submit(session, application))
        if not application.form.active:
            raise Refusal("This form is not open for applications any more.", "form_closed")
        recompute(session, application, actor, "Handed in")
        application.submitted_at = clock.now()
        move(session, application, "submit", A.PENDING, actor, "Handed in")


def change_answers(application_id: int, answers: dict[str, Any], *, actor: Actor) -> int:
    """Replace the answers and return by how many minor units the fees changed.

    A rejected application goes back to pending by itself when its user changes it. The user may
    change it until it is approved, staff as long as it is active. Nothing changes when the answers
    are what they were.
    """
    check_answers(answers)
    with transaction() as session:
        application = lock_with_user(session, application_id)
        by_staff = actor.kind is ActorKind.STAFF
        guards.require(guards.why_not_change(application, by_staff=by_staff))
        if answers == application.answers:
            return 0
        application.answers = answers
        note(session, application, "change", "Answers changed", actor)
        difference = recompute(session, application, actor, "The answers changed")
        resubmit(session, application, actor, "Changed by its user and handed in again")
        return difference


def resubmit(session: Session, application: Application, actor: Actor, sentence: str) -> None:
    """Take a rejected application back to pending because its user did something about it.

    Part of the caller's transaction; anybody else's change, and any other state, stays as it is.
    """
    if application.state is A.REJECTED and actor.kind is ActorKind.CUSTOMER:
        move(session, application, "resubmit", A.PENDING, actor, sentence)


def approve(application_id: int, *, with_balance: bool = False, actor: Actor) -> bool:
    """Approve, and e-mail that; returns whether an e-mail was queued (False: no e-mail).

    with_balance -- staff know that something is outstanding and approve all the same

    Refused unless pending, and while something is outstanding without ``with_balance``.
    """
    with transaction() as session:
        application = lock_application(session, application_id)
        why_not = guards.why_not_approve(session, application, with_balance=with_balance)
        guards.require(why_not)
        owes = application.outstanding_balance > 0
        sentence = "Approved although something is outstanding" if owes else "Approved"
        return decide(session, application, "approve", A.APPROVED, sentence, actor)


def reject(application_id: int, *, reason: str, actor: Actor) -> bool:
    """Ask the user for changes; returns whether an e-mail was queued (False: no e-mail).

    reason -- required; e-mailed, and shown on the application's page until the next decision
    """
    why = checked_reason(reason)
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_reject(session, application))
        return decide(session, application, "reject", A.REJECTED, "Rejected", actor, reason=why)


def decide(
    session: Session,
    application: Application,
    verb: str,
    state: ApplicationState,
    sentence: str,
    actor: Actor,
    *,
    reason: str = "",
) -> bool:
    """Take the application along its table and tell its user, in the caller's transaction."""
    application.reason = reason
    application.decided_at = clock.now()
    move(session, application, verb, state, actor, sentence, reason=reason)
    session.flush()
    decision = _last_row(session, application)
    if state is A.APPROVED:
        emailed = letters.approved(session, application, decision)
    else:
        emailed = letters.rejected(session, application, decision)
    if not emailed:
        note(session, application, "announce", "Nothing was e-mailed: no e-mail", actor)
    return emailed


def mark_inactive(application_id: int, *, reason: str = "", actor: Actor) -> None:
    """Take out of use: the person moved or died, or the permit was revoked. Not for non-payment."""
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_deactivate(session, application))
        sentence = "Marked inactive"
        why = reason.strip()
        move(session, application, "deactivate", A.INACTIVE, actor, sentence, reason=why)


def mark_active(application_id: int, *, actor: Actor) -> None:
    """Take back into use, in the state it had before it was marked inactive.

    Not simply approved: what was never decided must not become approved by a detour.
    """
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_activate(session, application))
        before = A(state_before(session, application, A.INACTIVE))
        move(session, application, "activate", before, actor, f"Marked active: {before} again")


def check_answers(answers: dict[str, Any]) -> None:
    """Refuse answers that are not a flat table of short plain values."""
    plain = all(
        isinstance(key, str) and isinstance(value, str | int | bool | None)
        for key, value in answers.items()
    )
    if not plain or len(json.dumps(answers)) > MAX_ANSWERS or "\\u0000" in json.dumps(answers):
        raise Refusal("These answers can't be read.", "answers")


def _last_row(session: Session, application: Application) -> int:
    rows = select(History.id).where(
        History.record == "application", History.record_id == application.id
    )
    return session.scalars(rows.order_by(History.id.desc()).limit(1)).one()
