"""How does a flow or a DNS exchange read in the logs? Engine facts in, records of data sets `flows` and `dns` out.

Each fact was seen at one endpoint, which is the reporter: the client's end writes `src`, the server's end `dst`, so a
connection between two pods normally gives two records. Counters in and out are the reporting endpoint's view. Pure:
names come from a `Parties`, times from the facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kodkod.endpoints import Endpoint
from kodkod.endpoints.parties import UNKNOWN, Parties, Party

if TYPE_CHECKING:
    from kodkod._core import Dns, Flow

PROTOCOL_NAMES = {1: "icmp", 4: "ipip", 6: "tcp", 17: "udp", 50: "esp", 58: "icmp6", 132: "sctp"}

# Spec 4.2.3: 1 drops the source port, 2 addresses and pod names, 3 the destination port.
ALLOWED_LEVEL = 1

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """The flush interval that records belong to, unix seconds."""

    start: int
    end: int


def flow_records(
    flows: Iterable[tuple[Endpoint, Flow]],
    parties: Parties,
    *,
    host: str,
    interval: Interval,
    level: int = ALLOWED_LEVEL,
) -> list[Record]:
    """One record a reporter and aggregation key, flows of the same key folded into it. Each has its endpoint."""
    folded: dict[tuple[object, ...], Record] = {}
    flow_ids: dict[tuple[object, ...], set[int]] = {}
    for endpoint, flow in flows:
        for record in _sides(flow, endpoint, parties, host, interval, level):
            key = tuple(record[name] for name in _KEY)
            ids = flow_ids.setdefault(key, set())
            is_new = flow["flow_id"] not in ids
            ids.add(flow["flow_id"])
            if key in folded:
                _add(folded[key], record, is_new)
            else:
                folded[key] = record
    return list(folded.values())


def dns_records(
    exchanges: Iterable[tuple[Endpoint, Dns]],
    parties: Parties,
    *,
    host: str,
    interval: Interval,
) -> list[Record]:
    """One record a client, question, answer and server. Only the client's end writes: the server's would repeat it."""
    folded: dict[tuple[object, ...], Record] = {}
    for endpoint, exchange in exchanges:
        if exchange["client_ip"] not in (endpoint.ips or (exchange["client_ip"],)):
            continue
        record = _dns_record(exchange, parties, host, interval, endpoint.namespace)
        key = (
            record["client_ip"],
            record["qname"],
            record["qtype"],
            record["rcode"],
            str(record["rrsets"]),
            exchange["server_ip"],
        )
        if key in folded:
            _add_lookup(folded[key], exchange["latency_ns"])
        else:
            folded[key] = record
    for record in folded.values():
        total = record.pop("_latency_total")
        record["latency_mean"] = total // record["latency_count"] if record["latency_count"] else 0
    return list(folded.values())


_KEY = (
    "reporter", "proto", "action", "source_ip", "source_name", "source_name_aggr", "source_namespace", "source_type",
    "source_port", "dest_ip", "dest_name", "dest_name_aggr", "dest_namespace", "dest_type", "dest_port",
    "dest_service_name", "dest_service_namespace",
)  # fmt: skip
_COUNTERS = ("num_flows_started", "num_flows_completed", "bytes_in", "bytes_out", "packets_in", "packets_out")


def _sides(
    flow: Flow, endpoint: Endpoint, parties: Parties, host: str, interval: Interval, level: int
) -> Iterable[Record]:
    """The reports of one fact: the endpoint is client or server; a hairpin to itself is seen as both."""
    is_client, is_server = flow["client_ip"] in endpoint.ips, flow["server_ip"] in endpoint.ips
    if is_client or not is_server:  # an endpoint of unknown addresses reports as the side that opened the flow
        yield _flow_record(flow, "src", endpoint, parties, host, interval, level)
    if is_server:
        yield _flow_record(flow, "dst", endpoint, parties, host, interval, level)


def _flow_record(
    flow: Flow, reporter: str, endpoint: Endpoint, parties: Parties, host: str, interval: Interval, level: int
) -> Record:
    source = parties.of(flow["client_ip"], seen_from=endpoint.namespace)
    dest = parties.of(flow["server_ip"], seen_from=endpoint.namespace)
    protocol = PROTOCOL_NAMES.get(flow["proto"], str(flow["proto"]))
    service = parties.service(flow["server_ip"], flow["server_port"], protocol)
    outward, inward = ("to_server", "to_client") if reporter == "src" else ("to_client", "to_server")
    counters: Mapping[str, Any] = flow
    record: Record = {
        "start_time": interval.start,
        "end_time": interval.end,
        "@timestamp": interval.end * 1000,
        "host": host,
        "reporter": reporter,
        "action": "allow",
        "proto": protocol,
        **_end("source", source, flow["client_ip"], flow["client_port"], level, port_level=1),
        **_end("dest", dest, flow["server_ip"], flow["server_port"], level, port_level=3),
        "dest_service_name": service.name if service else UNKNOWN,
        "dest_service_namespace": service.namespace if service else UNKNOWN,
        "dest_service_port": service.port_name if service else UNKNOWN,
        "dest_service_port_num": service.port if service else None,
        "num_flows": 1,
        "num_flows_started": int(flow["started"]),
        "num_flows_completed": int(flow["ended"]),
        "bytes_in": counters[f"bytes_{inward}"],
        "bytes_out": counters[f"bytes_{outward}"],
        "packets_in": counters[f"packets_{inward}"],
        "packets_out": counters[f"packets_{outward}"],
    }
    if level == 0:
        record["community_id"] = flow["community_id"]
    return record


def _end(side: str, party: Party, ip: str, port: int | None, level: int, *, port_level: int) -> Record:
    return {
        f"{side}_ip": ip if level < 2 else None,
        f"{side}_port": port if level < port_level else None,
        f"{side}_name": party.name if level < 2 else UNKNOWN,
        f"{side}_name_aggr": party.name_aggr,
        f"{side}_namespace": party.namespace,
        f"{side}_type": party.type,
        f"{side}_labels": {"labels": list(party.labels)},
    }


def _add(record: Record, other: Record, is_new: bool) -> None:
    for name in _COUNTERS:
        record[name] += other[name]
    record["num_flows"] += int(is_new)
    for side in ("source_labels", "dest_labels"):
        common = set(other[side]["labels"])
        record[side]["labels"] = [label for label in record[side]["labels"] if label in common]


def _dns_record(exchange: Dns, parties: Parties, host: str, interval: Interval, namespace: str) -> Record:
    client = parties.of(exchange["client_ip"], seen_from=namespace)
    server = parties.of(exchange["server_ip"], seen_from=namespace)
    latency = exchange["latency_ns"]
    return {
        "start_time": interval.start,
        "end_time": interval.end,
        "@timestamp": interval.end * 1000,
        "type": "LOG",
        "host": host,
        "count": 1,
        "client_ip": exchange["client_ip"],
        "client_name": client.name,
        "client_name_aggr": client.name_aggr,
        "client_namespace": client.namespace,
        "client_labels": {"labels": list(client.labels)},
        "qname": exchange["qname"],
        "qtype": exchange["qtype"],
        "qclass": exchange["qclass"],
        "rcode": exchange["rcode"],
        "rrsets": [
            {"name": one["name"], "type": one["type"], "class": one["cls"], "rdata": one["rdata"]}
            for one in exchange["rrsets"]
        ],
        "servers": [
            {
                "ip": exchange["server_ip"],
                "name": server.name,
                "name_aggr": server.name_aggr,
                "namespace": server.namespace,
                "labels": list(server.labels),
            }
        ],
        "latency_count": int(latency is not None),
        "latency_max": latency or 0,
        "_latency_total": latency or 0,
    }


def _add_lookup(record: Record, latency_ns: int | None) -> None:
    record["count"] += 1
    if latency_ns is not None:
        record["latency_count"] += 1
        record["latency_max"] = max(record["latency_max"], latency_ns)
        record["_latency_total"] += latency_ns
