"""Whose a fact of the shared socket is: at once, after a while, by address, or nobody's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kodkod.endpoints import Endpoint
from kodkod.flowlogs.attribution import HELD, Attribution

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEB = Endpoint("dev", "web", "node01", "veth7", ips=("10.0.0.2",), uid="u1", link=7)
JOB = Endpoint("dev", "job", "node01", "", ips=("10.0.0.3",), uid="u2")


def facts(*, flows: tuple[Any, ...] = (), dns: tuple[Any, ...] = ()) -> Any:
    return {"alerts": [], "flows": list(flows), "dns": list(dns)}


def flow(tag: int, client: str = "10.0.0.2") -> dict[str, object]:
    return {"tag": tag, "client_ip": client, "server_ip": "10.9.9.9"}


NOTHING = facts()


def names(attribution: Attribution, given: Any, after: timedelta = timedelta()) -> list[str]:
    found = attribution.attribute(given, NOW + after)
    return [endpoint.workload for endpoint, _ in [*found.flows, *found.dns]]


def test_a_known_interface_tells() -> None:
    attribution = Attribution()
    attribution.know([WEB], [])
    assert names(attribution, facts(flows=(flow(7),), dns=(flow(7),))) == ["web", "web"]


def test_a_fact_waits_for_its_pod() -> None:
    attribution = Attribution()
    attribution.know([], [])
    assert names(attribution, facts(dns=(flow(7),))) == []
    attribution.know([WEB], [])
    assert names(attribution, NOTHING, timedelta(seconds=29)) == ["web"]
    assert attribution.unattributed == 0


def test_what_nobody_claims_is_counted_after_half_a_minute() -> None:
    attribution = Attribution()
    assert names(attribution, facts(flows=(flow(7),))) == []
    assert names(attribution, NOTHING, HELD) == []
    attribution.know([WEB], [])
    assert names(attribution, NOTHING, HELD) == []
    assert attribution.unattributed == 1


def test_a_pod_whose_interface_was_gone_is_known_by_its_address() -> None:
    attribution = Attribution()
    assert names(attribution, facts(dns=(flow(9, "10.0.0.3"),))) == []
    attribution.know([], [JOB])
    assert names(attribution, NOTHING) == ["job"]


def test_a_pods_packets_at_somebody_elses_interface_are_not_its_own_twice() -> None:
    attribution = Attribution()
    attribution.know([WEB], [])
    assert names(attribution, facts(flows=(flow(8, "10.0.0.2"),))) == []


def test_facts_that_come_late_are_still_those_of_who_left() -> None:
    attribution = Attribution()
    attribution.know([WEB], [])
    attribution.know([], [WEB])
    attribution.know([], [])
    assert names(attribution, facts(flows=(flow(7),))) == ["web"]
