"""What does a query ask of one data set? AST + fields → tests that cannot be wrong.

Bound trees have five tests on columns (text, pattern, phrase, number, address) and three connectives with two-valued
logic: a test is true if *any* of the record's values passes, `!=` and `NOTIN` are its negation, so they hold for a
record that lacks the field (alerts-and-logs 3.4). Consumers need to know nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kodkod.logs.datasets import OPEN_COLUMN, Dataset, Field, FieldClass
from kodkod.logs.datasets.fields import (
    PATH_SEPARATOR,
    address_range,
    domain_text,
    normalise,
    number_of,
    seconds_of,
    spelling,
)
from kodkod.logs.query.ast import (
    And,
    Comparator,
    Compare,
    Everything,
    Key,
    Not,
    Or,
    Pattern,
    Query,
    Substitutions,
    Value,
    Variable,
    Wildcard,
    Within,
)
from kodkod.logs.query.errors import QueryError
from kodkod.logs.query.texts import pattern_of, phrase_expression

LISTED_MAX = 8  # allowed values named in an error

OPEN = Field(OPEN_COLUMN, FieldClass.KEYWORD, many=True)


@dataclass(frozen=True, slots=True)
class HasText:
    """Some value is one of the texts."""

    column: Field
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasPattern:
    column: Field
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class HasPhrase:
    """Some value holds these words one after another, whatever their case; what parts words is no letter, digit or `_`.

    Only the query strings of `logs.lucene` make this test.
    """

    column: Field
    words: tuple[Pattern, ...]
    prefix: str = ""  # of values that share a column, as in `Field`


@dataclass(frozen=True, slots=True)
class HasNumber:
    """Some value compares so. On a text column, values that are no numbers do not."""

    column: Field
    comparator: Comparator
    number: float


@dataclass(frozen=True, slots=True)
class HasAddress:
    """Some value lies between two address keys, both included."""

    column: Field
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when empty: the query that matches everything."""

    operands: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """False when empty."""

    operands: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    operand: Bound


Bound = HasText | HasPattern | HasPhrase | HasNumber | HasAddress | AllOf | AnyOf | Opposite

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


def bind(query: Query, dataset: Dataset, substitutions: Substitutions | None = None) -> Bound:
    """Resolve keys, values and `${lists}`; QueryError with the offset of the first that does not fit."""
    return _Binder(dataset, substitutions or {}).bind(query)


class _Binder:
    def __init__(self, dataset: Dataset, substitutions: Substitutions) -> None:
        self._dataset = dataset
        self._substitutions = substitutions

    def bind(self, query: Query) -> Bound:
        match query:
            case Everything():
                return EVERYTHING
            case And(operands):
                return AllOf(tuple(self.bind(one) for one in operands))
            case Or(operands):
                return AnyOf(tuple(self.bind(one) for one in operands))
            case Not(operand):
                return Opposite(self.bind(operand))
            case Compare():
                return self._compare(query)
            case Within():
                return self._within(query)

    def _compare(self, selector: Compare) -> Bound:
        tests = tuple(_test(one, selector) for one in fields_of(self._dataset, selector.key))
        some = tests[0] if len(tests) == 1 else AnyOf(tests)
        return Opposite(some) if selector.comparator is Comparator.NOT_EQUAL else some

    def _within(self, within: Within) -> Bound:
        members = self._members(within.members)
        tests = [test for one in fields_of(self._dataset, within.key) for test in _set_tests(one, members)]
        some = tests[0] if len(tests) == 1 else AnyOf(tuple(tests))
        return Opposite(some) if within.negated else some

    def _members(self, members: tuple[Pattern, ...] | Variable) -> tuple[Pattern, ...]:
        if not isinstance(members, Variable):
            return members
        values = self._substitutions.get(members.name)
        if values is None:
            raise QueryError(f"no substitution {members.name}", members.offset)
        if not values:
            raise QueryError(f"substitution {members.name} has no values", members.offset)
        return tuple(pattern_of(value, members.offset) for value in values)


def fields_of(dataset: Dataset, key: Key) -> tuple[Field, ...]:
    """What a key stands for; QueryError with names that look like it where it stands for nothing."""
    fields = dataset.resolve(key.name)
    if fields:
        return fields
    close = dataset.suggest(key.name)
    hint = "did you mean " + ", ".join(f'"{name}"' for name in close) + "?" if close else None
    raise QueryError(f'unknown field "{key.name}" for data set {dataset.name}', key.offset, hint)


def column_of(field: Field) -> Field:
    """The column a field's values stand in, without the prefix that its own values start with there."""
    if field.column == OPEN_COLUMN:
        return OPEN
    if not field.prefix:
        return field
    return replace(field, name=field.column, prefix="", kind=FieldClass.LABELS, path=tuple(field.column.split(".")))


def phrase_of(bound: HasPhrase) -> str:
    """The regular expression of a phrase; in the open column the path before a value is none of its words."""
    is_open = bound.column.column == OPEN_COLUMN and not bound.prefix
    return phrase_expression(bound.words, prefix=bound.prefix, after=PATH_SEPARATOR if is_open else "")


