"""What does this node know of the cluster? Informers of the kinds it needs, and what is made of them and of its links.

Nothing is polled: objects come by watches, interfaces by the kernel's notices, and whatever comes wakes one loop that
looks at both anew. In a cluster only this node's pods are watched; names of the others are the server's to add.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kodkod.agent import telemetry
from kodkod.clock import Clock
from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.discovery import NETNS_ANNOTATION, discover, named_netns
from kodkod.endpoints.endpoint import has_network, pod_ips
from kodkod.endpoints.links import LinkReader, LinkTable
from kodkod.endpoints.netlink import LinkEvents, Netlink
from kodkod.endpoints.parties import Parties
from kodkod.endpoints.recent import REMEMBERED, Recent
from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.store import Resources
from kodkod.store.informer import Informer

ENDPOINT_KINDS = (kinds.POD, kinds.NAMESPACE, kinds.SERVICE_ACCOUNT, kinds.WORKLOAD_ENDPOINT)
NAMING_KINDS = (kinds.SERVICE, kinds.NODE, kinds.GLOBAL_NETWORK_SET, kinds.NETWORK_SET)

SETTLE_S = 0.05
"""A burst of changes is looked at once: 110 pods that come at once cost a few looks, not 110."""
REST_S = 60.0
UNRESOLVED_S = 1.0
"""While a pod has an address but no interface: what its namespace carries may change without notice to ours. Twice as
long each time, since with some plugins a pod has none here."""
NETNS_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class View:
    """One moment, whole. endpoints: this node's that are ready. departed: those that were, until a moment ago."""

    endpoints: tuple[Endpoint, ...] = ()
    departed: tuple[Endpoint, ...] = ()
    links: LinkTable = field(default_factory=LinkTable)
    parties: Parties = field(default_factory=lambda: Parties(Index()))


class World:
    """Lives on the event loop. `changed` is set whenever endpoints, links or an object to act upon have changed.

    is_one_host: pods are made by whoever runs the host, so what they say of interfaces is believed; named network
    namespaces count; and the objects of all nodes are watched, for they are few.
    """

    def __init__(
        self, resources: Resources, node: str, further: Sequence[Kind], clock: Clock, *, is_one_host: bool
    ) -> None:
        self._node = node
        self._clock = clock
        self._is_one_host = is_one_host
        self.changed = asyncio.Event()
        self._stale = asyncio.Event()
        self._stale.set()
        self._informers: dict[Kind, Informer] = {}
        for kind in (*ENDPOINT_KINDS, *NAMING_KINDS):
            own = f"spec.nodeName={node}" if kind is kinds.POD and not is_one_host else ""
            self._informers[kind] = Informer(resources, kind, field_selector=own)
            self._informers[kind].wake(self._stale)
        for kind in (kinds.FELIX_CONFIGURATION, *further):
            self._informers[kind] = Informer(resources, kind)
            self._informers[kind].wake(self.changed)
        self._recent = Recent()
        self._looked = asyncio.Event()
        self.view = View()

    async def run(self) -> None:
        """Follow every kind and link until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._informers.values():
                group.create_task(informer.run())
            group.create_task(self._look())
            if self._is_one_host:
                group.create_task(self._watch_named_netns())

    async def synced(self) -> None:
        """Wait until everything was listed once and looked at."""
        for informer in self._informers.values():
            await informer.synced()
        await self._looked.wait()

    def objects(self, kind: Kind) -> list[Object]:
        """Objects of a followed kind, shared."""
        return list(self._informers[kind].items.values())

    def endpoints(self) -> tuple[Endpoint, ...]:
        """This node's endpoints that are ready."""
        return self.view.endpoints

    def parties(self) -> Parties:
        """Names for addresses."""
        return self.view.parties

    async def _look(self) -> None:
        for informer in self._informers.values():
            await informer.synced()
        events = LinkEvents(self._stale.set)
        reader = LinkReader(Netlink())
        patience_s = UNRESOLVED_S
        try:
            while True:
                self._stale.clear()
                view = await asyncio.to_thread(self._view, reader, self._clock.now())
                has_news = self._differs(view)
                self.view = view
                self._looked.set()
                if has_news:
                    self.changed.set()
                await asyncio.sleep(SETTLE_S)
                is_unresolved = any(one.link is None and one.netns is None for one in view.endpoints)
                patience_s = UNRESOLVED_S if has_news else min(patience_s * 2, REST_S)
                try:
                    async with asyncio.timeout(patience_s if is_unresolved else REST_S):
                        await self._stale.wait()
                except TimeoutError:
                    continue
        finally:
            events.close()
            reader.close()

    def _differs(self, view: View) -> bool:
        return (view.endpoints, view.links, view.departed) != (self.view.endpoints, self.view.links, self.view.departed)

    def _view(self, reader: LinkReader, now: datetime) -> View:
        """Everything made anew; some milliseconds for a hundred pods. In a thread: informers replace, never change."""
        pods = self.objects(kinds.POD)
        links = self._read_links(reader, pods)
        found = discover(
            pods=pods,
            namespaces=self.objects(kinds.NAMESPACE),
            service_accounts=self.objects(kinds.SERVICE_ACCOUNT),
            workload_endpoints=self.objects(kinds.WORKLOAD_ENDPOINT),
            named_netns=named_netns() if self._is_one_host else (),
            links=links,
            node=self._node,
            trusts_annotations=self._is_one_host,
            since=now - REMEMBERED,
        )
        departed = self._recent.update(found.endpoints, found.finished, now)
        index = Index(found.endpoints, departed=departed)
        sets = [*self.objects(kinds.GLOBAL_NETWORK_SET), *self.objects(kinds.NETWORK_SET)]
        services, nodes = self.objects(kinds.SERVICE), self.objects(kinds.NODE)
        return View(
            endpoints=tuple(index.on_node(self._node)),
            departed=tuple(one for one in departed if one.node == self._node),
            links=links,
            parties=Parties(index, network_sets=sets, services=services, nodes=nodes),
        )

    def _read_links(self, reader: LinkReader, pods: Sequence[Object]) -> LinkTable:
        here = [pod for pod in pods if has_network(pod) and pod["spec"]["nodeName"] == self._node]
        wanted = {ip for pod in here for ip in pod_ips(pod.get("status") or {})}
        try:
            return reader.read(wanted)
        except OSError as error:
            telemetry.step_failed("links", error)
            return self.view.links

    async def _watch_named_netns(self) -> None:
        """Namespaces of the kernel are made without a notice to anybody; asked only where somebody claims some."""
        known = named_netns()
        while True:
            await asyncio.sleep(NETNS_LOOK_S)
            spaces = self.objects(kinds.NAMESPACE)
            if not any(NETNS_ANNOTATION in (one["metadata"].get("annotations") or {}) for one in spaces):
                continue
            now = await asyncio.to_thread(named_netns)
            if now != known:
                known = now
                self._stale.set()
