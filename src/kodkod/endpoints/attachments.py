"""Which interfaces does an engine listen to? Keeps a `Live` engine attached to exactly the endpoints that are wanted.

Pure decision in `plan`, performed by `Attachments`, which one thread owns. Tags are never used twice, so a late fact
is never given to a newcomer; the endpoint of a tag that was detached stays known for a while for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kodkod.endpoints.endpoint import Endpoint

if TYPE_CHECKING:
    from kodkod._core import InterfaceCounters

BACK_OFF_FIRST_S = 1.0
BACK_OFF_MAX_S = 60.0
RETIRED_MAX = 4096  # detached endpoints remembered for late facts; the oldest go first


class Engine(Protocol):
    """What attaching needs of `kodkod._core.Live`."""

    def detach(self, tag: int) -> None: ...
    def counters(self) -> dict[int, InterfaceCounters]: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """An endpoint that could not be attached to, or broke. Tried again at `retry_at`."""

    message: str
    attempts: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Attached:
    """link: the interface's kernel index at that time; None where it cannot be asked (another namespace)."""

    tag: int
    endpoint: Endpoint
    link: int | None


@dataclass(frozen=True, slots=True)
class Detach:
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Attach:
    endpoint: Endpoint


def plan(
    wanted: Iterable[Endpoint],
    attached: Mapping[str, Attached],
    failures: Mapping[str, Failure],
    links: Mapping[str, int | None],
    now: datetime,
) -> list[Detach | Attach]:
    """What to detach and attach. Detaching comes first. An interface made again under its name is attached anew."""
    by_id = {endpoint.id: endpoint for endpoint in wanted}
    stale = {
        endpoint_id
        for endpoint_id, one in attached.items()
        if endpoint_id not in by_id or links.get(endpoint_id) != one.link
    }
    attach = [
        endpoint
        for endpoint_id, endpoint in sorted(by_id.items())
        if (endpoint_id not in attached or endpoint_id in stale)
        and (endpoint_id not in failures or now >= failures[endpoint_id].retry_at)
    ]
    return [*(Detach(endpoint_id) for endpoint_id in sorted(stale)), *(Attach(endpoint) for endpoint in attach)]


class Attachments:
    """Owns the tags of one engine."""

    def __init__(self, link: Callable[[str], int | None] | None = None, *, first_tag: int = 1) -> None:
        self._link = link or link_index
        self._attached: dict[str, Attached] = {}
        self._retired: dict[int, Endpoint] = {}
        self._failures: dict[str, Failure] = {}
        self._next_tag = first_tag
        self._done_packets = 0
        self._done_drops: dict[str, int] = {}

    @property
    def by_tag(self) -> dict[int, Endpoint]:
        """Endpoint of every tag that facts may still come for."""
        return {**self._retired, **{one.tag: one.endpoint for one in self._attached.values()}}

    @property
    def attached(self) -> Mapping[str, Attached]:
        """By endpoint id."""
        return self._attached

    @property
    def failures(self) -> Mapping[str, Failure]:
        """By endpoint id."""
        return self._failures

    def reconcile(
        self,
        engine: Engine,
        wanted: Iterable[Endpoint],
        now: datetime,
        attach: Callable[[int, Endpoint], None],
    ) -> None:
        """Bring the engine's interfaces in line. attach: opens one under a tag; raises OSError with the reason."""
        wanted = list(wanted)
        self._drop_broken(engine, now)
        links = {one.id: self._link(one.interface) if one.netns is None else None for one in wanted}
        for action in plan(wanted, self._attached, self._failures, links, now):
            match action:
                case Detach(endpoint_id):
                    self._detach(engine, endpoint_id)
                case Attach(endpoint):
                    self._attach(endpoint, links[endpoint.id], now, attach)
        current = {endpoint.id: endpoint for endpoint in wanted}
        self._failures = {key: failure for key, failure in self._failures.items() if key in current}
        for key, one in list(self._attached.items()):  # labels may change while the interface stays
            self._attached[key] = Attached(one.tag, current[key], one.link)

    def totals(self, engine: Engine) -> tuple[int, dict[str, int]]:
        """Packets seen and packets dropped by reason, of all interfaces there were."""
        packets, drops = self._done_packets, dict(self._done_drops)
        for counters in engine.counters().values():
            packets += counters["packets"]
            drops = _sum(drops, counters["drops"])
        return packets, drops

    def reset(self) -> None:
        """The engine was closed: nothing is attached any more."""
        for one in self._attached.values():
            self._retire(one)
        self._attached.clear()

    def _drop_broken(self, engine: Engine, now: datetime) -> None:
        errors = {tag: counters["error"] for tag, counters in engine.counters().items() if counters["error"]}
        for key, one in list(self._attached.items()):
            error = errors.get(one.tag)
            if error:
                self._detach(engine, key)
                self._fail(key, error, now)

    def _attach(
        self, endpoint: Endpoint, link: int | None, now: datetime, attach: Callable[[int, Endpoint], None]
    ) -> None:
        tag = self._next_tag
        self._next_tag += 1
        try:
            attach(tag, endpoint)
        except OSError as error:
            self._fail(endpoint.id, f"{endpoint.interface}: {error.strerror or error}", now)
        else:
            self._attached[endpoint.id] = Attached(tag, endpoint, link)
            self._failures.pop(endpoint.id, None)

    def _detach(self, engine: Engine, endpoint_id: str) -> None:
        one = self._attached.pop(endpoint_id)
        counters = engine.counters().get(one.tag)
        if counters is not None:
            self._done_packets += counters["packets"]
            self._done_drops = _sum(self._done_drops, counters["drops"])
        engine.detach(one.tag)
        self._retire(one)

    def _retire(self, one: Attached) -> None:
        self._retired[one.tag] = one.endpoint
        while len(self._retired) > RETIRED_MAX:
            self._retired.pop(next(iter(self._retired)))

    def _fail(self, endpoint_id: str, message: str, now: datetime) -> None:
        previous = self._failures.get(endpoint_id)
        attempts = 1 + (previous.attempts if previous else 0)
        pause = min(BACK_OFF_MAX_S, BACK_OFF_FIRST_S * 2 ** min(attempts - 1, 10))
        self._failures[endpoint_id] = Failure(message, attempts, now + timedelta(seconds=pause))


def link_index(interface: str) -> int | None:
    """The kernel's index of an interface of this namespace; None where there is none."""
    try:
        return int(Path(f"/sys/class/net/{interface}/ifindex").read_text())
    except (OSError, ValueError):
        return None


def _sum(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in {*left, *right}}
