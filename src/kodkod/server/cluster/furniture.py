"""Which objects must a cluster have for ours to make sense? Only those that nobody else has made."""

from __future__ import annotations

import asyncio
import contextlib
import uuid

from kodkod.resources import kinds
from kodkod.server.app import CNX_VERSION, ensure
from kodkod.server.cluster import telemetry
from kodkod.store import Resources
from kodkod.store.errors import NotFound, StoreError

RETRY_S = 5.0
LOOK_S = 3600.0


class Furniture:
    """Looks now and then while it leads. `run` is its task."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def run(self) -> None:
        while True:
            is_made = await self._is_made()
            await asyncio.sleep(LOOK_S if is_made else RETRY_S)

    async def _is_made(self) -> bool:
        detection = {"metadata": {"name": "tigera-secure"}, "spec": {}}
        try:
            await self._cluster_information()
            await ensure(self._resources, kinds.INTRUSION_DETECTION, detection)
        except StoreError as error:  # definitions that were made a moment ago are not served yet
            telemetry.not_published("ClusterInformation, IntrusionDetection", str(error))
            return False
        return True

    async def _cluster_information(self) -> None:
        """Calico's own, where it is there, is left alone, whatever it says."""
        with contextlib.suppress(NotFound):  # somebody serves no such kind
            if (await self._resources.list(kinds.CLUSTER_INFORMATION)).items:
                return
            spec = {
                "clusterGUID": uuid.uuid4().hex, "cnxVersion": CNX_VERSION, "clusterType": "kodkod,k8s",
                "datastoreReady": True,
            }  # fmt: skip
            await ensure(self._resources, kinds.CLUSTER_INFORMATION, {"metadata": {"name": "default"}, "spec": spec})
