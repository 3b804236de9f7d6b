"""The one save behind every form: named fields only, checked, logged, never over others' work."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from billing.saving import check_email, save_record
from models import Billable, History, Invoice, Role, Site, Staff, Unit, User
from tests.billing.helpers import only_refusals, refusal_of, rows_of, together
from tests.support import STAFF, Factory, fetch

USER: dict[str, Any] = {"name": "Maria Alvarez", "email": "maria@example.org", "no_email": False}


def save(model: type[Any], record_id: int | None = None, /, **values: Any) -> int:
    return save_record(model, record_id, values, STAFF)


@pytest.mark.parametrize(
    ("model", "field"),
    [(User, "billing_method"), (User, "id"), (User, "created_at"), (Invoice, "state")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_field_no_form_has_is_a_programming_error(
    app: Any, make: Factory, model: type[Any], field: str
) -> None:
    with pytest.raises(RuntimeError):
        save(model, None, **{field: "x"})
    assert rows_of(model) == []


def test_a_new_record_is_made_and_logged(app: Any, make: Factory) -> None:
    user = save(User, **USER)
    assert fetch(User, user).email == "maria@example.org"
    [row] = rows_of(History)
    assert (row.verb, row.record, row.record_id, row.user_id) == ("create", "user", user, user)


def test_saving_without_a_change_writes_nothing(app: Any, make: Factory) -> None:
    user = save(User, **USER)
    save(User, user, **USER)
    assert len(rows_of(History)) == 1


def test_the_log_has_before_and_after(app: Any, make: Factory) -> None:
    site = save(Site, name="Old")
    save(Site, site, name="New")
    assert rows_of(History)[-1].details == {"changes": {"name": ["Old", "New"]}}


def test_the_log_never_has_a_customers_own_data(app: Any, make: Factory) -> None:
    user = save(User, **USER)
    save(User, user, name="Unmistakable", email="unmistakable@example.org")
    text = " ".join(f"{row.sentence} {row.details}" for row in rows_of(History))
    assert "nmistakable" not in text
    assert "email" in text


def test_somebody_elses_change_is_not_overwritten(app: Any, make: Factory) -> None:
    site = save(Site, name="Old")
    save(Site, site, name="Theirs")
    refusal = refusal_of(
        lambda: save_record(Site, site, {"name": "Mine"}, STAFF, shown={"name": "Old"})
    )
    assert refusal.code == "changed"


def test_two_who_save_what_they_saw_at_once_do_not_overwrite_each_other(
    app: Any, make: Factory
) -> None:
    site = save(Site, name="Old")
    verbs = [
        partial(save_record, Site, site, {"name": name}, STAFF, shown={"name": "Old"})
        for name in ("A", "B", "C")
    ]
    assert [refusal.code for refusal in only_refusals(together(app, verbs))] == ["changed"] * 2


@pytest.mark.parametrize(
    "text",
    ["x", "@", "a@b", "a b@example.org", "a@example.org\nBcc: b@example.org", "a@b@example.org",
     "a@" + "x" * 250 + ".org", "<a@example.org>"],
)  # fmt: skip
def test_what_is_no_address_is_refused(app: Any, make: Factory, text: str) -> None:
    refusal = refusal_of(lambda: save(User, **(USER | {"email": text})))
    assert (refusal.code, refusal.field) == ("email", "email")


def test_an_empty_address_is_none_and_spaces_are_tidied() -> None:
    assert check_email("  ") is None
    assert check_email(None) is None
    assert check_email(" Zoë@example.org ") == "Zoë@example.org"


def test_no_email_and_an_address_contradict_each_other(app: Any, make: Factory) -> None:
    assert refusal_of(lambda: save(User, **(USER | {"no_email": True}))).field == "email"


def test_a_name_is_required(app: Any, make: Factory) -> None:
    for model in (User, Staff, Role):
        assert refusal_of(partial(save, model, name="  ")).code == "required"


def test_a_name_that_is_taken_is_refused_in_a_sentence(app: Any, make: Factory) -> None:
    save(Site, name="Springfield")
    assert refusal_of(lambda: save(Site, name="Springfield")).code == "not_unique"


def test_a_new_unit_can_be_invoiced_and_keeps_its_label(app: Any, make: Factory) -> None:
    site = fetch(Site, make.site())
    unit = save(Unit, site=site, name="A1", rate=9900)
    save(Unit, unit, name="A2")
    [billable] = rows_of(Billable)
    assert (billable.kind, billable.label, billable.site_id) == ("unit", "A2", site.id)


def test_a_role_holds_only_permissions_there_are(app: Any, make: Factory) -> None:
    refusal = refusal_of(lambda: save(Role, name="Odd", permissions=["invoices.explode"]))
    assert refusal.field == "permissions"
