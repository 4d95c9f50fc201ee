"""Does a record match? The plain evaluation that defines what a query means; the others must agree with it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from kodkod.logs.datasets import OPEN_COLUMN, Dataset, Field, Normal, Record
from kodkod.logs.datasets.fields import flatten, number_of, values_of
from kodkod.logs.query.ast import Comparator
from kodkod.logs.query.binding import (
    AllOf,
    AnyOf,
    Bound,
    HasAddress,
    HasNumber,
    HasPattern,
    HasPhrase,
    HasText,
    Opposite,
    phrase_of,
)
from kodkod.logs.query.texts import regular_expression

Predicate = Callable[[Record], bool]

_COMPARE: dict[Comparator, Callable[[float, float], bool]] = {
    Comparator.EQUAL: operator.eq,
    Comparator.LESS: operator.lt,
    Comparator.LESS_OR_EQUAL: operator.le,
    Comparator.GREATER: operator.gt,
    Comparator.GREATER_OR_EQUAL: operator.ge,
}


def predicate(bound: Bound, dataset: Dataset) -> Predicate:
    """A function that judges one record of the data set. Two-valued: a missing field makes a test false."""
    match bound:
        case AllOf(operands):
            every = [predicate(one, dataset) for one in operands]
            return lambda record: all(judge(record) for judge in every)
        case AnyOf(operands):
            some = [predicate(one, dataset) for one in operands]
            return lambda record: any(judge(record) for judge in some)
        case Opposite(operand):
            judge_one = predicate(operand, dataset)
            return lambda record: not judge_one(record)
        case _:
            test = _test(bound)
            column = bound.column
            return lambda record: any(test(value) for value in column_values(dataset, column, record))


def column_values(dataset: Dataset, column: Field, record: Record) -> tuple[Normal, ...]:
    """The normal values that a store keeps of a record in one column."""
    if column.name == OPEN_COLUMN:
        return tuple(flatten(record, dataset.open_parts))
    return values_of(column, record)


def _test(bound: HasText | HasPattern | HasPhrase | HasNumber | HasAddress) -> Callable[[Normal], bool]:
    match bound:
        case HasText(_, texts):
            wanted = frozenset(texts)
            return lambda value: value in wanted
        case HasPattern(_, pattern):
            expression = re.compile(regular_expression(pattern))
            return lambda value: expression.fullmatch(str(value)) is not None
        case HasPhrase():
            phrase = re.compile(phrase_of(bound))
            return lambda value: phrase.fullmatch(str(value)) is not None
        case HasAddress(_, first, last):
            return lambda value: first <= str(value) <= last
        case HasNumber(_, comparator, number):
            compare = _COMPARE[comparator]
            return lambda value: (found := _as_number(value)) is not None and compare(found, number)


def _as_number(value: Normal) -> float | None:
    return number_of(value) if isinstance(value, str) else value
