"""FelixConfiguration: how does a node record and flush? `default` for all nodes, `node.{name}` for one.

Taken for compatibility: the settings named here are honoured, all others of the product are kept and have no effect.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import GoDuration, Model

Kind3 = Annotated[int, Field(ge=0, le=3)]


class FelixConfigurationSpec(Model):
    """Settings of the nodes. Those not described here are kept without effect."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})

    capture_dir: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Folder for capture files."""
    capture_max_size_bytes: Annotated[int, Field(ge=1)] | None = None
    """Size at which a capture file is rotated; 10000000 unless set."""
    capture_rotation_seconds: Annotated[int, Field(ge=1)] | None = None
    """Age at which a capture file is rotated; 3600 unless set."""
    capture_max_files: Annotated[int, Field(ge=1)] | None = None
    """Rotated files kept for each endpoint; 2 unless set."""
    flow_logs_flush_interval: GoDuration | None = None
    """How often flow records are sent; 5m unless set."""
    dns_logs_flush_interval: GoDuration | None = None
    """How often DNS records are sent; 5m unless set."""
    l7_logs_flush_interval: Annotated[GoDuration | None, Field(alias="l7LogsFlushInterval")] = None
    """How often application records are sent; 5m unless set."""
    flow_logs_file_aggregation_kind_for_allowed: Kind3 | None = None
    """How far allowed flows are merged: 0 not at all, 1 by source port, 2 by pod prefix, 3 by destination too."""
    flow_logs_file_aggregation_kind_for_denied: Kind3 | None = None
    """The same for denied flows."""
    dns_logs_file_aggregation_kind: Annotated[int, Field(ge=0, le=1)] | None = None
    """How far DNS records are merged: 0 for each pod, 1 by pod prefix."""


class FelixConfiguration(Model):
    """FelixConfiguration holds the settings by which nodes record packets and flush logs."""

    spec: FelixConfigurationSpec = FelixConfigurationSpec()
    """Settings of the nodes."""


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="FelixConfiguration", plural="felixconfigurations",
    singular="felixconfiguration", namespaced=False, model=FelixConfiguration, status=False,
    description=str(FelixConfiguration.__doc__),
    columns=(
        Column("Flow-Flush", ".spec.flowLogsFlushInterval", description="How often flow records are sent."),
        Column("DNS-Flush", ".spec.dnsLogsFlushInterval", description="How often DNS records are sent."),
    ),
)  # fmt: skip
