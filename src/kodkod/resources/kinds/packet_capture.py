"""PacketCapture: which packets should be recorded, when?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP, window_check
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, IntOrString, Model
from kodkod.resources.selector import SELECTOR_TEXT_MAX, selector_causes

PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPv6", "SCTP", "UDPLite")
WITHOUT_PORTS = frozenset({"ICMP", "ICMPv6", 1, 58})
FILTERS_MAX = 64
PORTS_MAX = 64

State = Literal["Capturing", "Finished", "Scheduled", "Error", "WaitingForTraffic"]
FOLD_ORDER = ("Error", "Capturing", "WaitingForTraffic", "Scheduled", "Finished")


class PacketFilter(Model):
    """Packets of one protocol and any of some ports; an empty filter takes every packet."""

    protocol: IntOrString | None = None
    """IP protocol: TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255."""
    ports: Annotated[list[IntOrString], Field(max_length=PORTS_MAX, json_schema_extra=ATOMIC)] | None = None
    """Ports of which the source or the destination must be one: numbers from 1 to 65535, or ranges "min:max"."""


class PacketCaptureSpec(Model):
    """What to record."""

    selector: Annotated[str, Field(max_length=SELECTOR_TEXT_MAX)] = "all()"
    """Picks workload endpoints of the object's own namespace by their labels, such as app == "nginx". Empty or
    all() takes every one."""
    filters: Annotated[list[PacketFilter], Field(max_length=FILTERS_MAX, json_schema_extra=ATOMIC)] | None = None
    """A packet is recorded when any of these filters takes it. Absent: every packet."""
    start_time: datetime | None = None
    """When recording begins; absent or past: at once."""
    end_time: datetime | None = None
    """When recording ends; absent: when the object is deleted. Setting it to now stops the capture and keeps the
    files."""


class CaptureFiles(Model):
    """What one node has recorded."""

    node: str | None = None
    """Name of the node."""
    directory: str | None = None
    """Folder on the node below which {namespace}/{name}/ holds the files."""
    file_names: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """Names of the files, active and rotated, sorted."""
    state: State | None = None
    """State of the capture on this node."""
    reason: str | None = None
    """One word why the state is so, where that is not obvious."""
    message: str | None = None
    """A sentence why the state is so."""
    bytes: int | None = None
    """Size of the files together."""
    packets: int | None = None
    """Packets written since the capture began."""
    dropped: int | None = None
    """Packets that were due but lost: kernel buffer, disk budget or write errors."""
    interfaces: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """Interfaces that are being listened to."""
    oldest_packet_time: datetime | None = None
    """Time of the oldest packet still held in a file."""
    observed_at: datetime | None = None
    """When the node last reported this."""


class CaptureSummary(Model):
    """All nodes together, for `kubectl get`: the columns of a CRD cannot count."""

    nodes: int = 0
    """Nodes that take part."""
    files: int = 0
    """Files held."""
    bytes: int = 0
    """Size of the files."""


class PacketCaptureStatus(Model):
    """What was observed."""

    state: State | None = None
    """The nodes' states folded into one: Error, else Capturing, else WaitingForTraffic, else Scheduled, else
    Finished."""
    files: Annotated[list[CaptureFiles], Field(json_schema_extra=ATOMIC)] | None = None
    """One entry for each node that has matching endpoints."""
    summary: CaptureSummary | None = None
    """The entries added up."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class PacketCapture(Model):
    """PacketCapture captures traffic of the workloads that a selector picks and keeps it in pcap files on their
    nodes."""

    spec: PacketCaptureSpec = PacketCaptureSpec()
    """What to record."""
    status: PacketCaptureStatus | None = None
    """What was observed. Written by the server."""


