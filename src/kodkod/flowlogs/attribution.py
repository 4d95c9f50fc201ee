"""Whose are the facts of the shared socket? A fact carries the kernel's index of an interface; an endpoint has one too.

The socket hears an interface from its first packet on, which is before anybody can know whose it is. So a fact waits
until the interface's pod is known, at most 30 s. A pod whose interface was gone before it could be looked at (its whole
life was shorter than the way of its object to us) is known by its address instead. What remains is nobody's we know of:
a container of somebody else, an interface without a pod; it is counted as unattributed and dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kodkod.endpoints import Endpoint

if TYPE_CHECKING:
    from kodkod._core import Dns, Facts, Flow

HELD = timedelta(seconds=30)
HELD_MAX = 50_000  # facts waiting; the oldest are given up first
LINKS_MAX = 8192  # indices remembered, also of interfaces that are gone; the kernel does not use one twice


@dataclass(frozen=True, slots=True)
class Attributed:
    """Facts with the endpoint that each was seen at."""

    flows: list[tuple[Endpoint, Flow]] = field(default_factory=list)
    dns: list[tuple[Endpoint, Dns]] = field(default_factory=list)

    def extend(self, other: Attributed) -> None:
        self.flows.extend(other.flows)
        self.dns.extend(other.dns)

    def __len__(self) -> int:
        return len(self.flows) + len(self.dns)


@dataclass(frozen=True, slots=True)
class Held:
    until: datetime
    flow: Flow | None = None
    dns: Dns | None = None

    @property
    def fact(self) -> Flow | Dns:
        found = self.flow or self.dns
        assert found is not None
        return found


class Attribution:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._by_link: dict[int, Endpoint] = {}
        self._by_ip: dict[str, Endpoint] = {}
        self._held: deque[Held] = deque()
        self._has_news = False
        self.unattributed = 0

    def know(self, endpoints: Iterable[Endpoint], departed: Iterable[Endpoint]) -> None:
        """Take in who is where. A link stays its last endpoint's when both have gone."""
        every = [*departed, *endpoints]  # who is there has the last word
        for endpoint in every:
            if endpoint.link is not None and self._by_link.get(endpoint.link) is not endpoint:
                self._by_link.pop(endpoint.link, None)
                self._by_link[endpoint.link] = endpoint
        while len(self._by_link) > LINKS_MAX:
            self._by_link.pop(next(iter(self._by_link)))
        self._by_ip = {
            ip: one for one in every if one.link is None and one.netns is None and one.uid for ip in one.ips
        }  # fmt: skip
        self._has_news = True

    def attribute(self, facts: Facts, now: datetime) -> Attributed:
        """These facts, and those that waited and are known by now."""
        found = Attributed()
        if self._has_news:
            held, self._held, self._has_news = self._held, deque(), False
            for one in held:
                self._sort(one, found)
        for flow in facts["flows"]:
            self._sort(Held(now + HELD, flow=flow), found)
        for dns in facts["dns"]:
            self._sort(Held(now + HELD, dns=dns), found)
        while self._held and (self._held[0].until <= now or len(self._held) > HELD_MAX):
            self._held.popleft()
            self.unattributed += 1
        return found

    def _sort(self, one: Held, found: Attributed) -> None:
        endpoint = self._of(one.fact)
        if endpoint is None:
            self._held.append(one)
        elif one.flow is not None:
            found.flows.append((endpoint, one.flow))
        elif one.dns is not None:
            found.dns.append((endpoint, one.dns))

    def _of(self, fact: Flow | Dns) -> Endpoint | None:
        """By address only endpoints without an interface: the packet of another one was seen at its own, too."""
        return (
            self._by_link.get(fact["tag"]) or self._by_ip.get(fact["client_ip"]) or self._by_ip.get(fact["server_ip"])
        )
