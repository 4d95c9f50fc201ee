"""The table of both ends, on live namespaces: red is inspected, blue is not."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.resources import Object, kinds
from kodkod.testing.waiting import until

pytestmark = pytest.mark.netns

NAMESPACE = "kk-p4-red"
FLOWS = (("red1", "red2", 2), ("red1", "blue1", 1), ("blue2", "red2", 1), ("blue2", "blue1", 0))


async def pod_ready(host: Any) -> bool:
    pods = (await host.admin.list(kinds.POD, "tigera-dpi")).items
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for pod in pods
        for one in (pod.get("status") or {}).get("conditions") or []
    )


async def inspection(host: Any) -> Object:
    found: Object = await host.admin.get(kinds.DEEP_PACKET_INSPECTION, "red-dpi-all", NAMESPACE)
    return found


async def test_both_ends_count(host: Any, pods: Any) -> None:
    await host.admin.create(
        kinds.DEEP_PACKET_INSPECTION, {"metadata": {"name": "red-dpi-all"}, "spec": {"selector": "all()"}}, NAMESPACE
    )
    await until(lambda: pod_ready(host), bool, within_s=60)
    for source, dest, _ in FLOWS:
        pods[source].post(pods[dest], "smk=1234")

    events = await until(host.events, lambda events: len(events) >= 4, within_s=60)
    pods["blue1"].post(pods["red1"], "smk=1234")  # the last one: what had to come before it is there when it is
    events = await until(host.events, lambda events: len(events) >= 5, within_s=60)
    count = {(source, dest): 0 for source, dest, _ in FLOWS}
    for event in events:
        pair = (event["source_name"], event["dest_name"])
        if pair in count:
            count[pair] += 1
    assert [count[source, dest] for source, dest, _ in FLOWS] == [expected for _, _, expected in FLOWS]


async def test_an_event_tells_everything(host: Any, pods: Any) -> None:
    events = await until(host.events, bool)
    event = next(one for one in events if (one["source_name"], one["dest_name"]) == ("red1", "blue1"))
    assert event["name"] == "Signature Triggered Alert"
    assert event["type"] == "deep_packet_inspection"
    assert event["origin"] == "dpi.kk-p4-red/red-dpi-all"
    assert (event["source_namespace"], event["dest_namespace"]) == ("kk-p4-red", "kk-p4-blue")
    assert (event["dest_ip"], event["dest_port"]) == (pods["blue1"].address, 80)
    assert (event["severity"], event["record"]["snort_signature_revision"]) == (100, "2")
    assert (
        '"KK-P4 smk" [**] [Classification: A Network Trojan was detected] [Priority: 1] {TCP}'
        in (event["record"]["snort_alert"])
    )


async def test_the_status_tells_what_runs(host: Any) -> None:
    found = await until(
        lambda: inspection(host),
        lambda obj: any(entry.get("alerts", 0) >= 5 for entry in (obj.get("status") or {}).get("nodes") or []),
        within_s=60,
    )
    (entry,) = found["status"]["nodes"]
    assert entry["active"]["success"]
    assert entry["errorConditions"] == []
    assert entry["endpoints"] == 2


async def test_a_rule_set_is_for_the_workloads_it_picks(host: Any, pods: Any) -> None:
    rule = (
        'alert http any any -> any any (msg:"KK-P4 set"; flow:to_server,established; content:"only-red2"; '
        "http_client_body; sid:9900077; rev:1;)"
    )
    spec = {"selector": "app == 'red2'", "rules": f"alert nonsense\n{rule}\n"}
    await host.admin.create(kinds.RULE_SET, {"metadata": {"name": "kk-p4-set"}, "spec": spec})

    async def rule_set() -> dict[str, Any]:
        return dict((await host.admin.get(kinds.RULE_SET, "kk-p4-set")).get("status") or {})

    status = await until(rule_set, lambda found: found.get("endpoints") == 1, within_s=40)
    assert (status["full"], status["skipped"]) == (1, 1)
    assert status["errors"][0].startswith("1:")
    assert status["conditions"][0]["reason"] == "RulesSkipped"

    async def fired() -> list[str]:
        query = {"query": '"record.snort_signature_id" = "9900077"'}
        async with host.admin.session.get(f"{host.admin.server}/v1/events", params=query) as answer:
            return sorted(str(one["dest_name"]) for one in (await answer.json())["items"])

    pods["blue1"].post(pods["red1"], "only-red2")  # red1 is inspected, but not by this set
    pods["blue1"].post(pods["red2"], "only-red2")
    assert await until(fired, bool, within_s=40) == ["red2"]
    await host.admin.delete(kinds.RULE_SET, "kk-p4-set")


async def test_bounds_hold_the_real_process(host: Any) -> None:
    status = await host.report("inspector")
    assert status["engine"]["workers"] == 1
    assert status["engine"]["cgroup"] == "v1" or status["engine"]["cgroup"].startswith(("v2", "none: "))


async def test_a_deleted_inspection_stops_and_its_pod_goes(host: Any, pods: Any) -> None:
    await host.admin.delete(kinds.DEEP_PACKET_INSPECTION, "red-dpi-all", NAMESPACE)
    await until(lambda: host.report("inspector"), lambda status: status.get("interfaces") == 0, within_s=30)
    before = len(await host.events())
    pods["red1"].post(pods["red2"], "smk=1234")

    async def pods_left() -> list[Object]:
        return list((await host.admin.list(kinds.POD, "tigera-dpi")).items)

    await until(pods_left, lambda left: left == [], within_s=30)
    assert len(await host.events()) == before
