"""Who calls, from where, and what they may do: asked of the cluster, believed for a moment."""

import asyncio
import ipaddress
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from kodkod.access import ANONYMOUS, Caller, Request
from kodkod.resources import Object, kinds
from kodkod.server.auth import BadToken, Misused
from kodkod.server.cluster.front_proxy import FrontProxy, Published, named
from kodkod.server.cluster.places import Home, Places, gateways
from kodkod.server.cluster.rights import ClusterAuthorizer
from kodkod.server.cluster.tokens import TokenReviews
from kodkod.server.peers import EXTENSION, Peer
from kodkod.store.errors import Unavailable
from kodkod.testing.clock import SimulatedClock
from kodkod.testing.waiting import until

from .conftest import SmallCluster

AGENT = {
    "username": "system:serviceaccount:kodkod-system:kodkod-agent",
    "uid": "u1",
    "groups": ["system:serviceaccounts"],
    "extra": {
        "authentication.kubernetes.io/node-name": ["n1"],
        "authentication.kubernetes.io/pod-name": ["kodkod-agent-x"],
    },
}
ALICE = {"username": "alice", "uid": "u2", "groups": ["dev", "system:authenticated"]}


def request(headers: list[tuple[str, str]], address: str = "10.250.0.11", peer: Peer | None = None) -> HttpRequest:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": raw, "client": (address, 1)}
    if peer is not None:
        scope["extensions"] = {EXTENSION: peer}
    return HttpRequest(scope)


def bearing(token: str, address: str = "10.250.0.11") -> HttpRequest:
    return request([("Authorization", f"Bearer {token}")], address)


async def node(cluster: SmallCluster, name: str, address: str, pods: str) -> None:
    status = {"addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]}
    made: Object = {"metadata": {"name": name}, "spec": {"podCIDRs": [pods]}}
    await cluster.create(kinds.NODE, made)
    await cluster.patch(kinds.NODE, name, {"status": status}, subresource="status")


@pytest.fixture
async def reviews(cluster: SmallCluster, clock: SimulatedClock):  # type: ignore[no-untyped-def]
    cluster.users = {("agent", "kodkod"): AGENT, ("person", ""): ALICE, ("pod", ""): AGENT}
    await node(cluster, "n1", "10.250.0.11", "10.244.1.0/24")
    await node(cluster, "n2", "10.250.0.12", "10.244.2.0/24")
    home = Home("n1", frozenset({ipaddress.ip_address("10.99.0.1")}))
    places = Places(cluster, ("kodkod-system",), home)
    task = asyncio.ensure_future(places.run())
    await places.synced()
    yield TokenReviews(cluster, places, None, clock)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_person_is_whoever_the_cluster_says(reviews: TokenReviews) -> None:
    caller = await reviews.caller_of(bearing("person", "192.0.2.1"))
    assert (caller.name, caller.groups, caller.node) == ("alice", ("dev", "system:authenticated"), None)


async def test_an_agent_speaks_for_the_node_of_its_token(reviews: TokenReviews) -> None:
    caller = await reviews.caller_of(bearing("agent"))
    assert (caller.name, caller.node) == (AGENT["username"], "n1")


async def test_a_pods_own_token_for_the_api_server_speaks_for_no_node(reviews: TokenReviews) -> None:
    assert (await reviews.caller_of(bearing("pod"))).node is None


@pytest.mark.parametrize("address", ["10.250.0.11", "::ffff:10.250.0.11", "10.244.1.0", "10.244.1.1", "10.99.0.1"])
async def test_an_agents_token_is_taken_from_its_node(reviews: TokenReviews, address: str) -> None:
    assert (await reviews.caller_of(bearing("agent", address))).node == "n1"


@pytest.mark.parametrize("address", ["10.250.0.12", "10.244.1.7", "10.244.2.1", "192.0.2.1", ""])
async def test_an_agents_token_is_refused_from_anywhere_else(reviews: TokenReviews, address: str) -> None:
    with pytest.raises(Misused, match="a token of node n1 was used from"):
        await reviews.caller_of(bearing("agent", address))


async def test_a_token_is_taken_from_its_own_pod(reviews: TokenReviews, cluster: SmallCluster) -> None:
    pod: Object = {"metadata": {"name": "kodkod-agent-x"}, "spec": {"containers": []}}
    await cluster.create(kinds.POD, pod, "kodkod-system")
    status = {"podIPs": [{"ip": "10.244.1.7"}]}
    await cluster.patch(kinds.POD, "kodkod-agent-x", {"status": status}, "kodkod-system", subresource="status")

    async def ask() -> str | None:
        try:
            return (await reviews.caller_of(bearing("agent", "10.244.1.7"))).node
        except Misused:
            return None

    assert await until(ask, lambda found: found is not None) == "n1"


async def test_our_own_gateway_speaks_for_no_other_node(reviews: TokenReviews, cluster: SmallCluster) -> None:
    extra = {**AGENT["extra"], "authentication.kubernetes.io/node-name": ["n2"]}  # type: ignore[dict-item]
    cluster.users["other", "kodkod"] = {**AGENT, "extra": extra}
    assert (await reviews.caller_of(bearing("other", "10.250.0.12"))).node == "n2"
    with pytest.raises(Misused):
        await reviews.caller_of(bearing("other", "10.99.0.1"))


def test_default_gateways_are_read_from_the_kernels_tables() -> None:
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 0101F40A 0003 0 0 0 00000000 0 0 0\neth0 0001F40A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
    )
    default = (
        "0" * 32 + " 00 " + "0" * 32 + " 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n"
    )
    local = "fd" + "0" * 30 + " 40 " + "0" * 32 + " 00 " + "0" * 32 + " 00000100 00000001 00000000 00000001 eth0\n"
    assert {str(one) for one in gateways(table, default + local)} == {"10.244.1.1", "fd00::1"}
    assert gateways("", "") == frozenset()


