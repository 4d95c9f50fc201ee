"""What can people ask about logs and events? `/v1/events`, `/v1/logs`, `/v1/datasets`, `/v1/query`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from kodkod.access import Caller
from kodkod.events import Sight, types
from kodkod.events.severity import Bucket
from kodkod.events.store import BULK_MAX
from kodkod.logs import datasets
from kodkod.logs.datasets import EVENTS, Dataset
from kodkod.logs.query import AllOf, QueryError, bind, parse, write
from kodkod.logs.store import Order, Window
from kodkod.server.facts import Facts
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute

LIMIT_MAX = 1_000

Text = Annotated[str, Query(max_length=65_536, description="In the query language; empty for everything.")]
From = Annotated[datetime | None, Query(alias="from", description="RFC 3339, inclusive.")]
To = Annotated[datetime | None, Query(description="RFC 3339, exclusive.")]
Sort = Annotated[str, Query(max_length=256, description="A field, with - before it for the largest first.")]
Limit = Annotated[int, Query(ge=0, le=LIMIT_MAX)]
Cursor = Annotated[str, Query(max_length=4_096, description="`next_cursor` of the page before.")]


class EventBody(BaseModel, extra="allow"):
    """A security event. Which optional fields are there depends on its producer."""

    id: str
    time: int = Field(description="Unix seconds.")
    type: str
    origin: str
    description: str
    severity: int
    severity_label: Literal["Critical", "High", "Medium", "Low"] = "Low"
    dismissed: bool = False
    type_label: str = Field("", description="What people call the type.")
    name: str | None = None
    source_ip: str | None = None
    source_port: int | None = None
    source_name: str | None = None
    source_name_aggr: str | None = None
    source_namespace: str | None = None
    dest_ip: str | None = None
    dest_port: int | None = None
    dest_name: str | None = None
    dest_name_aggr: str | None = None
    dest_namespace: str | None = None
    host: str | None = None
    protocol: str | None = None
    attack_vector: str | None = None
    mitre_tactic: str | None = None
    mitre_ids: list[str] = []
    mitigations: list[str] = []
    fingerprint: str | None = None
    generated_time: int | None = None
    record: dict[str, Any] = {}


class EventList(BaseModel):
    items: list[EventBody]
    total: int = Field(description="All that match, not only this page.")
    next_cursor: str | None = None


class EventDetail(EventBody):
    """One event, and the queries that lead on from it."""

    links: dict[str, str] = Field(description="alert: the GlobalAlert's path; flows, dns: related records.")


class EventType(BaseModel):
    """One word for people, and the machine names it stands for."""

    label: str
    types: list[str]


class EventTypeList(BaseModel):
    items: list[EventType]


class LogList(BaseModel):
    items: list[dict[str, Any]] = Field(description="Records as their producer wrote them, with `_id` and `_arrival`.")
    total: int
    next_cursor: str | None = None


class TimeRange(BaseModel, populate_by_name=True):
    start: datetime | None = Field(None, alias="from")
    end: datetime | None = Field(None, alias="to")


class EventSearch(BaseModel):
    selector: str = Field("", max_length=65_536)
    time_range: TimeRange = Field(default_factory=lambda: TimeRange.model_validate({}))
    include_dismissed: bool = False
    include_excepted: bool = False
    sort: str = Field("-time", max_length=256)
    page_size: int = Field(100, ge=0, le=LIMIT_MAX)
    cursor: str = Field("", max_length=4_096)


class Bulk(BaseModel):
    """Either ids or a selector."""

    action: Literal["dismiss", "restore"]
    ids: list[str] | None = Field(None, max_length=BULK_MAX)
    selector: str | None = Field(None, max_length=65_536)


class BulkItem(BaseModel):
    id: str
    status: Literal["done", "not_found"]


class BulkResult(BaseModel):
    items: list[BulkItem]


StatsPart = Literal["type", "severity", "origin", "namespace", "mitre_id", "day"]


class StatsQuestion(BaseModel):
    selector: str = Field("", max_length=65_536)
    time_range: TimeRange = Field(default_factory=lambda: TimeRange.model_validate({}))
    include_dismissed: bool = False
    include_excepted: bool = False
    parts: list[StatsPart] = Field(list(get_args(StatsPart)), description="What is counted; the others stay empty.")


class Count(BaseModel):
    value: str | None
    count: int


class DayCount(BaseModel):
    day: str = Field(description="YYYY-MM-DD, UTC.")
    count: int


class EventStats(BaseModel):
    total: int
    by_type: list[Count]
    by_severity: list[Count]
    by_origin: list[Count]
    by_namespace: list[Count] = Field(description="Of the destination.")
    by_mitre_id: list[Count]
    by_day: list[DayCount]


class FieldBody(BaseModel):
    name: str
    type: str
    many: bool
    values: list[str] = Field(description="An enum's spellings.")
    closed: bool = Field(description="No other value exists.")
    ordered: bool = Field(description="Takes < <= > >=.")
    doc: str


class DatasetBody(BaseModel):
    name: str
    time_field: str
    retention_days: int
    index: str
    has_data: bool
    fields: list[FieldBody]
    aliases: dict[str, list[str]]


class DatasetList(BaseModel):
    items: list[DatasetBody]


class Validation(BaseModel):
    query: str = Field(max_length=65_536)
    dataset: str = "events"
    substitutions: dict[str, list[str]] = {}


class Verdict(BaseModel):
    """A wrong query is an answer, not an error: the console asks while the user types."""

    valid: bool
    canonical: str | None = None
    message: str | None = None
    hint: str | None = None
    offset: int | None = None


def router(facts: Facts) -> APIRouter:
    """The routes over one server's facts."""
    routes = APIRouter(route_class=ProblemRoute, responses=RESPONSES)
    _events(routes, facts)
    _triage(routes, facts)
    _logs(routes, facts)
    _language(routes)
    return routes


