"""How does a record lie in columns? One column per field with its normal values, and the record itself as JSON.

Addresses are kept as 32 ordered hex digits, so that a CIDR is a range (DuckDB's `inet` cannot be fetched offline);
open parts as a list of `path␟value`, so that equality on any path needs no schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import pyarrow as pa

from kodkod.logs.datasets import OPEN_COLUMN, Dataset, Field, Normal
from kodkod.logs.datasets.fields import FieldClass, flatten, normalise, values_of
from kodkod.logs.query.duckdb import identifier

MICRO = 1_000_000
PLAIN = (FieldClass.KEYWORD, FieldClass.NUMBER_TEXT)
"""Classes whose texts are kept as they are written."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive records of one append on their way into columns.

    Parsed from `bodies`, so they hold what JSON holds and nothing else. arrival_us: microseconds.
    """

    first_seq: int
    arrival_us: int
    batch: str | None
    records: Sequence[Mapping[str, Any]]
    bodies: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def next_seq(self) -> int:
        return self.first_seq + len(self.records)

    def part(self, start: int, end: int) -> Rows:
        """Some of them, by their place here."""
        return Rows(
            self.first_seq + start, self.arrival_us, self.batch, self.records[start:end], self.bodies[start:end]
        )


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


def table(dataset: Dataset, batches: Sequence[Rows]) -> pa.Table:
    """Rows as an Arrow table in the data set's schema."""
    records = [record for rows in batches for record in rows.records]
    present = set().union(*records) if records else set()
    columns: dict[str, list[Any]] = {
        "_seq": [seq for rows in batches for seq in range(rows.first_seq, rows.next_seq)],
        "_arrival": [rows.arrival_us for rows in batches for _ in rows.records],
        "_batch": [rows.batch for rows in batches for _ in rows.records],
        "_record": [body for rows in batches for body in rows.bodies],
    }
    if dataset.open_parts:
        columns[OPEN_COLUMN] = [flatten(record, dataset.open_parts) or None for record in records]
    for one in dataset.fields:
        is_absent = one.path[0] not in present and one.name not in present
        columns[one.name] = [None] * len(records) if is_absent else _column(one, records)
    event_times = columns[dataset.time]
    columns["_time"] = [
        arrival / MICRO if time is None else time
        for time, arrival in zip(event_times, columns["_arrival"], strict=True)
    ]
    return pa.table(columns, schema=schema(dataset))


def _column(field: Field, records: Sequence[Mapping[str, Any]]) -> list[Any]:
    """One field of all records.

    Read a column at a time: most values are of one type, and texts repeat (namespaces, addresses, labels), so what they
    mean is found once a batch. Whatever is odd goes the plain way, cell by cell, with the same answer.
    """
    if field.many or len(field.path) > 1:
        return _lists(field, records)
    name = field.path[0]
    values = [record.get(name) for record in records]
    types = set(map(type, values)) - {NoneType}
    if types == {str}:
        if field.kind in PLAIN:
            return values
        known = {value: normalise(field, value) for value in set(values) if value is not None}
        return [None if value is None else known[value] for value in values]
    if field.kind.is_float and types <= {int, float}:
        try:
            return [None if value is None else float(value) for value in values]
        except OverflowError:
            pass  # some integer is larger than any float
    return [_cell(field, record) for record in records]


def _lists(field: Field, records: Sequence[Mapping[str, Any]]) -> list[Any]:
    known: dict[tuple[str, ...], Any] = {}
    cells: list[Any] = []
    for record in records:
        texts = None if field.name in record and len(field.path) > 1 else _texts(record, field.path)
        if texts is None:
            cells.append(_cell(field, record))
            continue
        if texts not in known:
            known[texts] = _cell(field, record)
        cells.append(known[texts])
    return cells


def _texts(record: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The list of texts at a path, () where there is nothing; None for anything that is neither."""
    value: Any = record
    for part in path:
        if type(value) is not dict:
            return None
        value = value.get(part)
        if value is None:
            return ()
    if type(value) is list and set(map(type, value)) <= {str}:
        return tuple(value)
    return None


def _cell(field: Field, record: Mapping[str, Any]) -> Normal | list[Normal] | None:
    values = values_of(field, record)
    if not values:
        return None
    return list(values) if field.many else values[0]


def _type(field: Field) -> pa.DataType:
    scalar = pa.float64() if field.kind.is_float else pa.string()
    return pa.list_(scalar) if field.many else scalar


def _sql_type(kind: pa.DataType, types: Mapping[str, str]) -> str:
    if pa.types.is_list(kind):
        return types[str(kind.value_type)] + "[]"
    return types[str(kind)]
