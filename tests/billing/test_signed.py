"""Signed links: what they are made of never changes, because letters with them are out there."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
from itsdangerous import URLSafeSerializer

from applications.links import application_token, read_application_token
from billing import clock, runtime
from billing.database import reading
from billing.links import invoice_token, read_invoice_token
from billing.method_links import method_token, read_method_token
from billing.signed import LinkDead, read_token
from models import Application, Invoice, User
from tests.support import Factory, fetch


def by_hand(salt: str, *values: Any) -> str:
    """A token as letters have always had it, for today."""
    signer = URLSafeSerializer(
        runtime.current().link_secret, salt=salt, signer_kwargs={"digest_method": hashlib.sha256}
    )
    day = (clock.now().date() - dt.date(2020, 1, 1)).days
    return str(signer.dumps([*values, day]))


def test_links_that_are_out_there_still_open(make: Factory) -> None:
    user, application = make.user(), make.application()
    invoice = make.invoice(user)
    made = {
        "invoice-link": invoice_token(fetch(Invoice, invoice)),
        "method-link": method_token(fetch(User, user)),
        "application-link": application_token(fetch(Application, application)),
    }
    for salt, token in made.items():
        read = read_token(salt, token)
        assert token == by_hand(salt, read.record_id, read.version)
    with reading() as session:
        assert read_invoice_token(session, made["invoice-link"]).id == invoice
        assert read_method_token(session, made["method-link"]).user.id == user
        assert read_application_token(session, made["application-link"]).id == application


@pytest.mark.parametrize("values", [(), (1,), ("x", 1), (1, 2, 3), (None, 1), ([], {})])
def test_something_else_under_our_signature_is_dead(app: Any, values: tuple[Any, ...]) -> None:
    with pytest.raises(LinkDead):
        read_token("invoice-link", by_hand("invoice-link", *values))
