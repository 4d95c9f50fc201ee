"""Who is at the other end? An agent knows the pods of its own node alone; the server, which sees all, adds their names.

A record that an agent could only call private or public gets the names of the pod that has, or had a moment ago, its
address. What an agent did name is left as it is: it stood nearer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.clock import Clock
from kodkod.endpoints.parties import UNKNOWN
from kodkod.resources import Object
from kodkod.store.informer import Informer

Record = dict[str, Any]

REMEMBERED_S = 600.0
"""Records of a pod that is gone still arrive: flows are flushed late, and an agent may have been cut off."""
REMEMBERED_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Named:
    """A pod as records name it. gone_s: when it went, on the monotonic clock; None while it is there."""

    uid: str
    name: str
    name_aggr: str
    namespace: str
    labels: tuple[str, ...]
    gone_s: float | None = None


class Names:
    """Pods by address, from an informer of all pods. `run` is its task."""

    def __init__(self, pods: Informer, clock: Clock) -> None:
        self._pods = pods
        self._clock = clock
        self._by_ip: dict[str, Named] = {}
        self._gone: OrderedDict[str, Named] = OrderedDict()

    async def run(self) -> None:
        async for change in self._pods.changes():
            if change.type == "DELETED":
                self._forget(change.object)
            else:
                self._learn(change.object)

    def of(self, ip: str) -> Named | None:
        found = self._by_ip.get(ip)
        if found is not None:
            return found
        gone = self._gone.get(ip)
        if gone is None or gone.gone_s is None or self._clock.monotonic_s() - gone.gone_s > REMEMBERED_S:
            return None
        return gone

    def complete(self, dataset: str, records: list[Record]) -> list[Record]:
        """The records with the names that were missing."""
        adds = {"flows": self._flow, "dns": self._lookup, "events": self._event}.get(dataset)
        return [adds(record) for record in records] if adds is not None else records

    def _flow(self, record: Record) -> Record:
        for side in ("source", "dest"):
            found = self.of(str(record.get(f"{side}_ip") or "")) if record.get(f"{side}_type") == "net" else None
            if found is not None:
                record |= {
                    f"{side}_type": "wep", f"{side}_name": found.name, f"{side}_name_aggr": found.name_aggr,
                    f"{side}_namespace": found.namespace, f"{side}_labels": {"labels": list(found.labels)},
                }  # fmt: skip
        return record

    def _lookup(self, record: Record) -> Record:
        found = self.of(str(record.get("client_ip") or "")) if is_unnamed(record.get("client_namespace")) else None
        if found is not None:
            record |= {
                "client_name": found.name, "client_name_aggr": found.name_aggr, "client_namespace": found.namespace,
                "client_labels": {"labels": list(found.labels)},
            }  # fmt: skip
        for server in record.get("servers") or []:
            known = is_unnamed(server.get("namespace")) and is_unnamed(server.get("name"))
            found = self.of(str(server.get("ip") or "")) if known else None
            if found is not None:
                server |= {
                    "name": found.name, "name_aggr": found.name_aggr, "namespace": found.namespace,
                    "labels": list(found.labels),
                }  # fmt: skip
        return record

    def _event(self, record: Record) -> Record:
        for side in ("source", "dest"):
            unnamed = is_unnamed(record.get(f"{side}_name")) and is_unnamed(record.get(f"{side}_namespace"))
            found = self.of(str(record.get(f"{side}_ip") or "")) if unnamed else None
            if found is not None:
                record |= {
                    f"{side}_name": found.name, f"{side}_name_aggr": found.name_aggr,
                    f"{side}_namespace": found.namespace,
                }  # fmt: skip
        return record

    def _learn(self, pod: Object) -> None:
        named = named_of(pod)
        if named is None:
            self._forget(pod)
            return
        for ip in addresses(pod):
            self._by_ip[ip] = named
            self._gone.pop(ip, None)

    def _forget(self, pod: Object) -> None:
        """The address may be a successor's already: it keeps it."""
        uid = pod["metadata"].get("uid", "")
        for ip in addresses(pod):
            known = self._by_ip.get(ip)
            if known is None or known.uid != uid:
                continue
            del self._by_ip[ip]
            self._gone[ip] = Named(
                uid, known.name, known.name_aggr, known.namespace, known.labels, self._clock.monotonic_s()
            )
            self._gone.move_to_end(ip)
            while len(self._gone) > REMEMBERED_MAX:
                self._gone.popitem(last=False)


def is_unnamed(value: object) -> bool:
    return value in (None, "", UNKNOWN)


def addresses(pod: Mapping[str, Any]) -> list[str]:
    status = pod.get("status") or {}
    listed = [entry.get("ip", "") for entry in status.get("podIPs") or []]
    return [ip for ip in (listed or [status.get("podIP", "")]) if ip]


def named_of(pod: Object) -> Named | None:
    """None for a pod in the host's network, or one that has ended: its address is somebody else's."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    if spec.get("hostNetwork") or (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
        return None
    labels = tuple(sorted(f"{key}={value}" for key, value in (metadata.get("labels") or {}).items()))
    prefix = metadata.get("generateName")
    return Named(
        metadata.get("uid", ""),
        metadata["name"],
        f"{prefix}*" if prefix else metadata["name"],
        metadata.get("namespace", ""),
        labels,
    )
