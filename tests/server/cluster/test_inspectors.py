"""The inspectors' DaemonSet: there while something is to be inspected, bounded as IntrusionDetection says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from kodkod.resources import Object, kinds
from kodkod.server.cluster import inspectors
from kodkod.server.cluster.foreign import DAEMON_SET
from kodkod.server.cluster.inspectors import BadTemplate, Inspectors, daemon_set
from kodkod.store.errors import NotFound
from kodkod.testing.waiting import until

from .conftest import SmallCluster

TEMPLATE = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: tigera-dpi, namespace: tigera-dpi}
spec:
  template:
    spec:
      containers:
        - name: tigera-dpi
          image: kodkod:1
          volumeMounts: [{name: snort-rules, mountPath: /usr/etc/snort/rules}]
      volumes: [{name: snort-rules, emptyDir: {}}]
"""


def detection(**spec: Any) -> Object:
    return {"metadata": {"name": "tigera-secure"}, "spec": spec}


def rules(**container: Any) -> dict[str, Any]:
    made = {"name": "snort-rules", "image": "rules:1", **container}
    return {"deepPacketInspectionDaemonset": {"spec": {"template": {"spec": {"initContainers": [made]}}}}}


def pod(made: Object) -> dict[str, Any]:
    found: dict[str, Any] = made["spec"]["template"]["spec"]
    return found


def test_bounds_that_nobody_sets_are_the_products() -> None:
    made = daemon_set(TEMPLATE, None)
    assert pod(made)["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "100Mi"},
    }
    assert "initContainers" not in pod(made)


@pytest.mark.parametrize("components", [[], None])
def test_an_empty_list_is_taken_as_none(components: object) -> None:
    assert pod(daemon_set(TEMPLATE, detection(componentResources=components)))["containers"][0]["resources"]["limits"]


def test_bounds_are_those_of_the_component() -> None:
    bounds = {"limits": {"memory": "2Gi"}, "requests": {"cpu": "200m"}}
    asked = [{"componentName": "DeepPacketInspection", "resourceRequirements": bounds}]
    made = daemon_set(TEMPLATE, detection(componentResources=asked))
    assert pod(made)["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "2Gi"},
        "requests": {"cpu": "200m", "memory": "100Mi"},
    }


def test_an_init_container_brings_rules_to_where_the_inspector_reads_them() -> None:
    (made,) = pod(daemon_set(TEMPLATE, detection(**rules())))["initContainers"]
    assert made == {
        "name": "snort-rules",
        "image": "rules:1",
        "volumeMounts": [{"name": "snort-rules", "mountPath": "/usr/etc/snort/rules"}],
    }


def test_an_init_container_gets_no_right_of_the_node() -> None:
    asked = rules(securityContext={"privileged": True}, volumeMounts=[{"name": "data", "mountPath": "/"}])
    (made,) = pod(daemon_set(TEMPLATE, detection(**asked)))["initContainers"]
    assert "securityContext" not in made
    assert [one["name"] for one in made["volumeMounts"]] == ["snort-rules"]
    assert "initContainers" not in pod(daemon_set(TEMPLATE, detection(**rules(name="other"))))


@pytest.mark.parametrize("text", ["", "[]", "kind: Pod", TEMPLATE.replace("namespace: tigera-dpi", "namespace: dev")])
def test_a_template_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        daemon_set(text, None)


async def present(cluster: SmallCluster) -> Object | None:
    try:
        return await cluster.get(DAEMON_SET, "tigera-dpi", "tigera-dpi")
    except NotFound:
        return None


@pytest.fixture
async def running(cluster: SmallCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(inspectors, "LOOK_S", 0.05)
    await cluster.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    template: Object = {"metadata": {"name": "kodkod-inspector"}, "data": {"daemonset.yaml": TEMPLATE}}
    await cluster.create(kinds.CONFIG_MAP, template, "kodkod-system")
    task = asyncio.ensure_future(Inspectors(cluster, "kodkod-system", cluster.clock).run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


INSPECTION: Object = {"metadata": {"name": "i"}, "spec": {"selector": "all()"}}


async def test_it_comes_with_the_first_inspection_and_goes_with_the_last(
    cluster: SmallCluster, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.sleep(0.2)
    assert await present(cluster) is None
    await cluster.create(kinds.DEEP_PACKET_INSPECTION, INSPECTION, "dev")
    await until(lambda: present(cluster), bool)
    await cluster.create(kinds.INTRUSION_DETECTION, detection(componentResources=[
        {"componentName": "DeepPacketInspection", "resourceRequirements": {"limits": {"cpu": "3"}}}
    ]))  # fmt: skip

    async def limit() -> str:
        made = await present(cluster)
        return str(pod(made)["containers"][0]["resources"]["limits"]["cpu"]) if made else ""

    await until(limit, lambda cpu: cpu == "3")
    monkeypatch.setattr(inspectors, "LINGER", timedelta(0))
    await cluster.delete(kinds.DEEP_PACKET_INSPECTION, "i", "dev")
    await until(lambda: present(cluster), lambda made: made is None)
