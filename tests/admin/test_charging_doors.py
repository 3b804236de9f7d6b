"""Who may charge a customer: permission, token and site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests.admin.counter import text_of
from tests.admin.test_charging import asked, at, eye
from tests.billing.helpers import keep
from tests.conftest import Gateway
from tests.support import Factory, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def test_permission_token_and_site(
    make: Factory, sandbox: Gateway, staff_client: Build, post: Post
) -> None:
    ours, theirs = make.site(), make.site()
    user = make.user(site_id=theirs)
    keep(user)
    invoice = make.invoice(user, site_id=theirs)
    looker = staff_client(["invoices.view"])
    assert looker.get(at(invoice)).status_code == 403
    assert post(looker, at(invoice), asked(invoice)).status_code == 403
    assert at(invoice) not in text_of(looker.get(eye(invoice)))
    assert staff_client().post(at(invoice), data=asked(invoice)).status_code == 400
    bound = staff_client(sites=(ours,))
    for number in (invoice, 10**25, "x", ""):
        assert bound.get(at(number)).status_code == 404
        assert post(bound, at(number), asked(invoice)).status_code == 404
    assert payments_of(invoice) == []
