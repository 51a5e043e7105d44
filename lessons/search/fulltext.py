"""A full-text index over a model's token columns, alike on PostgreSQL and SQLite.

The model keeps what is to be found as text columns, made by `tokens.index_text`; the database keeps the index
up to date by itself, whoever writes the row:

- PostgreSQL: a generated `tsvector` column on the 'simple' configuration, with a GIN index.
- SQLite: an FTS5 table that reads the model's table, and triggers.

A model gets its index by `AddFullText` in a migration, and is searched by `Matches` (a condition for
`filter`), `best_matches` (the best rows with their score) or `matches_in_order` (in an order of theirs)::

    migrations.CreateModel("Message", …, fields=[…, ("words", models.TextField(editable=False))]),
    AddFullText("message", columns=["words"]),

    Message.objects.filter(Matches(all_of(query_terms("智能"))))
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler

from lessons.search.tokens import is_cjk

_COLUMN = "fulltext"  # of PostgreSQL's table; SQLite's table is named after the model's
# The weight of a word by its column, from the first; PostgreSQL knows four classes of them.
_CLASSES = "ABCD"
_WEIGHTS = (10.0, 5.0, 2.0, 1.0)
_RANKS = f"{{{', '.join(str(weight / _WEIGHTS[0]) for weight in reversed(_WEIGHTS))}}}"
# Rows that are looked at one by one, in pieces, before the index is asked for all that match. It is asked
# sooner when less than one in so many did, for it costs the more the more it finds.
_PIECES = (500, 2_000, 8_000)
_SPARSE = 20
# Words are apart by spaces already; accents count, as they do on PostgreSQL.
_TOKENIZER = "unicode61 remove_diacritics 0"


@dataclass(frozen=True)
class Wanted:
    """What rows are to hold: all of the terms or some; the last may be the beginning of a word."""

    terms: tuple[str, ...]
    all_of_them: bool
    last_is_beginning: bool

    def for_postgresql(self) -> str:
        terms = [f"'{term}'" + (":*" if self._is_beginning(at) else "") for at, term in enumerate(self.terms)]
        return (" & " if self.all_of_them else " | ").join(terms)

    def for_sqlite(self) -> str:
        terms = [f'"{term}"' + ("*" if self._is_beginning(at) else "") for at, term in enumerate(self.terms)]
        return (" AND " if self.all_of_them else " OR ").join(terms)

    def _is_beginning(self, at: int) -> bool:
        # Chinese terms are whole already: a pair is in the index for every word that begins with it.
        return self.last_is_beginning and at == len(self.terms) - 1 and not is_cjk(self.terms[at])


def all_of(terms: Sequence[str]) -> Wanted:
    """Rows with all these terms (of `tokens.query_terms`), the last of them as typed so far."""
    return Wanted(tuple(terms), all_of_them=True, last_is_beginning=True)


def any_of(terms: Sequence[str]) -> Wanted:
    """Rows with at least one of these terms, as whole words."""
    return Wanted(tuple(terms), all_of_them=False, last_is_beginning=False)


class Matches(Func):
    """Whether a row of a model with a full-text index holds what is wanted. `wanted` must have terms."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, wanted: Wanted, *, pk: str = "pk") -> None:
        super().__init__(F(pk))
        self.wanted = wanted

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, tuple[str, ...]]:
        quote = connection.ops.quote_name
        alias = quote(self._pk.alias)
        return f"({alias}.{_COLUMN} @@ to_tsquery('simple', %s))", (self.wanted.for_postgresql(),)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, tuple[str, ...]]:
        quote = connection.ops.quote_name
        column = f"{quote(self._pk.alias)}.{quote(self._pk.target.column)}"
        index = quote(_index_table(self._pk.target.model._meta.db_table))
        return (
            f"({column} IN (SELECT rowid FROM {index} WHERE {index} MATCH %s))",  # noqa: S608 - names of tables
            (self.wanted.for_sqlite(),),
        )

    @property
    def _pk(self) -> Any:
        return self.get_source_expressions()[0]


