"""Two people at one label in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.errors import NotFound, Refusal
from billing.label_ends import delete_label, merge_labels
from billing.labelling import add_label, remove_label, set_labels
from models import Invoice, User
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import together
from tests.billing.labels import label, labels_of
from tests.support import STAFF, Factory


@POSTGRESQL
class TestTogether:
    """Two people at once: one of them is told, nothing is half done and nothing breaks."""

    @pytest.mark.parametrize("turn", range(3))
    def test_the_same_label_ended_twice(self, app: Any, make: Factory, turn: int) -> None:
        slow, late, vip = label("Slow"), label("Late"), label("VIP")
        user = make.user()
        set_labels(User, user, [slow], actor=STAFF)
        verbs: list[Callable[[], Any]] = [
            lambda: delete_label(slow, actor=STAFF),
            lambda: merge_labels(slow, late, actor=STAFF),
            lambda: merge_labels(slow, vip, actor=STAFF),
        ]
        results = together(app, verbs[turn:] + verbs[:turn])
        assert sorted(isinstance(each, NotFound) for each in results) == [False, True, True]
        assert labels_of(User, user) in ([], ["Late"], ["VIP"])

    def test_two_merged_into_each_other(self, app: Any, make: Factory) -> None:
        slow, late = label("Slow"), label("Late")
        user = make.user()
        set_labels(User, user, [slow, late], actor=STAFF)
        results = together(
            app,
            [
                lambda: merge_labels(slow, late, actor=STAFF),
                lambda: merge_labels(late, slow, actor=STAFF),
            ],
        )
        assert sum(isinstance(each, Refusal) for each in results) == 1
        assert labels_of(User, user) == [each for each in results if isinstance(each, str)]

    @pytest.mark.parametrize("turn", range(4))
    def test_put_on_and_taken_off_while_it_ends(self, app: Any, make: Factory, turn: int) -> None:
        slow, late, vip = label("Slow"), label("Late"), label("VIP")
        invoice, other = make.invoice(), make.invoice()
        set_labels(Invoice, invoice, [slow], actor=STAFF)
        verbs: list[Callable[[], Any]] = [
            lambda: merge_labels(slow, late, actor=STAFF),
            lambda: set_labels(Invoice, invoice, [late, vip], shown=[slow], actor=STAFF),
            lambda: set_labels(Invoice, other, [slow], actor=STAFF),
            lambda: add_label([invoice, other], slow, actor=STAFF),
            lambda: remove_label([invoice, other], slow, actor=STAFF),
            lambda: add_label([invoice, other], late, actor=STAFF),
        ]
        results = together(app, verbs[turn:] + verbs[:turn])
        broken = [each for each in results if isinstance(each, Exception)]
        assert all(isinstance(each, Refusal) for each in broken), results
        assert "Slow" not in labels_of(Invoice, invoice) + labels_of(Invoice, other)
        assert "Late" in labels_of(Invoice, invoice)
