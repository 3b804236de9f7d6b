"""The record type of predefined charges: what the editor of a draft offers to start a line from."""

from __future__ import annotations

from admin.base.view import RecordView
from models import PredefinedCharge


class ChargeView(RecordView):
    """Predefined charges, in the order in which they are offered."""

    record = PredefinedCharge
    default_sort = "name"
    empty = (
        "Add what you bill again and again, such as a month's rent or a lock. It is offered where "
        "a draft's items are edited; changing it never changes an invoice."
    )