async def test_an_unknown_token_is_refused_and_asked_about_once(reviews: TokenReviews, cluster: SmallCluster) -> None:
    for _ in range(3):
        with pytest.raises(BadToken):
            await reviews.caller_of(bearing("nobody"))
    assert len(cluster.asked) == 2  # for our audience, for the API server's


async def test_an_answer_is_believed_for_a_minute(
    reviews: TokenReviews, cluster: SmallCluster, clock: SimulatedClock
) -> None:
    await reviews.caller_of(bearing("person"))
    del cluster.users["person", ""]
    clock.advance(59)
    assert (await reviews.caller_of(bearing("person"))).name == "alice"
    clock.advance(2)
    with pytest.raises(BadToken):
        await reviews.caller_of(bearing("person"))


@pytest.mark.parametrize("token", ["", "x" * 20_000])
async def test_what_can_be_no_token_is_not_asked_about(
    reviews: TokenReviews, cluster: SmallCluster, token: str
) -> None:
    with pytest.raises(BadToken):
        await reviews.caller_of_token(token)
    assert cluster.asked == []


async def test_while_the_cluster_is_away_nobody_new_gets_in(reviews: TokenReviews, cluster: SmallCluster) -> None:
    await reviews.caller_of(bearing("person"))
    cluster.is_away = True
    assert (await reviews.caller_of(bearing("person"))).name == "alice"
    with pytest.raises(Unavailable):
        await reviews.caller_of(bearing("agent"))


async def test_a_right_is_asked_of_the_cluster_and_believed_for_ten_seconds(
    cluster: SmallCluster, clock: SimulatedClock
) -> None:
    authorizer = ClusterAuthorizer(cluster, clock)
    alice = Caller("alice", ("dev",), extra=(("scopes", ("all",)),))
    asked = Request("get", "projectcalico.org", "packetcaptures", "files", "dev", "c")
    assert not await authorizer.allows(alice, asked)
    cluster.rights.add(("alice", "get", "packetcaptures/files", "dev"))
    assert not await authorizer.allows(alice, asked)
    clock.advance(11)
    assert await authorizer.allows(alice, asked)
    spec = cluster.asked[-1]["spec"]
    assert (spec["groups"], spec["extra"]) == (["dev"], {"scopes": ["all"]})
    assert spec["resourceAttributes"] == {
        "verb": "get", "group": "projectcalico.org", "version": "*", "resource": "packetcaptures",
        "subresource": "files", "namespace": "dev", "name": "c",
    }  # fmt: skip


async def test_a_node_is_held_to_its_own_report_whatever_the_cluster_allows(
    cluster: SmallCluster, clock: SimulatedClock
) -> None:
    authorizer = ClusterAuthorizer(cluster, clock)
    cluster.rights.add(("agent", "patch", "nodereports", ""))
    agent = Caller("agent", node="n1")
    assert await authorizer.allows(agent, Request("patch", "kodkod.dev", "nodereports", name="n1-agent"))
    why = await authorizer.refusal(agent, Request("patch", "kodkod.dev", "nodereports", name="n2-agent"))
    assert why == 'node "n1" may write only its own NodeReports'


PUBLISHED = {
    "requestheader-client-ca-file": "PEM",
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
}
SPOKEN = [
    ("X-Remote-User", "bob"),
    ("X-Remote-Group", "ops"),
    ("X-Remote-Group", "system:authenticated"),
    ("X-Remote-Extra-Example.org%2FScopes", "read"),
]


@pytest.fixture
async def proxy(cluster: SmallCluster, reviews: TokenReviews):  # type: ignore[no-untyped-def]
    trusted: list[str] = []
    found = FrontProxy(cluster, reviews, trusted.append)
    config_map: Object = {"metadata": {"name": "extension-apiserver-authentication"}, "data": PUBLISHED}
    await cluster.create(kinds.CONFIG_MAP, config_map, "kube-system")
    task = asyncio.ensure_future(found.run())

    async def known() -> bool:
        return found.published is not None

    await until(known, bool)
    assert trusted == ["PEM"]
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_front_proxy_names_the_caller(proxy: FrontProxy) -> None:
    caller = await proxy.caller_of(request(SPOKEN, peer=Peer("front-proxy-client")))
    assert caller == Caller("bob", ("ops", "system:authenticated"), extra=(("example.org/scopes", ("read",)),))


@pytest.mark.parametrize("peer", [None, Peer("somebody-else"), Peer("")])
@pytest.mark.parametrize("forged", [SPOKEN, SPOKEN[1:2], SPOKEN[3:], [*SPOKEN, ("Authorization", "Bearer person")]])
async def test_headers_of_a_front_proxy_without_its_certificate_are_refused(
    proxy: FrontProxy, peer: Peer | None, forged: list[tuple[str, str]]
) -> None:
    with pytest.raises(Misused, match="front proxy"):
        await proxy.caller_of(request(forged, peer=peer))


async def test_a_direct_call_is_judged_by_its_token(proxy: FrontProxy) -> None:
    assert (await proxy.caller_of(bearing("person"))).name == "alice"
    assert await proxy.caller_of(request([])) == ANONYMOUS


async def test_a_front_proxy_that_names_nobody_is_nobody() -> None:
    published = Published.of(PUBLISHED)
    assert published is not None
    with pytest.raises(BadToken):
        named(request([("X-Remote-User", "")]).headers, published)


def test_a_cluster_without_a_front_proxy_publishes_none() -> None:
    assert Published.of({"client-ca-file": "PEM"}) is None
