"""What would Elasticsearch answer? A documented read-only part of `_search` under the product's index names.

Indices: tigera_secure_ee_{events,flows,dns,audit}, with any suffix and with a star. Clauses: match_all, query_string
(our query language), term, terms, range, exists and bool over them; sort, size, from, track_total_hits, _source are
read. Anything else is refused by name: a filter that is silently ignored would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kodkod.access import Caller
from kodkod.events import Sight
from kodkod.logs import datasets
from kodkod.logs.datasets import EVENTS, Dataset
from kodkod.logs.errors import LogsError
from kodkod.logs.query import EVERYTHING, AllOf, AnyOf, Bound, Opposite, QueryError, bind, parse
from kodkod.logs.query.texts import quote
from kodkod.logs.store import Order
from kodkod.server.facts import Facts
from kodkod.server.problems import Problem, problem_of

SIZE_MAX = 10_000
BODY_BYTES_MAX = 1024 * 1024
IGNORED = {"_source", "track_total_hits", "timeout", "version", "stored_fields", "highlight"}
_TYPES = {
    "bad_query": "parsing_exception",
    "bad_request": "illegal_argument_exception",
    "forbidden": "security_exception",
}

Json = dict[str, Any]


def routes(facts: Facts) -> list[tuple[str, Sequence[str], Callable[..., Any]]]:
    """(path, methods, handler) for both forms."""

    async def named(request: Request) -> Response:
        return await _answered(facts, request, request.path_params["index"])

    async def unnamed(request: Request) -> Response:
        return await _answered(facts, request, EVENTS.index + "*")

    return [("/{index:str}/_search", ("GET", "POST"), named), ("/_search", ("GET", "POST"), unnamed)]


async def _answered(facts: Facts, request: Request, index: str) -> Response:
    try:
        found = await _search(facts, request, index)
        return _json(found, 200)
    except (Problem, LogsError, QueryError, OSError) as error:
        problem = problem_of(error)
        kind = _TYPES.get(problem.body.code, problem.body.code)
        reason = problem.body.message + (f" (hint: {problem.body.hint})" if problem.body.hint else "")
        cause = {"type": kind, "reason": reason}
        return _json({"error": {"root_cause": [cause], **cause}, "status": problem.status}, problem.status)


async def _search(facts: Facts, request: Request, index: str) -> Json:
    started = facts.clock.monotonic_s()
    caller: Caller = request.state.caller
    dataset = dataset_of(index)
    resource = "events" if dataset is EVENTS else "logs"
    limit_to = await facts.restriction(caller, resource, dataset)
    asked = await _question(request)
    bound, order, size, skip = understood(asked, dataset)
    hits, total = await _hits(facts, dataset, bound, limit_to, order, size, skip)
    facts.on_record(request, caller, resource, dataset.name, total)
    return {
        "took": int((facts.clock.monotonic_s() - started) * 1000),
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": total, "relation": "eq"}, "max_score": None, "hits": hits},
    }


async def _hits(
    facts: Facts, dataset: Dataset, bound: Bound, limit_to: Bound | None, order: Order | None, size: int, skip: int
) -> tuple[list[Json], int]:
    """`from` skips within one page; size and from together are bounded."""
    name = f"{dataset.index}.cluster"
    if dataset is EVENTS:
        events = await facts.events.search(bound, Sight(limit_to=limit_to), order=order, limit=skip + size)
        rows = [(str(one["id"]), one) for one in events.items]
        total = events.total
    else:
        narrowed = bound if limit_to is None else AllOf((limit_to, bound))
        page = await facts.logs.search(dataset.name, narrowed, order=order, limit=skip + size)
        rows = [(f"{dataset.name}-{one.seq}", one.record) for one in page.items]
        total = page.total
    hits = [{"_index": name, "_id": key, "_score": None, "_source": source} for key, source in rows[skip:]]
    return hits, total


def dataset_of(index: str) -> Dataset:
    """The data set that an index name or pattern of the product means."""
    stem = index.rstrip("*")
    for dataset in datasets.ALL.values():
        if dataset.has_data and (stem == dataset.index or stem.startswith((dataset.index + ".", dataset.index + "_"))):
            return dataset
    known = ", ".join(one.index + "*" for one in datasets.ALL.values() if one.has_data)
    raise Problem(404, "index_not_found_exception", f"no such index [{index}]; there are {known}")


async def _question(request: Request) -> Json:
    """The body and the parameters as one body."""
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise Problem(413, "too_large", f"a body may have {BODY_BYTES_MAX} bytes")
    try:
        asked = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError as error:
        raise Problem(400, "bad_request", f"the body is no JSON: {error}") from None
    if not isinstance(asked, dict):
        raise Problem(400, "bad_request", "the body is no JSON object")
    given = request.query_params
    if "q" in given:
        asked["query"] = {"query_string": {"query": given["q"]}}
    for name in ("size", "from"):
        if name in given:
            asked[name] = int(given[name]) if given[name].isdigit() else given[name]
    if "sort" in given:
        asked["sort"] = [_sort_text(one) for one in given["sort"].split(",")]
    return asked


def _sort_text(text: str) -> Json:
    name, _, direction = text.partition(":")
    return {name: direction or "asc"}


def understood(asked: Json, dataset: Dataset) -> tuple[Bound, Order | None, int, int]:
    """(query, order, size, from). Problem 400 for what we do not do, by name."""
    unknown = set(asked) - {"query", "sort", "size", "from"} - IGNORED
    if unknown:
        raise Problem(400, "bad_request", f"not supported: {', '.join(sorted(unknown))}")
    size, skip = _count(asked, "size", 10), _count(asked, "from", 0)
    if size + skip > SIZE_MAX:
        raise Problem(400, "bad_request", f"from + size may be {SIZE_MAX}")
    bound = clause(asked["query"], dataset) if asked.get("query") else EVERYTHING
    return bound, _order(asked.get("sort"), dataset), size, skip


def _count(asked: Json, name: str, default: int) -> int:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Problem(400, "bad_request", f"{name} is no number from 0")
    return value


def _order(sort: Any, dataset: Dataset) -> Order | None:
    """The first sort key; ties go by arrival."""
    first = sort[0] if isinstance(sort, list) and sort else sort
    if not first:
        return None
    if isinstance(first, str):
        first = {first: "asc"}
    if not isinstance(first, Mapping) or len(first) != 1:
        raise Problem(400, "bad_request", "a sort key is a field name or {field: order}")
    ((name, direction),) = first.items()
    if isinstance(direction, Mapping):
        direction = direction.get("order", "asc")
    if name in ("_doc", "_score"):
        return None
    return Order(dataset.time if name == "@timestamp" else str(name), descending=str(direction).lower() == "desc")


def clause(query: Any, dataset: Dataset, depth: int = 0) -> Bound:
    """One clause of the query DSL as a bound query."""
    if not isinstance(query, Mapping) or len(query) != 1:
        raise Problem(400, "bad_request", "a query is an object with one clause")
    if depth > 20:
        raise Problem(400, "bad_request", "clauses nest deeper than 20")
    ((name, inner),) = query.items()
    if name == "match_all":
        return EVERYTHING
    if not isinstance(inner, Mapping):
        raise Problem(400, "bad_request", f"[{name}] is no object")
    if name == "query_string":
        text = str(inner.get("query", "")).strip()
        return EVERYTHING if text in ("", "*", "*:*") else bind(parse(text), dataset)
    if name == "bool":
        return _bool(inner, dataset, depth)
    made = _LEAVES.get(name)
    if made is None:
        raise Problem(400, "bad_request", f"clause [{name}] is not supported", f"use {', '.join(_CLAUSES)}")
    return made(inner, dataset)


def _bool(inner: Mapping[str, Any], dataset: Dataset, depth: int) -> Bound:
    unknown = set(inner) - {"must", "filter", "must_not", "should", "minimum_should_match", "boost"}
    if unknown:
        raise Problem(400, "bad_request", f"not supported in bool: {', '.join(sorted(unknown))}")

    def several(name: str) -> list[Bound]:
        found = inner.get(name) or []
        return [clause(one, dataset, depth + 1) for one in (found if isinstance(found, list) else [found])]

    needed = [*several("must"), *several("filter"), *(Opposite(one) for one in several("must_not"))]
    should = several("should")
    if should and (not needed or inner.get("minimum_should_match")):
        needed.append(AnyOf(tuple(should)))
    return AllOf(tuple(needed))


def _term(inner: Mapping[str, Any], dataset: Dataset) -> Bound:
    key, value = _pair(inner)
    if isinstance(value, Mapping):
        value = value.get("value", value.get("query"))
    return bind(parse(f"{quote(key)} = {quote(_scalar(value))}"), dataset)


def _terms(inner: Mapping[str, Any], dataset: Dataset) -> Bound:
    key, values = _pair(inner)
    if not isinstance(values, list):
        raise Problem(400, "bad_request", "[terms] needs a list")
    return AnyOf(tuple(_term({key: value}, dataset) for value in values))


def _range(inner: Mapping[str, Any], dataset: Dataset) -> Bound:
    key, limits = _pair(inner)
    if not isinstance(limits, Mapping):
        raise Problem(400, "bad_request", "[range] needs an object")
    key = dataset.time if key == "@timestamp" else key
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    parts = []
    for name, value in limits.items():
        if name in signs:
            text = _moment(value, limits.get("format", ""))
            parts.append(bind(parse(f"{quote(key)} {signs[name]} {quote(text)}"), dataset))
        elif name not in ("format", "time_zone", "boost"):
            raise Problem(400, "bad_request", f"not supported in range: {name}")
    return AllOf(tuple(parts))


def _moment(value: Any, form: str) -> str:
    """`epoch_millis` is what Kibana sends."""
    if "epoch_millis" in form and isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    text = _scalar(value)
    if text.startswith("now"):
        raise Problem(400, "bad_request", "date math is not supported", "send an RFC 3339 time")
    return text


def _exists(inner: Mapping[str, Any], dataset: Dataset) -> Bound:
    key = str(inner.get("field", ""))
    fields = dataset.resolve(key)
    if fields and fields[0].kind.is_float:
        return bind(parse(f"{quote(key)} >= {-(10**15)}"), dataset)
    if fields and fields[0].kind.value == "ip":
        return bind(parse(f'{quote(key)} IN {{"0.0.0.0/0", "::/0"}}'), dataset)
    return bind(parse(f'{quote(key)} IN {{"*"}}'), dataset)


def _pair(inner: Mapping[str, Any]) -> tuple[str, Any]:
    fields = {name: value for name, value in inner.items() if name != "boost"}
    if len(fields) != 1:
        raise Problem(400, "bad_request", "one field is expected")
    ((key, value),) = fields.items()
    return str(key), value


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Problem(400, "bad_request", "a text, number or boolean is expected")


_LEAVES: dict[str, Callable[[Mapping[str, Any], Dataset], Bound]] = {
    "term": _term,
    "match": _term,
    "match_phrase": _term,
    "terms": _terms,
    "range": _range,
    "exists": _exists,
}
_CLAUSES = ("match_all", "query_string", "bool", *_LEAVES)


def _json(body: Json, status: int) -> Response:
    return Response(
        orjson.dumps(body), status, media_type="application/json", headers={"X-Elastic-Product": "Elasticsearch"}
    )
