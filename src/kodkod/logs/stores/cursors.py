"""Where does the next page start? Right after the last record of this one, by its sort value and sequence number.

A cursor is opaque to callers; it is no secret and carries no right: the query is applied afresh to every page.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import orjson

from kodkod.logs.datasets import Dataset, Field, FieldClass, Normal
from kodkod.logs.errors import BadCursor, BadSort
from kodkod.logs.store import Order

TIME = Field("_time", FieldClass.DATE)  # the event time, or the arrival where a record tells none


@dataclass(frozen=True, slots=True)
class Place:
    """values: one for each key of the order; None where a record has none."""

    values: tuple[Normal | None, ...]
    seq: int


def encode(order: Order, place: Place) -> str:
    said = orjson.dumps([_spelled(order), place.values, place.seq])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def decode(cursor: str, order: Order) -> Place:
    """BadCursor if it is damaged or belongs to another order."""
    try:
        keys, values, seq = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise BadCursor from error
    fits = keys == _spelled(order) and isinstance(seq, int) and isinstance(values, list) and len(values) == len(keys)
    if not fits or not all(isinstance(value, str | int | float | None) for value in values):
        raise BadCursor
    return Place(tuple(float(value) if isinstance(value, int) else value for value in values), seq)


def _spelled(order: Order) -> list[list[str | bool]]:
    return [[one.field, one.descending] for one in order.keys]


def sort_columns(dataset: Dataset, order: Order | None) -> tuple[Order, tuple[Field, ...]]:
    """The order in full, and the columns it sorts by. BadSort for unknown and many-valued fields."""
    order = order or Order(dataset.time)
    return order, tuple(_column(dataset, one) for one in order.keys)


def _column(dataset: Dataset, order: Order) -> Field:
    if order.field == dataset.time:
        return TIME
    fields = dataset.resolve(order.field)
    if len(fields) != 1:
        raise BadSort(order.field, "no such field" if not fields else "it stands for several fields")
    if fields[0].many:
        raise BadSort(order.field, "a record may hold several values")
    return fields[0]
