"""Who may write what: states, time, amounts, and the gateway's SDK."""

from __future__ import annotations

import ast

from billing.transitions import EDGES
from tests.architecture.sources import calls, imports, nodes, rooms

# Records with a table of edges change state in move() alone. What has no table has one writer.
STATE_WRITERS = {
    "billing/transitions.py": {"record"},
    "billing/ledger.py": {"allocation"},
    "billing/mailing.py": {"email"},
}
MODELS_WITH_EDGES = {model.__name__ for model in EDGES}
CLOCK = "billing/clock.py"


def test_there_are_rooms_to_guard() -> None:
    assert {"admin", "billing", "jobs", "models", "portal"} <= set(rooms())


def _assigned(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []


def test_a_state_is_assigned_by_its_one_writer() -> None:
    written = {
        (place, ast.unparse(target.value))
        for place, node in nodes()
        for target in _assigned(node)
        if isinstance(target, ast.Attribute) and target.attr == "state"
    }
    strangers = {
        (place, name)
        for place, name in written
        if name not in STATE_WRITERS.get(place, set()) and (name != "self" or "models/" in place)
    }
    assert ("billing/ledger.py", "allocation") in written
    assert strangers == set()


def test_no_record_is_made_or_updated_with_a_state_of_its_own() -> None:
    strangers = {
        (place, called)
        for place, node, called in calls()
        if any(keyword.arg == "state" for keyword in node.keywords)
        and called.rpartition(".")[2] in {"values", *MODELS_WITH_EDGES}
        and not place.startswith(("billing/transitions.py", "billing/mailing.py", "messaging/"))
    }
    assert strangers == set()


def test_no_state_is_set_by_name() -> None:
    strangers = {
        (place, called)
        for place, node, called in calls()
        if called.rpartition(".")[2] in ("setattr", "set_committed_value", "set_attribute")
        and any(isinstance(arg, ast.Constant) and arg.value == "state" for arg in node.args)
        and place != "billing/transitions.py"
    }
    assert strangers == set()


def test_time_comes_from_the_clock_alone() -> None:
    readers = {
        (place, called)
        for place, _node, called in calls()
        if called.endswith(("datetime.now", "datetime.utcnow", "datetime.today", "date.today"))
        or called in ("time.time", "time.time_ns", "func.now", "func.current_timestamp")
    }
    assert {place for place, _called in readers} <= {CLOCK}


def test_no_float_in_the_heart() -> None:
    rooms_of_money = [room for room in ("applications", "billing", "models") if room in rooms()]
    called = {place for place, _node, name in calls(*rooms_of_money) if name == "float"}
    written = {
        place
        for place, node in nodes(*rooms_of_money)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    }
    assert called | written == set()


def test_one_file_knows_the_gateways_sdk() -> None:
    knowing = {place for place, module in imports() if module.partition(".")[0] == "braintree"}
    assert knowing == {"billing/braintree_gateway.py"}


def test_no_room_imports_the_plug_or_the_environment() -> None:
    importing = {
        place for place, module in imports() if module.partition(".")[0] in ("config", "wsgi")
    }
    assert importing == set()


def test_only_the_environments_reader_reads_the_environment() -> None:
    readers = {
        place
        for place, node in nodes()
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    }
    assert readers == set()
