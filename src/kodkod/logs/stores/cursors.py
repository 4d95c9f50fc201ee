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
    value: Normal | None
    seq: int


def encode(order: Order, place: Place) -> str:
    said = orjson.dumps([order.field, order.descending, place.value, place.seq])
    return base64.urlsafe_b64encode(said).decode().rstrip("=")


def decode(cursor: str, order: Order) -> Place:
    """BadCursor if it is damaged or belongs to another order."""
    try:
        field, descending, value, seq = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise BadCursor from error
    fits = (field, descending) == (order.field, order.descending) and isinstance(seq, int)
    if not fits or not isinstance(value, str | int | float | None):
        raise BadCursor
    return Place(float(value) if isinstance(value, int) else value, seq)


def sort_column(dataset: Dataset, order: Order | None) -> tuple[Order, Field]:
    """The order in full, and the column it sorts by. BadSort for unknown and many-valued fields."""
    if order is None or order.field == dataset.time:
        return order or Order(dataset.time), TIME
    fields = dataset.resolve(order.field)
    if len(fields) != 1:
        raise BadSort(order.field, "no such field" if not fields else "it stands for several fields")
    if fields[0].many:
        raise BadSort(order.field, "a record may hold several values")
    return order, fields[0]