def best_matches(rows: models.QuerySet[Any], wanted: Wanted, *, most: int) -> dict[int, float]:
    """Primary key → score of those of the rows that match best, best first. `wanted` must have terms."""
    connection = connections[rows.db]
    quote = connection.ops.quote_name
    table = rows.model._meta.db_table
    # Without the condition of the rows where there is none: it may cost more than the search.
    within: str = ""
    parameters: Sequence[Any] = ()
    if rows.query.where:
        try:
            sql, parameters = _sql_of(rows.order_by())
        except EmptyResultSet:  # of nobody's rows, say: Django knows without asking that there are none
            return {}
        within = f"AND {{id}} IN ({sql})"
    if connection.vendor == "postgresql":
        # 1: the longer the text, the less a word in it says.
        statement = f"""
            SELECT id, ts_rank('{_RANKS}', {_COLUMN}, wanted, 1)
            FROM {quote(table)}, to_tsquery('simple', %s) wanted
            WHERE {_COLUMN} @@ wanted {within.format(id="id")} ORDER BY 2 DESC, 1 LIMIT %s
        """  # noqa: S608 - names of tables, and the rows' own SQL
        asked = wanted.for_postgresql()
    else:
        index = quote(_index_table(table))
        # "+" keeps SQLite from asking the index anew for each id. bm25 is the better the smaller; weights of
        # columns that there are none of do nothing.
        statement = f"""
            SELECT rowid, -bm25({index}, {", ".join(map(str, _WEIGHTS))})
            FROM {index}
            WHERE {index} MATCH %s {within.format(id="+rowid")} ORDER BY 2 DESC, 1 LIMIT %s
        """  # noqa: S608 - names of tables, and the rows' own SQL
        asked = wanted.for_sqlite()
    with connection.cursor() as cursor:
        cursor.execute(statement, [asked, *parameters, most])
        return dict(cursor.fetchall())


