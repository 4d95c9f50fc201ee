"""How do rules get into a cluster? Into ConfigMaps of namespace tigera-dpi, which every inspector mounts.

The kubelet brings them to the nodes within a minute or two, and the inspectors load them without a restart.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kodkod.inspection import rule_maps
from kodkod.inspection.rulesets import Ruleset
from kodkod.resources import Object, kinds
from kodkod.store.errors import NotFound, StoreError
from kodkod.store.remote import RemoteResources

LABELS = {"app.kubernetes.io/name": "kodkod", "app.kubernetes.io/component": "rules"}


async def install(kubeconfig: Path, name: str, ruleset: Mapping[str, Any], texts: Mapping[str, bytes]) -> list[str]:
    """Put a set in place of one of its name. Returns the ConfigMaps that hold rules now.

    Raises KubeconfigError, MapsFull (nothing has changed then), StoreError.
    """
    async with RemoteResources.from_kubeconfig(kubeconfig) as resources:
        present = await maps(resources)
        held = {key: value for content in present.values() for key, value in content.items()}
        keys = rule_maps.packed(name, ruleset, texts)
        wanted = rule_maps.binned(rule_maps.replaced(held, name, keys))
        for map_name, content in wanted.items():
            if content != present.get(map_name, {}):
                await put(resources, map_name, content, exists=map_name in present)
        return [map_name for map_name, content in wanted.items() if content]


async def installed(kubeconfig: Path) -> list[Ruleset]:
    """The sets in the ConfigMaps, by name. Raises KubeconfigError, StoreError."""
    async with RemoteResources.from_kubeconfig(kubeconfig) as resources:
        present = await maps(resources)
    contents = [value for content in present.values() for value in content.values()]
    manifests = [manifest for value in contents if (manifest := rule_maps.manifest_of(value)) is not None]
    return sorted((Ruleset(**manifest["set"]) for manifest in manifests), key=lambda ruleset: ruleset.name)


async def maps(resources: RemoteResources) -> dict[str, dict[str, bytes]]:
    """Keys and values of each map that is there."""
    found = {}
    for name in rule_maps.map_names():
        try:
            found[name] = content_of(await resources.get(kinds.CONFIG_MAP, name, rule_maps.NAMESPACE))
        except NotFound:
            continue
    return found


def content_of(obj: Object) -> dict[str, bytes]:
    plain = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return {**plain, **{key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}}


async def put(resources: RemoteResources, name: str, content: Mapping[str, bytes], *, exists: bool) -> None:
    if not content:
        if exists:
            await resources.delete(kinds.CONFIG_MAP, name, rule_maps.NAMESPACE)
        return
    encoded = {key: base64.b64encode(value).decode() for key, value in content.items()}
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": rule_maps.NAMESPACE, "labels": LABELS},
        "binaryData": encoded,
    }
    if exists:
        await resources.update(kinds.CONFIG_MAP, body, field_manager="kodkod")
    else:
        await resources.create(kinds.CONFIG_MAP, body, rule_maps.NAMESPACE, field_manager="kodkod")


def hint(error: StoreError) -> str:
    """What may help."""
    if isinstance(error, NotFound):
        return f"namespace {rule_maps.NAMESPACE} is made by the chart: is Kodkod installed in this cluster?"
    return f"it takes the right to get, create and update configmaps in namespace {rule_maps.NAMESPACE}"
