"""Which SQL finds and groups? Text and parameters only, so that it can be read and tested without a database."""

from __future__ import annotations

from kodkod.logs.datasets import Field
from kodkod.logs.query.binding import Bound, column_of
from kodkod.logs.query.duckdb import Parameter, Sql, identifier, to_sql
from kodkod.logs.store import Axis, Metric, Order, Window
from kodkod.logs.stores.cursors import Place
from kodkod.logs.stores.groups import Plan
from kodkod.logs.stores.parts import MICRO


def where(query: Bound, window: Window) -> Sql:
    """The records of a window that match."""
    asked = to_sql(query)
    text, parameters = [asked.text], list(asked.parameters)
    column = "_arrival" if window.axis is Axis.ARRIVAL else "_time"
    scale = MICRO if window.axis is Axis.ARRIVAL else 1
    for bound, sign in ((window.start, ">="), (window.end, "<")):
        if bound is not None:
            text.append(f"{column} {sign} ?")
            parameters.append(bound * scale)
    return Sql(" AND ".join(text), tuple(parameters))


def page(
    source: str, condition: Sql, *, order: Order, columns: tuple[Field, ...], after: Place | None, limit: int
) -> Sql:
    """Sequence numbers and sort values of one page: the records are fetched afterwards, by number.

    Carrying the JSON of every candidate through the sort costs more than reading a page of it twice.
    """
    names = [identifier(column.column) for column in columns]
    text, parameters = condition.text, list(condition.parameters)
    if after is not None:
        start = _after(order.keys, names, after)
        text, parameters = f"{text} AND {start.text}", [*parameters, *start.parameters]
    sorted_by = ", ".join(f"{name} {_direction(key)} NULLS LAST" for name, key in zip(names, order.keys, strict=True))
    statement = (
        f"SELECT _seq, {', '.join(names)} FROM {source} WHERE {text} "
        f"ORDER BY {sorted_by}, _seq {_direction(order)} LIMIT {limit}"
    )
    return Sql(statement, tuple(parameters))


def _direction(order: Order) -> str:
    return "DESC" if order.descending else "ASC"


def _after(keys: tuple[Order, ...], names: list[str], place: Place) -> Sql:
    """Behind a place: behind it by a key where all keys before are equal, or by number where all are."""
    equal: list[str] = []
    known: list[Parameter] = []
    choices: list[str] = []
    parameters: list[Parameter] = []
    for key, name, value in zip(keys, names, place.values, strict=True):
        if value is not None:  # behind one without a value there is nothing by this key
            sign = "<" if key.descending else ">"
            choices.append(" AND ".join([*equal, f"({name} {sign} ? OR {name} IS NULL)"]))
            parameters += [*known, value]
            equal.append(f"{name} = ?")
            known.append(value)
        else:
            equal.append(f"{name} IS NULL")
    choices.append(" AND ".join([*equal, f"_seq {'<' if keys[0].descending else '>'} ?"]))
    parameters += [*known, place.seq]
    return Sql("(" + " OR ".join(f"({choice})" for choice in choices) + ")", tuple(parameters))


def records(source: str, seqs: list[int]) -> Sql:
    """The records with these numbers. The bounds let whole parts and row groups be skipped."""
    text = (
        f"SELECT _seq, _arrival, _record FROM {source} "
        f"WHERE _seq BETWEEN {min(seqs)} AND {max(seqs)} AND _seq IN ({', '.join(map(str, seqs))})"
    )
    return Sql(text)


def scan(source: str, condition: Sql, *, after_seq: int, limit: int) -> Sql:
    text = (
        f"SELECT _seq, _arrival, _record FROM {source} WHERE _seq > {after_seq} AND {condition.text} "
        f"ORDER BY _seq LIMIT {limit}"
    )
    return Sql(text, condition.parameters)


def count(source: str, condition: Sql) -> Sql:
    return Sql(f"SELECT count(*) FROM {source} WHERE {condition.text}", condition.parameters)


def groups(source: str, condition: Sql, plan: Plan) -> Sql:
    """Group values, metric, number of records and of operands, ordered by the group values."""
    names = [f"g{number}" for number in range(len(plan.by))]
    unnested = [_group_source(field, name) for field, name in zip(plan.by, names, strict=True)]
    parameters: list[Parameter] = [value for one in unnested for value in one.parameters]
    operand = identifier(plan.operand.column) if plan.operand else "NULL"
    metric = _METRICS[plan.metric].format(operand)
    lists = "".join(f", {one.text}" for one in unnested)
    selected = ", ".join([*names, metric, "count(*)", f"count({operand})"])
    grouped = f" GROUP BY {', '.join(names)}" if names else ""
    ordered = " ORDER BY " + ", ".join(f"{name} NULLS LAST" for name in names) if names else ""
    text = f"SELECT {selected} FROM {source} AS r{lists} WHERE {condition.text}{grouped}{ordered}"
    return Sql(text, (*parameters, *condition.parameters))


_METRICS: dict[Metric | None, str] = {
    None: "NULL::DOUBLE",
    Metric.COUNT: "count(*)::DOUBLE",
    Metric.SUM: "sum({0})",
    Metric.AVG: "avg({0})",
    Metric.MIN: "min({0})",
    Metric.MAX: "max({0})",
}


def _group_source(field: Field, name: str) -> Sql:
    """A lateral list of a record's distinct values, or of one NULL."""
    column = "r." + identifier(column_of(field).column)
    parameters: tuple[Parameter, ...] = ()
    if not field.many:
        values = f"[{column}]"
    elif field.prefix:
        chosen = f"list_filter({column}, lambda x: starts_with(x, ?))"
        values = f"list_distinct(list_transform({chosen}, lambda x: substr(x, {len(field.prefix) + 1})))"
        parameters = (field.prefix, field.prefix)
    else:
        values = f"list_distinct({column})"
    if field.many:
        values = f"CASE WHEN len({values}) > 0 THEN {values} ELSE [NULL] END"
    return Sql(f"unnest({values}) AS t_{name}({name})", parameters)
