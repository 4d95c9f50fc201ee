"""Names of the other end, from all pods of the cluster."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kodkod.resources import Object, kinds
from kodkod.server.cluster.names import Names
from kodkod.store.informer import Informer
from kodkod.testing.waiting import until

from .conftest import SmallCluster


@pytest.fixture
async def names(cluster: SmallCluster) -> AsyncIterator[Names]:
    await cluster.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    pods = Informer(cluster, kinds.POD)
    found = Names(pods, cluster.clock)
    tasks = [asyncio.ensure_future(one.run()) for one in (pods, found)]
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def pod(cluster: SmallCluster, names: Names, name: str, ip: str, **spec: Any) -> None:
    made: Object = {
        "metadata": {"name": name, "generateName": "web-abc-", "labels": {"app": "web"}},
        "spec": {"containers": [], **spec},
    }
    await cluster.create(kinds.POD, made, "dev")
    await cluster.patch(kinds.POD, name, {"status": {"podIPs": [{"ip": ip}]}}, "dev", subresource="status")

    async def known() -> str:
        found = names.of(ip)
        return found.name if found is not None else ""

    if not spec.get("hostNetwork"):
        await until(known, lambda found: found == name)


async def test_a_flow_gets_the_name_of_the_pod_behind_an_address(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    flow = {
        "source_ip": "10.244.1.3", "source_type": "wep", "source_name": "client", "source_namespace": "dev",
        "dest_ip": "10.244.2.7", "dest_type": "net", "dest_name": "-", "dest_name_aggr": "pvt", "dest_namespace": "-",
    }  # fmt: skip
    (record,) = names.complete("flows", [flow])
    assert (record["dest_type"], record["dest_name"], record["dest_name_aggr"]) == ("wep", "web-abc-1", "web-abc-*")
    assert (record["dest_namespace"], record["dest_labels"]) == ("dev", {"labels": ["app=web"]})
    assert (record["source_type"], record["source_name"]) == ("wep", "client")


async def test_what_the_agent_named_stays(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    flow = {"dest_ip": "10.244.2.7", "dest_type": "wep", "dest_name": "before", "dest_namespace": "dev"}
    assert names.complete("flows", [dict(flow)]) == [flow]
    aggregated = {"dest_ip": None, "dest_type": "net", "dest_name": "-", "dest_name_aggr": "pvt"}
    assert names.complete("flows", [dict(aggregated)]) == [aggregated]


async def test_events_and_lookups_get_names_too(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    event = {"source_ip": "10.244.2.7", "source_name_aggr": "pvt", "source_namespace": "-", "dest_ip": "192.0.2.1"}
    (shown,) = names.complete("events", [event])
    assert (shown["source_name"], shown["source_namespace"], "dest_name" in shown) == ("web-abc-1", "dev", False)
    lookup = {
        "client_ip": "10.244.1.3", "client_name": "c", "client_namespace": "dev",
        "servers": [{"ip": "10.244.2.7", "name": "-", "name_aggr": "pvt", "namespace": "-"}],
    }  # fmt: skip
    (shown,) = names.complete("dns", [lookup])
    assert shown["servers"][0]["name"] == "web-abc-1"


async def test_a_pod_that_is_gone_is_remembered_for_a_while(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    await cluster.delete(kinds.POD, "web-abc-1", "dev")

    async def is_gone() -> bool:
        found = names.of("10.244.2.7")
        return found is not None and found.gone_s is not None

    await until(is_gone, bool)
    cluster.clock.advance(601)
    assert names.of("10.244.2.7") is None


async def test_an_address_belongs_to_its_newest_pod(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    await pod(cluster, names, "web-abc-2", "10.244.2.7")
    await cluster.delete(kinds.POD, "web-abc-1", "dev")
    await pod(cluster, names, "web-abc-3", "10.244.2.8")
    found = names.of("10.244.2.7")
    assert found is not None
    assert (found.name, found.gone_s) == ("web-abc-2", None)


async def test_a_pod_in_the_hosts_network_names_no_address(cluster: SmallCluster, names: Names) -> None:
    await pod(cluster, names, "agent", "10.250.0.11", hostNetwork=True)
    await pod(cluster, names, "web-abc-1", "10.244.2.7")
    assert names.of("10.250.0.11") is None