# --- one selector ---------------------------------------------------------------------------------------------------
def _test(field: Field, selector: Compare) -> Bound:
    comparator, value = selector.comparator, selector.value
    if comparator.is_order and not field.kind.has_order:
        hint = f"{field.kind.value} fields take =, !=, IN and NOTIN"
        message = f'operator "{comparator.value}" is not allowed for {field.kind.value} field "{field.name}"'
        raise QueryError(message, selector.key.offset, hint)
    if field.kind.is_float or comparator.is_order:
        number = _number(field, value)
        return HasNumber(field, Comparator.EQUAL if comparator is Comparator.NOT_EQUAL else comparator, number)
    if field.kind is FieldClass.IP:
        return HasAddress(field, *_addresses(value.text, value.offset))
    return HasText(column_of(field), (field.prefix + _text(field, value),))


def _number(field: Field, value: Value) -> float:
    number = seconds_of(value.text) if field.kind is FieldClass.DATE else None
    if number is None:
        number = number_of(value.text)
    if number is None:
        what = "a date" if field.kind is FieldClass.DATE else "a number"
        hint = "RFC 3339, YYYY-MM-DD or unix seconds" if field.kind is FieldClass.DATE else None
        raise QueryError(f'{what} expected for "{field.name}", not "{value.text}"', value.offset, hint)
    return number


def _addresses(text: str, offset: int) -> tuple[str, str]:
    found = address_range(text)
    if found is None:
        raise QueryError(f'an IP address or CIDR expected, not "{text}"', offset, "for a range write a CIDR")
    return found


def _text(field: Field, value: Value) -> str:
    if field.kind is FieldClass.ENUM and field.closed and spelling(field, value.text) is None:
        raise _not_allowed(field, value.text, value.offset)
    normal = normalise(field, value.text) if field.kind is not FieldClass.LABELS else value.text
    return str(normal)


def _not_allowed(field: Field, text: str, offset: int) -> QueryError:
    allowed = ", ".join(field.values[:LISTED_MAX])
    return QueryError(f'"{text}" is no value of "{field.name}"; allowed values: {allowed}', offset)


# --- one set --------------------------------------------------------------------------------------------------------
def _set_tests(field: Field, members: tuple[Pattern, ...]) -> list[Bound]:
    """One test for all plain texts together, one for each member of any other sort."""
    if field.kind is FieldClass.DATE:
        raise QueryError(f'IN is not allowed for date field "{field.name}"', members[0].offset, "use < and >=")
    if field.kind is FieldClass.NUMBER:
        return [HasNumber(field, Comparator.EQUAL, _number(field, _plain(field, one))) for one in members]
    if field.kind is FieldClass.IP:
        return [HasAddress(field, *_addresses(_plain(field, one).text, one.offset)) for one in members]
    column = column_of(field)
    texts = tuple(field.prefix + _text(field, _plain(field, one)) for one in members if one.literal is not None)
    patterns = [HasPattern(column, _prefixed(field, one)) for one in members if one.literal is None]
    return [*([HasText(column, texts)] if texts else []), *patterns]


def _plain(field: Field, member: Pattern) -> Value:
    if member.literal is None:
        raise QueryError(f'wildcards are not allowed for {field.kind.value} field "{field.name}"', member.offset)
    return Value(member.literal, member.offset)


def _prefixed(field: Field, member: Pattern) -> Pattern:
    pattern = _enum_pattern(field, member) if field.kind is FieldClass.ENUM else member
    if field.kind is FieldClass.DOMAIN:
        pattern = _domain_pattern(member)
    if not field.prefix:
        return pattern
    head, *rest = pattern.parts
    if isinstance(head, str):
        return Pattern((field.prefix + head, *rest), member.offset)
    return Pattern((field.prefix, *pattern.parts), member.offset)


def _domain_pattern(member: Pattern) -> Pattern:
    parts = [part.lower() if isinstance(part, str) else part for part in member.parts]
    last = parts[-1]
    if isinstance(last, str) and last.endswith("."):
        parts[-1] = last[:-1]
    if len(parts) == 1 and isinstance(parts[0], str):
        parts = [domain_text(parts[0])]
    return Pattern(tuple(part for part in parts if part != ""), member.offset)


def _enum_pattern(field: Field, member: Pattern) -> Pattern:
    """Literal parts in the case of the one spelling they occur in, so that `serv*` finds `ServFail`."""
    head = member.parts[0]
    if not isinstance(head, str):
        return member
    for value in field.values:
        if value.casefold().startswith(head.casefold()):
            return Pattern((value[: len(head)], *member.parts[1:]), member.offset)
    return member


__all__ = [
    "EVERYTHING",
    "NOTHING",
    "AllOf",
    "AnyOf",
    "Bound",
    "HasAddress",
    "HasNumber",
    "HasPattern",
    "HasPhrase",
    "HasText",
    "Opposite",
    "Wildcard",
    "bind",
    "column_of",
    "fields_of",
    "phrase_of",
]
