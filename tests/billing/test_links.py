"""The link of an invoice opens that one, until it expires or is replaced; dead ones are alike."""

from __future__ import annotations

from typing import Any

import pytest

from billing import invoicing, links
from billing.database import reading, transaction
from billing.signed import LinkDead
from models import Invoice
from tests.support import STAFF, Factory, emails, fetch


def token_of(invoice: int) -> str:
    return links.invoice_token(fetch(Invoice, invoice))


def opens(token: str) -> int:
    with reading() as session:
        return links.read_invoice_token(session, token).id


def ask_fresh(token: str) -> bool:
    with transaction() as session:
        return links.fresh_link(session, token)


def test_a_link_opens_its_own_invoice(app: Any, make: Factory) -> None:
    invoices = [make.invoice(), make.invoice()]
    assert [opens(token_of(invoice)) for invoice in invoices] == invoices


def test_the_address_carries_the_token(app: Any, make: Factory) -> None:
    url = links.invoice_url(fetch(Invoice, make.invoice()))
    assert url.startswith("http://127.0.0.1:8000/i/")
    assert opens(url.rsplit("/", 1)[1])


def test_every_changed_character_kills_it(app: Any, make: Factory) -> None:
    token = token_of(make.invoice())
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(LinkDead):
            opens(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", ".", "WzEsMSwxXQ.x", "é", "\udc80", "\x00", "a" * 5000])
def test_nonsense_is_a_dead_link(app: Any, make: Factory, token: str) -> None:
    make.invoice()
    with pytest.raises(LinkDead):
        opens(token)


def test_a_replaced_link_is_dead_and_the_new_one_works(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    old = token_of(invoice)
    invoicing.rotate_link(invoice, actor=STAFF)
    with pytest.raises(LinkDead):
        opens(old)
    assert opens(token_of(invoice)) == invoice


def test_a_link_lasts_as_long_as_the_office_says(app: Any, make: Factory, time: Any) -> None:
    make.settings(link_days=30)
    token = token_of(make.invoice())
    time.advance(days=30)
    assert opens(token)
    time.advance(days=1)
    with pytest.raises(LinkDead):
        opens(token)


def test_a_dead_link_of_ours_gets_a_fresh_one_once_an_hour(
    app: Any, make: Factory, time: Any
) -> None:
    invoice = make.invoice()
    token = token_of(invoice)
    invoicing.rotate_link(invoice, actor=STAFF)
    assert [ask_fresh(token), ask_fresh(token)] == [True, False]
    time.advance(hours=1)
    assert ask_fresh(token)
    assert [email.invoice_id for email in emails("fresh_link")] == [invoice] * 2


def test_a_forged_link_gets_nothing(app: Any, make: Factory) -> None:
    token = token_of(make.invoice())
    assert not ask_fresh(token[:-4] + "AAAA")
    assert emails("fresh_link") == []


def test_somebody_without_email_gets_no_fresh_link(app: Any, make: Factory) -> None:
    invoice = make.invoice(make.user(email=None, no_email=True))
    assert not ask_fresh(token_of(invoice))


def test_the_first_view_is_noted_once(app: Any, make: Factory, time: Any) -> None:
    invoice = make.invoice()
    invoicing.record_view(invoice, actor=STAFF)
    first = fetch(Invoice, invoice).viewed_at
    time.advance(hours=1)
    invoicing.record_view(invoice, actor=STAFF)
    assert fetch(Invoice, invoice).viewed_at == first
