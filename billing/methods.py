"""Keeping a customer's card or bank account at the gateway, for charges to come.

The token under which the gateway keeps it is ours, made from the nonce: a nonce that is sent twice
is one method, and when nobody answers, the token says whether it was kept after all.
"""

from __future__ import annotations

import hashlib
import logging
from typing import NoReturn

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.actor import Actor
from billing.database import end_reading, lock, reading, transaction
from billing.errors import GatewayError, OutcomeUnknown, Refusal
from billing.gateway import Answer, Check, KeptMethod, Verdict
from billing.guards import require
from billing.history import note
from billing.method_guards import (
    methods_on_file,
    why_not_make_default,
    why_not_register,
    why_not_remove,
)
from billing.office import local_today
from billing.reasons import refused_in_words
from billing.retry_plan import stop_retries
from models import PaymentMethod, User
from models.states import Tender

log = logging.getLogger(__name__)

MAX_NONCE = 255
NOT_KNOWN = (
    "The payment company did not answer, so we don't know yet whether it was saved. "
    "Nothing was charged. Please look again in a few minutes before you enter it once more."
)
# In place of the token of a method the gateway has forgotten.
_FORGOTTEN = "forgotten-"


def register_method(
    user_id: int,
    *,
    nonce: str,
    mandate: str = "",
    check: Check = Check.NONE,
    last_four: str = "",
    used_link: int | None = None,
    actor: Actor,
) -> int:
    """Keep the card or account behind ``nonce`` and make it the user's default; return its id.

    mandate   -- the text the customer agreed to, kept word for word: with one only a bank account
                 is kept, and without one only a card
    check     -- what the gateway should find out first
    last_four -- digits the mandate names; another account than that is not kept
    used_link -- version of the link in a letter that led here, which has then done its service:
                 it works for another hour (see ``billing.method_links``)

    The same nonce twice is the same method. Raises ``Refusal`` with the reason in plain words when
    the bank or the gateway does not accept it, ``GatewayUnreachable`` when nothing was asked, and
    ``OutcomeUnknown`` when nobody can say whether it is kept: our records have nothing of it then.
    No number ever passes through here, only its last four digits.
    """
    _check_nonce(nonce)
    token = _token_of(user_id, nonce)
    end_reading()
    with reading() as session:
        user = session.get_one(User, user_id)
        require(why_not_register(user))
        customer_id = user.gateway_customer_id
        known = _known(session, token)
    if known is not None:
        return known
    kept = _keep(customer_id, nonce, token, check)
    if isinstance(kept, Answer):
        _refuse(user_id, _why_refused(kept), actor, reason=f"{kept.code} {kept.message}".strip())
    why_not = _why_unusable(kept, mandate, last_four)
    if why_not is not None:
        _let_go(kept)
        _refuse(user_id, why_not, actor)
    with transaction() as session:
        user = lock(session, User, user_id)
        # Sent twice at the same moment, both get here; the second finds the first's row.
        known = _known(session, token)
        if known is not None:
            return known
        user.gateway_customer_id = user.gateway_customer_id or kept.customer_id
        if used_link == user.link_version:
            user.link_version += 1
        _no_default(session, user_id)
        method = PaymentMethod(
            user_id=user_id,
            token=kept.token,
            tender=kept.tender,
            brand=kept.brand,
            last_four=kept.last_four,
            expires_on=kept.expires_on,
            holder=kept.holder,
            mandate=mandate,
            is_default=True,
            created_at=clock.now(),
        )
        session.add(method)
        stop_retries(session, user_id, "A payment method was added.", actor)
        # Which link led here says for how long that one still works.
        details = {} if used_link is None else {"link_version": used_link}
        sentence = f"Payment method added: {method}"
        note(session, user, "register_method", sentence, actor, details=details)
        return method.id


def make_default(method_id: int, *, actor: Actor) -> None:
    """Charge this method of the user's from now on, instead of the one before."""
    with transaction() as session:
        user, method = _lock(session, method_id)
        require(why_not_make_default(session, method))
        _no_default(session, user.id)
        method.is_default = True
        note(session, user, "default_method", f"Charged from now on: {method}", actor)


def remove_method(method_id: int, *, actor: Actor) -> None:
    """Remove a card or account for good; the newest other one is charged from then on.

    It is not used any more from the first moment. The gateway is told afterwards; when it can't
    be reached, the job "methods.forget" tells it later.
    """
    with transaction() as session:
        user, method = _lock(session, method_id)
        require(why_not_remove(session, method))
        method.removed_at = clock.now()
        was_default, method.is_default = method.is_default, False
        sentence = f"Payment method removed: {method}"
        left = methods_on_file(session, user.id)
        if was_default and left:
            session.flush()
            left[0].is_default = True
            sentence += f". Charged from now on: {left[0]}"
        note(session, user, "remove_method", sentence, actor)
    try:
        forget(method_id)
    except GatewayError:
        log.warning("payment method %s: the gateway will be told later to forget it", method_id)


