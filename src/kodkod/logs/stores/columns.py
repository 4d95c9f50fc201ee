"""How does a record lie in columns? One column per field with its normal values, and the record itself as JSON.

Addresses are kept as 32 ordered hex digits, so that a CIDR is a range (DuckDB's `inet` cannot be fetched offline);
open parts as a list of `path␟value`, so that equality on any path needs no schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kodkod.logs.datasets import OPEN_COLUMN, Dataset, Field, Normal
from kodkod.logs.datasets.fields import flatten, values_of
from kodkod.logs.query.duckdb import identifier

MICRO = 1_000_000
EXACT_INT_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Row:
    """A record on its way into columns; `body` is its JSON, `arrival_us` microseconds."""

    seq: int
    arrival_us: int
    batch: str | None
    record: Mapping[str, Any]
    body: bytes


def schema(dataset: Dataset) -> pa.Schema:
    own = [
        pa.field("_seq", pa.int64()),
        pa.field("_arrival", pa.int64()),
        pa.field("_time", pa.float64()),
        pa.field("_batch", pa.string()),
        pa.field("_record", pa.string()),
    ]
    open_parts = [pa.field(OPEN_COLUMN, pa.list_(pa.string()))] if dataset.open_parts else []
    return pa.schema([*own, *open_parts, *(pa.field(one.name, _type(one)) for one in dataset.fields)])


def create_table(dataset: Dataset, name: str) -> str:
    """The DDL of a table that takes what `table` makes."""
    types = {"string": "VARCHAR", "double": "DOUBLE", "int64": "BIGINT"}
    columns = ", ".join(f"{identifier(one.name)} {_sql_type(one.type, types)}" for one in schema(dataset))
    return f"CREATE TABLE {identifier(name)} ({columns})"


def table(dataset: Dataset, rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table in the data set's schema."""
    present = {key for row in rows for key in row.record}
    time_field = dataset.field(dataset.time)
    columns: dict[str, list[Any]] = {
        "_seq": [row.seq for row in rows],
        "_arrival": [row.arrival_us for row in rows],
        "_time": [_time(time_field, row) for row in rows],
        "_batch": [row.batch for row in rows],
        "_record": [row.body.decode() for row in rows],
    }
    if dataset.open_parts:
        columns[OPEN_COLUMN] = [flatten(row.record, dataset.open_parts) or None for row in rows]
    for one in dataset.fields:
        is_absent = one.path[0] not in present and one.name not in present
        columns[one.name] = [None] * len(rows) if is_absent else _column(one, rows)
    return pa.table(columns, schema=schema(dataset))


def _column(field: Field, rows: Sequence[Row]) -> list[Any]:
    """One field of all rows. Texts repeat (namespaces, addresses, verdicts), so each is read once a batch."""
    if field.many or len(field.path) > 1:
        return [_cell(field, row.record) for row in rows]
    name, is_float = field.path[0], field.kind.is_float
    known: dict[str, Normal | list[Normal] | None] = {}
    cells: list[Any] = []
    for row in rows:
        value = row.record.get(name)
        if type(value) is str:
            if value not in known:
                known[value] = _cell(field, row.record)
            cells.append(known[value])
        elif is_float and type(value) is int and -EXACT_INT_MAX <= value <= EXACT_INT_MAX:
            cells.append(float(value))
        else:
            cells.append(None if value is None else _cell(field, row.record))
    return cells


def _cell(field: Field, record: Mapping[str, Any]) -> Normal | list[Normal] | None:
    values = values_of(field, record)
    if not values:
        return None
    return list(values) if field.many else values[0]


def _time(field: Field, row: Row) -> float:
    found = values_of(field, row.record)
    return float(found[0]) if found else row.arrival_us / MICRO


def _type(field: Field) -> pa.DataType:
    scalar = pa.float64() if field.kind.is_float else pa.string()
    return pa.list_(scalar) if field.many else scalar


def _sql_type(kind: pa.DataType, types: Mapping[str, str]) -> str:
    if pa.types.is_list(kind):
        return types[str(kind.value_type)] + "[]"
    return types[str(kind)]
