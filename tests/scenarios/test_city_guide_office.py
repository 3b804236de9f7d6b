"""The city guide, row by row: who sees which city, and what leaves as a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from tests.scenarios.city import Person, adds_up
from tests.support import Factory

Staff = Callable[..., FlaskClient]


def sheet(client: FlaskClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_cities(make: Factory, staff_client: Staff, post: Any) -> None:
    """“A member of staff is attached to a city and cannot find another city's users.”

    Sites; record-level scope.
    """
    here, there = make.site("Springfield"), make.site("Shelbyville")
    ours = make.user("Marge Ours", site_id=here)
    theirs = make.user("Shelby Theirs", email="shelby@example.org", site_id=there)
    invoice = make.invoice(theirs, site_id=there)
    application = make.application(theirs, site_id=there, state="pending")
    client = staff_client(sites=(here,))
    staff = Person(client).open("/admin/user/")
    assert "Marge Ours" in staff.main
    for path in (
        "/admin/user/",
        "/admin/user/?q=shelby",
        f"/admin/user/?site={there}",
        "/admin/user/?q=shelby%40example.org",
        "/admin/invoice/",
        "/admin/application/",
        "/admin/user/lookup/?q=shelby",
        "/admin/user/export/csv/",
        f"/admin/user/export/csv/?chosen=1&id={theirs}",
    ):
        assert "Theirs" not in client.get(path).get_data(as_text=True), path
    for path in (
        f"/admin/user/details/?id={theirs}",
        f"/admin/user/edit/?id={theirs}",
        f"/admin/invoice/details/?id={invoice}",
        f"/admin/invoice/in-person/?id={invoice}",
        f"/admin/application/details/?id={application}",
        f"/admin/application/decide/approve/?id={application}",
    ):
        assert staff.open(path).status == 404, path
    assert staff.send(post, f"/admin/application/decide/approve/?id={application}").status == 404
    assert staff.open(f"/admin/user/details/?id={ours}").status == 200
    everybody = Person(staff_client()).open("/admin/user/")
    assert "Shelby Theirs" in everybody.main
    adds_up()


def test_export(make: Factory, staff_client: Staff) -> None:
    """“Filter, select some / all matching / all, export to a spreadsheet.”

    CSV that streams and that no formula can hide in.
    """
    names = ["Ann", "Bob", '=HYPERLINK("http://evil.example")']
    ann, bob, formula = (make.user(name) for name in names)
    ids = [make.invoice(user) for user in (ann, bob, formula, ann)]
    client = staff_client()

    def users(path: str) -> list[str]:
        return [row["User"] for row in sheet(client, path)]

    def link(staff: Person) -> str:
        [found] = staff.find("//a[normalize-space(.)='Export CSV']/@href")
        return str(found)

    staff = Person(client).open("/admin/invoice/")
    assert users(link(staff)) == ["Ann", f"'{names[2]}", "Bob", "Ann"]
    staff.open("/admin/invoice/?q=ann")
    assert users(link(staff)) == ["Ann", "Ann"]
    boxes = staff.find("//tbody//input[@type='checkbox' and @name='id']")
    assert [int(box.get("value")) for box in boxes] == [ids[3], ids[0]]
    [chosen] = staff.find("//form[@id='chosen']")
    assert {box.get("form") for box in boxes} == {"chosen"}
    assert staff.button("Export selected").get("name") == "chosen"
    query = "&".join(f"{name}={value}" for name, value in chosen.form_values())
    assert users(f"{chosen.get('action')}?{query}&chosen=1&id={ids[0]}") == ["Ann"]
    assert len(users(f"{chosen.get('action')}?chosen=1&id={ids[1]}&id={ids[2]}")) == 2
    staff.open(f"{chosen.get('action')}?{query}&chosen=1")
    assert "Tick the rows to export first." in staff.words
    assert staff.path == "/admin/invoice/?q=ann"
    [row] = sheet(client, f"{chosen.get('action')}?chosen=1&id={ids[0]}")
    assert row["Amount (USD)"] == "20.00"
    adds_up()
