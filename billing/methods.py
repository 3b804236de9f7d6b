"""Keeping a customer's card or bank account at the gateway, for charges to come."""

from __future__ import annotations

from sqlalchemy import update

from billing import clock, runtime
from billing.actor import Actor
from billing.database import lock, reading, transaction
from billing.errors import Refusal
from billing.gateway import KeptMethod
from billing.history import note
from models import PaymentMethod, User


def register_method(user_id: int, *, nonce: str, mandate: str = "", actor: Actor) -> int:
    """Keep the card or account behind ``nonce`` and make it the user's default; return its id.

    mandate -- of a direct debit: the text the customer agreed to, kept word for word

    Raises ``Refusal`` with the gateway's reason when it does not accept the card, ``GatewayError``
    when it can't be reached. No number ever passes through here, only its last four digits.
    """
    with reading() as session:
        user = session.get_one(User, user_id)
        customer_id = user.gateway_customer_id
    kept = runtime.current().gateway.keep_method(customer_id, nonce)
    if not isinstance(kept, KeptMethod):
        raise Refusal(f"The card was not accepted: {kept.message}", "method_refused", "card")
    with transaction() as session:
        user = lock(session, User, user_id)
        user.gateway_customer_id = user.gateway_customer_id or kept.customer_id
        session.execute(
            update(PaymentMethod)
            .where(PaymentMethod.user_id == user_id, PaymentMethod.is_default)
            .values(is_default=False)
            .execution_options(synchronize_session=False)
        )
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
        note(session, user, "register_method", f"Payment method added: {method}", actor)
        return method.id
