"""Names that must exist where they are used: permissions, jobs, queues, modules."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from jobs.queues import QUEUES, queue_of
from jobs.schedule import TIMETABLE
from jobs.work import JOBS
from models import Base
from models.permissions import DEFAULT_ROLES, PERMISSIONS
from tests.architecture.sources import ROOT, calls, rooms, strings

AREAS = {name.partition(".")[0] for name in PERMISSIONS}


def test_every_permission_that_is_named_exists() -> None:
    looks_like_one = re.compile(rf"({'|'.join(sorted(AREAS))})\.[a-z_]+")
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
    }
    known = {*PERMISSIONS, *JOBS, *columns}
    named = {
        (place, text)
        for place, text in strings(*(set(rooms()) - {"documents"}))
        if looks_like_one.fullmatch(text)
    }
    endpoints = {(place, text) for place, text in named if _is_endpoint(text)}
    assert {(place, text) for place, text in named - endpoints if text not in known} == set()


def _is_endpoint(text: str) -> bool:
    """Whether it names a page of the panel, as in ``url_for("invoices.index_view")``."""
    return text.endswith(("_view", ".index", ".html", ".txt", ".js", ".css", ".svg"))


def test_every_record_in_the_panel_can_be_permitted() -> None:
    for mapper in Base.registry.mappers:
        panel = getattr(mapper.class_, "__panel__", None)
        if panel is not None:
            assert f"{panel.area}.view" in PERMISSIONS
            assert not panel.form or f"{panel.area}.edit" in PERMISSIONS


def test_the_first_roles_hold_permissions_there_are() -> None:
    for _description, names in DEFAULT_ROLES.values():
        assert set(names) <= set(PERMISSIONS)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (
            "Operations",
            {"invoices.charge", "invoices.redraft", "payments.process", "notices.receive"},
            {"credits.give", "payments.refund", "invoices.delete", "settings.edit", "staff.edit"},
        ),
        (
            "Administration",
            {"credits.give", "payments.refund", "notices.receive", "settings.view", "jobs.run"},
            {"invoices.delete", "settings.edit", "staff.edit"},
        ),
        ("Manager", set(PERMISSIONS), set()),
    ],
)
def test_the_first_roles_hold_what_their_names_promise(
    role: str, may: set[str], may_not: set[str]
) -> None:
    held = set(DEFAULT_ROLES[role][1])
    assert (may - held, may_not & held) == (set(), set())


def test_every_job_that_is_asked_for_exists() -> None:
    asked = {
        argument.value
        for place, node, called in calls()
        if called.rpartition(".")[2] in ("later", "enqueue", "run_now")
        and place != "jobs/queues.py"  # hands RQ its one function
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    assert {"emails.deliver", "reconciliation.check", "notifications.process"} <= asked
    assert asked <= set(JOBS)


def test_the_timetable_names_jobs_there_are() -> None:
    assert {entry.name for entry in TIMETABLE} <= set(JOBS)


def test_every_job_goes_to_a_queue_that_is_served() -> None:
    assert {queue_of(name) for name in JOBS} <= set(QUEUES)


def test_no_top_level_module_is_named_like_one_of_pythons() -> None:
    own = {path.stem for path in ROOT.glob("*.py")} | set(rooms())
    assert own & set(sys.stdlib_module_names) == set()


def test_tests_are_no_packages() -> None:
    assert list(Path(ROOT / "tests").rglob("__init__.py")) == []
