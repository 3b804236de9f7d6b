"""Transactions of the heart. A verb opens its own and never nests another one inside.

On SQLite a verb takes the write lock at its start (BEGIN IMMEDIATE): reading first and writing
later would fail with "database is locked" as soon as somebody else wrote in between. On PostgreSQL
rows are locked one by one, always in the order user, application, invoice, payment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Engine, event, func, select
from sqlalchemy.orm import Session

from billing import runtime
from billing.errors import NotFound
from models import Base

Record = TypeVar("Record", bound=Base)
BUSY_TIMEOUT_SECONDS = 15

_writing: ContextVar[bool] = ContextVar("writing", default=False)


@contextmanager
def transaction() -> Iterator[Session]:
    """Run one verb's transaction: commit at the end, roll back on any exception.

    What was asked for with ``later()`` is enqueued after the commit. Raises ``RuntimeError`` when
    one is already open in this context.
    """
    bound = runtime.current()
    if _writing.get():
        raise RuntimeError("A verb's transaction is already open; verbs do not nest.")
    bound.end_reading()
    token = _writing.set(True)
    try:
        engine = bound.engine.execution_options(sqlite_begin="IMMEDIATE")
        with Session(engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            requests = session.info.get("later", [])
    finally:
        _writing.reset(token)
    bound.forget_read()
    for name, ids in requests:
        bound.enqueue(name, ids)


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session for reading only, apart from the caller's own."""
    with Session(runtime.current().engine, expire_on_commit=False) as session:
        yield session


def later(session: Session, name: str, ids: list[int]) -> None:
    """Ask for job ``name`` over ``ids`` once this transaction has committed."""
    session.info.setdefault("later", []).append((name, ids))


def end_reading() -> None:
    """End the caller's reading transaction, so that the network can be used."""
    runtime.current().end_reading()


def refuse_inside_transaction() -> None:
    """Raise ``RuntimeError`` when any transaction is open: the network must not hold locks."""
    if _writing.get() or runtime.current().is_reading():
        raise RuntimeError("The gateway was called inside a database transaction.")


def lock(session: Session, model: type[Record], record_id: int) -> Record:
    """Return the record locked until the transaction ends, read anew; ``NotFound`` without it.

    The lock leaves the key alone (NO KEY UPDATE): a row that merely points here by foreign key can
    be written meanwhile, else a payment would wait for its user's lock out of the agreed order.
    """
    wanted = select(model).where(_id_of(model) == record_id)
    statement = wanted.with_for_update(of=model, key_share=True)
    found = session.execute(statement.execution_options(populate_existing=True))
    record = found.scalar_one_or_none()
    if record is None:
        raise NotFound(model.__name__.lower())
    return record


def lock_each(session: Session, model: Any, chosen: ColumnElement[bool]) -> int:
    """Lock every record that is ``chosen`` until the transaction ends; return how many there are.

    A statement that changes many rows locks them in whatever order it finds them. It comes after
    this, which takes them in the order of their ids, as everybody does. None is loaded.
    """
    wanted = select(model.id).where(chosen).order_by(model.id).with_for_update(key_share=True)
    return session.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()


def _id_of(model: Any) -> Any:
    return model.id


def prepare_engine(engine: Engine) -> None:
    """Give a SQLite engine the settings every rule here relies on. PostgreSQL needs none."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
