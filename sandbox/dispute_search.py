"""Finding disputes by the criteria of the SDK's search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sandbox import clock, disputes
from sandbox.disputes import Dispute
from sandbox.search import NotSearchable
from sandbox.work import Work

PAGE_SIZE = 50

_TEXTS: dict[str, Callable[[Dispute], str]] = {
    "id": lambda dispute: dispute.id,
    "transaction_id": lambda dispute: dispute.transaction_id,
    "kind": lambda dispute: dispute.kind,
    "status": lambda dispute: dispute.status,
}
# Of these, one is enough that lies in the range.
_DAYS: dict[str, Callable[[Work, Dispute], list[int]]] = {
    "effective_date": lambda work, dispute: [
        event.at for event in disputes.events(work, dispute.id)
    ],
    "received_date": lambda _work, dispute: [dispute.opened_at],
}


def find(work: Work, criteria: dict[str, Any]) -> list[Dispute]:
    """The disputes that fit all criteria, newest first. Raises NotSearchable."""
    found = disputes.newest(work)
    for name, wanted in criteria.items():
        fits = _test(work, name, wanted)
        found = [dispute for dispute in found if fits(dispute)]
    return found


def _test(work: Work, name: str, wanted: Any) -> Callable[[Dispute], bool]:
    if name in _DAYS and isinstance(wanted, dict):
        lowest, highest = _range(name, wanted)
        return lambda dispute: any(
            lowest <= clock.moment(at).date() <= highest for at in _DAYS[name](work, dispute)
        )
    if name in _TEXTS and isinstance(wanted, dict) and set(wanted) == {"is"}:
        wanted = [wanted["is"]]
    if name in _TEXTS and isinstance(wanted, list):
        return lambda dispute: _TEXTS[name](dispute) in wanted
    raise NotSearchable(name)


def _range(name: str, wanted: dict[str, Any]) -> tuple[date, date]:
    if not wanted or set(wanted) - {"min", "max", "is"}:
        raise NotSearchable(f"{name}: {', '.join(sorted(wanted))}")
    only = wanted.get("is")
    return (
        _day(name, wanted.get("min", only), date.min),
        _day(name, wanted.get("max", only), date.max),
    )


def _day(name: str, value: Any, otherwise: date) -> date:
    if value is None:
        return otherwise
    try:
        return (value if isinstance(value, datetime) else datetime.fromisoformat(str(value))).date()
    except ValueError as error:
        raise NotSearchable(f"{name}: {value}") from error
