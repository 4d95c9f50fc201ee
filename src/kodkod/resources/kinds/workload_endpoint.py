"""WorkloadEndpoint: which plain interface of a host is a workload?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, Model


class WorkloadEndpointSpec(Model):
    """The interface and who is behind it. Its labels are the object's own."""

    node: Annotated[str, Field(min_length=1, max_length=253)]
    """Host that has the interface."""
    interface: Annotated[str, Field(min_length=1, max_length=15)]
    """Name of the interface."""
    network_namespace: Annotated[str, Field(max_length=255)] | None = None
    """Named network namespace that has the interface; absent: the host's own."""
    workload: Annotated[str, Field(max_length=253)] | None = None
    """Name of the workload; absent: the object's name."""
    addresses: Annotated[list[str], Field(max_length=64, json_schema_extra=ATOMIC)] | None = None
    """IP addresses of the workload; absent: those of the interface."""
    service_account: Annotated[str, Field(max_length=253)] | None = None
    """Service account that the workload runs as."""


class WorkloadEndpoint(Model):
    """WorkloadEndpoint declares an interface of a host to be a workload, so that selectors can pick it."""

    spec: WorkloadEndpointSpec
    """The interface and who is behind it."""


def check(obj: Object) -> Iterator[Cause]:
    for index, address in enumerate(obj["spec"].get("addresses") or []):
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield invalid(f"spec.addresses[{index}]", address, "must be an IP address")


KIND = Kind(
    group="kodkod.dev", version="v1alpha1", kind="WorkloadEndpoint", plural="workloadendpoints",
    singular="workloadendpoint", namespaced=True, model=WorkloadEndpoint, status=False,
    description=str(WorkloadEndpoint.__doc__), check=check, short_names=("wep",),
    columns=(
        Column("Node", ".spec.node", description="Host that has the interface."),
        Column("Interface", ".spec.interface", description="Name of the interface."),
        Column("Workload", ".spec.workload", priority=1, description="Name of the workload."),
    ),
)  # fmt: skip
