"""A label deleted, or merged into another: off everything at once, told everywhere, never half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from billing import clock, invoicing, runtime
from billing.actions import label_actions
from billing.database import reading
from billing.errors import NotFound
from billing.label_ends import delete_label, label_use, merge_labels
from billing.labelling import add_label, set_labels
from models import History, Invoice, Label, SavedFilter, Unit, User
from tests.billing.helpers import everything, refusal_of
from tests.billing.labels import label, labels_of
from tests.support import STAFF, Factory, all_of


def told(record: str, verb: str = "label") -> list[History]:
    return [row for row in all_of(History) if (row.record, row.verb) == (record, verb)]


def use_of(key: int) -> Any:
    with reading() as session:
        return label_use(session, key)


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = runtime.current().engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def three(make: Factory) -> list[tuple[type[Any], int]]:
    """A user, a unit and an invoice."""
    site = make.site()
    user = make.user(site_id=site)
    invoice = make.invoice(user, site_id=site)
    return [(User, user), (Unit, make.unit(site)), (Invoice, invoice)]


def kept(make: Factory, query: str, grid: str = "invoice", shared: bool = True) -> int:
    staff = make.staff()
    return make.add(
        SavedFilter(
            staff_id=staff,
            grid=grid,
            name=query[:60],
            query=query,
            shared=shared,
            created_at=clock.now(),
        )
    )


class TestDelete:
    def test_it_goes_off_everything_and_each_tells_it(
        self, three: list[tuple[type[Any], int]]
    ) -> None:
        old, vip = label("Old"), label("VIP")
        for model, key in three:
            set_labels(model, key, [old, vip], actor=STAFF)
        assert use_of(old).in_words == "1 user, 1 unit and 1 invoice"
        assert delete_label(old, shown=use_of(old).mark, actor=STAFF) == "Old"
        for model, key in three:
            assert labels_of(model, key) == ["VIP"]
            last = told(model.__name__.lower())[-1]
            assert last.sentence == "Label “Old” taken off: it was deleted"
            assert (last.record_id, last.actor_name) == (key, STAFF.name)
            assert last.details == {"taken_off": ["Old"]}
        assert [each.name for each in all_of(Label)] == ["VIP"]
        [row] = told("label", "delete")
        assert row.record_id == old
        assert row.sentence == "Deleted the label “Old”; it was on 1 user, 1 unit and 1 invoice"
        assert told("user")[-1].user_id == three[0][1]
        assert told("invoice")[-1].user_id == three[0][1]
        assert told("unit")[-1].site_id == told("invoice")[-1].site_id is not None

    def test_one_on_nothing(self, app: Any) -> None:
        key = label("Old")
        assert use_of(key).in_words == ""
        delete_label(key, actor=STAFF)
        assert all_of(Label) == []
        [row] = told("label", "delete")
        assert row.sentence == "Deleted the label “Old”"

    def test_a_deleted_invoice_loses_it_too(self, make: Factory) -> None:
        invoice, old = make.invoice(state="draft"), label("Old")
        set_labels(Invoice, invoice, [old], actor=STAFF)
        invoicing.delete_invoice(invoice, actor=STAFF)
        delete_label(old, actor=STAFF)
        assert labels_of(Invoice, invoice) == []

    def test_one_that_is_gone(self, app: Any) -> None:
        key = label("Old")
        delete_label(key, actor=STAFF)
        before = everything()
        for gone in (key, 987):
            with pytest.raises(NotFound):
                delete_label(gone, actor=STAFF)
        assert everything() == before

    def test_a_new_label_never_gets_the_number_of_a_deleted_one(self, app: Any) -> None:
        key = label("Old")
        delete_label(key, actor=STAFF)
        assert label("New") > key

    def test_more_records_have_it_than_were_shown(self, make: Factory) -> None:
        old = label("Old")
        shown = use_of(old).mark
        set_labels(User, make.user(), [old], actor=STAFF)
        before = everything()
        for mark in (shown, "", "nonsense"):
            refusal = refusal_of(partial(delete_label, old, shown=mark, actor=STAFF))
            assert refusal.code == "changed"
        assert everything() == before
        delete_label(old, shown=use_of(old).mark, actor=STAFF)

    def test_however_many_it_is_the_same_few_statements(self, make: Factory) -> None:
        def statements(number: int) -> int:
            key = label(f"On {number}")
            user = make.user()
            add_label([make.invoice(user) for _ in range(number)], key, actor=STAFF)
            with counted() as seen:
                delete_label(key, actor=STAFF)
            return len(seen)

        assert statements(12) == statements(1)


class TestMerge:
    def test_everything_that_had_one_has_the_other_once(
        self, make: Factory, three: list[tuple[type[Any], int]]
    ) -> None:
        late, slow, vip = label("Late payer"), label("Slow"), label("VIP")
        both, neither = make.user(), make.user()
        set_labels(User, both, [late, slow], actor=STAFF)
        set_labels(User, neither, [vip], actor=STAFF)
        for model, key in three:
            set_labels(model, key, [slow, vip], actor=STAFF)
        asked = {"shown": use_of(slow).mark, "actor": STAFF}
        assert merge_labels(slow, late, **asked) == "Late payer"
        for model, key in three:
            assert labels_of(model, key) == ["Late payer", "VIP"]
            [last] = [row for row in told(model.__name__.lower())[-2:] if row.record_id == key][-1:]
            assert last.sentence == "Label “Slow” became “Late payer”: they were merged"
            assert last.details == {"taken_off": ["Slow"], "put_on": ["Late payer"]}
        assert labels_of(User, both) == ["Late payer"]
        assert labels_of(User, neither) == ["VIP"]
        assert {row.record_id for row in told("user")[-2:]} == {both, three[0][1]}
        assert [each.name for each in all_of(Label)] == ["Late payer", "VIP"]
        first, second = told("label", "merge")
        was_on = "it was on 2 users, 1 unit and 1 invoice"
        assert (first.record_id, first.sentence) == (
            slow,
            f"Merged “Slow” into “Late payer”; {was_on}",
        )
        assert (second.record_id, second.sentence) == (
            late,
            f"“Slow” was merged into it; {was_on}",
        )

    def test_saved_filters_that_named_it_name_the_other(self, make: Factory) -> None:
        late, slow, vip = label("Late payer"), label("Slow"), label("VIP")
        cases = {
            f"labels={slow}": f"labels={late}",
            f"state=sent&labels={slow},{vip}&q=a+b": f"state=sent&labels={late},{vip}&q=a+b",
            f"labels={vip}&labels={slow}&state=sent": f"labels={late},{vip}&state=sent",
            f"labels={late},{slow}": f"labels={late}",
            f"labels=0{slow}": f"labels={late}",
            f"labels=1{slow}": f"labels=1{slow}",
            f"user={slow}&q=labels%3D{slow}": f"user={slow}&q=labels%3D{slow}",
            f"labels={vip}": f"labels={vip}",
        }
        made = {kept(make, before): after for before, after in cases.items()}
        mine = kept(make, f"labels={slow}", grid="user", shared=False)
        other_grid = kept(make, f"labels={slow}", grid="payment")
        assert use_of(slow).filters == 6
        merge_labels(slow, late, actor=STAFF)
        now = {each.id: each.query for each in all_of(SavedFilter)}
        assert {key: now[key] for key in made} == made
        assert now[mine] == f"labels={late}"
        assert now[other_grid] == f"labels={slow}"

    def test_deleting_leaves_them_to_say_that_it_is_gone(self, make: Factory) -> None:
        slow = label("Slow")
        key = kept(make, f"labels={slow}")
        delete_label(slow, actor=STAFF)
        assert [(each.id, each.query) for each in all_of(SavedFilter)] == [(key, f"labels={slow}")]

    def test_bad_choices_are_refused_whole(self, make: Factory) -> None:
        slow = label("Slow")
        set_labels(User, make.user(), [slow], actor=STAFF)
        gone = label("Gone")
        delete_label(gone, actor=STAFF)
        before = everything()
        for into, code in ((slow, "same"), (gone, "no_label"), (987, "no_label")):
            refusal = refusal_of(partial(merge_labels, slow, into, actor=STAFF))
            assert (refusal.code, refusal.field) == (code, "into")
        with pytest.raises(NotFound):
            merge_labels(gone, slow, actor=STAFF)
        late = label("Late")
        refusal = refusal_of(lambda: merge_labels(slow, late, shown="0-0-0", actor=STAFF))
        assert refusal.code == "changed"
        delete_label(late, actor=STAFF)
        assert len(everything()) == len(before)
        assert labels_of(User, all_of(User)[0].id) == ["Slow"]


class TestSites:
    @pytest.mark.parametrize("kind", ["user", "user of no site", "unit", "invoice"])
    def test_staff_of_one_site_end_no_label_of_another(self, make: Factory, kind: str) -> None:
        here, there = make.site(), make.site()
        slow, late = label("Slow"), label("Late")
        set_labels(User, make.user(site_id=here), [slow], actor=STAFF)
        delete_label(label("Mine"), within={here}, actor=STAFF)
        elsewhere = {
            "user": lambda: (User, make.user(site_id=there)),
            "user of no site": lambda: (User, make.user()),
            "unit": lambda: (Unit, make.unit(there)),
            "invoice": lambda: (Invoice, make.invoice(site_id=there)),
        }
        model, key = elsewhere[kind]()
        set_labels(model, key, [slow], actor=STAFF)
        verbs: list[Callable[[], Any]] = [
            lambda: delete_label(slow, within={here}, actor=STAFF),
            lambda: merge_labels(slow, late, within={here}, actor=STAFF),
        ]
        for verb in verbs:
            assert refusal_of(verb).code == "other_site"
        with reading() as session:
            shown = label_actions(session, session.get_one(Label, slow), {here})
            free = label_actions(session, session.get_one(Label, slow))
        assert all("of other sites" in (each.why_not or "") for each in shown)
        assert [each.why_not for each in free] == [None, None]
        if kind != "user of no site":
            merge_labels(slow, late, within={here, there}, actor=STAFF)

    def test_the_only_label_can_not_be_merged(self, app: Any) -> None:
        only = label("Only")
        with reading() as session:
            merge, delete = label_actions(session, session.get_one(Label, only))
        assert (merge.why_not, delete.why_not) == ("There is no other label.", None)