def _events(routes: APIRouter, facts: Facts) -> None:
    @routes.get("/events", response_model=EventList, response_model_exclude_unset=True, tags=["events"])
    async def list_events(
        request: Request,
        query: Text = "",
        from_: From = None,
        to: To = None,
        sort: Sort = "-time",
        limit: Limit = 100,
        cursor: Cursor = "",
        include_dismissed: bool = False,
        include_excepted: bool = False,
    ) -> dict[str, Any]:
        """Security events, newest first. Dismissed and excepted ones are hidden unless asked for."""
        sight = Sight(include_dismissed, include_excepted)
        return await _search(facts, request, query, window(from_, to), sort, limit, cursor, sight)

    @routes.post("/events/search", response_model=EventList, response_model_exclude_unset=True, tags=["events"])
    async def search_events(request: Request, asked: EventSearch) -> dict[str, Any]:
        """The same with the question in the body."""
        sight = Sight(asked.include_dismissed, asked.include_excepted)
        span = window(asked.time_range.start, asked.time_range.end)
        return await _search(facts, request, asked.selector, span, asked.sort, asked.page_size, asked.cursor, sight)

    @routes.post("/events/stats", response_model=EventStats, tags=["events"])
    async def event_stats(request: Request, asked: StatsQuestion) -> EventStats:
        """How many events there are, by type, severity, origin, namespace, MITRE id and day."""
        caller: Caller = request.state.caller
        limit_to = await facts.restriction(caller, "events", EVENTS)
        sight = Sight(asked.include_dismissed, asked.include_excepted, limit_to)
        return await _stats(facts, asked, sight)

    @routes.get("/events/types", response_model=EventTypeList, tags=["events"])
    async def event_types() -> EventTypeList:
        """Every type an event can have."""
        return EventTypeList(items=[EventType(label=word, types=names) for word, names in types.by_label().items()])

    @routes.get(
        "/events/{event_id:path}", response_model=EventDetail, response_model_exclude_unset=True, tags=["events"]
    )
    async def one_event(request: Request, event_id: str) -> dict[str, Any]:
        """One event, dismissed and excepted ones too."""
        caller: Caller = request.state.caller
        limit_to = await facts.restriction(caller, "events", EVENTS)
        found = await facts.events.get(event_id, Sight(limit_to=limit_to))
        if found is None:
            raise Problem(404, "not_found", f'no event "{event_id}"')
        facts.on_record(request, caller, "events", event_id, 1)
        return {**labelled(found), "links": links(found)}


