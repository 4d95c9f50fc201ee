"""NodeReport: what does one process of one node observe?

Cluster scoped, named `{node}-{role}`. Many agents on one atomic list would conflict and could not be confined by
RBAC; so each process writes the report that carries its name, and the server alone folds reports into the status of
PacketCaptures and DeepPacketInspections. All facts live in `status`; times are RFC 3339, sizes bytes. A reader judges
freshness by `status.observedAt`, never by the object's own times.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, FreeForm, Model
from kodkod.resources.kinds.packet_capture import State

Role = Literal["agent", "inspector"]

# Bounds of one report, so that a node with a thousand workloads still fits an object of about 1 MB.
FILES_MAX = 1000
ENDPOINTS_MAX = 500
ERROR_CONDITIONS_MAX = 10


class CaptureFile(Model):
    """One capture file on the node's disk."""

    name: str
    """Name within the capture's own folder."""
    bytes: int = 0
    """Size when looked at."""
    active: bool = False
    """Whether it is still being written."""


class CaptureEndpoint(Model):
    """One workload interface that a capture selects on this node."""

    workload: str
    """Name of the workload, the pod's for a pod."""
    interface: str
    """Interface that is listened to."""
    state: State
    """State of the recording there."""
    reason: str = ""
    """One word why, where that is not obvious."""
    message: str = ""
    """A sentence why."""


