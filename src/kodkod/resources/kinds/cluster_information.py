"""ClusterInformation: which cluster and which version is this?"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import Model


class ClusterInformationSpec(Model):
    """What is known of the cluster."""

    cluster_guid: Annotated[str | None, Field(alias="clusterGUID")] = None
    """Identity of the cluster, made once."""
    cluster_type: str | None = None
    """What the cluster is made of."""
    calico_version: str | None = None
    """Version that scripts for Calico ask for; ours."""
    cnx_version: str | None = None
    """Version for which /download/binaries/{version}/calicoctl serves a client."""
    datastore_ready: bool | None = None
    """Whether resources can be read."""
    variant: str | None = None
    """Which product this is."""


class ClusterInformation(Model):
    """ClusterInformation tells the identity and the version of the cluster. There is one, named default."""

    spec: ClusterInformationSpec = ClusterInformationSpec()
    """What is known of the cluster."""


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="ClusterInformation", plural="clusterinformations",
    singular="clusterinformation", namespaced=False, model=ClusterInformation, status=False,
    description=str(ClusterInformation.__doc__),
    columns=(
        Column("Version", ".spec.cnxVersion", description="Version of the product."),
        Column("Guid", ".spec.clusterGUID", priority=1, description="Identity of the cluster."),
    ),
)  # fmt: skip
