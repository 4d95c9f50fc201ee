"""How do a workload's pods come to be what the nodes report? Made, kept to their status, and removed again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from kodkod.resources import Object, kinds
from kodkod.resources.process_pods import Workload
from kodkod.store.errors import AlreadyExists, NotFound
from kodkod.store.informer import Key
from kodkod.store.protocol import Resources


async def show(
    resources: Resources, workload: Workload, present: Mapping[Key, Object], wanted: Mapping[str, Object]
) -> None:
    """Bring the pods of a workload in line; writes only what differs.

    present: pods of its namespace by key, shared; those of others are left alone. wanted: complete pods by name.
    """
    for (namespace, name), known in list(present.items()):
        is_ours = (known["metadata"].get("labels") or {}) == workload.labels
        if namespace == workload.namespace and is_ours and name not in wanted:
            with contextlib.suppress(NotFound):
                await resources.delete(kinds.POD, name, namespace)
    for name, shown in wanted.items():
        found = present.get((workload.namespace, name))
        if found is None:
            with contextlib.suppress(AlreadyExists):
                await resources.create(kinds.POD, shown, field_manager="kodkod")
        if found is None or found.get("status") != shown["status"]:
            await resources.patch(
                kinds.POD,
                name,
                {"status": shown["status"]},
                workload.namespace,
                subresource="status",
                field_manager="kodkod",
            )