def matches_in_order(
    rows: models.QuerySet[Any], wanted: Wanted, *, fields: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """The key and the fields of those of the rows that match, in the order of the rows.

    Take no more than needed: the first are cheap, for a word in nearly every row and for one in hardly any,
    where the database can walk the rows in their order. `wanted` must have terms.
    """
    told: set[int] = set()
    for size in _PIECES:
        piece = _told(rows[len(told) : len(told) + size], wanted, fields)
        matching = [row for row, matches in piece if matches]
        yield from matching
        told.update(row[0] for row, _matches in piece)
        if len(piece) < size:
            return
        if len(matching) < size / _SPARSE:
            break
    for row in rows.filter(Matches(wanted)).values_list("pk", *fields):
        if row[0] not in told:
            yield row


def _told(
    rows: models.QuerySet[Any], wanted: Wanted, fields: Sequence[str]
) -> list[tuple[tuple[Any, ...], bool]]:
    """The key and the fields of each of the rows, and whether it matches."""
    if connections[rows.db].vendor == "postgresql":
        return [(row[:-1], row[-1]) for row in rows.values_list("pk", *fields, Matches(wanted))]
    # SQLite would list all rows that match. Asked for those between two keys it gives them alone, at once.
    found = list(rows.values_list("pk", *fields))
    keys = [row[0] for row in found]
    if not keys:
        return []
    connection = connections[rows.db]
    index = connection.ops.quote_name(_index_table(rows.model._meta.db_table))
    statement = f"""
        SELECT rowid FROM {index} WHERE {index} MATCH %s AND rowid BETWEEN %s AND %s
        AND +rowid IN (SELECT value FROM json_each(%s))
    """  # noqa: S608 - the name of a table
    with connection.cursor() as cursor:
        cursor.execute(statement, [wanted.for_sqlite(), min(keys), max(keys), json.dumps(keys)])
        matching = {key for (key,) in cursor.fetchall()}
    return [(row, row[0] in matching) for row in found]


def _sql_of(rows: models.QuerySet[Any]) -> tuple[str, Sequence[Any]]:
    """The query for their primary keys, and its parameters."""
    sql, parameters = rows.values("pk").query.get_compiler(rows.db).as_sql()
    return sql, parameters


class AddFullText(Operation):
    """Gives a model a full-text index over up to four token columns, those that weigh most first.

    May be repeated, and has to be after an operation for which SQLite makes the model's table anew (changing
    or removing a field, adding a constraint): its triggers are gone with the old table.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str, columns: Sequence[str]) -> None:
        self.model_name = model_name
        self.columns = columns

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name], {"columns": self.columns}

    def describe(self) -> str:
        return f"Index the words of {self.model_name}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The index is no field of the model."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            for statement in self._statements(schema_editor.connection, model._meta.db_table):
                schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            table = model._meta.db_table
            is_postgresql = schema_editor.connection.vendor == "postgresql"
            for statement in _removing_on_postgresql(table) if is_postgresql else _removing_on_sqlite(table):
                schema_editor.execute(statement)

    def _statements(self, connection: BaseDatabaseWrapper, table: str) -> list[str]:
        if connection.vendor == "postgresql":
            return _on_postgresql(table, self.columns)
        return _on_sqlite(table, self.columns)


def _index_table(table: str) -> str:
    return f"{table}_{_COLUMN}"


def _on_postgresql(table: str, columns: Sequence[str]) -> list[str]:
    words = " || ".join(
        f"setweight(to_tsvector('simple', \"{column}\"), '{weight}')"
        for column, weight in zip(columns, _CLASSES, strict=False)
    )
    return [
        f'ALTER TABLE "{table}" ADD COLUMN IF NOT EXISTS {_COLUMN} tsvector '
        f"GENERATED ALWAYS AS ({words}) STORED",
        f'CREATE INDEX IF NOT EXISTS "{_index_table(table)}" ON "{table}" USING gin ({_COLUMN})',
    ]


def _removing_on_postgresql(table: str) -> list[str]:
    return [f'ALTER TABLE "{table}" DROP COLUMN IF EXISTS {_COLUMN}']


def _on_sqlite(table: str, columns: Sequence[str]) -> list[str]:
    index = _index_table(table)
    names = ", ".join(f'"{column}"' for column in columns)
    new, old = (", ".join(f'{row}."{column}"' for column in columns) for row in ("new", "old"))
    add = f'INSERT INTO "{index}"(rowid, {names}) VALUES (new.id, {new});'  # noqa: S608 - names of columns
    # How FTS5 forgets a row whose text it does not keep: https://sqlite.org/fts5.html#the_delete_command
    command = f"VALUES ('delete', old.id, {old});"
    forget = f'INSERT INTO "{index}"("{index}", rowid, {names}) {command}'
    return [
        f'CREATE VIRTUAL TABLE IF NOT EXISTS "{index}" USING fts5('
        f"{names}, content='{table}', content_rowid='id', tokenize='{_TOKENIZER}')",
        f'CREATE TRIGGER IF NOT EXISTS "{index}_added" AFTER INSERT ON "{table}" BEGIN {add} END',
        f'CREATE TRIGGER IF NOT EXISTS "{index}_removed" AFTER DELETE ON "{table}" BEGIN {forget} END',
        f'CREATE TRIGGER IF NOT EXISTS "{index}_changed" AFTER UPDATE OF {names} ON "{table}" '
        f"BEGIN {forget} {add} END",
        f'INSERT INTO "{index}"("{index}") VALUES (\'rebuild\')',  # noqa: S608 - the name of a table
    ]


def _removing_on_sqlite(table: str) -> list[str]:
    index = _index_table(table)
    triggers = [f'DROP TRIGGER IF EXISTS "{index}_{when}"' for when in ("added", "removed", "changed")]
    return [*triggers, f'DROP TABLE IF EXISTS "{index}"']
