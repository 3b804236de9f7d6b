"""Labels in the panel: their list, chips in grids and on Eye pages, putting them on and off."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import invoicing
from billing.labelling import set_labels
from models import History, Invoice, Label, Unit, User
from tests.support import STAFF, Factory, all_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
KINDS: dict[str, Any] = {"user": User, "unit": Unit, "invoice": Invoice}


@pytest.fixture
def three(make: Factory) -> dict[str, int]:
    site = make.site()
    return {
        "user": make.user(site_id=site),
        "unit": make.unit(site),
        "invoice": make.invoice(site_id=site),
    }


def label(make: Factory, name: str) -> int:
    return make.add(Label(name=name))


def chips(page: Any) -> list[str]:
    found = re.findall(r'<span class="label"[^>]*>([^<]*)</span>', page.text)
    return [html.unescape(each) for each in found]


def test_labels_are_kept_in_the_panel(staff_client: Build, post: Post) -> None:
    client = staff_client()
    assert post(client, "/admin/label/new/", {"name": "VIP", "note": "Be nice"}).status_code == 302
    answer = post(client, "/admin/label/new/", {"name": "vip"})
    assert "There is a label “VIP” already." in html.unescape(answer.text)
    assert "Be nice" in client.get("/admin/label/").text
    looker = staff_client(["labels.view"])
    assert looker.get("/admin/label/").status_code == 200
    assert post(looker, "/admin/label/new/", {"name": "Mine"}).status_code == 403
    assert staff_client(["users.view"]).get("/admin/label/").status_code == 403


def test_chips_in_the_lists_and_on_the_pages(
    make: Factory, staff_client: Build, three: dict[str, int]
) -> None:
    names = ["<b>Bold</b>", "Late, often", "vip", "Zeta"]
    ids = [label(make, name) for name in names]
    client = staff_client()
    for kind, key in three.items():
        assert "Add labels" in client.get(f"/admin/{kind}/details/?id={key}").text
        set_labels(KINDS[kind], key, ids[:2], actor=STAFF)
        assert chips(client.get(f"/admin/{kind}/")) == ["<b>Bold</b>", "Late, often"]
        assert chips(client.get(f"/admin/{kind}/details/?id={key}"))[:2] == [
            "<b>Bold</b>",
            "Late, often",
        ]
        set_labels(KINDS[kind], key, ids, actor=STAFF)
        page = client.get(f"/admin/{kind}/")
        assert chips(page) == ["<b>Bold</b>", "+3"]
        assert 'title="Late, often, vip, Zeta"' in page.text
        csv = client.get(f"/admin/{kind}/export/csv/").get_data(as_text=True)
        assert '"<b>Bold</b>, Late, often, vip, Zeta"' in csv


def test_put_on_and_taken_off_on_the_page(
    staff_client: Build, post: Post, make: Factory, three: dict[str, int]
) -> None:
    vip, late = label(make, "VIP"), label(make, "Late")
    client = staff_client()
    for kind, key in three.items():
        form = f"/admin/labelling/{kind}/?id={key}"
        answer = post(client, form, {"labels": [str(vip)], "new": f"New on {kind}"})
        assert answer.status_code == 303
        page = client.get(answer.location)
        assert "The labels were changed." in page.text
        assert set(chips(page)[:2]) == {"VIP", f"New on {kind}"}
        new = next(each.id for each in all_of(Label) if each.name == f"New on {kind}")
        post(client, form, {"labels": [str(late)], "shown": [str(vip), str(new)]})
        page = client.get(f"/admin/{kind}/details/?id={key}")
        assert chips(page)[:1] == ["Late"]
        assert "Label “Late” put on; Labels “New on" in html.unescape(page.text)
        post(client, form, {"shown": [str(late)]})
        assert "Add labels" in client.get(f"/admin/{kind}/details/?id={key}").text


def test_a_name_that_can_not_be_is_said_at_its_field(
    staff_client: Build, post: Post, three: dict[str, int]
) -> None:
    form = f"/admin/labelling/user/?id={three['user']}"
    answer = post(staff_client(), form, {"new": "x" * 41})
    assert answer.status_code == 422
    assert "Use at most 40 characters; this has 41." in answer.text
    assert "x" * 41 in answer.text
    answer = post(staff_client(), form, {"labels": ["987"]})
    assert answer.status_code == 422
    assert "Choose from the list only." in answer.text
    assert all_of(Label) == []
    assert staff_client().get(form).status_code == 200


def test_doors(staff_client: Build, post: Post, make: Factory, three: dict[str, int]) -> None:
    vip = label(make, "VIP")
    typed = {"labels": [str(vip)], "new": "Mine"}
    for kind, key in three.items():
        form = f"/admin/labelling/{kind}/?id={key}"
        area = KINDS[kind].__panel__.area
        looker = staff_client([f"{area}.view"])
        assert post(looker, form, typed).status_code == 403
        assert "Add labels" not in looker.get(f"/admin/{kind}/details/?id={key}").text
        assert post(staff_client(["invoices.label"]), form, typed).status_code == 403
        assert post(staff_client(sites=(make.site(),)), form, typed).status_code == 404
        assert staff_client().post(form, data=typed).status_code == 400
        assert post(staff_client(), f"/admin/labelling/{kind}/?id=abc", typed).status_code == 404
    assert [each.verb for each in all_of(History) if each.verb == "label"] == []
    clerk = staff_client(["users.view", "invoices.label"])
    assert "New label" not in clerk.get(f"/admin/user/details/?id={three['user']}").text
    post(clerk, f"/admin/labelling/user/?id={three['user']}", typed)
    assert [each.name for each in all_of(Label)] == ["VIP"]
    assert chips(clerk.get("/admin/user/")) == ["VIP"]


def test_a_deleted_invoice_only_shows_its_labels(
    staff_client: Build, post: Post, make: Factory, three: dict[str, int]
) -> None:
    invoice, vip = make.invoice(state="draft"), label(make, "VIP")
    set_labels(Invoice, invoice, [vip], actor=STAFF)
    invoicing.delete_invoice(invoice, actor=STAFF)
    client = staff_client()
    page = client.get(f"/admin/invoice/details/?id={invoice}")
    assert chips(page)[:1] == ["VIP"]
    assert "/admin/labelling/" not in page.text
    form = f"/admin/labelling/invoice/?id={invoice}"
    for answer in (client.get(form), post(client, form, {"shown": [str(vip)]})):
        assert answer.status_code == 422
        assert "This invoice is deleted" in answer.text
    assert chips(client.get(f"/admin/invoice/details/?id={invoice}"))[:1] == ["VIP"]
