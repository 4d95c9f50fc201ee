"""Which endpoints of this node are to be inspected, and for whom? Pure: objects and endpoints in, an assignment out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.endpoints import Endpoint
from kodkod.resources import selector as selectors

STRICT = "kodkod.dev/strict-events"
"""Annotation of a DeepPacketInspection, for scripts made for the product: `_id` without the signature, so that two
signatures on one packet are one event, and severity always 100."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One DeepPacketInspection as this node understands it.

    fault: why it cannot run; then it selects nothing. is_strict: its events are the product's to the letter.
    """

    uid: str
    namespace: str
    name: str
    generation: int
    selector: selectors.Selector
    fault: str = ""
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """selected: endpoint ids by inspection uid. wanted: every endpoint that some inspection selects, once each."""

    selected: Mapping[str, tuple[str, ...]]
    wanted: tuple[Endpoint, ...]

    def inspections_of(self, endpoint_id: str) -> list[str]:
        """The uids of the inspections that selected an endpoint: each of them gets its own event."""
        return [uid for uid, ids in self.selected.items() if endpoint_id in ids]


def read(obj: Mapping[str, Any]) -> Inspection:
    """Never raises for what a user wrote: admission refuses a bad selector, a plain CRD store may hold one."""
    metadata = obj["metadata"]
    text = str((obj.get("spec") or {}).get("selector") or "")
    fault = ""
    try:
        selector = selectors.parse(text)
    except selectors.SelectorError as error:
        selector, fault = selectors.parse(""), f"spec.selector: {error}"
    return Inspection(
        uid=str(metadata.get("uid") or ""),
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        generation=int(metadata.get("generation") or 0),
        selector=selector,
        fault=fault,
        is_strict=str((metadata.get("annotations") or {}).get(STRICT, "")).lower() == "true",
    )


def plan(inspections: Iterable[Inspection], endpoints: Iterable[Endpoint]) -> Assignment:
    """A selector sees only endpoints of its own namespace; an endpoint selected twice is attached once."""
    endpoints = list(endpoints)
    selected = {
        inspection.uid: tuple(
            endpoint.id
            for endpoint in endpoints
            if not inspection.fault
            and endpoint.namespace == inspection.namespace
            and inspection.selector.matches(endpoint.labels)
        )
        for inspection in inspections
    }
    chosen = {endpoint_id for ids in selected.values() for endpoint_id in ids}
    return Assignment(selected, tuple(endpoint for endpoint in endpoints if endpoint.id in chosen))
