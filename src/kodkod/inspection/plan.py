"""Which endpoints are to be inspected, for whom, and with how much?

Pure. An endpoint that several DeepPacketInspections select is attached to once; each of them gets its own event, as
the product does, so an attachment knows all its inspections.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.endpoints import Endpoint
from kodkod.resources import selector as selectors

MEMORY_DEFAULT = 1024**3
# What the engine's tables may take of the process' limit; the rest is for rules, interpreter and packet rings.
ENGINE_SHARE = 0.5
_SUFFIX = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
    "m": 1e-3,
}  # fmt: skip
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")


@dataclass(frozen=True, slots=True)
class Inspection:
    """One DeepPacketInspection as this node understands it. `fault`: why it cannot run, or empty."""

    uid: str
    namespace: str
    name: str
    generation: int
    selector: selectors.Selector
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the inspector may take of a node. cpus may be a fraction."""

    cpus: float = 1.0
    memory_bytes: int = MEMORY_DEFAULT

    @property
    def workers(self) -> int:
        """Threads: one for each CPU begun."""
        return max(1, math.ceil(self.cpus))

    @property
    def engine_bytes(self) -> int:
        return int(self.memory_bytes * ENGINE_SHARE)


def read(obj: Mapping[str, Any]) -> Inspection:
    """The intent of a DeepPacketInspection. Never raises for what a user wrote; see `Inspection.fault`."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    fault = ""
    try:
        selector = selectors.parse(str(spec.get("selector") or ""))
    except selectors.SelectorError as error:
        selector, fault = selectors.parse(""), f"spec.selector: {error}"
    return Inspection(
        uid=str(metadata.get("uid") or f"{metadata.get('namespace')}/{metadata['name']}"),
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        generation=int(metadata.get("generation") or 0),
        selector=selector,
        fault=fault,
    )


def selected(inspection: Inspection, endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Endpoints an inspection picks: of its own namespace only; none if it cannot run."""
    if inspection.fault:
        return []
    return [
        endpoint
        for endpoint in endpoints
        if endpoint.namespace == inspection.namespace and inspection.selector.matches(endpoint.labels)
    ]


def assign(inspections: Iterable[Inspection], endpoints: Iterable[Endpoint]) -> dict[str, list[Inspection]]:
    """For each endpoint to attach to (by id), the inspections that want it, in order of namespace and name."""
    endpoints = list(endpoints)
    wanted: dict[str, list[Inspection]] = {}
    for inspection in sorted(inspections, key=lambda one: (one.namespace, one.name)):
        for endpoint in selected(inspection, endpoints):
            wanted.setdefault(endpoint.id, []).append(inspection)
    return wanted


def read_bounds(objects: Iterable[Mapping[str, Any]]) -> Bounds:
    """The limits of IntrusionDetection `tigera-secure`; defaults for what is absent or makes no sense."""
    for obj in objects:
        if obj["metadata"]["name"] != "tigera-secure":
            continue
        for component in (obj.get("spec") or {}).get("componentResources") or []:
            if component.get("componentName") == "DeepPacketInspection":
                limits = (component.get("resourceRequirements") or {}).get("limits") or {}
                return Bounds(
                    cpus=quantity(limits.get("cpu")) or 1.0,
                    memory_bytes=int(quantity(limits.get("memory")) or MEMORY_DEFAULT),
                )
    return Bounds()


def quantity(value: object) -> float | None:
    """A Kubernetes quantity (`500m`, `1Gi`, 2) as a number; None where it is none."""
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    return float(match[1]) * _SUFFIX[match[2] or ""] if match else None
