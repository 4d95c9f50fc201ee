"""Who starts the inspectors? A DaemonSet that is there while any DeepPacketInspection exists, made from the template
that whoever installed us left in a ConfigMap.

IntrusionDetection `tigera-secure` bounds it: the resources of its component, and an init container `snort-rules` that
brings rules. What the template says and these do not is left as it is.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml

from kodkod.clock import Clock
from kodkod.resources import Object, kinds
from kodkod.resources.kinds.operator import DEFAULT_RESOURCES, SINGLETON
from kodkod.resources.process_pods import INSPECTOR
from kodkod.server.cluster import telemetry
from kodkod.server.cluster.foreign import DAEMON_SET
from kodkod.store import APPLY, Resources, events
from kodkod.store.errors import NotFound, StoreError
from kodkod.store.informer import Informer, settle

TEMPLATE, TEMPLATE_KEY = "kodkod-inspector", "daemonset.yaml"
COMPONENT = "DeepPacketInspection"
INIT_CONTAINER = "snort-rules"
RULES_MOUNT = "/usr/etc/snort/rules"
MANAGER = "kodkod-server"
LOOK_S = 30.0
LINGER = timedelta(seconds=10)
"""An inspection that is replaced (deleted, made again) does not restart every inspector."""


class BadTemplate(ValueError):
    """The installer's move; the message says what is wrong."""


def daemon_set(template: str, detection: Object | None) -> Object:
    """The DaemonSet as it should be. Raises BadTemplate."""
    made = read(template)
    pod = made["spec"]["template"]["spec"]
    container = pod["containers"][0]
    container["resources"] = resources_of(detection)
    wanted = init_containers(detection)
    if wanted:
        mount = next((one for one in container.get("volumeMounts") or [] if one.get("mountPath") == RULES_MOUNT), None)
        for one in wanted:
            one.setdefault("volumeMounts", [{"name": mount["name"], "mountPath": RULES_MOUNT}] if mount else [])
        pod["initContainers"] = [*(pod.get("initContainers") or []), *wanted]
    return made


def read(template: str) -> Object:
    try:
        made = yaml.safe_load(template)
        container = made["spec"]["template"]["spec"]["containers"][0]["name"]
    except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise BadTemplate(f"{TEMPLATE_KEY} is no DaemonSet: {error}") from error
    name, namespace = made["metadata"].get("name"), made["metadata"].get("namespace")
    if (made.get("kind"), name, namespace) != ("DaemonSet", INSPECTOR.name, INSPECTOR.namespace):
        raise BadTemplate(f"{TEMPLATE_KEY} must be DaemonSet {INSPECTOR.namespace}/{INSPECTOR.name}, not {container}")
    found: Object = made
    return found


def resources_of(detection: Object | None) -> dict[str, Any]:
    """The bounds of the component; what its author left out is the default."""
    components = ((detection or {}).get("spec") or {}).get("componentResources") or []
    asked: Mapping[str, Any] = next((one for one in components if one.get("componentName") == COMPONENT), {})
    bounds = asked.get("resourceRequirements") or {}
    return {name: {**values, **(bounds.get(name) or {})} for name, values in DEFAULT_RESOURCES.items()}


def init_containers(detection: Object | None) -> list[dict[str, Any]]:
    """`snort-rules`, if it is asked for; others are not taken, since they would run on every node."""
    spec: Any = ((detection or {}).get("spec") or {}).get("deepPacketInspectionDaemonset") or {}
    for name in ("spec", "template", "spec"):
        spec = spec.get(name) or {} if isinstance(spec, Mapping) else {}
    listed = spec.get("initContainers") or [] if isinstance(spec, Mapping) else []
    kept = ("name", "image", "imagePullPolicy", "resources", "command", "args")
    return [
        {key: copy.deepcopy(one[key]) for key in kept if key in one}
        for one in listed
        if isinstance(one, Mapping) and one.get("name") == INIT_CONTAINER and one.get("image")
    ]


class Inspectors:
    """Runs where the Lease is held. `run` is its task."""

    def __init__(self, resources: Resources, namespace: str, clock: Clock) -> None:
        self._resources = resources
        self._clock = clock
        self._namespace = namespace
        self._inspections = Informer(resources, kinds.DEEP_PACKET_INSPECTION)
        self._detections = Informer(resources, kinds.INTRUSION_DETECTION)
        self._templates = Informer(
            resources, kinds.CONFIG_MAP, namespace, field_selector=f"metadata.name={TEMPLATE}"
        )  # fmt: skip
        self._present = Informer(
            resources, DAEMON_SET, INSPECTOR.namespace, field_selector=f"metadata.name={INSPECTOR.name}"
        )  # fmt: skip
        self._applied = ""
        self._unneeded_since_s: float | None = None

    async def run(self) -> None:
        informers = (self._inspections, self._detections, self._templates, self._present)
        await settle(informers, self._try, self._wait_s)

    async def _try(self) -> None:
        try:
            await self._settle()
        except (StoreError, BadTemplate) as error:
            telemetry.not_published("DaemonSet tigera-dpi", str(error))

    def _wait_s(self) -> float:
        return LOOK_S if self._unneeded_since_s is None else LINGER.total_seconds() / 4

    async def _settle(self) -> None:
        is_there = bool(self._present.items)
        if self._inspections.items:
            self._unneeded_since_s = None
            await self._apply(is_there)
        elif is_there:
            now_s = self._clock.monotonic_s()
            if self._unneeded_since_s is None:
                self._unneeded_since_s = now_s
            if now_s - self._unneeded_since_s >= LINGER.total_seconds():
                await self._remove()

    async def _apply(self, is_there: bool) -> None:
        template = self._templates.items.get((self._namespace, TEMPLATE))
        text = ((template or {}).get("data") or {}).get(TEMPLATE_KEY, "")
        if not text:
            raise BadTemplate(f"ConfigMap {self._namespace}/{TEMPLATE} has no {TEMPLATE_KEY}")
        wanted = daemon_set(text, self._detections.items.get(("", SINGLETON)))
        digest = hashlib.sha256(yaml.safe_dump(wanted).encode()).hexdigest()
        if is_there and digest == self._applied:
            return
        await self._resources.patch(
            DAEMON_SET, INSPECTOR.name, wanted, INSPECTOR.namespace, how=APPLY, field_manager=MANAGER, force=True
        )
        if not is_there:
            await self._tell("InspectorsStarted", "inspectors start on the nodes: DaemonSet tigera-dpi/tigera-dpi")
        self._applied = digest

    async def _remove(self) -> None:
        try:
            await self._resources.delete(DAEMON_SET, INSPECTOR.name, INSPECTOR.namespace)
        except NotFound:
            return
        self._applied = ""
        self._unneeded_since_s = None

    async def _tell(self, reason: str, message: str) -> None:
        detection = self._detections.items.get(("", SINGLETON))
        if detection is not None:
            await events.record(self._resources, detection, events.News(reason, message), now=self._clock.now())
