"""Telling a customer, once a card, that the card we charge is about to end or has ended."""

from __future__ import annotations

import datetime as dt
import logging

from babel.dates import format_date
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM
from billing.database import lock, reading, transaction
from billing.history import note
from billing.mailing import queue_email, tell
from billing.notices import News, receivers
from billing.office import get_settings, local_today
from models import PaymentMethod, Settings, Site, User
from models.states import BillingMethod
from models.within import users_within

log = logging.getLogger(__name__)


def announce_expiring() -> int:
    """Announce every card that is charged and ends soon, or ended untold; return how many."""
    announced = 0
    for method_id in ending_methods():
        try:
            announced += announce(method_id)
        except Exception:
            log.exception("payment method %s: its end waits to be announced", method_id)
    return announced


def ending_methods() -> list[int]:
    """Return the cards to announce: default ones, of users who are charged, not announced yet."""
    with reading() as session:
        ending = (
            select(PaymentMethod.id)
            .join(User, User.id == PaymentMethod.user_id)
            .where(
                PaymentMethod.is_default,
                PaymentMethod.removed_at.is_(None),
                PaymentMethod.expiry_announced_at.is_(None),
                PaymentMethod.expires_on <= _last_day(session),
                User.billing_method == BillingMethod.GATEWAY,
                User.erased_at.is_(None),
            )
        )
        return list(session.scalars(ending.order_by(PaymentMethod.id)))


def announce(method_id: int) -> bool:
    """Write to the customer and tell staff; False when there is nothing to announce any more."""
    with transaction() as session:
        owner = select(PaymentMethod.user_id).where(PaymentMethod.id == method_id)
        user = lock(session, User, session.scalar(owner) or 0)
        method = lock(session, PaymentMethod, method_id)
        expires_on = method.expires_on
        if expires_on is None or not _is_due(session, user, method):
            return False
        method.expiry_announced_at = clock.now()
        expired = expires_on < local_today(session)
        params = {
            "card": str(method),
            "expires_on": expires_on.isoformat(),
            "expired": expired,
        }
        occasion = f"card-expiring:{method.id}"
        email = queue_email(session, "card_expiring", occasion, user, params=params)
        said = "an e-mail is queued" if email else "nothing was e-mailed: this user has no e-mail"
        when = _when(get_settings(session), expires_on, expired)
        note(session, user, "announce_expiry", f"The {method} {when}; {said}", SYSTEM)
        _tell_staff(session, user, f"{user.name}’s {method} {when}; {said}.", occasion, expired)
        return True


def _is_due(session: Session, user: User, method: PaymentMethod) -> bool:
    return (
        method.is_default
        and method.removed_at is None
        and method.expiry_announced_at is None
        and method.expires_on is not None
        and method.expires_on <= _last_day(session)
        and user.billing_method is BillingMethod.GATEWAY
        and user.erased_at is None
    )


def _last_day(session: Session) -> dt.date:
    days = get_settings(session).expiry_days
    return local_today(session) + dt.timedelta(days=days)


def _when(settings: Settings, expires_on: dt.date, expired: bool) -> str:
    day = format_date(expires_on, "long", locale=settings.locale)
    return f"{'expired' if expired else 'expires'} on {day}"


def _tell_staff(session: Session, user: User, sentence: str, occasion: str, expired: bool) -> None:
    """Tell those who deal with the customer; a card has no invoice that would name a site."""
    title = "A card on file has expired" if expired else "A card on file is about to expire"
    # All sites in one statement: the user stays locked for it.
    met = set(session.scalars(select(Site.id).where(_deals_with(user.id))))
    to = [each for each in receivers(session) if not each.site_ids or each.site_ids & met]
    tell(session, News(occasion, "card_expiring", title, sentence, user=user), to)


def _deals_with(user_id: int) -> ColumnElement[bool]:
    """Return the condition that a site has to do with a user."""
    return exists().where(User.id == user_id, users_within([Site.id]))
