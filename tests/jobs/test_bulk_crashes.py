"""Bulk actions when workers die, meet, or come too late: each invoice once all the same."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import time as stopwatch
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from billing import bulk_turns, runtime
from billing.actor import Actor
from billing.bulk import stop_run
from billing.bulk_outcomes import CHARGE, REMIND, SEND, BulkVerb
from billing.database import transaction
from billing.proof import verify
from config import Config
from jobs import bulk_actions
from models import BulkRow, BulkRun, Invoice, Payment, Site, Staff
from models.states import ActorKind, BulkResult
from tests.billing.bulk_kinds import EVERYTHING, begin
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import reconcile, rows_of, together
from tests.held import Held
from tests.jobs.test_bulk_actions import results, sales_of, with_card
from tests.jobs.test_messages import Workers
from tests.messaging.helpers import Sink
from tests.support import Clock, Factory, emails, fetch


@pytest.fixture
def boss(make: Factory) -> Actor:
    """A member of staff who may do everything."""
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff", "127.0.0.1")


@pytest.fixture
def workers(app: Any, config: Config, sink: Sink, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(config, sink, tmp_path / "worker.log")
    yield made
    made.stop()


def test_a_long_run_goes_on_in_another_job(
    app: Any, make: Factory, boss: Actor, monkeypatch: Any
) -> None:
    for _ in range(3):
        make.invoice()
    asked: list[tuple[str, list[int]]] = []
    bound = runtime.current()
    monkeypatch.setattr(
        runtime,
        "_current",
        dataclasses.replace(bound, enqueue=lambda name, ids: asked.append((name, ids))),
    )
    run = begin(SEND, EVERYTHING, boss)
    assert asked == [("bulk.run", [run])]
    clicks = iter(range(1000))
    monkeypatch.setattr(bulk_actions.time, "monotonic", lambda: next(clicks) * 6.0)
    for _ in range(4):
        asked.clear()
        bulk_actions.run([run])
        if ("bulk.run", [run]) not in asked:
            break
    assert Counter(result for result, _ in results(run).values()) == {"done": 3}
    assert fetch(BulkRun, run).finished_at is not None


def test_one_that_breaks_stops_no_other(
    app: Any, make: Factory, boss: Actor, monkeypatch: Any
) -> None:
    broken, fine = make.invoice(), make.invoice()
    real = bulk_actions.remind

    def remind(invoice_id: int, *, actor: Actor) -> None:
        if invoice_id == broken:
            raise ValueError("out of paper")
        real(invoice_id, actor=actor)

    monkeypatch.setattr(bulk_actions, "remind", remind)
    run = begin(REMIND, EVERYTHING, boss)
    bulk_actions.run([run])
    assert results(run) == {
        broken: ("failed", bulk_actions.BROKE),
        fine: ("done", "Reminder queued."),
    }


def test_a_charge_that_broke_after_the_gateway_is_told_by_the_records(
    app: Any, make: Factory, sandbox: Any, boss: Actor, monkeypatch: Any
) -> None:
    (invoice,) = with_card(make, 1)
    real = bulk_actions.charge_customer

    def charge(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise ValueError("out of ink")

    monkeypatch.setattr(bulk_actions, "charge_customer", charge)
    run = begin(CHARGE, EVERYTHING, boss)
    bulk_actions.run([run])
    assert results(run)[invoice] == ("done", "$20.00 charged.")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", [SEND, CHARGE, REMIND], ids=lambda verb: verb.name)
def test_a_database_that_goes_away_between_two_steps_doubles_nothing(
    app: Any,
    make: Factory,
    sandbox: Any,
    boss: Actor,
    time: Clock,
    monkeypatch: Any,
    verb: BulkVerb,
    when: str,
) -> None:
    """The row stays *running*; whoever takes the run next finds out what became of it."""
    invoices = with_card(make, 3)
    run = begin(verb, EVERYTHING, boss)
    name = {"send": "_send", "charge": "_charge", "remind": "_remind"}[verb.name]
    real = getattr(bulk_actions, name)

    def lost(turn: Any, row: Any) -> Any:
        if row.invoice_id == invoices[1]:
            if when == "after":
                real(turn, row)
            raise OperationalError("", {}, Exception("gone"))
        return real(turn, row)

    with monkeypatch.context() as patched:
        patched.setitem(bulk_actions._VERBS, verb.name, lost)
        with pytest.raises(OperationalError):
            bulk_actions.run([run])
    assert results(run)[invoices[1]][0] == "running"
    bulk_actions.run([run])
    assert {result for result, _ in results(run).values()} == {"done"}
    if verb is CHARGE:
        assert len(sandbox.transactions()) == 3
        assert verify() == []
    else:
        kind = "reminder" if verb is REMIND else "invoice_again"
        assert Counter(email.invoice_id for email in emails(kind)) == Counter(invoices)


def test_two_workers_at_once_double_nothing(
    app: Any, make: Factory, sandbox: Any, boss: Actor, time: Clock
) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    invoices = with_card(make, 5)
    run = begin(CHARGE, EVERYTHING, boss)
    together(app, [lambda: bulk_actions.run([run])] * 3)
    bulk_actions.run([run])
    assert {result for result, _ in results(run).values()} == {"done"}
    assert [sales_of(each, sandbox) for each in invoices] == [1] * 5


def test_a_lease_that_ran_out_too_early_doubles_nothing(
    app: Any, make: Factory, sandbox: Any, boss: Actor, time: Clock, monkeypatch: Any
) -> None:
    """A worker that was only slow comes back while another has its run."""
    sandbox.control("settings", {"duplicate_checking": False})
    invoices = with_card(make, 3)
    run = begin(CHARGE, EVERYTHING, boss)
    real = runtime.current().gateway.sale
    slept: list[int] = []

    def slow(order: Any) -> Any:
        if not slept:
            slept.append(1)
            time.advance(minutes=5)
            bulk_actions.run([run])
        return real(order)

    monkeypatch.setattr(runtime.current().gateway, "sale", slow)
    bulk_actions.run([run])
    assert {result for result, _ in results(run).values()} == {"done"}
    assert [sales_of(each, sandbox) for each in invoices] == [1] * 3


def test_a_stopped_run_does_no_more(
    app: Any, make: Factory, sandbox: Any, boss: Actor, monkeypatch: Any
) -> None:
    first, second = with_card(make, 2)
    run = begin(CHARGE, EVERYTHING, boss)
    real = bulk_actions._charge

    def stop_then_charge(turn: Any, row: Any) -> Any:
        stop_run(run, actor=boss)
        return real(turn, row)

    monkeypatch.setitem(bulk_actions._VERBS, "charge", stop_then_charge)
    bulk_actions.run([run])
    assert results(run)[first][0] == "done"
    assert results(run)[second] == ("stopped", "Stopped before its turn.")
    assert fetch(Invoice, second).state == "sent"
    assert fetch(BulkRun, run).finished_at is not None


def test_somebody_whose_sites_changed_reaches_no_other(
    app: Any, make: Factory, boss: Actor
) -> None:
    here, there = make.site(), make.site()
    mine, not_mine = make.invoice(site_id=here), make.invoice(site_id=there)
    run = begin(SEND, EVERYTHING, boss)
    with transaction() as session:
        session.get_one(Staff, boss.id).sites = [session.get_one(Site, here)]
    bulk_actions.run([run])
    assert results(run)[mine][0] == "done"
    assert results(run)[not_mine] == ("refused", bulk_actions.ELSEWHERE)
    assert [email.invoice_id for email in emails("invoice_again")] == [mine]


def test_running_it_once_more_does_nothing(app: Any, make: Factory, boss: Actor) -> None:
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    bulk_actions.run([run])
    assert bulk_actions.run([run, 999]) == "0 invoices done"
    assert len(emails("invoice_again")) == 1


# Real workers.


def _until(condition: Callable[[], bool], seconds: float = 120) -> None:
    ends = stopwatch.monotonic() + seconds
    while not condition():
        assert stopwatch.monotonic() < ends, "it did not happen in time"
        stopwatch.sleep(0.05)


def _kill(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait()


@POSTGRESQL
def test_a_worker_killed_in_the_middle_of_charging_charges_nobody_twice(
    app: Any, make: Factory, sandbox: Any, held: Held, boss: Actor, workers: Workers, time: Clock
) -> None:
    """Killed while the gateway works on a sale: one sale an invoice, whatever happens after."""
    sandbox.control("settings", {"duplicate_checking": False})
    invoices = with_card(make, 8)
    run = begin(CHARGE, EVERYTHING, boss)
    sandbox.fault("sale", "latency", "after", times=3)
    held.passing = 2
    worker = workers.start()
    workers.ask("bulk.run", [run])
    assert held.begun.wait(120)
    assert len(rows_of(BulkRow, BulkRow.result == BulkResult.DONE)) == 2
    assert len(rows_of(Payment, Payment.state == "started")) == 1
    _kill(worker)
    assert len(rows_of(BulkRow, BulkRow.result == BulkResult.RUNNING)) == 1
    assert fetch(BulkRun, run).finished_at is None
    time.advance(minutes=4)
    workers.start()
    workers.ask("bulk.sweep", [])
    # This test's own process asks no queue: the sweep's request went to the worker's Redis.
    _until(lambda: fetch(BulkRun, run).finished_at is not None)
    reconcile(rounds=2)
    bulk_turns.sweep()
    assert {result for result, _ in results(run).values()} == {"done"}
    assert [sales_of(each, sandbox) for each in invoices] == [1] * 8
    assert {fetch(Invoice, each).state.value for each in invoices} == {"paid"}
    assert verify() == []
