"""Which of several servers runs the controllers? The one that holds the Lease; the others wait for its end.

A Lease is held while its holder renews it. Whether one has expired is judged by how long it has been seen unchanged, on
our own clock: clocks of machines differ. A holder that cannot renew stops in time before another may take over.
Source: k8s.io/client-go, leaderelection; coordination.k8s.io/v1.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kodkod.clock import Clock, rfc3339_micro
from kodkod.resources import Object, kinds
from kodkod.server.cluster import telemetry
from kodkod.store import Resources
from kodkod.store.errors import NotFound, StoreError

LEASE_S = 30
# A holder stops at the latest after RENEW_WITHIN_S + RETRY_S + ATTEMPT_S: before the Lease can be anybody else's.
RENEW_WITHIN_S = 17.0
RETRY_S = 4.0
ATTEMPT_S = 5.0
RELEASE_WITHIN_S = 2.0


class Lost(Exception):
    """The Lease could not be renewed, or is somebody else's."""


@dataclass(slots=True)
class Seen:
    """The Lease as it was seen last, and since when it has been like this."""

    spec: dict[str, Any]
    since_s: float


class Election:
    """lead: what only the holder does; it is cancelled when the Lease is lost. `run` is the task."""

    def __init__(
        self, resources: Resources, clock: Clock, *, identity: str, namespace: str, name: str,
        lead: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._resources = resources
        self._clock = clock
        self._identity = identity
        self._namespace = namespace
        self._name = name
        self._lead = lead
        self._seen: Seen | None = None
        self._ours: Object | None = None

    async def run(self) -> None:
        while True:
            if await self._tried():
                await self._held()
            await asyncio.sleep(RETRY_S * random.uniform(0.8, 1.2))

    async def _held(self) -> None:
        """Lead while the Lease is renewed. At the end the controllers end first, then the Lease is given back."""
        telemetry.leads(self._identity)
        why = "ended"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew())
                await self._lead()
        except* Lost as lost:
            why = str(lost.exceptions[0])
        finally:
            telemetry.leads_no_more(self._identity, why)
            await asyncio.shield(self._release())

    async def _renew(self) -> None:
        renewed_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(RETRY_S)
            if await self._tried():
                renewed_s = self._clock.monotonic_s()
            elif self._clock.monotonic_s() - renewed_s > RENEW_WITHIN_S:
                raise Lost("not renewed in time")
            elif self._seen is not None and self._seen.spec.get("holderIdentity") not in (self._identity, "", None):
                raise Lost(f"held by {self._seen.spec['holderIdentity']}")

    async def _tried(self) -> bool:
        """Take or renew the Lease; whether it is ours now."""
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._take()
        except (StoreError, TimeoutError) as error:
            telemetry.election_failed(str(error) or "no answer in time")
            return False

    async def _take(self) -> bool:
        if self._ours is not None:
            return await self._renewed(self._ours)
        try:
            lease = await self._resources.get(kinds.LEASE, self._name, self._namespace)
        except NotFound:
            made = {
                "apiVersion": kinds.LEASE.api_version, "kind": "Lease", "spec": self._spec({}),
                "metadata": {"name": self._name, "namespace": self._namespace},
            }  # fmt: skip
            self._ours = await self._resources.create(kinds.LEASE, made, self._namespace)
            return True
        seen = self._look(lease)
        holder = seen.spec.get("holderIdentity")
        lasts_s = float(seen.spec.get("leaseDurationSeconds") or LEASE_S)
        is_free = not holder or self._clock.monotonic_s() - seen.since_s > lasts_s
        if holder != self._identity and not is_free:
            return False
        return await self._renewed(lease)

    async def _renewed(self, lease: Object) -> bool:
        """Write it under our name; with the version that was read, so that of two who take it one gets a Conflict."""
        self._ours = None
        wanted = {**lease, "spec": self._spec(lease.get("spec") or {})}
        self._ours = await self._resources.update(kinds.LEASE, wanted)
        return True

    def _look(self, lease: Object) -> Seen:
        spec = dict(lease.get("spec") or {})
        if self._seen is None or self._seen.spec != spec:
            self._seen = Seen(spec, self._clock.monotonic_s())
        return self._seen

    def _spec(self, before: dict[str, Any]) -> dict[str, Any]:
        now = rfc3339_micro(self._clock.now())
        is_ours = before.get("holderIdentity") == self._identity
        changes = int(before.get("leaseTransitions") or 0) + (0 if is_ours or not before else 1)
        acquired = before.get("acquireTime") if is_ours else None
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": LEASE_S,
            "acquireTime": acquired or now,
            "renewTime": now,
            "leaseTransitions": changes,
        }

    async def _release(self) -> None:
        """Give the Lease back, so that the next one need not wait for its end; ours alone, and only for a moment."""
        self._ours = None
        try:
            async with asyncio.timeout(RELEASE_WITHIN_S):
                lease = await self._resources.get(kinds.LEASE, self._name, self._namespace)
                spec = lease.get("spec") or {}
                if spec.get("holderIdentity") == self._identity:
                    free = {**spec, "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._resources.update(kinds.LEASE, {**lease, "spec": free})
        except (StoreError, TimeoutError) as error:
            telemetry.election_failed(str(error) or "no answer in time")
