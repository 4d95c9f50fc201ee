"""What does a query string ask of one data set? The same tests that our own language makes, so every store answers.

Fields of prose (descriptions, messages, names, open parts such as `record`) are searched by words, all others by their
whole value. A word without a field is looked for in every text of a record, and where it reads as a number or an
address in those fields too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from kodkod.logs.datasets import OPEN_COLUMN, Dataset, Field, FieldClass
from kodkod.logs.datasets.fields import address_range, number_of, seconds_of
from kodkod.logs.lucene.ast import Clause, Group, Named, Node, Occur, Phrase, Query, Span, Term
from kodkod.logs.lucene.moments import end_of, moment
from kodkod.logs.query.ast import Comparator, Compare, Key, Pattern, Value, Wildcard, Within
from kodkod.logs.query.binding import (
    EVERYTHING,
    OPEN,
    AllOf,
    AnyOf,
    Bound,
    HasAddress,
    HasNumber,
    HasPhrase,
    Opposite,
    column_of,
    fields_of,
)
from kodkod.logs.query.binding import bind as bind_selector
from kodkod.logs.query.errors import QueryError

PROSE = frozenset({"description", "name", "mitigations", "responseStatus.message", "userAgent", "requestURI"})
"""Fields that hold sentences."""
_WORD = re.compile(r"\w+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_STAR = (Wildcard.MANY,)


@dataclass(frozen=True, slots=True)
class Manner:
    """now: what `now` means. fields: where words without a field are looked for; () everywhere."""

    now: datetime
    fields: tuple[str, ...] = ()


def bind(query: Query, dataset: Dataset, manner: Manner) -> Bound:
    """Raises QueryError for a field that is none of the data set's and for a value that is none of the field's."""
    if not query.clauses:
        return EVERYTHING
    return _Binder(dataset, manner).group(query, None)


@dataclass(frozen=True, slots=True)
class _Binder:
    dataset: Dataset
    manner: Manner

    def group(self, group: Group, name: Key | None) -> Bound:
        """All that is required; where nothing is, one of the others. Only forbidden ones: everything else."""
        made: dict[Occur, list[Bound]] = {occur: [] for occur in Occur}
        for clause in group.clauses:
            made[clause.occur].append(self._node(clause, name))
        needed = [*made[Occur.MUST], *(Opposite(one) for one in made[Occur.MUST_NOT])]
        if made[Occur.SHOULD] and not made[Occur.MUST]:
            needed.append(any_of(made[Occur.SHOULD]))
        return needed[0] if len(needed) == 1 else AllOf(tuple(needed))

    def _node(self, clause: Clause, name: Key | None) -> Bound:
        node: Node = clause.node
        match node:
            case Named(name=inner_name, inner=inner, offset=offset):
                return self._named(inner_name, inner, offset)
            case Group():
                return self.group(node, name)
            case Span():
                if name is None:
                    raise QueryError("a range needs a field", node.offset, "write field:[low TO high]")
                return self._span(name, node)
            case _:
                return self._free(node) if name is None else self._asked(name, node)

    def _named(self, name: str, inner: Node, offset: int) -> Bound:
        if name == "_exists_":
            return self._exists(Key(_text_of(inner), offset))
        if name == "*":
            return self._node(Clause(inner, Occur.MUST), None)
        key = Key(self.dataset.time if name == "@timestamp" else name, offset)
        return self._node(Clause(inner, Occur.MUST), key)

    def _exists(self, key: Key) -> Bound:
        return any_of([exists(one, key, self.dataset) for one in fields_of(self.dataset, key)])

    def _asked(self, key: Key, node: Term | Phrase) -> Bound:
        """A value of a field."""
        if isinstance(node, Term) and node.pattern.parts == _STAR:
            return self._exists(key)
        return any_of([self._of_field(one, key, node) for one in fields_of(self.dataset, key)])

    def _of_field(self, field: Field, key: Key, node: Term | Phrase) -> Bound:
        if is_prose(key.name, self.dataset):
            words = words_of(node)
            return HasPhrase(column_of(field), words, field.prefix) if words else AnyOf(())
        if isinstance(node, Term) and node.pattern.literal is None:
            return bind_selector(Within(key, (node.pattern,)), self.dataset)
        text = node.text if isinstance(node, Phrase) else str(node.pattern.literal)
        if field.kind is FieldClass.DATE:
            low, high = (self._seconds(text, key, node.offset, to_end=end) for end in (False, True))
            above = HasNumber(field, Comparator.GREATER_OR_EQUAL, low)
            return AllOf((above, HasNumber(field, Comparator.LESS_OR_EQUAL, high)))
        return bind_selector(Compare(key, Comparator.EQUAL, Value(text, node.offset)), self.dataset)

    def _span(self, key: Key, span: Span) -> Bound:
        low = Comparator.GREATER_OR_EQUAL if span.with_low else Comparator.GREATER
        high = Comparator.LESS_OR_EQUAL if span.with_high else Comparator.LESS
        ends = [(low, span.low, not span.with_low), (high, span.high, span.with_high)]
        tests = [
            self.compared(key, comparator, text, span.offset, to_end=to_end)
            for comparator, text, to_end in ends
            if text is not None
        ]
        return AllOf(tuple(tests)) if tests else self._exists(key)

    def compared(self, key: Key, comparator: Comparator, text: str, offset: int, *, to_end: bool = False) -> Bound:
        """One end of a range."""
        fields = fields_of(self.dataset, key)
        if fields[0].kind is FieldClass.DATE:
            return HasNumber(fields[0], comparator, self._seconds(text, key, offset, to_end=to_end))
        return bind_selector(Compare(key, comparator, Value(text, offset)), self.dataset)

    def _seconds(self, text: str, key: Key, offset: int, *, to_end: bool) -> float:
        if _DAY.fullmatch(text) and to_end and (day := seconds_of(text)) is not None:
            return end_of(datetime.fromtimestamp(day, UTC), "d").timestamp()
        for found in (moment(text, self.manner.now, to_end=to_end), seconds_of(text), number_of(text)):
            if found is not None:
                return found
        hint = "now-15m, RFC 3339, YYYY-MM-DD or unix seconds"
        raise QueryError(f'a date expected for "{key.name}", not "{text}"', offset, hint)

    def _free(self, node: Term | Phrase) -> Bound:
        """A word or phrase without a field."""
        if isinstance(node, Term) and node.pattern.parts == _STAR:
            return EVERYTHING
        if self.manner.fields:
            return any_of([self._asked(Key(name), node) for name in self.manner.fields])
        words = words_of(node)
        if not words:
            return AnyOf(())
        texts = [one for one in self.dataset.fields if is_text(one)]
        found: list[Bound] = [HasPhrase(one, words) for one in (*texts, *((OPEN,) if self.dataset.open_parts else ()))]
        return any_of([*found, *self._as_value(_text_of(node))])

    def _as_value(self, text: str) -> list[Bound]:
        """The word as the number or address that it reads as."""
        found: list[Bound] = []
        number, addresses = number_of(text), address_range(text)
        for one in self.dataset.fields:
            if one.kind is FieldClass.NUMBER and number is not None:
                found.append(HasNumber(one, Comparator.EQUAL, number))
            if one.kind is FieldClass.IP and addresses is not None and not text.isdigit():
                found.append(HasAddress(one, *addresses))
        return found


def is_prose(key: str, dataset: Dataset) -> bool:
    """Whether a key asks for words; `name.keyword` asks for the whole value, as Elasticsearch's users know it."""
    fields = dataset.resolve(key)
    return not key.endswith(".keyword") and any(one.name in PROSE or one.column == OPEN_COLUMN for one in fields)


