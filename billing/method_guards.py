"""Why a payment method can't be added, chosen or removed: used by the page and by the verb."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.errors import Refusal
from billing.office import get_settings, local_today
from models import Allocation, Payment, PaymentMethod, User
from models.states import AllocationState, Tender

# Currency -> the kind of bank account that can be debited in it.
BANKS = {"EUR": "sepa", "USD": "us_bank"}


def methods_on_file(session: Session, user_id: int) -> list[PaymentMethod]:
    """Return what a user has on file, the one that is charged first, then the newest."""
    found = select(PaymentMethod).where(
        PaymentMethod.user_id == user_id, PaymentMethod.removed_at.is_(None)
    )
    order = (PaymentMethod.is_default.desc(), PaymentMethod.id.desc())
    return list(session.scalars(found.order_by(*order)))


def is_expired(session: Session, method: PaymentMethod) -> bool:
    """Whether a card's last day is over where the office is."""
    return method.expires_on is not None and method.expires_on < local_today(session)


def why_not_register(user: User) -> Refusal | None:
    """Add a card or account."""
    if user.erased_at is not None:
        return Refusal("This person's data has been erased.", "erased")
    return None


def why_not_bank(session: Session) -> Refusal | None:
    """Add a bank account: where the office takes debits, in a currency that has them."""
    settings = get_settings(session)
    if not settings.direct_debit or settings.currency not in BANKS:
        return Refusal("Bank accounts can't be registered here.", "no_direct_debit")
    if settings.currency == "EUR" and not settings.creditor_id:
        return Refusal("Bank accounts can't be registered here yet.", "no_creditor_id")
    return None


def why_not_make_default(session: Session, method: PaymentMethod) -> Refusal | None:
    """Charge this one from now on."""
    if method.removed_at is not None:
        return _removed()
    if method.is_default:
        return Refusal(f"{method} is the one that is charged already.", "already_default")
    if is_expired(session, method):
        return Refusal(f"{method} has expired. Please add another one.", "expired")
    return None


def why_not_remove(session: Session, method: PaymentMethod) -> Refusal | None:
    """Remove: not while a payment with it is on its way, so that its end can still be told."""
    if method.removed_at is not None:
        return _removed()
    if not _in_use(session, method):
        return None
    wait = "A debit of this account is waiting for the bank, which takes a few days."
    if method.tender is not Tender.DIRECT_DEBIT:
        wait = "A payment with this card is being processed."
    return Refusal(f"{wait} Please remove it when that is done.", "live")


def _in_use(session: Session, method: PaymentMethod) -> bool:
    live = (
        select(Payment.id)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(
            Payment.payment_method_id == method.id,
            Allocation.state == AllocationState.CLAIMED,
        )
    )
    return session.scalar(live.limit(1)) is not None


def _removed() -> Refusal:
    return Refusal("This payment method has been removed already.", "removed")
