"""How do the lab's objects get into the API, and out of it? Writes what differs, and nothing else.

The lab outlives restarts of the server: what cannot be written now is written later, and an object that somebody
removed comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kodkod.lab import objects, telemetry
from kodkod.resources import kinds
from kodkod.resources.kinds import Kind
from kodkod.store import MERGE, Resources
from kodkod.store.errors import AlreadyExists, NotFound, StoreError

FIELD_MANAGER = "kodkod-lab"
KINDS: dict[str, Kind] = {"Namespace": kinds.NAMESPACE, "Pod": kinds.POD, "Service": kinds.SERVICE}


async def publish(resources: Resources, wanted: Iterable[objects.Object]) -> None:
    """Bring the API to what is wanted, object by object. Raises StoreError."""
    for one in wanted:
        kind = KINDS[one["kind"]]
        metadata = one["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace")
        present = await _present(resources, kind, name, namespace)
        if present is None:
            present = await _created(resources, kind, one)
        main = {key: one[key] for key in ("metadata", "spec") if key in one}
        if kind is kinds.POD:
            main.pop("spec")  # a pod's spec is decided at its birth
        if not covers(present, main):
            await resources.patch(kind, name, main, namespace, how=MERGE, field_manager=FIELD_MANAGER)
        if not covers(present.get("status") or {}, one["status"]):
            body = {"status": one["status"]}
            await resources.patch(
                kind, name, body, namespace, how=MERGE, subresource="status", field_manager=FIELD_MANAGER
            )


async def withdraw(resources: Resources, *, keep: Iterable[tuple[str, str, str]] = ()) -> None:
    """Remove the pods and Services of a lab, but not the ones to keep (kind, namespace, name). Namespaces stay: what
    users made in them is theirs. Raises StoreError."""
    kept = set(keep)
    for word in ("Pod", "Service"):
        kind = KINDS[word]
        for one in (await resources.list(kind, label_selector=objects.LAB_LABEL)).items:
            name, namespace = one["metadata"]["name"], one["metadata"]["namespace"]
            if (word, namespace, name) not in kept:
                try:
                    await resources.delete(kind, name, namespace)
                except NotFound:
                    pass


def covers(present: Any, wanted: Any) -> bool:
    """Whether everything wanted is there already; what others added does not count."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(covers(present.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(present, list) and len(present) == len(wanted) and all(map(covers, present, wanted))
    return bool(present == wanted)


async def node_name(resources: Resources, fallback: str) -> str:
    """The node that the pods are on: the only one there is, as the agent calls it. Raises StoreError."""
    nodes = (await resources.list(kinds.NODE)).items
    return str(nodes[0]["metadata"]["name"]) if len(nodes) == 1 else fallback


async def _present(resources: Resources, kind: Kind, name: str, namespace: str | None) -> objects.Object | None:
    try:
        return await resources.get(kind, name, namespace)
    except NotFound:
        return None


async def _created(resources: Resources, kind: Kind, one: objects.Object) -> objects.Object:
    metadata = one["metadata"]
    try:
        return await resources.create(kind, one, metadata.get("namespace"), field_manager=FIELD_MANAGER)
    except AlreadyExists:
        return await resources.get(kind, metadata["name"], metadata.get("namespace"))


def kubeconfig_file(data: Path) -> Path:
    return data / "run" / "lab.kubeconfig"


async def keep_published(resources: Resources, wanted: Any, changed: asyncio.Event, told: Any) -> None:
    """Publish now, on every change, and every few seconds, until cancelled.

    wanted: gives the objects as they are to be now. told: called after each success.
    """
    while True:
        changed.clear()
        try:
            await publish(resources, wanted())
            told()
            pause_s = AGAIN_S
        except StoreError as away:
            pause_s = RETRY_S
            telemetry.server_away(away, pause_s)
        try:
            async with asyncio.timeout(pause_s):
                await changed.wait()
        except TimeoutError:
            pass


AGAIN_S = 15.0
RETRY_S = 1.0
