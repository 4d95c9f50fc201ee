"""GlobalThreatFeed: which addresses or names are known to be bad?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.durations import parse_duration
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, FreeForm, GoDuration, Model
from kodkod.resources.kinds.security_event_webhook import ValueSource

PULL_PERIOD_MIN_S = 300.0


class JsonFormat(Model):
    """A JSON document."""

    path: str | None = None
    """JSONPath of the list of values."""


class CsvFormat(Model):
    """Comma-separated lines."""

    field_num: int | None = None
    """Column, counted from 0."""
    field_name: str | None = None
    """Column by its name in the header."""
    header: bool | None = None
    """Whether the first line is a header."""
    column_delimiter: str | None = None
    """What separates columns; a comma unless said."""
    comment_delimiter: str | None = None
    """What begins a comment line."""
    record_size: int | None = None
    """Number of columns."""
    disable_record_size_validation: bool | None = None
    """Take lines with another number of columns too."""


class FeedFormat(Model):
    """How the answer is read; at most one."""

    newline_delimited: FreeForm | None = None
    """One value a line, # begins a comment."""
    json_: Annotated[JsonFormat | None, Field(alias="json")] = None
    """A JSON document."""
    csv: CsvFormat | None = None
    """Comma-separated lines."""


class HttpHeader(Model):
    """One header of the request."""

    name: str
    """Name of the header."""
    value: str | None = None
    """Its value."""
    value_from: ValueSource | None = None
    """Where its value is kept."""


class HttpPull(Model):
    """A request that fetches the feed."""

    url: Annotated[str, Field(pattern=r"^https?://", max_length=2048)]
    """Where the feed is."""
    format: FeedFormat | None = None
    """How the answer is read; one value a line unless said."""
    headers: Annotated[list[HttpHeader], Field(json_schema_extra=ATOMIC)] | None = None
    """Further headers of the request."""


class Pull(Model):
    """When and whence the feed is fetched."""

    period: GoDuration = "24h"
    """How often; at least five minutes."""
    http: HttpPull
    """From where."""


class SetTemplate(Model):
    """The GlobalNetworkSet threatfeed.{name} that mirrors the feed."""

    labels: dict[str, str] | None = None
    """Its labels."""


class GlobalThreatFeedSpec(Model):
    """What the feed holds and where it comes from."""

    content: Literal["IPSet", "DomainNameSet"] = "IPSet"
    """Addresses or names."""
    mode: Literal["Enabled", "Disabled"] = "Enabled"
    """Whether the feed is fetched and matched."""
    description: Annotated[str, Field(max_length=256)] | None = None
    """What the feed is."""
    feed_type: Literal["Custom", "Builtin"] = "Custom"
    """Whose feed it is."""
    global_network_set: SetTemplate | None = None
    """Also keep the addresses in a GlobalNetworkSet."""
    pull: Pull | None = None
    """Where the feed comes from."""


class FeedError(Model):
    """An error that keeps the feed from being used."""

    type: str
    """What failed."""
    message: str
    """How."""


class GlobalThreatFeedStatus(Model):
    """What was observed."""

    last_successful_sync: datetime | None = None
    """When the feed was last fetched."""
    last_successful_search: datetime | None = None
    """When logs were last compared with it."""
    error_conditions: Annotated[list[FeedError], Field(json_schema_extra=ATOMIC)] | None = None
    """The newest errors."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class GlobalThreatFeed(Model):
    """GlobalThreatFeed names addresses or domains that are known to be bad, so that logs can be compared with them."""

    spec: GlobalThreatFeedSpec = GlobalThreatFeedSpec()
    """What the feed holds and where it comes from."""
    status: GlobalThreatFeedStatus | None = None
    """What was observed."""


def check(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if spec.get("content") == "DomainNameSet" and "globalNetworkSet" in spec:
        yield invalid("spec", spec, "DomainNameSet does not support syncing with a GlobalNetworkSet")
    if pull := spec.get("pull"):
        yield from _pull_causes(pull)


def _pull_causes(pull: Object) -> Iterator[Cause]:
    if parse_duration(pull["period"]) < PULL_PERIOD_MIN_S:
        yield invalid("spec.pull.period", pull["period"], "must be at least five minutes (5m)")
    reading = pull["http"].get("format") or {}
    if len(reading) > 1:
        yield invalid("spec.pull.http.format", reading, "only one format type may be specified")
    columns = reading.get("csv") or {}
    if "fieldNum" in columns and "fieldName" in columns:
        yield invalid("spec.pull.http.format.csv", columns, "fieldNum and fieldName are mutually exclusive")
    for index, header in enumerate(pull["http"].get("headers") or []):
        if "value" in header and "valueFrom" in header:
            yield invalid(f"spec.pull.http.headers[{index}]", header, "value and valueFrom are mutually exclusive")


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="GlobalThreatFeed", plural="globalthreatfeeds",
    singular="globalthreatfeed", namespaced=False, model=GlobalThreatFeed, description=str(GlobalThreatFeed.__doc__),
    check=check,
    columns=(
        Column("Content", ".spec.content", description="Addresses or names."),
        Column("Mode", ".spec.mode", description="Whether it is used."),
        Column("Last-Sync", ".status.lastSuccessfulSync", "date", description="When it was last fetched."),
    ),
)  # fmt: skip
