"""Which fields has a flow record? One per flow, reporter and flush interval (alerts-and-logs 3.7, 4.2)."""

from __future__ import annotations

from types import MappingProxyType

from kodkod.logs.datasets.dataset import Dataset
from kodkod.logs.datasets.fields import Field, FieldClass, words

_ENDPOINT_TYPES = ("wep", "hep", "ns", "net")
_PROTOCOLS = ("tcp", "udp", "icmp", "icmp6", "sctp", "ipip", "esp")
_COUNTERS = words(
    "bytes_in bytes_out packets_in packets_out num_flows num_flows_started num_flows_completed "
    "http_requests_allowed_in http_requests_denied_in num_process_names num_process_ids num_process_args "
    "num_original_source_ips dest_service_port_num source_port dest_port "
    "tcp_mean_send_congestion_window tcp_min_send_congestion_window tcp_mean_smooth_rtt tcp_max_smooth_rtt "
    "tcp_mean_min_rtt tcp_max_min_rtt tcp_mean_mss tcp_min_mss tcp_total_retransmissions tcp_lost_packets "
    "tcp_unrecovered_to"
)
_NAMES = words(
    "source_name source_name_aggr source_namespace dest_name dest_name_aggr dest_namespace "
    "dest_service_name dest_service_namespace dest_service_port process_name process_id host community_id"
)
_POLICIES = tuple(f"policies.{part}_policies" for part in ("enforced", "pending", "all", "transit"))

FLOWS = Dataset(
    name="flows",
    time="end_time",
    retention_days=8,
    index="tigera_secure_ee_flows",
    owners=("source_namespace", "dest_namespace"),
    fields=(
        Field("start_time", FieldClass.DATE),
        Field("end_time", FieldClass.DATE),
        Field("action", FieldClass.ENUM, values=("allow", "deny"), closed=True),
        Field("reporter", FieldClass.ENUM, values=("src", "dst", "fwd"), closed=True),
        Field("proto", FieldClass.ENUM, values=_PROTOCOLS, doc="or the protocol's number"),
        Field("source_ip", FieldClass.IP),
        Field("dest_ip", FieldClass.IP),
        Field("source_type", FieldClass.ENUM, values=_ENDPOINT_TYPES, closed=True),
        Field("dest_type", FieldClass.ENUM, values=_ENDPOINT_TYPES, closed=True),
        Field("source_labels.labels", FieldClass.LABELS, many=True),
        Field("dest_labels.labels", FieldClass.LABELS, many=True),
        Field("dest_domains", FieldClass.DOMAIN, many=True),
        Field("process_args", many=True),
        Field("original_source_ips", FieldClass.IP, many=True),
        Field("nat_outgoing_ports", FieldClass.NUMBER, many=True),
        *(Field(name, many=True) for name in _POLICIES),
        *(Field(name) for name in _NAMES),
        *(Field(name, FieldClass.NUMBER) for name in _COUNTERS),
    ),
    aliases=MappingProxyType(
        {
            "source_labels": ("source_labels.labels",),
            "dest_labels": ("dest_labels.labels",),
            "policies": _POLICIES,
        }
    ),
)
