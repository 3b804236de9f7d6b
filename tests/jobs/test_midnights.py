"""Midnight where the office is: everywhere from UTC−12 to UTC+14, and when the clocks change.

The slots are counted without waiting: a week, or a year, of beats is gone through in memory. Some
days are also gone through by the real scheduler on a real database.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from rq import Queue
from rq.serializers import JSONSerializer

from billing import clock, overdue
from billing.database import reading, transaction
from billing.retry_plan import plan_retry
from config import Config
from jobs import queues, schedule
from jobs.schedule import TIMETABLE, Entry
from models import Invoice, JobRun, Payment, Settings
from models.states import ActorKind, InvoiceState
from tests.support import Clock, Factory

# A sign in Etc/GMT is the other way round: Etc/GMT+12 is UTC−12.
WHOLE_HOURS = [f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT" for offset in range(-12, 15)]
UNEVEN = [
    "Asia/Kolkata",  # +5:30
    "Asia/Kathmandu",  # +5:45
    "America/St_Johns",  # −3:30, and changes its clocks
    "Pacific/Chatham",  # +12:45, and changes its clocks
    "Australia/Lord_Howe",  # +10:30, and changes its clocks by half an hour
]
# In the last three midnight itself is skipped, and comes twice or is a minute's neighbour.
CHANGING = [
    "America/New_York",
    "Europe/Berlin",
    "America/St_Johns",
    "Pacific/Chatham",
    "Australia/Lord_Howe",
    "America/Santiago",
    "America/Havana",
    "Asia/Beirut",
]
YEAR = 2027
MINUTE = dt.timedelta(minutes=1)
TEN_MINUTES = dt.timedelta(minutes=10)
DAY = dt.timedelta(days=1)
DAILY = [entry for entry in TIMETABLE if not entry.seconds]
DUE = dt.date(YEAR, 6, 10)


def changes_of(zone: str) -> list[dt.datetime]:
    """The instants of a year at which the clocks of ``zone`` change, to the minute."""
    where, found = ZoneInfo(zone), []
    now = dt.datetime(YEAR, 1, 1, tzinfo=dt.UTC)
    while now.year == YEAR:
        later = now + dt.timedelta(hours=6)
        if now.astimezone(where).utcoffset() != later.astimezone(where).utcoffset():
            moment = now
            while moment.astimezone(where).utcoffset() == now.astimezone(where).utcoffset():
                moment += MINUTE
            found.append(moment)
        now = later
    return found


WEEKS = [(zone, dt.datetime(YEAR, 6, 7, 5, 3, tzinfo=dt.UTC)) for zone in WHOLE_HOURS + UNEVEN] + [
    (zone, change - dt.timedelta(days=3, minutes=7))
    for zone in CHANGING
    for change in changes_of(zone)
]
IDS = [f"{zone}-{start:%b%d}" for zone, start in WEEKS]


def beats(start: dt.datetime, step: dt.timedelta, days: int = 7) -> Iterator[dt.datetime]:
    moment = start
    while moment < start + days * DAY:
        yield moment
        moment += step


def first_of_day(day: dt.date, zone: str) -> dt.datetime:
    """The first minute of a local day, also where it does not begin at midnight."""
    where = ZoneInfo(zone)
    moment = dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(hours=15)
    while moment.astimezone(where).date() < day:
        moment += dt.timedelta(minutes=15)
    return moment


def runs(entry: Entry, moments: Iterator[dt.datetime], zone: str) -> list[dt.datetime]:
    """The moments at which a scheduler would ask for ``entry``, the first slot being taken."""
    taken, asked = None, []
    for moment in moments:
        slot = entry.slot(moment, zone)
        if taken is None:
            taken = slot
        elif slot > taken:
            taken = slot
            asked.append(moment)
    return asked


def test_clocks_change_twice_in_each_zone_that_changes_them() -> None:
    assert [len(changes_of(zone)) for zone in CHANGING] == [2] * len(CHANGING)
    assert changes_of("Asia/Kolkata") == []


def test_there_are_zones_whose_day_does_not_begin_at_midnight() -> None:
    late = {
        zone
        for zone in CHANGING
        for change in changes_of(zone)
        if change.astimezone(ZoneInfo(zone)).time() == dt.time(1)
        and (change - MINUTE).astimezone(ZoneInfo(zone)).time() == dt.time(23, 59)
    }
    assert {"America/Santiago", "America/Havana", "Asia/Beirut"} <= late


def test_charges_and_retries_are_daily_at_midnight_in_this_order() -> None:
    at_midnight = [entry.name for entry in DAILY if entry.hour == 0]
    assert at_midnight[:2] == ["charges.nightly", "charges.retry"]
    assert [entry.hour for entry in DAILY if entry.name == "methods.expiring"] == [6]


@pytest.mark.parametrize(("zone", "start"), WEEKS, ids=IDS)
@pytest.mark.parametrize("step", [TEN_MINUTES, dt.timedelta(hours=1)], ids=["10min", "hourly"])
def test_a_daily_job_is_asked_for_once_every_local_day(
    zone: str, start: dt.datetime, step: dt.timedelta
) -> None:
    where = ZoneInfo(zone)
    for entry in DAILY:
        asked = runs(entry, beats(start, step), zone)
        days = Counter(moment.astimezone(where).date() for moment in asked)
        assert set(days.values()) == {1}, entry
        assert len(days) in (6, 7, 8)
        first, last = min(days), max(days)
        assert len(days) == (last - first).days + 1
        for moment in asked:
            local = moment.astimezone(where)
            # The hour may be one the clocks skipped, so what was meant is compared in real time.
            wanted = dt.datetime.combine(local.date(), dt.time(entry.hour), where)
            late = moment - wanted.astimezone(dt.UTC)
            assert dt.timedelta(0) <= late < step, (entry, local)


@pytest.mark.parametrize(("zone", "start"), WEEKS, ids=IDS)
def test_a_minute_around_midnight_decides(zone: str, start: dt.datetime) -> None:
    entry = next(entry for entry in DAILY if entry.name == "charges.nightly")
    day = start.astimezone(ZoneInfo(zone)).date()
    for ahead in range(1, 7):
        midnight = first_of_day(day + ahead * DAY, zone)
        before, after = midnight - MINUTE, midnight + MINUTE
        assert entry.slot(after, zone) == entry.slot(before, zone) + 1
        assert entry.slot(midnight, zone) == entry.slot(after, zone)
        assert before < entry.next_run(before, zone) <= midnight
        assert entry.next_run(after, zone) > after


@pytest.mark.parametrize("zone", CHANGING)
def test_a_whole_year_has_one_run_a_day_and_the_slots_never_go_back(zone: str) -> None:
    start = dt.datetime(YEAR, 1, 1, 12, tzinfo=dt.UTC)
    for entry in DAILY:
        slots = [entry.slot(moment, zone) for moment in beats(start, TEN_MINUTES, days=365)]
        steps = {after - before for before, after in pairwise(slots)}
        assert steps == {0, 1}
        assert slots[-1] - slots[0] in (364, 365)


@pytest.mark.parametrize(("zone", "start"), WEEKS, ids=IDS)
def test_overdue_turns_at_local_midnight_and_never_when_due_today(
    zone: str, start: dt.datetime
) -> None:
    settings = Settings(overdue_age=0, timezone=zone)
    due = start.astimezone(ZoneInfo(zone)).date() + 2 * DAY
    invoice = Invoice(due_on=due, issued_on=due - DAY, state=InvoiceState.SENT)
    invoice.overdue_on = overdue.overdue_on(invoice, settings)
    turned = [
        moment
        for moment in beats(start, TEN_MINUTES)
        if overdue.is_overdue(invoice, moment.astimezone(ZoneInfo(zone)).date())
    ]
    midnight = first_of_day(due + DAY, zone)
    assert dt.timedelta(0) <= turned[0] - midnight < TEN_MINUTES
    assert len(turned) == len([m for m in beats(start, TEN_MINUTES) if m >= midnight])


ZONES_OF_A_DATABASE = [
    "Etc/GMT+12",
    "Etc/GMT-14",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Chatham",
    "America/Havana",
]


def midnight_of_change(zone: str) -> dt.datetime:
    """The first moment of a day in ``zone``, of one on which the clocks change if there is one."""
    changes = changes_of(zone)
    day = changes[0].astimezone(ZoneInfo(zone)).date() if changes else DUE
    return first_of_day(day, zone)


@pytest.fixture
def enqueuer(app: Flask, config: Config) -> queues.Enqueuer:
    queues.connect(config).flushall()
    return queues.Enqueuer(config)


@pytest.mark.parametrize("zone", ZONES_OF_A_DATABASE)
def test_the_scheduler_asks_once_after_midnight_and_not_a_minute_before(
    enqueuer: queues.Enqueuer, make: Factory, time: Clock, zone: str
) -> None:
    make.settings(timezone=zone)
    midnight = midnight_of_change(zone)
    asked = []
    for ahead in (-60, -1, 1, 2, 30, 24 * 60 - 61):
        time.set(midnight + dt.timedelta(minutes=ahead))
        asked.append("charges.nightly" in schedule.beat(enqueuer))
        schedule.recorded("charges.nightly", lambda: "done at once")
    assert asked == [False, False, True, False, False, False]


def test_a_night_without_a_scheduler_is_made_up_for_once(
    enqueuer: queues.Enqueuer, make: Factory, time: Clock
) -> None:
    make.settings(timezone="America/New_York")
    time.set(first_of_day(DUE, "America/New_York") + MINUTE)
    schedule.beat(enqueuer)
    time.advance(days=3, hours=9)
    assert "charges.nightly" in schedule.beat(enqueuer)
    assert "charges.nightly" not in schedule.beat(enqueuer)


def test_two_schedulers_at_midnight_ask_once(
    app: Flask, config: Config, enqueuer: queues.Enqueuer, make: Factory, time: Clock
) -> None:
    make.settings(timezone="Pacific/Chatham")
    time.set(first_of_day(DUE, "Pacific/Chatham") - MINUTE)
    schedule.beat(enqueuer)
    queues.connect(config).flushall()
    time.advance(minutes=2)
    start = threading.Barrier(4)

    def beat() -> None:
        with app.app_context():
            start.wait()
            schedule.beat(enqueuer)

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue = Queue("money", connection=queues.connect(config), serializer=JSONSerializer)
    asked = Counter(job.args[0] for job in queue.jobs)
    assert (asked["charges.nightly"], asked["charges.retry"]) == (1, 1)


def test_a_job_that_was_never_there_waits_for_its_first_midnight(
    enqueuer: queues.Enqueuer, make: Factory, time: Clock
) -> None:
    make.settings(timezone="Asia/Kolkata")
    time.set(first_of_day(DUE, "Asia/Kolkata") + dt.timedelta(hours=12))
    assert "charges.nightly" not in schedule.beat(enqueuer)
    with reading() as session:
        assert session.get_one(JobRun, "charges.nightly").asked_at is None
    time.advance(hours=12, minutes=1)
    assert "charges.nightly" in schedule.beat(enqueuer)


@pytest.mark.parametrize("zone", ZONES_OF_A_DATABASE)
def test_a_retry_is_planned_by_the_local_date(make: Factory, time: Clock, zone: str) -> None:
    make.settings(timezone=zone, retry_days=[3])
    user = make.user()
    midnight = midnight_of_change(zone)
    day = midnight.astimezone(ZoneInfo(zone)).date()
    for ahead, declined_on in ((-MINUTE, day - DAY), (MINUTE, day)):
        time.set(midnight + ahead)
        with transaction() as session:
            invoice = Invoice(user_id=user, retries=0, silent=False)
            payment = Payment(initiated_by=ActorKind.SYSTEM, soft=True)
            assert clock.today(zone) == declined_on
            assert plan_retry(session, payment, invoice) == declined_on + 3 * DAY
