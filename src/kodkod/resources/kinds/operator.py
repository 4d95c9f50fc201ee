"""What of the product's operator objects do we honour? IntrusionDetection bounds the inspector; two are taken as they
are (PacketCaptureAPI, ApplicationLayer)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import FreeForm, IntOrString, Model, list_by

GROUP = "operator.tigera.io"
SINGLETON = "tigera-secure"
DEFAULT_RESOURCES = {
    "limits": {"cpu": "1", "memory": "1Gi"},
    "requests": {"cpu": "100m", "memory": "100Mi"},
}


class ResourceRequirements(Model):
    """What the component may take."""

    limits: dict[str, IntOrString] | None = None
    """At most: cpu 1 and memory 1Gi unless set."""
    requests: dict[str, IntOrString] | None = None
    """At least: cpu 100m and memory 100Mi unless set."""


class ComponentResource(Model):
    """Bounds of one component."""

    component_name: Literal["DeepPacketInspection"]
    """Which component; there is one."""
    resource_requirements: ResourceRequirements | None = None
    """What it may take, on each node as a whole."""


class IntrusionDetectionSpec(Model):
    """Bounds of the inspector."""

    component_resources: (
        Annotated[list[ComponentResource], Field(json_schema_extra=list_by("componentName"))] | None
    ) = None
    """Bounds for each component."""
    deep_packet_inspection_daemonset: FreeForm | None = None
    """Further settings of the inspector's pods."""


class IntrusionDetectionStatus(Model):
    """What was observed."""

    state: str | None = None
    """Ready once the bounds are in force."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class IntrusionDetection(Model):
    """IntrusionDetection bounds what deep packet inspection may take of each node. There is one, tigera-secure."""

    spec: IntrusionDetectionSpec = IntrusionDetectionSpec()
    """Bounds of the inspector."""
    status: IntrusionDetectionStatus | None = None
    """What was observed."""


class PacketCaptureApi(Model):
    """PacketCaptureAPI switches the file API on in the product; here it is always on."""

    spec: FreeForm | None = None
    """Kept without effect."""
    status: IntrusionDetectionStatus | None = None
    """What was observed."""


class LogCollection(Model):
    """Which HTTP requests are recorded."""

    collect_logs: Literal["Enabled", "Disabled"] | None = None
    """Whether they are recorded."""
    log_interval_seconds: int | None = None
    """How often records are sent."""
    log_requests_per_interval: int | None = None
    """How many at most; -1 means all."""


class ApplicationLayerSpec(Model):
    """What is asked of the application layer."""

    log_collection: LogCollection | None = None
    """Which HTTP requests are recorded."""
    web_application_firewall: Literal["Enabled", "Disabled"] | None = None
    """Taken; nothing is blocked."""
    application_layer_policy: Literal["Enabled", "Disabled"] | None = None
    """Taken; nothing is blocked."""
    envoy: FreeForm | None = None
    """Kept without effect."""
    sidecar_injection: Literal["Enabled", "Disabled"] | None = None
    """Kept without effect."""


class ApplicationLayer(Model):
    """ApplicationLayer asks for records of HTTP requests. There is one, named tigera-secure."""

    spec: ApplicationLayerSpec = ApplicationLayerSpec()
    """What is asked."""
    status: IntrusionDetectionStatus | None = None
    """What was observed."""


def fill_resources(obj: Object) -> None:
    """Write the default bounds back where the author gave none, as the product's operator does."""
    spec: dict[str, Any] = obj.setdefault("spec", {})
    components = spec.setdefault("componentResources", [])
    if not components:
        components.append({"componentName": "DeepPacketInspection"})
    for component in components:
        bounds = component.setdefault("resourceRequirements", {})
        for name, values in DEFAULT_RESOURCES.items():
            bounds[name] = {**values, **(bounds.get(name) or {})}


def check_singleton(obj: Object) -> Iterator[Cause]:
    name = obj["metadata"].get("name")
    if name != SINGLETON:
        yield invalid("metadata.name", name, f'there is one object of this kind, named "{SINGLETON}"')


def _bounds(obj: Object) -> str | None:
    for component in (obj.get("spec") or {}).get("componentResources") or []:
        limits = (component.get("resourceRequirements") or {}).get("limits") or {}
        return f"{limits.get('cpu')} / {limits.get('memory')}"
    return None


_STATE = Column("State", ".status.state", description="Ready once it is in force.")

INTRUSION_DETECTION = Kind(
    group=GROUP, version="v1", kind="IntrusionDetection", plural="intrusiondetections", singular="intrusiondetection",
    namespaced=False, model=IntrusionDetection, description=str(IntrusionDetection.__doc__), check=check_singleton,
    normalise=fill_resources,
    columns=(
        _STATE,
        Column("Limits", ".spec.componentResources[0].resourceRequirements.limits", description="CPU and memory.",
               value=_bounds),
    ),
)  # fmt: skip

PACKET_CAPTURE_API = Kind(
    group=GROUP, version="v1", kind="PacketCaptureAPI", plural="packetcaptureapis", singular="packetcaptureapi",
    namespaced=False, model=PacketCaptureApi, description=str(PacketCaptureApi.__doc__), check=check_singleton,
    columns=(_STATE,),
)  # fmt: skip

APPLICATION_LAYER = Kind(
    group=GROUP, version="v1", kind="ApplicationLayer", plural="applicationlayers", singular="applicationlayer",
    namespaced=False, model=ApplicationLayer, description=str(ApplicationLayer.__doc__), check=check_singleton,
    columns=(_STATE,),
)  # fmt: skip