def is_text(field: Field) -> bool:
    return not field.kind.is_float and field.kind is not FieldClass.IP


def exists(field: Field, key: Key, dataset: Dataset) -> Bound:
    """Whether a record has a value of the field."""
    if field.kind.is_float:
        return HasNumber(field, Comparator.GREATER_OR_EQUAL, -1e300)
    if field.kind is FieldClass.IP:
        return HasAddress(field, "0" * 32, "f" * 32)
    return bind_selector(Within(key, (Pattern(_STAR),)), dataset)


def words_of(node: Term | Phrase) -> tuple[Pattern, ...]:
    """The words of a text, as those who index texts would cut it; wildcards belong to the word they touch."""
    if isinstance(node, Phrase):
        return tuple(Pattern((word,)) for word in _WORD.findall(node.text))
    words: list[list[str | Wildcard]] = [[]]
    for part in node.pattern.parts:
        if isinstance(part, Wildcard):
            words[-1].append(part)
            continue
        at = 0
        for match in _WORD.finditer(part):
            if match.start() > at:
                words.append([])
            words[-1].append(match.group(0))
            at = match.end()
        if at < len(part):
            words.append([])
    return tuple(Pattern(tuple(word)) for word in words if word)


def any_of(tests: list[Bound]) -> Bound:
    return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))


def _text_of(node: Node) -> str:
    match node:
        case Phrase(text=text):
            return text
        case Term(pattern=pattern):
            return "".join(part.value if isinstance(part, Wildcard) else part for part in pattern.parts)
    return ""
