"""How does DuckDB answer a query? A bound tree as a SQL expression that is never NULL, with its parameters.

Columns are those of `stores.columns`: one per field, VARCHAR or DOUBLE, a list of it where a record may hold several.
"""

from __future__ import annotations

from dataclasses import dataclass

from kodkod.logs.datasets import Field
from kodkod.logs.datasets.fields import NUMBER_PATTERN
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

Parameter = str | float | list[str]


@dataclass(frozen=True, slots=True)
class Sql:
    """An expression and the values of its question marks, in order."""

    text: str
    parameters: tuple[Parameter, ...] = ()


def to_sql(bound: Bound) -> Sql:
    """A boolean expression, true exactly for the records that `memory.predicate` accepts."""
    match bound:
        case AllOf(operands):
            return _joined(operands, " AND ", "true")
        case AnyOf(operands):
            return _joined(operands, " OR ", "false")
        case Opposite(operand):
            inner = to_sql(operand)
            return Sql(f"(NOT {inner.text})", inner.parameters)
        case HasText(column, texts):
            return _any(column, "{} = ?", (texts[0],)) if len(texts) == 1 else _one_of(column, texts)
        case HasPattern(column, pattern):
            return _any(column, "regexp_full_match({}, ?)", (regular_expression(pattern),))
        case HasPhrase(column, _):
            return _any(column, "regexp_full_match({}, ?)", (phrase_of(bound),))
        case HasAddress(column, first, last):
            if first == last:
                return _any(column, "{} = ?", (first,))
            return _any(column, "{} BETWEEN ? AND ?", (first, last))
        case HasNumber(column, comparator, number):
            value = "{}" if column.kind.is_float else _AS_NUMBER
            return _any(column, f"{value} {comparator.value} ?::DOUBLE", (number,))


_DOUBLED = NUMBER_PATTERN.replace("{", "{{").replace("}", "}}")
_AS_NUMBER = f"CASE WHEN regexp_full_match({{0}}, '{_DOUBLED}') THEN {{0}}::DOUBLE END"


def identifier(name: str) -> str:
    """A column's name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def _any(column: Field, test: str, parameters: tuple[Parameter, ...]) -> Sql:
    name = identifier(column.column)
    if column.many:
        return Sql(f"coalesce(len(list_filter({name}, lambda x: {test.format('x')})) > 0, false)", parameters)
    return Sql(f"coalesce({test.format(name)}, false)", parameters)


def _one_of(column: Field, texts: tuple[str, ...]) -> Sql:
    """One parameter for the whole set, however large: a hash join, not a chain of comparisons."""
    name = identifier(column.column)
    if column.many:
        return Sql(f"coalesce(list_has_any({name}, ?::VARCHAR[]), false)", (list(texts),))
    return Sql(f"coalesce({name} IN (SELECT unnest(?::VARCHAR[])), false)", (list(texts),))


def _joined(operands: tuple[Bound, ...], word: str, empty: str) -> Sql:
    if not operands:
        return Sql(empty)
    parts = [to_sql(one) for one in operands]
    text = "(" + word.join(part.text for part in parts) + ")"
    return Sql(text, tuple(value for part in parts for value in part.parameters))