class CaptureReport(Model):
    """One PacketCapture on this node: what is on disk, and what happens now."""

    namespace: str
    """Namespace of the PacketCapture."""
    name: str
    """Its name."""
    uid: str
    """Its uid, so that a successor of the same name is not mistaken for it."""
    generation: int = 0
    """Generation of the spec at work."""
    state: State
    """The endpoints' states folded into one."""
    reason: str = ""
    """One word why, where that is not obvious."""
    message: str = ""
    """A sentence why."""
    directory: str = ""
    """Folder below which {namespace}/{name}/ holds the files."""
    files: Annotated[list[CaptureFile], Field(max_length=FILES_MAX, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """Files held, sorted by name."""
    endpoints: Annotated[list[CaptureEndpoint], Field(max_length=ENDPOINTS_MAX, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """Interfaces selected now."""
    packets: int = 0
    """Packets written since the capture began, whatever restarts came between."""
    bytes: int = 0
    """Their bytes."""
    drops: FreeForm = Field(default_factory=dict)
    """Packets that were due but lost, by reason (kernel: the ring's own counter)."""
    rotated_files: int = 0
    """Files closed by rotation."""
    discarded_files: int = 0
    """Rotated files removed to keep the budget: the only way packets leave the disk while the object lives."""
    first_packet: str | None = None
    """Time of the first packet ever written."""
    last_packet: str | None = None
    """Time of the last one."""
    oldest_packet: str | None = None
    """Time of the oldest packet still held in a file."""
    warnings: Annotated[list[str], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """What could not be honoured while the rest goes on."""


class ErrorCondition(Model):
    """An error with the time it was seen last."""

    message: str
    """What is wrong, and where."""
    last_updated: str
    """When it was seen last."""


class InspectionReport(Model):
    """One DeepPacketInspection on this node."""

    namespace: str
    """Namespace of the DeepPacketInspection."""
    name: str
    """Its name."""
    uid: str
    """Its uid."""
    generation: int = 0
    """Generation of the spec at work."""
    success: bool
    """Running on every endpoint it selects here."""
    selected: int = 0
    """Endpoints it selects here."""
    attached: int = 0
    """Endpoints of these that are being inspected."""
    packets: int = 0
    """Packets looked at."""
    alerts: int = 0
    """Alerts raised."""
    drops: FreeForm = Field(default_factory=dict)
    """Packets that were due but not looked at, by reason."""
    error_conditions: Annotated[
        list[ErrorCondition], Field(max_length=ERROR_CONDITIONS_MAX, json_schema_extra=ATOMIC)
    ] = Field(default_factory=list)
    """The newest errors."""


class RulesReport(Model):
    """The compiled rule set in force."""

    digest: str = ""
    """Identity of the compiled set."""
    full: int = 0
    """Rules that are honoured wholly."""
    degraded: int = 0
    """Rules of which a part is ignored."""
    skipped: int = 0
    """Rules that are not loaded."""
    sources: Annotated[list[str], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """Files they came from."""


class RuleSetReport(Model):
    """One RuleSet object on this node."""

    name: str
    """Its name."""
    uid: str
    """Its uid."""
    generation: int = 0
    """Generation of the spec at work."""
    full: int = 0
    """Rules that are honoured wholly."""
    degraded: int = 0
    """Rules of which a part is ignored."""
    skipped: int = 0
    """Rules that are not loaded."""
    endpoints: int = 0
    """Inspected endpoints here that it is for."""
    errors: Annotated[list[str], Field(max_length=ERROR_CONDITIONS_MAX, json_schema_extra=ATOMIC)] = Field(
        default_factory=list
    )
    """Why rules are not loaded, each with its line and column."""


class Disk(Model):
    """The file system of the capture directory, and the node's budget on it."""

    capture_bytes: int = 0
    """Bytes of all capture files."""
    budget_bytes: int = 0
    """Most they may take."""
    free_bytes: int = 0
    """Bytes free on the file system."""
    total_bytes: int = 0
    """Its size."""
    pressure: bool = False
    """Whether captures are held back for want of room."""


class EngineReport(Model):
    """What bounds the engine of this process."""

    workers: int = 1
    """Worker threads."""
    memory_bytes: int = 0
    """Memory the engine keeps its tables within."""
    cpu_millis: int = 0
    """Thousandths of a core that the process may take; 0 where nothing limits it."""
    limit_bytes: int = 0
    """Memory that the process may take as a whole; 0 where nothing limits it."""
    cgroup: str = ""
    """The control group version in use, or why none is."""


class SpoolReport(Model):
    """Records on disk that wait for the server."""

    segments: int = 0
    """Files waiting."""
    bytes: int = 0
    """Their size."""
    lost: int = 0
    """Records given up because the spool was full or the server refused them for good."""


class NodeReportSpec(Model):
    """Whose report this is; agrees with the object's name and the writer's token."""

    node: str
    """Name of the node."""
    role: Role
    """Which of its processes."""


class NodeReportStatus(Model):
    """Everything observed."""

    observed_at: str | None = None
    """When the process looked last."""
    started_at: str | None = None
    """When the process began."""
    pid: int | None = None
    """Its process id."""
    version: str = ""
    """Its version."""
    ready: bool = False
    """Whether it does what it is there for."""
    address: str = ""
    """Base URL of the node's file server; an agent's only."""
    certificate: str = ""
    """Certificate (PEM) that this file server shows, where it is one of its own making."""
    endpoints: int = 0
    """Endpoints of this node."""
    interfaces: int = 0
    """Interfaces listened to for logs or inspection."""
    packets: int = 0
    """Packets looked at for logs or inspection since the start."""
    drops: FreeForm = Field(default_factory=dict)
    """Packets lost for logs or inspection, by reason."""
    unattributed: int = 0
    """Flow and DNS facts left out because nobody could say whose interface they were seen at."""
    captures: Annotated[list[CaptureReport], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """Captures with endpoints or files here."""
    inspections: Annotated[list[InspectionReport], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """Inspections; an inspector's only."""
    rules: RulesReport | None = None
    """Rules in force; an inspector's only."""
    rule_sets: Annotated[list[RuleSetReport], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """RuleSet objects; an inspector's only."""
    engine: EngineReport | None = None
    """What bounds the engine."""
    disk: Disk | None = None
    """Room for capture files; an agent's only."""
    spool: SpoolReport | None = None
    """Records that wait for the server."""
    warnings: Annotated[list[str], Field(json_schema_extra=ATOMIC)] = Field(default_factory=list)
    """What the process coped with and an operator should look at."""


class NodeReport(Model):
    """NodeReport tells what one process of one node observes: captures, inspections, drops, disk."""

    spec: NodeReportSpec
    """Whose report this is."""
    status: NodeReportStatus | None = None
    """What was observed. Written by that process."""


def report_name(node: str, role: Role) -> str:
    """Name of the one report that a process may write."""
    return f"{node}-{role}"


def check(obj: Object) -> Iterator[Cause]:
    """A process's right is bound to the object's name; so the name must tell whose report it is."""
    spec = obj["spec"]
    wanted = report_name(spec["node"], spec["role"])
    if obj["metadata"].get("name") != wanted:
        yield invalid("spec", spec, f'the report of this process is named "{wanted}"')


KIND = Kind(
    group="kodkod.dev", version="v1alpha1", kind="NodeReport", plural="nodereports", singular="nodereport",
    namespaced=False, model=NodeReport, description=str(NodeReport.__doc__), check=check,
    columns=(
        Column("Node", ".spec.node", description="Name of the node."),
        Column("Role", ".spec.role", description="Which of its processes."),
        Column("Ready", ".status.ready", "boolean", description="Whether it does what it is there for."),
        Column("Endpoints", ".status.endpoints", "integer", description="Endpoints of the node."),
        Column("Observed", ".status.observedAt", "date", description="When the process looked last."),
    ),
)  # fmt: skip