def still_at_gateway(limit: int = 200) -> list[int]:
    """Return what was removed here while the gateway was away, for ``forget``."""
    with reading() as session:
        removed = select(PaymentMethod.id).where(
            PaymentMethod.removed_at.is_not(None), PaymentMethod.token.not_like(f"{_FORGOTTEN}%")
        )
        return list(session.scalars(removed.order_by(PaymentMethod.id).limit(limit)))


def forget(method_id: int) -> bool:
    """Have the gateway forget what was removed here; raises ``GatewayError`` when it can't.

    Our copy of the token goes with it: it opens nothing any more.
    """
    with reading() as session:
        token = session.get_one(PaymentMethod, method_id).token
    runtime.current().gateway.forget_method(token)
    with transaction() as session:
        _user, method = _lock(session, method_id)
        method.token = f"{_FORGOTTEN}{method.id}"
    return True


def _lock(session: Session, method_id: int) -> tuple[User, PaymentMethod]:
    owner = select(PaymentMethod.user_id).where(PaymentMethod.id == method_id)
    user = lock(session, User, session.scalar(owner) or 0)
    return user, lock(session, PaymentMethod, method_id)


def _no_default(session: Session, user_id: int) -> None:
    session.execute(
        update(PaymentMethod)
        .where(PaymentMethod.user_id == user_id, PaymentMethod.is_default)
        .values(is_default=False)
        .execution_options(synchronize_session=False)
    )


def _check_nonce(nonce: str) -> None:
    if not nonce or len(nonce) > MAX_NONCE or not nonce.isascii() or not nonce.isprintable():
        raise Refusal("Please enter the card or account again.", "no_nonce", "nonce")


def _token_of(user_id: int, nonce: str) -> str:
    return hashlib.sha256(f"{user_id}:{nonce}".encode()).hexdigest()[:32]


def _known(session: Session, token: str) -> int | None:
    known = select(PaymentMethod.id).where(
        PaymentMethod.token == token, PaymentMethod.removed_at.is_(None)
    )
    return session.scalar(known)


def _keep(customer_id: str | None, nonce: str, token: str, check: Check) -> KeptMethod | Answer:
    """Ask the gateway to keep it, and ask again what it has when the answer leaves that open.

    An ``Answer`` says why it is not kept.
    """
    gateway = runtime.current().gateway
    try:
        answer = gateway.keep_method(customer_id, nonce, token=token, check=check)
    except OutcomeUnknown as error:
        log.warning("nobody answered while a payment method was being kept; looking it up")
        found = _look_up(token, check)
        if found is None:
            raise OutcomeUnknown(str(error)) from error
        return found
    if isinstance(answer, KeptMethod):
        return answer
    # Refused because this very request came a moment ago? Then it is kept under our token.
    found = _look_up(token, check) if answer.verdict is Verdict.INVALID else None
    return answer if found is None else found


def _look_up(token: str, check: Check) -> KeptMethod | None:
    """What is kept under ``token``, unless it was to be checked first and did not pass."""
    try:
        found = runtime.current().gateway.find_method(token)
    except GatewayError:
        return None
    usable = found is not None and (found.verified or check is not Check.US_ACCOUNT)
    return found if usable else None


def _refuse(user_id: int, refusal: Refusal, actor: Actor, *, reason: str = "") -> NoReturn:
    """Raise ``refusal``, noted first for staff, whom the customer may call about it."""
    with transaction() as session:
        user = session.get_one(User, user_id)
        sentence = f"Payment method not added. The answer was: {refusal.sentence}"
        note(session, user, "refuse_method", sentence, actor, reason=reason)
    raise refusal


def _why_refused(answer: Answer) -> Refusal:
    """Put the bank's or the gateway's no into words."""
    declined = answer.verdict is Verdict.DECLINED
    sentence = refused_in_words(answer.code, answer.message, declined=declined)
    return Refusal(sentence, "method_refused", "card")


def _why_unusable(kept: KeptMethod, mandate: str, last_four: str) -> Refusal | None:
    """Say why something could never be charged, or is not what was agreed to."""
    with reading() as session:
        today = local_today(session)
    # No bank may be asked for money without a mandate, whatever form its account came through.
    if kept.tender is not (Tender.DIRECT_DEBIT if mandate else Tender.CARD):
        what = "bank accounts" if mandate else "cards"
        return Refusal(f"Only {what} can be added here.", "other_tender", "nonce")
    if kept.expires_on is not None and kept.expires_on < today:
        return Refusal("This card has expired. Please use another one.", "expired", "card")
    if last_four and kept.last_four != last_four:
        sentence = "The account is not the one you agreed to. Please enter it again."
        return Refusal(sentence, "other_account", "account")
    return None


def _let_go(kept: KeptMethod) -> None:
    """Have the gateway forget what is refused here."""
    try:
        runtime.current().gateway.forget_method(kept.token)
    except GatewayError:
        log.warning("the gateway keeps a payment method that we refused; nothing here uses it")
