"""What clients read of the lab's pods and Services: complete, and true at each moment of a pod's life."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from kodkod.clock import SystemClock
from kodkod.lab import objects, plan, publication
from kodkod.lab.plan import Lab
from kodkod.lab.state import PodState
from kodkod.lab.world import WORKSHOP
from kodkod.resources import kinds
from kodkod.store.embedded import EmbeddedResources

STARTED_AT = "2026-11-25T06:00:00Z"


@pytest.fixture
def lab() -> Lab:
    drawn = count()
    return plan.plan(WORKSHOP, plan.choose_network([]), lambda length: f"{next(drawn):0{length}}")


def pod(lab: Lab, workload: str, **now: Any) -> objects.Object:
    one = next(each for each in lab.pods if each.workload.name == workload)
    state = PodState(one.namespace, one.name, str(one.address), one.interface, one.workload.name, **now)
    return objects.pod(one, state, node="n1", host=str(lab.network.host))


def conditions(one: objects.Object) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in one["status"]["conditions"]}


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def test_a_pod_that_has_not_run_has_no_time_and_no_address(lab: Lab) -> None:
    status = pod(lab, "centos")["status"]
    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert {"startTime", "podIP", "podIPs"} & status.keys() == set()
    assert "" not in texts(status)  # kubectl describe refuses an empty time


def test_a_running_pod_is_ready_in_every_form_that_clients_ask_for(lab: Lab) -> None:
    one = pod(lab, "centos", ready=True, started_at=STARTED_AT)
    status = one["status"]
    assert (status["phase"], status["podIP"], status["podIPs"]) == ("Running", "10.65.1.4", [{"ip": "10.65.1.4"}])
    assert conditions(one) == dict.fromkeys(("Initialized", "Ready", "ContainersReady", "PodScheduled"), "True")
    (container,) = status["containerStatuses"]
    assert container["state"] == {"running": {"startedAt": STARTED_AT}}
    assert {"imageID", "containerID", "restartCount", "ready"} <= container.keys()
    assert one["spec"]["securityContext"] == {}


def test_a_pod_whose_workload_starts_again_keeps_its_address_and_says_why_it_waits(lab: Lab) -> None:
    one = pod(lab, "centos", ready=False, started_at=STARTED_AT, restarts=2)
    (container,) = one["status"]["containerStatuses"]
    assert (one["status"]["phase"], one["status"]["podIP"]) == ("Running", "10.65.1.4")
    assert (container["state"], container["restartCount"]) == ({"waiting": {"reason": "CrashLoopBackOff"}}, 2)
    assert conditions(one)["Ready"] == "False"


def test_a_deployments_pod_carries_the_names_that_logs_are_grouped_by(lab: Lab) -> None:
    metadata = pod(lab, "dev-nginx")["metadata"]
    assert metadata["generateName"] == f"dev-nginx-{metadata['labels']['pod-template-hash']}-"
    assert metadata["name"] == metadata["generateName"] + "00000"
    assert {"app": "nginx", "security": "strict"}.items() <= metadata["labels"].items()


def test_a_pod_names_its_interface_on_the_host(lab: Lab) -> None:
    metadata = pod(lab, "centos")["metadata"]
    assert metadata["annotations"] == {"kodkod.dev/interface": "cali1c59f1d2fd5"}  # sha1 of dev.centos


@pytest.mark.parametrize(
    ("name", "namespace", "kind", "ports", "ingress"),
    [
        pytest.param("nginx-svc", "dev", "ClusterIP", (80, 80), [], id="web servers"),
        pytest.param("nginx-svc", "uat", "ClusterIP", (80, 80), [], id="the same, from uat"),
        pytest.param("frontend", "default", "ClusterIP", (80, 8080), [], id="shop"),
        pytest.param("frontend-external", "default", "LoadBalancer", (80, 8080), ["10.65.200.13"], id="from outside"),
    ],
)
def test_services(lab: Lab, name: str, namespace: str, kind: str, ports: tuple[int, int], ingress: list[str]) -> None:
    port = next(each for each in lab.ports if (each.service.name, each.service.namespace) == (name, namespace))
    one = objects.service(port)
    assert (one["spec"]["type"], one["spec"]["clusterIP"]) == (kind, str(port.address))
    assert [(each["port"], each["targetPort"]) for each in one["spec"]["ports"]] == [ports]
    assert [each["ip"] for each in one["status"]["loadBalancer"].get("ingress", [])] == ingress


def test_only_a_service_of_its_own_namespace_selects(lab: Lab) -> None:
    selectors = {
        port.service.namespace: objects.service(port)["spec"].get("selector")
        for port in lab.ports
        if port.service.name == "nginx-svc"
    }
    assert selectors["dev"] == {"app": "nginx"}
    assert selectors["uat"] is None


async def test_what_is_published_already_is_not_written_again(lab: Lab) -> None:
    resources = EmbeddedResources(":memory:", SystemClock())
    await resources.open()
    try:
        wanted = [*objects.namespaces(WORKSHOP), *map(objects.service, lab.ports), pod(lab, "centos")]
        await publication.publish(resources, wanted)
        before = (await resources.list(kinds.POD)).resource_version
        await publication.publish(resources, wanted)
        assert (await resources.list(kinds.POD)).resource_version == before
    finally:
        await resources.close()


async def test_taking_down_removes_what_the_lab_made_and_nothing_else(lab: Lab) -> None:
    resources = EmbeddedResources(":memory:", SystemClock())
    await resources.open()
    try:
        await publication.publish(resources, [*objects.namespaces(WORKSHOP), pod(lab, "centos"), pod(lab, "netshoot")])
        foreign = pod(lab, "dev-nginx")
        del foreign["metadata"]["labels"][objects.LAB_LABEL]
        await resources.create(kinds.POD, foreign, "dev")
        await publication.withdraw(resources, keep=[("Pod", "dev", "netshoot")])
        left = {one["metadata"]["name"] for one in (await resources.list(kinds.POD)).items}
        assert left == {"netshoot", foreign["metadata"]["name"]}
        assert {"dev", "uat"} <= {one["metadata"]["name"] for one in (await resources.list(kinds.NAMESPACE)).items}
    finally:
        await resources.close()
