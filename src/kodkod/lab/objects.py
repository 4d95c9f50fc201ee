"""How do the lab's pods and Services look to the API? As a cluster's would: complete, or clients stumble over them.

Source: core/v1 of the Kubernetes API, as far as kubectl, its clients and our own discovery read it.
"""

from __future__ import annotations

from typing import Any

from kodkod.lab.plan import Pod, Port
from kodkod.lab.state import PodState
from kodkod.lab.world import World

INTERFACE_ANNOTATION = "kodkod.dev/interface"
LAB_LABEL = "kodkod.dev/lab"
"""Marks what the lab made, so that taking it down takes only that."""

Object = dict[str, Any]


def namespaces(world: World) -> list[Object]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": {**labels, "kubernetes.io/metadata.name": name}},
            "status": {"phase": "Active"},
        }
        for name, labels in world.namespaces.items()
    ]


def pod(one: Pod, now: PodState, *, node: str, host: str) -> Object:
    """The Pod as it is now. host: the node's address in the lab."""
    metadata: Object = {
        "name": one.name,
        "namespace": one.namespace,
        "labels": {**one.workload.labels, LAB_LABEL: "workshop"},
        "annotations": {INTERFACE_ANNOTATION: one.interface},
    }
    if one.generate_name:
        metadata["generateName"] = one.generate_name
        metadata["labels"]["pod-template-hash"] = one.generate_name.split("-")[-2]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": _pod_spec(one, node),
        "status": _pod_status(one, now, host),
    }


def service(port: Port) -> Object:
    one = port.service
    spec: Object = {
        "type": "LoadBalancer" if one.external else "ClusterIP",
        "clusterIP": str(port.address),
        "clusterIPs": [str(port.address)],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ports": [{"name": "http", "protocol": "TCP", "port": one.port, "targetPort": one.target_port}],
    }
    if not one.behind:
        # A Service that leads into another namespace has no selector: its endpoints are set by hand, as in a cluster.
        spec["selector"] = dict(one.selector)
    ingress = {"ingress": [{"ip": str(port.external)}]} if port.external is not None else {}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": one.name, "namespace": one.namespace, "labels": {LAB_LABEL: "workshop"}},
        "spec": spec,
        "status": {"loadBalancer": ingress},
    }


def _pod_spec(one: Pod, node: str) -> Object:
    container: Object = {
        "name": one.workload.name,
        "image": _image(one),
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if one.workload.port is not None:
        container["ports"] = [{"containerPort": one.workload.port, "protocol": "TCP"}]
    else:
        container["command"] = ["sh", "-c", one.workload.script]
    return {
        "nodeName": node,
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 0,
        "enableServiceLinks": False,
        "securityContext": {},
        "containers": [container],
    }


def _pod_status(one: Pod, now: PodState, host: str) -> Object:
    """A pod that ran once stays Running and keeps its address while its workload starts again, as the kubelet has it.

    A time that is not known yet is null or missing: clients in Go refuse an object with an empty one.
    """
    started = bool(now.started_at)
    conditions = [
        {
            "type": kind,
            "status": "True" if holds else "False",
            "lastProbeTime": None,
            "lastTransitionTime": now.started_at or None,
        }
        for kind, holds in (
            ("Initialized", True), ("Ready", now.ready), ("ContainersReady", now.ready), ("PodScheduled", True),
        )
    ]  # fmt: skip
    status: Object = {
        "phase": "Running" if started else "Pending",
        "conditions": conditions,
        "hostIP": host,
        "qosClass": "BestEffort",
        "containerStatuses": [
            {
                "name": one.workload.name,
                "image": _image(one),
                "imageID": f"kodkod-lab://{one.workload.image}",
                "containerID": f"kodkod-lab://{one.key}",
                "ready": now.ready,
                "started": now.ready,
                "restartCount": now.restarts,
                "state": _container_state(now),
                "lastState": {},
            }
        ],
    }
    if started:
        status |= {"startTime": now.started_at, "podIP": now.address, "podIPs": [{"ip": now.address}]}
    return status


def _container_state(now: PodState) -> Object:
    if now.ready:
        return {"running": {"startedAt": now.started_at}}
    return {"waiting": {"reason": "CrashLoopBackOff" if now.restarts else "ContainerCreating"}}


def _image(one: Pod) -> str:
    return f"kodkod.dev/lab/{one.workload.image}:host"
