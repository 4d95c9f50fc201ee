"""One server runs the controllers; the next takes over when it ends, or is gone for long enough."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from kodkod.resources import kinds
from kodkod.server.cluster import election
from kodkod.server.cluster.election import Election
from kodkod.store.errors import StoreError
from kodkod.testing.clock import SimulatedClock
from kodkod.testing.waiting import until

from .conftest import SmallCluster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "RETRY_S", 0.01)


class Server:
    """A candidate; `leads` while it runs the controllers."""

    def __init__(self, cluster: SmallCluster, name: str) -> None:
        self.leads = False
        self._election = Election(
            cluster, cluster.clock, identity=name, namespace="kodkod-system", name="kodkod", lead=self._lead
        )

    async def _lead(self) -> None:
        self.leads = True
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self._election.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def is_leading(self) -> bool:
        return self.leads


async def holder(cluster: SmallCluster) -> str:
    lease = await cluster.get(kinds.LEASE, "kodkod", "kodkod-system")
    return str(lease["spec"]["holderIdentity"])


async def test_one_of_two_leads_and_the_other_follows_at_once_when_it_ends(cluster: SmallCluster) -> None:
    first, second = Server(cluster, "a"), Server(cluster, "b")
    async with second.running():
        await until(second.is_leading, bool)
        async with first.running():
            await asyncio.sleep(0.1)
            assert (first.leads, await holder(cluster)) == (False, "b")
    assert not second.leads
    assert await holder(cluster) == ""
    async with first.running():
        await until(first.is_leading, bool)
    lease = await cluster.get(kinds.LEASE, "kodkod", "kodkod-system")
    assert lease["spec"]["leaseTransitions"] == 1


async def test_a_holder_that_is_gone_is_waited_for(cluster: SmallCluster, clock: SimulatedClock) -> None:
    spec = {"holderIdentity": "gone", "leaseDurationSeconds": 20, "renewTime": "2026-11-22T10:00:00.000000Z"}
    await cluster.create(kinds.LEASE, {"metadata": {"name": "kodkod"}, "spec": spec}, "kodkod-system")
    server = Server(cluster, "a")
    async with server.running():
        await asyncio.sleep(0.1)
        assert not server.leads
        clock.advance(21)
        await until(server.is_leading, bool)


async def test_controllers_stop_when_the_lease_cannot_be_renewed(
    cluster: SmallCluster, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(cluster, "a")
    async with server.running():
        await until(server.is_leading, bool)
        working = cluster.update

        async def refused(*_: object, **__: object) -> None:
            raise StoreError("no answer")

        monkeypatch.setattr(cluster, "update", refused)
        clock.advance(election.RENEW_WITHIN_S + 1)

        async def has_stopped() -> bool:
            return not server.leads

        await until(has_stopped, bool)
        monkeypatch.setattr(cluster, "update", working)
        await until(server.is_leading, bool)


async def test_controllers_stop_when_somebody_else_holds_the_lease(cluster: SmallCluster) -> None:
    server = Server(cluster, "a")
    async with server.running():
        await until(server.is_leading, bool)
        await cluster.patch(kinds.LEASE, "kodkod", {"spec": {"holderIdentity": "b"}}, "kodkod-system")

        async def has_stopped() -> bool:
            return not server.leads

        await until(has_stopped, bool)
    assert await holder(cluster) == "b"
