"""The one view behind every record type: grid, Eye page, form and CSV from the model's metadata.

``RecordView(Model)`` needs nothing more. To change one thing for one type, subclass it and override
that attribute or method; ``admin/records.py`` then lists the subclass instead of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import flash, jsonify, redirect, request, url_for
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import Enum, select

from admin.base import above, export, eye, forms, grid, searching
from admin.base.access import known, not_found
from admin.base.actions import choices_for
from admin.base.bulk import ALL, BulkAction, allowed
from admin.base.columns import (
    Column,
    choice_title,
    describe,
    named,
    title_name,
    title_text,
)
from admin.base.editing import FormPages
from admin.base.eye import Figure
from admin.base.filters_related import Related
from admin.base.inferring import filters_of
from admin.base.listing import Kept, Listing
from admin.base.page import GuardedView
from admin.base.saving_filters import FilterPages
from admin.base.scope import find, in_scope, read_id, site_ids
from admin.base.words import Words, words
from models import db
from models.panel import Caption, Panel
from models.search import Searchable

LOOKUP = 20


class RecordView(FormPages, FilterPages, GuardedView, ModelView):
    """Staff's view of one record type.

    model          -- the record type, set by subclasses or given
    labels         -- words that replace the model's own, by attribute
    choices        -- the words a free text attribute can hold, for its filter
    derived_states -- pills beside the stored states, by their name in the address
    default_sort   -- attribute the grid is ordered by at first; "-" before it: descending
    strip          -- heading of the section shown as a strip of figures at the top of the Eye page
    elsewhere      -- attributes that a template of the Eye page shows, so its sections don't
    bulk_actions   -- verbs that can be carried out on many rows of the grid
    bulk_log       -- endpoint of the page that lists when that was done
    empty          -- the next step to take, said where there are none yet
    """

    record: ClassVar[Any] = None
    labels: Mapping[str, Caption] = {}
    choices: Mapping[str, Sequence[tuple[str, str]]] = {}
    derived_states: Mapping[str, grid.DerivedState] = {}
    default_sort = "-id"
    strip = ""
    elsewhere: frozenset[str] = frozenset()
    bulk_actions: Sequence[BulkAction] = ()
    bulk_log = ""
    empty = ""

    can_delete = False
    can_view_details = True
    # Flask-Admin's ways to write around the one form; without @expose they have no address.
    delete_view = None
    action_view = None
    ajax_update = None
    ajax_lookup = None

    def __init__(self, model: Any = None) -> None:
        model = model or self.record
        self.panel: Panel = model.__panel__
        self.permission = known(f"{self.panel.area}.view")
        self.can_create = self.can_edit = bool(self.panel.form)
        if self.can_edit:
            known(f"{self.panel.area}.edit")
        self.can_export = self.panel.export
        self.icon, self.group = self.panel.icon, self.panel.group
        self.column_list = [name for name in self.panel.columns if "." not in name]
        super().__init__(model, db, name=self.panel.plural)
        self.columns = self._grid_columns()
        self.sections = [
            (heading, [self.column(name) for name in names])
            for heading, names in self.panel.sections
        ]
        self.pills, self.filters = filters_of(model, self.choices)
        self.relation_filters = [f for f in self.filters if isinstance(f, Related)]
        self.kept = Kept()
        self.states = self._states()
        self.sortable = {column.name for column in self.columns if column.sort} | {"id"}
        self.can_search = searching.can_search(model)
        self.keeps_filters = bool(
            self.can_search or self.pills or any(not each.quiet for each in self.filters)
        )

    # What is inferred; override any one of these.

    def column(self, name: str) -> Column:
        """Return the column for one attribute of this record type."""
        return describe(self.model, name, self.labels)

    def more_columns(self) -> list[Column]:
        """Return the grid's columns that are no attribute of the record."""
        return []

    def within(self, name: str, columns: list[Column]) -> list[Column]:
        """Return the columns of the related table ``name`` on the record's page."""
        return columns

    def state_shown(self) -> Any:
        """Return the state as people read it, in SQL; for records that have states."""
        return getattr(self.model, str(self.pills))

    def in_state(self, state: str) -> Any:
        """Return the condition that people read ``state``; one that an index can answer."""
        return getattr(self.model, str(self.pills)) == state

    def title_of(self, record: Any) -> str:
        """Return what this record is called at the top of its page."""
        return title_text(self.model, getattr(record, title_name(self.model)), record.id)

    def badges(self, record: Any, words: Words) -> Any:
        """Return the badges beside the title."""
        return self.column(self.pills).of(record, words) if self.pills else ""

    def figures(self, record: Any, words: Words) -> list[Figure]:
        """Return the numbers in the strip at the top of the record's page."""
        return [
            Figure(column.label, column.of(record, words))
            for heading, columns in self.sections
            for column in columns
            if heading == self.strip
        ]

    def exported(self) -> list[Column]:
        """Return the columns of the CSV: the grid's, then what else the Eye page shows."""
        columns = self.shown()
        shown = {column.name for column in columns}
        return columns + [
            column
            for _heading, columns in self.sections
            for column in columns
            if column.name not in shown and self._is_stored(column.name)
        ]

    def permission_for(self, method: str) -> str:
        if self.can_edit and method in ("create_view", "edit_view"):
            return f"{self.panel.area}.edit"
        return super().permission_for(method)

    # Flask-Admin's hooks.

    def scaffold_form(self) -> Any:
        return forms.form_class(self.model, self.panel.form)

    # Pages.

    @expose("/")
    def index_view(self) -> Any:
        spoken = words()
        wanted, facts = grid.read_page_of(self, request.args, spoken)
        columns = self.shown()
        listing = self.kept.get(
            ("grid", spoken.today, site_ids(), tuple(column.name for column in columns)),
            lambda: Listing(self.model, columns, spoken),
        )
        page = grid.rows_of(self, listing, wanted, spoken)
        return self.render(
            "admin/model/list.html",
            columns=columns,
            rows=[(row[0], listing.cells(row, spoken)) for row in page.rows],
            eye=spoken.eye(self.endpoint, ""),
            wanted=wanted,
            page=page,
            pills=above.pills_of(self, wanted, facts),
            facts=facts,
            chips=above.chips_of(self, wanted, spoken),
            orders=above.orders_of(self, wanted),
            saved=above.saved_filters(wanted, facts),
            quiet={each.name for each in self.filters if each.quiet},
            shown=above.shown_values(self, wanted, spoken),
            sizes=grid.SIZES,
            bulk=allowed(self.bulk_actions),
        )

    @expose("/details/")
    def details_view(self) -> Any:
        record = self._record(*eye.loading(self))
        spoken = words()
        return self.render(
            "admin/model/details.html",
            record=record,
            title=self.title_of(record),
            badges=self.badges(record, spoken),
            figures=self.figures(record, spoken),
            actions=choices_for(record),
            sections=eye.sections_of(self, record, spoken),
            related=eye.related_of(self, record, spoken, request.args.get("all", "")),
            history=eye.history_for(record, spoken),
        )

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        if export_type != "csv" or not self.can_export:
            not_found()
        spoken = words()
        wanted = grid.read_request(self, request.args, spoken, searching.ALL_FINDS)
        chosen = {key for key in map(read_id, request.args.getlist("id")) if key}
        if ALL in request.args:
            chosen = set()
        elif "chosen" in request.args and not chosen:
            flash("Tick the rows to export first.", "warning")
            return redirect(url_for(".index_view") + wanted.url())
        listing = Listing(self.model, self.exported(), spoken)
        statement = wanted.order.apply(grid.statement_of(self, listing, wanted), backwards=False)
        if chosen:
            statement = statement.where(self.model.id.in_(chosen))
        name = f"{self.panel.plural.lower()}-{spoken.today.isoformat()}"
        engine = db.engine
        db.session.rollback()
        return export.csv_response(engine, statement, listing, spoken, name)

    @expose("/lookup/")
    def lookup(self) -> Any:
        """Answer a look-up field: a few records by what was typed, newest first without."""
        query = searching.clean(request.args.get("q", ""))
        statement = select(self.model.id, choice_title(self.model)).where(*in_scope(self.model))
        if query and issubclass(self.model, Searchable):
            statement = statement.where(searching.looked_up(self.model, query))
        rows = db.session.execute(statement.order_by(self.model.id.desc()).limit(LOOKUP))
        return jsonify([{"id": key, "text": title_text(self.model, t, key)} for key, t in rows])

    # Helpers.

    def shown(self) -> list[Column]:
        """Return the grid's columns that this person may see."""
        return [column for column in self.columns if column.may_see()]

    def _grid_columns(self) -> list[Column]:
        columns = [*(self.column(name) for name in self.panel.columns), *self.more_columns()]
        title = title_name(self.model)
        return [named(c, self.model) if c.name == title else c for c in columns]

    def _states(self) -> tuple[str, ...]:
        if self.pills is None:
            return ()
        kind = self.model.__mapper__.column_attrs[self.pills].columns[0].type
        assert isinstance(kind, Enum)
        assert kind.enum_class is not None
        return tuple(member.value for member in kind.enum_class)

    def _is_stored(self, name: str) -> bool:
        owner: Any = self.model
        *path, last = name.split(".")
        for part in path:
            owner = owner.__mapper__.relationships[part].mapper.class_
        return last in owner.__mapper__.attrs

    def _record(self, *options: Any) -> Any:
        """Return the record the address names; otherwise end with the not-found page."""
        record = find(self.model, read_id(request.args.get("id")), *options)
        return record if record is not None else not_found()