def _triage(routes: APIRouter, facts: Facts) -> None:
    @routes.post("/events/bulk", response_model=BulkResult, tags=["events"])
    async def bulk(request: Request, asked: Bulk) -> BulkResult:
        """Dismiss events or bring them back; nothing is deleted. Needs `update` on `events`."""
        caller: Caller = request.state.caller
        await facts.require(caller, "update", "events")
        if (asked.ids is None) == (asked.selector is None):
            raise Problem(400, "bad_request", "give either ids or a selector")
        everything = Sight(include_dismissed=True, include_excepted=True)
        if asked.ids is None:
            wanted = await facts.events.ids(bind(parse(asked.selector or ""), EVENTS), everything)
            known = set(wanted)
        else:
            wanted = list(dict.fromkeys(asked.ids))
            known = await facts.events.known(wanted)
        chosen = [one for one in wanted if one in known]
        if asked.action == "dismiss":
            await facts.events.dismiss(chosen, by=caller.name, at=facts.clock.now())
        else:
            await facts.events.restore(chosen)
        return BulkResult(items=[BulkItem(id=one, status="done" if one in known else "not_found") for one in wanted])


def _logs(routes: APIRouter, facts: Facts) -> None:
    @routes.get("/logs/{dataset}", response_model=LogList, tags=["logs"])
    async def search_logs(
        request: Request,
        dataset: str,
        query: Text = "",
        from_: From = None,
        to: To = None,
        sort: Sort = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> LogList:
        """Records of a data set, newest first."""
        kind, caller = datasets.named(dataset), request.state.caller
        limit_to = await facts.restriction(caller, "events" if kind is EVENTS else "logs", kind)
        bound = bind(parse(query), kind)
        page = await facts.logs.search(
            dataset,
            bound if limit_to is None else AllOf((limit_to, bound)),
            window=window(from_, to),
            order=order(sort),
            limit=limit,
            cursor=cursor or None,
        )
        facts.on_record(request, caller, "logs", dataset, page.total)
        items = [
            {**one.record, "_id": one.record.get("id") or f"{dataset}-{one.seq}", "_arrival": one.arrival}
            for one in page.items
        ]
        return LogList(items=items, total=page.total, next_cursor=page.next_cursor)

    @routes.get("/datasets", response_model=DatasetList, tags=["logs"])
    async def list_datasets() -> DatasetList:
        """Data sets and their fields, for editors and completion."""
        return DatasetList(items=[described(one) for one in datasets.ALL.values()])


def _language(routes: APIRouter) -> None:
    @routes.post("/query/validate", response_model=Verdict, tags=["logs"])
    async def validate(asked: Validation) -> Verdict:
        """Whether a query can be read and fits the data set; if not, where and what was probably meant."""
        kind = datasets.named(asked.dataset)
        try:
            tree = parse(asked.query)
            bind(tree, kind, {name: tuple(values) for name, values in asked.substitutions.items()})
        except QueryError as error:
            return Verdict(valid=False, message=error.message, hint=error.hint, offset=error.offset)
        return Verdict(valid=True, canonical=write(tree))


async def _search(
    facts: Facts, request: Request, query: str, span: Window, sort: str, limit: int, cursor: str, sight: Sight
) -> dict[str, Any]:
    caller: Caller = request.state.caller
    limit_to = await facts.restriction(caller, "events", EVENTS)
    seen = Sight(sight.include_dismissed, sight.include_excepted, limit_to)
    page = await facts.events.search(
        bind(parse(query), EVENTS), seen, window=span, order=order(sort), limit=limit, cursor=cursor or None
    )
    facts.on_record(request, caller, "events", "", page.total)
    return {"items": [labelled(one) for one in page.items], "total": page.total, "next_cursor": page.next_cursor}


def labelled(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "type_label": types.label(event["type"])}


async def _stats(facts: Facts, asked: StatsQuestion, sight: Sight) -> EventStats:
    bound, span = bind(parse(asked.selector), EVENTS), window(asked.time_range.start, asked.time_range.end)

    async def counts(part: StatsPart, field: str) -> list[Count]:
        if part not in asked.parts:
            return []
        found = await facts.events.count(bound, sight, by=field, window=span)
        values = [Count(value=None if one.keys[0] is None else str(one.keys[0]), count=one.count) for one in found]
        return sorted(values, key=lambda one: (-one.count, one.value or ""))

    async def days() -> list[DayCount]:
        sums: dict[str, int] = {}
        if "day" not in asked.parts:
            return []
        for group in await facts.events.count(bound, sight, by="time", window=span):
            if group.keys[0] is not None:
                day = datetime.fromtimestamp(group.keys[0], UTC).date().isoformat()
                sums[day] = sums.get(day, 0) + group.count
        return [DayCount(day=day, count=sums[day]) for day in sorted(sums)]

    rank = {word.value: number for number, word in enumerate(Bucket)}
    return EventStats(
        total=(await facts.events.search(bound, sight, window=span, limit=0)).total,
        by_type=await counts("type", "type"),
        by_severity=sorted(
            await counts("severity", "severity_label"), key=lambda one: rank.get(one.value or "", len(rank))
        ),
        by_origin=await counts("origin", "origin"),
        by_namespace=await counts("namespace", "dest_namespace"),
        by_mitre_id=[one for one in await counts("mitre_id", "mitre_ids") if one.value is not None],
        by_day=await days(),
    )


def window(start: datetime | None, end: datetime | None) -> Window:
    """By event time; a time without a zone is UTC."""
    return Window(_seconds(start), _seconds(end))


def _seconds(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def order(sort: str) -> Order | None:
    """`-time`: the largest first. Empty: the data set's time, newest first."""
    return Order(sort.lstrip("-"), descending=sort.startswith("-")) if sort else None


def described(dataset: Dataset) -> DatasetBody:
    fields = [
        FieldBody(
            name=one.name,
            type=one.kind.value,
            many=one.many,
            values=list(one.values),
            closed=one.closed,
            ordered=one.kind.has_order,
            doc=one.doc,
        )
        for one in dataset.fields
    ]
    return DatasetBody(
        name=dataset.name,
        time_field=dataset.time,
        retention_days=dataset.retention_days,
        index=dataset.index,
        has_data=dataset.has_data,
        fields=fields,
        aliases={name: list(names) for name, names in dataset.aliases.items()},
    )


def links(event: dict[str, Any]) -> dict[str, str]:
    """Where to look next: the alert behind it, and queries for what its endpoints did."""
    found: dict[str, str] = {}
    if event["type"] == types.GLOBAL_ALERT:
        found["alert"] = f"/apis/projectcalico.org/v3/globalalerts/{event['origin']}"
    flows = [
        f'{name} = "{event[name]}"'
        for name in ("source_ip", "source_namespace", "source_name_aggr", "dest_ip", "dest_namespace", "dest_name_aggr")
        if event.get(name) not in (None, "", "-")
    ]
    if flows:
        found["flows"] = " AND ".join(flows)
    if event.get("source_namespace") and event.get("source_name_aggr"):
        found["dns"] = (
            f'client_namespace = "{event["source_namespace"]}" AND client_name_aggr = "{event["source_name_aggr"]}"'
        )
    return found
