"""What does admission say to a GlobalAlert? Every published one is taken; vectors of alerts-and-logs 10.2."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.alerting import shipped, validation
from kodkod.resources.findings import Advice
from kodkod.resources.kinds import GLOBAL_ALERT, GLOBAL_ALERT_TEMPLATE
from kodkod.store.embedded import EmbeddedResources
from kodkod.store.errors import Invalid
from kodkod.testing.clock import SimulatedClock

from .alerts import PUBLISHED, UNSANCTIONED_DNS, alert, spec


@pytest.fixture
async def resources() -> Any:
    store = EmbeddedResources(":memory:", SimulatedClock())
    store.checks.add(GLOBAL_ALERT, validation.check)
    store.checks.add(GLOBAL_ALERT_TEMPLATE, validation.check)
    await store.open()
    yield store
    await store.close()


@pytest.mark.parametrize("name", PUBLISHED)
async def test_published_alerts_are_taken_unchanged(resources: EmbeddedResources, name: str) -> None:
    made = alert(name, PUBLISHED[name])
    del made["metadata"]["uid"]
    await resources.create(GLOBAL_ALERT, made)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "count", "field": "num_flows", "condition": "gt"}, "count metric cannot be applied to a field"),
        ({"metric": "sum", "condition": "gt"}, "non-count metrics require a field"),
        ({"field": "num_flows"}, "field without metric is invalid"),
        ({"metric": "count"}, "metrics require a condition"),
        ({"dataSet": None}, "dataSet is required for RuleBased alerts"),
        ({"severity": 0}, "severity"),
        ({"severity": 101}, "severity"),
        ({"period": "30s"}, "at least one minute"),
        ({"lookback": "1h 2m"}, "lookback"),
        ({"query": "dest_namespace=kube-system"}, 'quote it: "kube-system"'),
        ({"query": "qname=a"}, 'unknown field "qname" for data set flows'),
        ({"query": "dest_name IN ${x}"}, "no substitution"),
        ({"summary": "${qname}"}, "unknown variable ${qname}"),
        (
            {"metric": "sum", "field": "num_flows", "condition": "gt", "summary": "${count}"},
            "unknown variable ${count} at column 1; variables: sum",
        ),
        ({"description": "${"}, "a variable that does not end at column 1"),
    ],
)
async def test_what_is_refused(resources: EmbeddedResources, change: dict[str, Any], message: str) -> None:
    made = alert("a", {**spec(dataSet="flows"), **change})
    del made["metadata"]["uid"]
    with pytest.raises(Invalid) as caught:
        await resources.create(GLOBAL_ALERT, made)
    assert any(message in f"{one.field} {one.message}" for one in caught.value.causes)


async def test_a_condition_without_metric_is_pointless_and_taken(resources: EmbeddedResources) -> None:
    made = alert("a", spec(dataSet="flows", condition="gt", threshold=0))
    del made["metadata"]["uid"]
    await resources.create(GLOBAL_ALERT, made)


def test_unknown_grouping_and_gaps_are_only_remarked() -> None:
    odd = {**UNSANCTIONED_DNS, "aggregateBy": ["client_namespace", "client_name_aggr", "qname", "new_field"]}
    advice = [one.message for one in validation.check(alert("a", {**odd, "period": "10m"})) if isinstance(one, Advice)]
    assert any("new_field" in one for one in advice)
    assert any("lookback is shorter than period" in one for one in advice)


def test_an_unknown_wish_about_repeats_is_remarked() -> None:
    obj = alert("a", UNSANCTIONED_DNS)
    obj["metadata"]["annotations"] = {"kodkod.dev/dedup": "sometimes"}
    advice = [one.message for one in validation.check(obj) if isinstance(one, Advice)]
    assert advice[0] == "metadata.annotations[kodkod.dev/dedup]: one of none, window, open; every result is written"


async def test_ten_templates_are_shipped_and_a_users_change_stays(resources: EmbeddedResources) -> None:
    await shipped.install(resources)
    listed = await resources.list(GLOBAL_ALERT_TEMPLATE)
    assert [one["metadata"]["name"] for one in listed.items] == [
        "dns.dos", "dns.servfail", "network.cloudapi", "network.lateral.access", "network.lateral.originate",
        "network.ssh", "policy.globalnetworkpolicy", "policy.globalnetworkset", "policy.pod", "policy.serviceaccount",
    ]  # fmt: skip
    await resources.patch(GLOBAL_ALERT_TEMPLATE, "dns.dos", {"spec": {"severity": 7}})
    await resources.delete(GLOBAL_ALERT_TEMPLATE, "network.ssh")
    versions = {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in listed.items}
    await shipped.install(resources)
    assert (await resources.get(GLOBAL_ALERT_TEMPLATE, "dns.dos"))["spec"]["severity"] == 7
    assert (await resources.get(GLOBAL_ALERT_TEMPLATE, "network.ssh"))["spec"]["dataSet"] == "flows"
    untouched = await resources.get(GLOBAL_ALERT_TEMPLATE, "policy.pod")
    assert untouched["metadata"]["resourceVersion"] == versions["policy.pod"]
