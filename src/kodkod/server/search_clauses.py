"""What do the clauses of Elasticsearch's query DSL ask? The documented part of them as bound queries.

match_all, match_none, query_string, term, terms, match, match_phrase, multi_match, prefix, wildcard, range, exists,
ids, constant_score, and bool over them. A clause or an option that would change which records are found and is not read
here is refused by its name: a filter that is silently ignored would be worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kodkod.logs import lucene
from kodkod.logs.datasets import EVENTS, Dataset
from kodkod.logs.lucene.ast import Clause, Group, Named, Node, Occur, Phrase, Span, Term
from kodkod.logs.query import EVERYTHING, NOTHING, AllOf, AnyOf, Bound, HasText, Opposite, bind, parse
from kodkod.logs.query.ast import Pattern, Wildcard
from kodkod.logs.query.texts import pattern_of, quote
from kodkod.server.problems import Problem

Body = Mapping[str, Any]

DEPTH_MAX = 20
VALUES_MAX = 10_000
RANKING = frozenset({"boost", "_name", "analyzer", "analyze_wildcard", "allow_leading_wildcard", "lenient", "rewrite"})
"""Options that change an order of ours or the kind of refusal, never which records are found."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_OURS = re.compile(r"(?<![:<>])(?:!=|[=<>])|\b(?:NOT)?IN\b\s*[{$]", re.IGNORECASE)
_UTC = ("UTC", "Z", "+00:00", "-00:00", "GMT")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which data set, and what `now` means."""

    dataset: Dataset
    now: datetime


def bound_string(text: str, asked: Asked, *, fields: tuple[str, ...] = (), default_and: bool = False) -> Bound:
    """A query string: our own language where it has one of its operators, else Lucene's. Raises QueryError."""
    if text.strip() in ("", "*", "*:*"):
        return EVERYTHING
    if _OURS.search(_QUOTED.sub('""', text)):
        return bind(parse(text), asked.dataset)
    manner = lucene.Manner(asked.now, fields)
    return lucene.bind(lucene.parse(text, default_and=default_and), asked.dataset, manner)


def bound_clause(query: Any, asked: Asked, depth: int = 0) -> Bound:
    """One clause. Raises Problem 400 for what is not done here, by name, and QueryError for a value that cannot be."""
    if not isinstance(query, Mapping) or len(query) != 1:
        raise bad("a query is an object with one clause")
    if depth > DEPTH_MAX:
        raise bad(f"clauses nest deeper than {DEPTH_MAX}")
    ((name, inner),) = query.items()
    if not isinstance(inner, Mapping):
        raise bad(f"[{name}] is no object")
    if name == "bool":
        return _bool(inner, asked, depth)
    if name == "constant_score":
        allowed(inner, {"filter"}, name)
        return bound_clause(inner.get("filter"), asked, depth + 1)
    made = _LEAVES.get(name)
    if made is None:
        raise bad(f"clause [{name}] is not supported", f"use {', '.join(CLAUSES)}")
    return made(inner, asked)


def bad(message: str, hint: str | None = None) -> Problem:
    return Problem(400, "bad_request", message, hint)


def allowed(inner: Body, names: set[str], where: str) -> None:
    """Refuses every option that is neither of these nor a matter of ranking."""
    unknown = set(inner) - names - RANKING
    if unknown:
        raise bad(f"not supported in {where}: {', '.join(sorted(unknown))}")


def _bool(inner: Body, asked: Asked, depth: int) -> Bound:
    allowed(inner, {"must", "filter", "must_not", "should", "minimum_should_match", "adjust_pure_negative"}, "bool")

    def several(name: str) -> list[Bound]:
        found = inner.get(name) or []
        return [bound_clause(one, asked, depth + 1) for one in (found if isinstance(found, list) else [found])]

    needed, should = [*several("must"), *several("filter")], several("should")
    at_least = inner.get("minimum_should_match", 0 if needed else 1)
    if str(at_least) not in ("0", "1"):
        raise bad(f"not supported in bool: minimum_should_match {at_least!r}", "0 and 1 are")
    if should and str(at_least) == "1":
        needed.append(AnyOf(tuple(should)))
    return AllOf((*needed, *(Opposite(one) for one in several("must_not"))))


# --- leaves ---------------------------------------------------------------------------------------------------------
def _everything(inner: Body, _asked: Asked) -> Bound:
    allowed(inner, set(), "match_all")
    return EVERYTHING


def _nothing(inner: Body, _asked: Asked) -> Bound:
    allowed(inner, set(), "match_none")
    return NOTHING


def _query_string(inner: Body, asked: Asked) -> Bound:
    allowed(inner, {"query", "default_field", "fields", "default_operator", "time_zone"}, "query_string")
    refuse_zone(inner)
    return bound_string(
        scalar(inner.get("query", "")), asked, fields=fields_of(inner), default_and=is_and(inner, "default_operator")
    )


def fields_of(inner: Body) -> tuple[str, ...]:
    """The fields of a text search, without their boosts; () for all."""
    given = inner.get("fields", inner.get("default_field"))
    names = given if isinstance(given, list) else [given] if given else []
    return tuple(str(name).partition("^")[0] for name in names if str(name) not in ("*", "*.*"))


def is_and(inner: Body, name: str) -> bool:
    word = str(inner.get(name, "or")).lower()
    if word not in ("and", "or"):
        raise bad(f"{name} is AND or OR, not {word!r}")
    return word == "and"


def _term(inner: Body, asked: Asked) -> Bound:
    key, value = pair(inner)
    if isinstance(value, Mapping):
        allowed(value, {"value"}, "term")
        value = value.get("value")
    return exactly(key, value, asked)


def exactly(key: str, value: Any, asked: Asked) -> Bound:
    return bind(parse(f"{quote(key)} = {quote(scalar(value))}"), asked.dataset)


def _terms(inner: Body, asked: Asked) -> Bound:
    key, values = pair(inner)
    if not isinstance(values, list) or len(values) > VALUES_MAX:
        raise bad(f"[terms] needs a list of at most {VALUES_MAX} values")
    return AnyOf(tuple(exactly(key, value, asked) for value in values))


def _match(inner: Body, asked: Asked) -> Bound:
    """Some word of the text, or all with operator AND; of fields that hold no prose the whole value."""
    key, value = pair(inner)
    options = value if isinstance(value, Mapping) else {"query": value}
    allowed(options, {"query", "operator"}, "match")
    return words(key, scalar(options.get("query")), asked, all_of=is_and(options, "operator"))


def words(key: str, text: str, asked: Asked, *, all_of: bool = False) -> Bound:
    if not lucene.is_prose(key, asked.dataset):
        return named(key, Phrase(text), asked)
    occur = Occur.MUST if all_of else Occur.SHOULD
    return named(key, Group(tuple(Clause(Phrase(word), occur) for word in text.split())), asked)


def _match_phrase(inner: Body, asked: Asked) -> Bound:
    key, value = pair(inner)
    options = value if isinstance(value, Mapping) else {"query": value}
    allowed(options, {"query"}, "match_phrase")
    return named(key, Phrase(scalar(options.get("query"))), asked)


def _multi_match(inner: Body, asked: Asked) -> Bound:
    allowed(inner, {"query", "fields", "type", "operator"}, "multi_match")
    how, text = inner.get("type", "best_fields"), scalar(inner.get("query"))
    if how not in ("best_fields", "phrase", "most_fields"):
        raise bad(f"not supported in multi_match: type {how!r}", "best_fields and phrase are")
    parts = [text] if how == "phrase" else text.split()
    occur = Occur.MUST if is_and(inner, "operator") else Occur.SHOULD
    group = Group(tuple(Clause(Phrase(part), occur) for part in parts))
    return lucene.bind(group, asked.dataset, lucene.Manner(asked.now, fields_of(inner)))


def _prefix(inner: Body, asked: Asked) -> Bound:
    key, value = pair(inner)
    text = value.get("value") if isinstance(value, Mapping) else value
    return named(whole(key), Term(Pattern((scalar(text), Wildcard.MANY))), asked)


def _wildcard(inner: Body, asked: Asked) -> Bound:
    key, value = pair(inner)
    text = value.get("value", value.get("wildcard")) if isinstance(value, Mapping) else value
    return named(whole(key), Term(pattern_of(scalar(text))), asked)


def whole(key: str) -> str:
    """The key by which a field of prose is asked for its whole value."""
    return key if key.endswith(".keyword") else f"{key}.keyword"


def _range(inner: Body, asked: Asked) -> Bound:
    key, limits = pair(inner)
    if not isinstance(limits, Mapping):
        raise bad("[range] needs an object")
    allowed(limits, {"gt", "gte", "lt", "lte", "format", "time_zone", "relation"}, "range")
    refuse_zone(limits)
    ends = {name: moment(limits[name], limits) for name in ("gt", "gte", "lt", "lte") if limits.get(name) is not None}
    low, high = ends.get("gt", ends.get("gte")), ends.get("lt", ends.get("lte"))
    return named(key, Span(low, high, "gt" not in ends, "lt" not in ends), asked)


def moment(value: Any, limits: Body) -> str:
    """The text of one end. `epoch_millis` is what Kibana sends; a number without it is unix seconds, as events hold."""
    if "epoch_millis" in str(limits.get("format", "")) and re.fullmatch(r"-?\d+", str(value)):
        return datetime.fromtimestamp(int(value) / 1000, UTC).isoformat()
    return scalar(value)


def refuse_zone(inner: Body) -> None:
    zone = inner.get("time_zone", "UTC")
    if zone not in _UTC:
        raise bad(f"not supported: time_zone {zone!r}", "times are UTC, or carry their own offset")


def _exists(inner: Body, asked: Asked) -> Bound:
    allowed(inner, {"field"}, "exists")
    return named("_exists_", Phrase(scalar(inner.get("field", ""))), asked)


def _ids(inner: Body, asked: Asked) -> Bound:
    allowed(inner, {"values"}, "ids")
    values = inner.get("values")
    if asked.dataset is not EVENTS or not isinstance(values, list) or len(values) > VALUES_MAX:
        raise bad(f"[ids] needs a list of at most {VALUES_MAX} values, of events")
    return HasText(EVENTS.field("id"), tuple(scalar(value) for value in values))


def named(key: str, node: Node, asked: Asked) -> Bound:
    """What a node of Lucene's language asks of a field."""
    if "*" in key:
        raise bad(f'patterns of field names are not supported: "{key}"')
    group = Group((Clause(Named(key, node), Occur.MUST),))
    return lucene.bind(group, asked.dataset, lucene.Manner(asked.now))


def pair(inner: Body) -> tuple[str, Any]:
    fields = {name: value for name, value in inner.items() if name not in RANKING}
    if len(fields) != 1:
        raise bad("one field is expected")
    ((key, value),) = fields.items()
    return str(key), value


def scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise bad("a text, number or boolean is expected")


_LEAVES: dict[str, Callable[[Body, Asked], Bound]] = {
    "match_all": _everything,
    "match_none": _nothing,
    "query_string": _query_string,
    "term": _term,
    "terms": _terms,
    "match": _match,
    "match_phrase": _match_phrase,
    "multi_match": _multi_match,
    "prefix": _prefix,
    "wildcard": _wildcard,
    "range": _range,
    "exists": _exists,
    "ids": _ids,
}
CLAUSES = ("bool", "constant_score", *_LEAVES)
