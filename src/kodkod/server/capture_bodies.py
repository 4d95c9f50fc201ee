"""What does `/v1/captures` take and give? Its bodies, and how they come from and become PacketCaptures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from kodkod.clock import rfc3339
from kodkod.resources import Object, kinds
from kodkod.resources.kinds.packet_capture import FILTERS_MAX, PORTS_MAX, folded_state
from kodkod.resources.selector import SELECTOR_TEXT_MAX

State = Literal["Pending", "Scheduled", "WaitingForTraffic", "Capturing", "Finished", "Error"]
Action = Literal["change", "delete", "read_files", "delete_files"]

NO_AGENT = "no agent reports to this server"
NO_ENDPOINT = "the selector picks no workload on any node that reports"


class CaptureFilter(BaseModel, extra="forbid"):
    """Packets of one protocol and any of some ports; what is left out is not asked for."""

    protocol: int | str | None = Field(None, description="TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number.")
    ports: list[int | str] | None = Field(None, max_length=PORTS_MAX, description='Numbers, or ranges "min:max".')


class Window(BaseModel, extra="forbid"):
    """From when to when packets are recorded."""

    start: AwareDatetime | None = Field(None, description="RFC 3339; absent: at once.")
    end: AwareDatetime | None = Field(None, description="RFC 3339; absent: when it is stopped.")
    duration: str | None = Field(None, max_length=64, description="Instead of end: how long, such as 15m.")


class NewCapture(Window):
    """What to record."""

    namespace: str = Field(min_length=1, max_length=253)
    name: str = Field(min_length=1, max_length=253)
    selector: str = Field(
        "", max_length=SELECTOR_TEXT_MAX, description='Such as app == "nginx"; empty: every workload.'
    )
    filters: list[CaptureFilter] = Field([], max_length=FILTERS_MAX, description="Any of them; none: every packet.")


class NodePart(BaseModel):
    """What one node has recorded."""

    node: str
    state: State
    reason: str = ""
    message: str = ""
    files: list[str] = Field(description="Names of the files it holds.")
    bytes: int = 0
    packets: int = Field(0, description="Written since the capture began.")
    dropped: int = Field(0, description="Due but lost, for whatever reason.")
    interfaces: list[str] = []
    oldest_packet_time: str | None = None
    observed_at: str | None = None


class CaptureBody(BaseModel):
    """A capture, and what became of it on all nodes."""

    namespace: str
    name: str
    uid: str
    created: str | None = None
    selector: str
    filters: list[CaptureFilter]
    start: str | None = None
    end: str | None = None
    state: State = Field(description="The nodes' states folded into one; Pending while no node reports it.")
    message: str = Field("", description="Why it is so, where that is not obvious.")
    nodes: list[NodePart]
    files: int
    bytes: int
    packets: int
    dropped: int
    may: list[Action] = Field(description="What the caller has a right to do with it.")


class CaptureList(BaseModel):
    items: list[CaptureBody]


class FileBody(BaseModel):
    """One capture file on a node. id: fetches this very file though it is rotated meanwhile."""

    node: str
    name: str
    id: str
    bytes: int
    active: bool = Field(description="Still being written.")


class FileList(BaseModel):
    items: list[FileBody]
    unreachable: list[str] = Field(description="Nodes that did not answer; their files are not listed.")


class FilesGone(BaseModel):
    deleted: int


def object_of(asked: NewCapture, end: datetime | None) -> Object:
    """The PacketCapture that is asked for; what was left out is left to the kind's own defaults."""
    spec: dict[str, Any] = {}
    if asked.selector.strip():
        spec["selector"] = asked.selector.strip()
    if asked.filters:
        spec["filters"] = [one.model_dump(exclude_none=True) for one in asked.filters]
    if asked.start is not None:
        spec["startTime"] = rfc3339(asked.start)
    if end is not None:
        spec["endTime"] = rfc3339(end)
    kind = kinds.PACKET_CAPTURE
    metadata = {"name": asked.name, "namespace": asked.namespace}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def body_of(obj: Object, may: Sequence[Action], reports: Sequence[Object]) -> CaptureBody:
    """reports: all NodeReports; they say why nobody has taken up a capture, and are not needed for another."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    nodes = [node_part(entry) for entry in (obj.get("status") or {}).get("files") or []]
    state: State = folded_state(obj) or "Pending"  # type: ignore[assignment]  # written by the controller alone
    return CaptureBody(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        created=metadata.get("creationTimestamp"),
        selector=spec.get("selector") or "all()",
        filters=[CaptureFilter.model_validate(one) for one in spec.get("filters") or []],
        start=spec.get("startTime"),
        end=spec.get("endTime"),
        state=state,
        message=why(state, nodes, reports),
        nodes=nodes,
        files=sum(len(one.files) for one in nodes),
        bytes=sum(one.bytes for one in nodes),
        packets=sum(one.packets for one in nodes),
        dropped=sum(one.dropped for one in nodes),
        may=list(may),
    )


def node_part(entry: Object) -> NodePart:
    """From one element of `status.files`."""
    return NodePart(
        node=entry.get("node") or "",
        state=entry.get("state") or "Pending",
        reason=entry.get("reason") or "",
        message=entry.get("message") or "",
        files=entry.get("fileNames") or [],
        bytes=entry.get("bytes") or 0,
        packets=entry.get("packets") or 0,
        dropped=entry.get("dropped") or 0,
        interfaces=entry.get("interfaces") or [],
        oldest_packet_time=entry.get("oldestPacketTime"),
        observed_at=entry.get("observedAt"),
    )


def why(state: State, nodes: Sequence[NodePart], reports: Sequence[Object]) -> str:
    """One sentence for people."""
    if state == "Pending":
        has_agent = any((report.get("spec") or {}).get("role") == "agent" for report in reports)
        return NO_ENDPOINT if has_agent else NO_AGENT
    return "; ".join(f"{one.node}: {one.message}" for one in nodes if one.state == state and one.message)
