"""How does the API server know the face's certificate? By the authority that the face writes into its APIService."""

from __future__ import annotations

import asyncio
import base64

from kodkod.server.cluster import telemetry
from kodkod.server.cluster.foreign import API_SERVICE
from kodkod.server.cluster.pki import Keys
from kodkod.store import Resources
from kodkod.store.errors import StoreError

LOOK_S = 60.0
RETRY_S = 5.0


class CaBundle:
    """Keeps `spec.caBundle` of one APIService; never makes one, since that is whoever installs. `run` is its task."""

    def __init__(self, resources: Resources, name: str) -> None:
        self._resources = resources
        self._name = name
        self._wanted = ""
        self._changed = asyncio.Event()

    def take(self, keys: Keys) -> None:
        self._wanted = base64.b64encode(keys.authority).decode()
        self._changed.set()

    async def run(self) -> None:
        """Look now and then: an upgrade of the chart, or somebody's hand, may have taken it away."""
        await self._changed.wait()
        while True:
            self._changed.clear()
            wait_s = LOOK_S
            try:
                known = await self._resources.get(API_SERVICE, self._name)
                if (known.get("spec") or {}).get("caBundle") != self._wanted:
                    patch = {"spec": {"caBundle": self._wanted}}
                    await self._resources.patch(API_SERVICE, self._name, patch, field_manager="kodkod")
            except StoreError as error:
                telemetry.not_published(f"caBundle of APIService {self._name}", str(error))
                wait_s = RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
