"""GlobalNetworkSet and NetworkSet: what do we call these addresses?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, Model


class NetworkSetSpec(Model):
    """The members."""

    nets: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """Addresses and prefixes, such as 203.0.113.0/24 or 2001:db8::1."""
    allowed_egress_domains: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """Domain names; a leading * stands for any sub-domain."""


class NetworkSet(Model):
    """NetworkSet gives a name and labels to addresses outside the cluster, for one namespace."""

    spec: NetworkSetSpec = NetworkSetSpec()
    """The members."""


class GlobalNetworkSet(Model):
    """GlobalNetworkSet gives a name and labels to addresses outside the cluster, so that logs can name them."""

    spec: NetworkSetSpec = NetworkSetSpec()
    """The members."""


def check(obj: Object) -> Iterator[Cause]:
    for index, net in enumerate((obj.get("spec") or {}).get("nets") or []):
        try:
            ipaddress.ip_network(net, strict=False)
        except ValueError:
            yield invalid(f"spec.nets[{index}]", net, "must be an IP address or a prefix such as 203.0.113.0/24")


def _member_count(obj: Object) -> int:
    spec = obj.get("spec") or {}
    return len(spec.get("nets") or []) + len(spec.get("allowedEgressDomains") or [])


_COLUMNS = (Column("Members", ".spec.nets", "integer", description="Addresses and names.", value=_member_count),)

NAMESPACED = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="NetworkSet", plural="networksets", singular="networkset",
    namespaced=True, model=NetworkSet, status=False, description=str(NetworkSet.__doc__), check=check, columns=_COLUMNS,
)  # fmt: skip

GLOBAL = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="GlobalNetworkSet", plural="globalnetworksets",
    singular="globalnetworkset", namespaced=False, model=GlobalNetworkSet, status=False,
    description=str(GlobalNetworkSet.__doc__), check=check, columns=_COLUMNS,
)  # fmt: skip
