"""Which fields does a grouping read? Keys and operand of the query language, resolved once for every store."""

from __future__ import annotations

from dataclasses import dataclass

from kodkod.logs.datasets import Dataset, Field
from kodkod.logs.query.errors import QueryError
from kodkod.logs.store import Grouping, Metric

BATCH_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    by: tuple[Field, ...]
    metric: Metric | None
    operand: Field | None


def plan(dataset: Dataset, grouping: Grouping) -> Plan:
    """QueryError for an unknown key, or an operand that is no number."""
    by = tuple(_one(dataset, key) for key in grouping.by)
    if grouping.metric in (None, Metric.COUNT) or grouping.field is None:
        return Plan(by, grouping.metric, None)
    operand = _one(dataset, grouping.field)
    if not operand.has_one_number:
        raise QueryError(f'field "{grouping.field}" is not numeric', 0)
    return Plan(by, grouping.metric, operand)


def _one(dataset: Dataset, key: str) -> Field:
    fields = dataset.resolve(key)
    if len(fields) == 1:
        return fields[0]
    close = dataset.suggest(key)
    hint = "did you mean " + ", ".join(f'"{name}"' for name in close) + "?" if close and not fields else None
    raise QueryError(f'unknown field "{key}" for data set {dataset.name}', 0, hint)
