"""Labels: put on and taken off, one record or many, with one history row each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from billing import invoicing, runtime
from billing.database import reading, transaction
from billing.errors import NotFound, Refusal
from billing.labelling import MOST, add_label, remove_label, set_labels
from billing.saving import save_record
from models import History, Invoice, Label, Unit, User
from tests.support import STAFF, Factory, all_of


def label(name: str) -> int:
    return save_record(Label, None, {"name": name, "note": ""}, STAFF)


def labels_of(model: type[Any], record_id: int) -> list[str]:
    with reading() as session:
        return [each.name for each in session.get_one(model, record_id).labels]


def told(record: str) -> list[History]:
    return [row for row in all_of(History) if row.record == record and row.verb == "label"]


@contextmanager
def writes() -> Iterator[list[str]]:
    """The statements meanwhile that change something."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "BEGIN")):
            seen.append(statement)

    engine = runtime.current().engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_user_a_unit_and_an_invoice_can_have_labels(make: Factory) -> None:
    late, vip = label("Late payer"), label("VIP")
    site = make.site()
    for model, key in (
        (User, make.user()),
        (Unit, make.unit(site)),
        (Invoice, make.invoice(site_id=site)),
    ):
        assert set_labels(model, key, [vip, late], actor=STAFF)
        assert labels_of(model, key) == ["Late payer", "VIP"]
        assert set_labels(model, key, [late], actor=STAFF)
        assert labels_of(model, key) == ["Late payer"]
        rows = told(model.__name__.lower())
        assert [row.sentence for row in rows] == [
            "Labels “Late payer”, “VIP” put on",
            "Label “VIP” taken off",
        ]
        assert rows[0].record_id == key
        assert rows[0].actor_name == STAFF.name
    assert told("invoice")[0].site_id == site


def test_nothing_changed_is_nothing_told(make: Factory) -> None:
    user, vip = make.user(), label("VIP")
    set_labels(User, user, [vip], actor=STAFF)
    assert not set_labels(User, user, [vip], actor=STAFF)
    assert len(told("user")) == 1


def test_what_a_colleague_put_on_meanwhile_stays(make: Factory) -> None:
    user, late, vip, old = make.user(), label("Late"), label("VIP"), label("Old")
    set_labels(User, user, [old], actor=STAFF)
    set_labels(User, user, [old, late], actor=STAFF)
    set_labels(User, user, [vip], shown=[old], actor=STAFF)
    assert labels_of(User, user) == ["Late", "VIP"]
    # Taken off by a colleague: it does not come back by being ticked on an older page.
    set_labels(User, user, [vip], actor=STAFF)
    set_labels(User, user, [vip, late], shown=[vip, late], actor=STAFF)
    assert labels_of(User, user) == ["VIP"]


def test_a_new_label_is_made_once_whatever_its_letters(make: Factory) -> None:
    user, other = make.user(), make.user()
    set_labels(User, user, [], new="  Pays   by check ", actor=STAFF)
    set_labels(User, other, [], new="pays by CHECK", actor=STAFF)
    assert labels_of(User, user) == labels_of(User, other) == ["Pays by check"]
    assert [each.name for each in all_of(Label)] == ["Pays by check"]
    created = [row for row in all_of(History) if row.record == "label"]
    assert [row.verb for row in created] == ["create"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Enter a name."),
        ("   ", "Enter a name."),
        ("x" * 41, "at most 40 characters; this has 41"),
        ("vip", "There is a label “VIP” already."),
        (" VIP\0", "There is a label “VIP” already."),
        ("STRASSE", "There is a label “Straße” already."),
    ],
)
def test_a_label_needs_a_short_name_of_its_own(app: Any, name: str, sentence: str) -> None:
    label("VIP")
    label("Straße")
    with pytest.raises(Refusal) as caught:
        label(name)
    assert sentence in caught.value.sentence
    assert caught.value.field == "name"
    assert len(all_of(Label)) == 2


def test_a_label_keeps_its_own_name_when_it_is_edited(app: Any) -> None:
    vip = label("VIP")
    save_record(Label, vip, {"name": "Vip", "note": "Very"}, STAFF)
    assert all_of(Label)[0].name == "Vip"


def test_unknown_and_too_many_labels_are_refused(make: Factory) -> None:
    user = make.user()
    with pytest.raises(Refusal, match="Choose from the list"):
        set_labels(User, user, [987], actor=STAFF)
    many = [label(f"L{number}") for number in range(MOST + 1)]
    with pytest.raises(Refusal, match="At most 20"):
        set_labels(User, user, many, actor=STAFF)
    with pytest.raises(NotFound):
        set_labels(User, 987, many[:1], actor=STAFF)
    with pytest.raises(Refusal) as caught:
        set_labels(User, user, [], new="x" * 41, actor=STAFF)
    assert caught.value.field == "new"
    assert labels_of(User, user) == []
    assert told("user") == []


def test_many_invoices_get_and_lose_a_label_in_two_statements(make: Factory) -> None:
    vip, site = label("VIP"), make.site()
    draft, sent, deleted = (
        make.invoice(state="draft"),
        make.invoice(site_id=site),
        make.invoice(state="draft"),
    )
    with transaction() as session:
        session.get_one(Invoice, sent).labels = [session.get_one(Label, vip)]
    with writes() as seen:
        changed = add_label([draft, sent, deleted, draft, 987], vip, actor=STAFF)
    assert changed == sorted([draft, deleted])
    assert len(seen) == 2
    assert {row.record_id for row in told("invoice")} == {draft, deleted}
    assert all(row.sentence == "Label “VIP” put on" for row in told("invoice"))
    assert add_label([draft, sent, deleted], vip, actor=STAFF) == []
    with writes() as seen:
        assert remove_label([sent, draft, 987], vip, actor=STAFF) == sorted([draft, sent])
    assert len(seen) == 2
    assert labels_of(Invoice, deleted) == ["VIP"]
    assert labels_of(Invoice, sent) == []
    (row,) = [row for row in told("invoice") if row.record_id == sent]
    assert (row.sentence, row.site_id, row.actor_name) == (
        "Label “VIP” taken off",
        site,
        STAFF.name,
    )
    assert row.user_id is not None
    assert add_label([], vip, actor=STAFF) == []


def test_an_unknown_label_for_many_is_refused(make: Factory) -> None:
    with pytest.raises(NotFound):
        add_label([make.invoice()], 987, actor=STAFF)
    with pytest.raises(NotFound):
        remove_label([1], 987, actor=STAFF)


def test_a_deleted_invoice_keeps_the_labels_it_has(make: Factory) -> None:
    invoice, vip, late = make.invoice(state="draft"), label("VIP"), label("Late")
    set_labels(Invoice, invoice, [vip], actor=STAFF)
    invoicing.delete_invoice(invoice, actor=STAFF)
    before = len(told("invoice"))
    for wanted, new in (([vip, late], ""), ([], ""), ([vip], "Brand new")):
        with pytest.raises(Refusal) as caught:
            set_labels(Invoice, invoice, wanted, new=new, actor=STAFF)
        assert caught.value.code == "deleted"
    open_one = make.invoice()
    assert add_label([invoice, open_one], late, actor=STAFF) == [open_one]
    assert remove_label([invoice, open_one], vip, actor=STAFF) == []
    assert labels_of(Invoice, invoice) == ["VIP"]
    assert len(told("invoice")) == before + 1
