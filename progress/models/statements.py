"""SQL that is made once, for what every run does: insert its row, claim it, write its end.

Django makes the SQL of a statement anew each time, which takes as long as the database then does. These are
of a fixed shape: columns that get a value, under the condition that others have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, models

M = TypeVar("M", bound=models.Model)
# Of a column. Django's types allow for relations from elsewhere, too, and for fields without a column.
Field = Any


def insert(row: models.Model) -> None:
    """Like `row.save(force_insert=True)`, for a row that knows its key, to whose signals nobody listens."""
    fields = row._meta.concrete_fields
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row)), values)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update(model: type[models.Model], *, where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """How many rows got the `values`: those that have what `where` says, None for null."""
    sql = _update(model, tuple(where), _nulls(where), tuple(values), "")
    with connection.cursor() as cursor:
        cursor.execute(sql, _parameters(model, where, values))
        rows: int = cursor.rowcount
    return rows


def update_returning(
    model: type[M], *, where: Mapping[str, Any], values: Mapping[str, Any], plus_one: str
) -> list[M]:
    """The same, with one added to the column `plus_one`; the rows as they are then."""
    columns = _columns(model)
    sql = f"{_update(model, tuple(where), _nulls(where), tuple(values), plus_one)} RETURNING {columns.names}"
    with connection.cursor() as cursor:
        cursor.execute(sql, _parameters(model, where, values))
        rows = cursor.fetchall()
    return [model.from_db(DEFAULT_DB_ALIAS, columns.attributes, columns.values(row)) for row in rows]


def _nulls(where: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, value in where.items() if value is None)


def _parameters(model: type[models.Model], where: Mapping[str, Any], values: Mapping[str, Any]) -> list[Any]:
    new = [_field(model, name).get_db_prep_save(value, connection) for name, value in values.items()]
    old = [
        _field(model, name).get_db_prep_value(value, connection)
        for name, value in where.items()
        if value is not None
    ]
    return new + old


@cache
def _insert(model: type[models.Model]) -> str:
    fields = model._meta.concrete_fields
    names = ", ".join(map(_column, fields))
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608 - our names


@cache
def _update(
    model: type[models.Model],
    where: Sequence[str],
    nulls: Sequence[str],
    values: Sequence[str],
    plus_one: str,
) -> str:
    column = {name: _column(_field(model, name)) for name in (*where, *values, plus_one) if name}
    changes = [f"{column[name]} = %s" for name in values]
    if plus_one:
        changes.append(f"{column[plus_one]} = {column[plus_one]} + 1")
    conditions = [f"{column[name]} IS NULL" if name in nulls else f"{column[name]} = %s" for name in where]
    table = _quoted(model._meta.db_table)
    return f"UPDATE {table} SET {', '.join(changes)} WHERE {' AND '.join(conditions)}"  # noqa: S608 - as above


class _Columns(NamedTuple):
    """Those of a whole row, for SQL and for the model, and what makes values of the model of some."""

    names: str
    attributes: list[str]
    converters: dict[int, tuple[list[Callable[..., Any]], Any]]

    def values(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, (converters, column) in self.converters.items():
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return values


@cache
def _columns(model: type[models.Model]) -> _Columns:
    fields = model._meta.concrete_fields
    columns = [field.get_col(model._meta.db_table) for field in fields]
    compiler: Any = model._base_manager.all().query.get_compiler(DEFAULT_DB_ALIAS)
    return _Columns(
        names=", ".join(map(_column, fields)),
        attributes=[field.attname for field in fields],
        converters=compiler.get_converters(columns),
    )


@cache
def _field(model: type[models.Model], name: str) -> Field:
    return model._meta.get_field(name)


def _column(field: Field) -> str:
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