def normalise(obj: Object) -> None:
    """Write numbers as numbers: protocol "6" becomes 6, port "80" 80, range "80:80" 80; an empty selector all()."""
    spec = obj.get("spec") or {}
    if not str(spec.get("selector", "")).strip(" \t"):
        spec["selector"] = "all()"
    for entry in _filters(spec):
        protocol = entry.get("protocol")
        if isinstance(protocol, str) and protocol.isascii() and protocol.isdigit() and len(protocol) <= 3:
            entry["protocol"] = int(protocol)
        if isinstance(entry.get("ports"), list):
            entry["ports"] = [_plain_port(port) for port in entry["ports"]]


def _plain_port(port: Any) -> Any:
    if not isinstance(port, str):
        return port
    low, colon, high = port.partition(":")
    if _is_port(low) and (not colon or low == high):
        return int(low)
    return port


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


def check(obj: Object) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from selector_causes("spec.selector", spec.get("selector", ""))
    yield from window_check(spec)
    for index, entry in enumerate(_filters(spec)):
        where = f"spec.filters[{index}]"
        if "protocol" in entry:
            yield from _protocol_causes(f"{where}.protocol", entry["protocol"])
        for position, port in enumerate(entry.get("ports") or []):
            yield from _port_causes(f"{where}.ports[{position}]", port)
        if entry.get("ports") and entry.get("protocol") in WITHOUT_PORTS:
            yield invalid(f"{where}.ports", entry["ports"], f"protocol {entry['protocol']} has no ports")


def _protocol_causes(field: str, protocol: Any) -> Iterator[Cause]:
    if isinstance(protocol, int):
        if not 1 <= protocol <= 255:
            yield invalid(field, protocol, "protocol number invalid, it must be between 1 and 255")
    elif protocol not in PROTOCOLS:
        hint = next((name for name in PROTOCOLS if name.lower() == str(protocol).lower()), None)
        advice = f"write {hint}" if hint else f"use {', '.join(PROTOCOLS)}, or a number"
        yield invalid(field, protocol, f"protocol name invalid, {advice}")


def _port_causes(field: str, port: Any) -> Iterator[Cause]:
    if isinstance(port, int):
        if not 1 <= port <= 65535:
            yield invalid(field, port, "port range invalid, port number must be between 1 and 65535")
        return
    low, colon, high = str(port).partition(":")
    if not (colon and _is_port(low) and _is_port(high)):
        hint = f', write "{str(port).replace("-", ":")}"' if "-" in str(port) else ""
        yield invalid(field, port, f'named ports are not supported; use a number or a range "min:max"{hint}')
    elif not 1 <= int(low) <= int(high) <= 65535:
        yield invalid(field, port, "port range invalid, port number must be between 1 and 65535 and min not above max")


def _filters(spec: Object) -> list[Object]:
    return [entry for entry in spec.get("filters") or [] if isinstance(entry, dict)]


def folded_state(obj: Object) -> str | None:
    """One word for all nodes: the state the server wrote, else folded from what the nodes say; None if nobody did."""
    status = obj.get("status") or {}
    states = {entry.get("state") for entry in status.get("files") or []}
    return status.get("state") or next((state for state in FOLD_ORDER if state in states), None)


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="PacketCapture", plural="packetcaptures",
    singular="packetcapture", namespaced=True, short_names=("pcap",), model=PacketCapture,
    description=str(PacketCapture.__doc__), check=check, normalise=normalise, subresources=("files",),
    columns=(
        Column("State", ".status.state", description="The nodes' states folded into one.", value=folded_state),
        Column("Nodes", ".status.summary.nodes", "integer", description="Nodes that take part."),
        Column("Files", ".status.summary.files", "integer", description="Files held."),
        Column("Bytes", ".status.summary.bytes", "integer", description="Size of the files."),
        Column("Selector", ".spec.selector", priority=1, description="Which endpoints."),
        Column("Start", ".spec.startTime", "string", 1, "When recording begins."),
        Column("End", ".spec.endTime", "string", 1, "When recording ends."),
    ),
)  # fmt: skip
