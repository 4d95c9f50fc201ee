"""What does this node know of the cluster? Informers of the kinds it needs, and what is made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.discovery import discover, named_netns
from kodkod.endpoints.parties import Parties
from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.store import Resources
from kodkod.store.informer import Informer

ENDPOINT_KINDS = (kinds.POD, kinds.NAMESPACE, kinds.SERVICE_ACCOUNT, kinds.WORKLOAD_ENDPOINT)
NAMING_KINDS = (kinds.SERVICE, kinds.NODE, kinds.GLOBAL_NETWORK_SET, kinds.NETWORK_SET)


class World:
    """Lives on the event loop. `changed` is set whenever an object of any followed kind changes."""

    def __init__(self, resources: Resources, node: str, further: Sequence[Kind]) -> None:
        self._node = node
        followed = [*ENDPOINT_KINDS, *NAMING_KINDS, kinds.FELIX_CONFIGURATION, *further]
        self._informers = {kind: Informer(resources, kind) for kind in followed}
        self.changed = asyncio.Event()
        self._stale = asyncio.Event()
        self._stale.set()
        for informer in self._informers.values():
            informer.wake(self.changed)
            informer.wake(self._stale)
        self._netns: list[str] = []
        self._parties = Parties(Index())

    async def run(self) -> None:
        """Follow every kind until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())

    async def synced(self) -> None:
        """Wait until everything was listed once."""
        for informer in self._informers.values():
            await informer.synced()

    def objects(self, kind: Kind) -> list[Object]:
        """Objects of a followed kind, shared."""
        return list(self._informers[kind].items.values())

    def endpoints(self) -> list[Endpoint]:
        """This node's endpoints that are ready."""
        return self.parties().index.on_node(self._node)

    def parties(self) -> Parties:
        """Names for addresses; made anew only when something changed, network namespaces of the host included."""
        netns = named_netns()
        if self._stale.is_set() or netns != self._netns:
            self._stale.clear()
            self._netns = netns
            self._parties = self._made(netns)
        return self._parties

    def _made(self, netns: list[str]) -> Parties:
        index = discover(
            pods=self.objects(kinds.POD),
            namespaces=self.objects(kinds.NAMESPACE),
            service_accounts=self.objects(kinds.SERVICE_ACCOUNT),
            workload_endpoints=self.objects(kinds.WORKLOAD_ENDPOINT),
            named_netns=netns,
            node=self._node,
        )
        sets = [*self.objects(kinds.GLOBAL_NETWORK_SET), *self.objects(kinds.NETWORK_SET)]
        return Parties(index, network_sets=sets, services=self.objects(kinds.SERVICE), nodes=self.objects(kinds.NODE))
