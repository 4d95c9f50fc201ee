"""What would Elasticsearch answer? A documented read-only part of `_search` under the product's index names.

Indices: tigera_secure_ee_{events,flows,dns,audit}, with any suffix and with a star. `q` and query_string take Lucene's
query strings and our own language; the clauses are those of `search_clauses`; several sort keys, size, from, _source.
What would change the answer and is not done here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kodkod.access import Caller
from kodkod.events import Sight
from kodkod.logs import datasets
from kodkod.logs.datasets import EVENTS, Dataset
from kodkod.logs.errors import LogsError
from kodkod.logs.query import EVERYTHING, AllOf, Bound, QueryError
from kodkod.logs.store import Order
from kodkod.server.facts import Facts
from kodkod.server.problems import Problem, problem_of
from kodkod.server.search_clauses import Asked, allowed, bad, bound_clause

SIZE_MAX = 10_000
BODY_BYTES_MAX = 1024 * 1024
SORT_KEYS_MAX = 8
IGNORED = {"track_total_hits", "track_scores", "timeout", "version", "stored_fields", "highlight"}
"""Parts of a body that change nothing about which records are found, or in which order."""
PARAMETERS = {"q", "df", "default_operator", "size", "from", "sort", "_source", "_source_includes", "_source_excludes"}
PARAMETERS_IGNORED = {
    "pretty", "human", "error_trace", "track_total_hits", "timeout", "preference", "ignore_unavailable", "typed_keys",
    "allow_no_indices", "expand_wildcards", "analyze_wildcard", "lenient", "request_cache", "version", "format",
    "ignore_throttled", "max_concurrent_shard_requests", "batched_reduce_size", "ccs_minimize_roundtrips",
}  # fmt: skip
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
        place = f" at column {problem.body.offset + 1}" if problem.body.offset is not None else ""
        reason = problem.body.message + place + (f" (hint: {problem.body.hint})" if problem.body.hint else "")
        cause = {"type": kind, "reason": reason}
        return _json({"error": {"root_cause": [cause], **cause}, "status": problem.status}, problem.status)


async def _search(facts: Facts, request: Request, index: str) -> Json:
    started = facts.clock.monotonic_s()
    caller: Caller = request.state.caller
    dataset = dataset_of(index)
    resource = "events" if dataset is EVENTS else "logs"
    limit_to = await facts.restriction(caller, resource, dataset)
    question = understood(await _question(request), Asked(dataset, facts.clock.now()))
    hits, total = await _hits(facts, dataset, question, limit_to)
    facts.on_record(request, caller, resource, dataset.name, total)
    return {
        "took": int((facts.clock.monotonic_s() - started) * 1000),
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": total, "relation": "eq"}, "max_score": None, "hits": hits},
    }


async def _hits(facts: Facts, dataset: Dataset, asked: Understood, limit_to: Bound | None) -> tuple[list[Json], int]:
    """`from` skips within one page; size and from together are bounded."""
    name, limit = f"{dataset.index}.cluster", asked.skip + asked.size
    if dataset is EVENTS:
        events = await facts.events.search(asked.bound, Sight(limit_to=limit_to), order=asked.order, limit=limit)
        rows = [(str(one["id"]), one) for one in events.items]
        total = events.total
    else:
        narrowed = asked.bound if limit_to is None else AllOf((limit_to, asked.bound))
        page = await facts.logs.search(dataset.name, narrowed, order=asked.order, limit=limit)
        rows = [(f"{dataset.name}-{one.seq}", one.record) for one in page.items]
        total = page.total
    hits = [
        {"_index": name, "_id": key, "_score": None, "_source": asked.pick(source)}
        for key, source in rows[asked.skip :]
    ]
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
        place = f"line {error.lineno} column {error.colno}"
        raise bad(f"the body is not JSON: {error.msg}: {place}") from None
    if not isinstance(asked, dict):
        raise bad("the body is no JSON object")
    return with_parameters(asked, request.query_params)


def with_parameters(asked: Json, given: Mapping[str, str]) -> Json:
    """The parameters of a URL say the same as parts of the body, and win."""
    unknown = set(given) - PARAMETERS - PARAMETERS_IGNORED
    if unknown:
        raise bad(
            f"not supported: parameter {', '.join(sorted(unknown))}", f"there are {', '.join(sorted(PARAMETERS))}"
        )
    if "q" in given:
        string = {"query": given["q"], "default_operator": given.get("default_operator", "OR")}
        asked["query"] = {"query_string": {**string, **({"default_field": given["df"]} if "df" in given else {})}}
    for name in ("size", "from"):
        if name in given:
            asked[name] = int(given[name]) if given[name].isdecimal() else given[name]
    if "sort" in given:
        asked["sort"] = [one for one in given["sort"].split(",") if one]
    if "_source" in given:
        flag = {"true": True, "false": False}.get(given["_source"])
        asked["_source"] = given["_source"].split(",") if flag is None else flag
    picked = {
        name: given[f"_source_{name}"].split(",") for name in ("includes", "excludes") if f"_source_{name}" in given
    }
    if picked:
        asked["_source"] = picked
    return asked


@dataclass(frozen=True, slots=True)
class Understood:
    """A question that can be answered. pick: what of each record is shown."""

    bound: Bound
    order: Order | None
    size: int
    skip: int
    pick: Callable[[Json], Json]


def understood(given: Json, asked: Asked) -> Understood:
    """Problem 400 for what we do not do, by name."""
    unknown = set(given) - {"query", "sort", "size", "from", "_source"} - IGNORED
    if unknown:
        raise bad(f"not supported: {', '.join(sorted(unknown))}")
    size, skip = _count(given, "size", 10), _count(given, "from", 0)
    if size + skip > SIZE_MAX:
        raise bad(f"from + size may be {SIZE_MAX}")
    bound = bound_clause(given["query"], asked) if given.get("query") else EVERYTHING
    return Understood(bound, _order(given.get("sort"), asked.dataset), size, skip, picker(given.get("_source", True)))


def _count(given: Json, name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise bad(f"{name} is no number from 0")
    return value


def _order(sort: Any, dataset: Dataset) -> Order | None:
    """Sort keys in turn; ties go by arrival. None where nothing is asked: newest first."""
    given = sort if isinstance(sort, list) else [sort] if sort else []
    if len(given) > SORT_KEYS_MAX:
        raise bad(f"more than {SORT_KEYS_MAX} sort keys")
    keys = [key for one in given if (key := _sort_key(one, dataset)) is not None]
    return Order(keys[0].field, keys[0].descending, tuple(keys[1:])) if keys else None


def _sort_key(given: Any, dataset: Dataset) -> Order | None:
    if isinstance(given, str):
        name, _, direction = given.partition(":")
        given = {name: direction or "asc"}
    if not isinstance(given, Mapping) or len(given) != 1:
        raise bad("a sort key is a field name or {field: order}")
    ((name, options),) = given.items()
    options = options if isinstance(options, Mapping) else {"order": options}
    allowed(options, {"order", "unmapped_type", "missing", "format"}, "sort")
    direction = str(options.get("order", "asc")).lower()
    if direction not in ("asc", "desc"):
        raise bad(f"a sort order is asc or desc, not {direction!r}")
    if options.get("missing", "_last") != "_last":
        raise bad("not supported in sort: missing other than _last")
    if name in ("_doc", "_score", "_shard_doc"):
        return None
    return Order(dataset.time if name == "@timestamp" else str(name), descending=direction == "desc")


def picker(wanted: Any) -> Callable[[Json], Json]:
    """What `_source` leaves of a record: all, nothing, or the fields whose path is named, stars allowed."""
    if isinstance(wanted, bool):
        return (lambda record: record) if wanted else (lambda _record: {})
    if isinstance(wanted, str | list):
        wanted = {"includes": wanted}
    if not isinstance(wanted, Mapping) or set(wanted) - {"includes", "excludes", "include", "exclude"}:
        raise bad("_source is true, false, a field, a list of them, or {includes, excludes}")
    includes, excludes = (_names(wanted.get(name, wanted.get(f"{name}s"))) for name in ("include", "exclude"))
    return lambda record: _picked(record, includes, excludes, "")


def _names(given: Any) -> list[str]:
    names = given if isinstance(given, list) else [given] if given else []
    return [str(name) for name in names]


def _picked(record: Json, includes: list[str], excludes: list[str], path: str) -> Json:
    found: Json = {}
    for name, value in record.items():
        where = f"{path}{name}"
        if any(fnmatchcase(where, one) for one in excludes):
            continue
        if not includes or any(fnmatchcase(where, one) for one in includes):
            found[name] = _picked(value, [], excludes, f"{where}.") if isinstance(value, dict) else value
        elif isinstance(value, dict) and (inner := _picked(value, includes, excludes, f"{where}.")):
            found[name] = inner
    return found


def _json(body: Json, status: int) -> Response:
    return Response(
        orjson.dumps(body), status, media_type="application/json", headers={"X-Elastic-Product": "Elasticsearch"}
    )
