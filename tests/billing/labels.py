"""What the tests of labels' ends share."""

from __future__ import annotations

from typing import Any

from billing.database import reading
from billing.saving import save_record
from models import Label
from tests.support import STAFF


def label(name: str) -> int:
    return save_record(Label, None, {"name": name, "note": ""}, STAFF)


def labels_of(model: type[Any], record_id: int) -> list[str]:
    with reading() as session:
        return [each.name for each in session.get_one(model, record_id).labels]
