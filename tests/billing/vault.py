"""What the tests of cards and accounts on file share: typing one, keeping it, looking."""

from __future__ import annotations

from typing import Any

from billing import methods
from models import History
from sandbox.server import Server
from tests.billing.helpers import CUSTOMER, rows_of


def typed_card(server: Server, number: str = "4111111111111111", year: str = "2040") -> str:
    """A nonce as the card fields make it: good for one use."""
    code = "1234" if number.startswith("37") else "123"
    return server.desk.store.create_card_nonce(number, "12", year, code, "62704", "Zoë").nonce


def typed_account(server: Server, number: str = "1000000000") -> str:
    return server.desk.store.create_bank_nonce(
        account_number=number, routing_number="021000021", account_holder_name="Zoë Martin"
    ).nonce


def register(user: int, nonce: str, **more: Any) -> int:
    return methods.register_method(user, nonce=nonce, actor=CUSTOMER, **more)


def history_of(user: int) -> list[str]:
    return [row.verb for row in rows_of(History, History.record == "user") if row.record_id == user]


def at_the_gateway(server: Server) -> list[str]:
    with server.desk.store.reading() as db:
        rows = db.execute("SELECT token FROM payment_methods").fetchall()
    return [str(row["token"]) for row in rows]
