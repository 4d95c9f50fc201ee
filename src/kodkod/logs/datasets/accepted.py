"""Which data sets may a manifest name although nothing here writes them yet? l7, waf, vulnerability.

Alerts on them load, validate and run on nothing (alerts-and-logs 4.4, 4.6; design 7).
"""

from __future__ import annotations

from types import MappingProxyType

from kodkod.logs.datasets.dataset import Dataset
from kodkod.logs.datasets.fields import Field, FieldClass, words

_L7_NAMES = words(
    "host src_name_aggr src_namespace src_type dest_name_aggr dest_namespace dest_type dest_service_name "
    "dest_service_namespace url method user_agent type protocol protocol_version collector_type collector_name "
    "tls_sni tls_version tls_cipher_suite gateway_name gateway_namespace"
)
_WAF_NAMES = words(
    "host method msg path protocol rule_info source.hostname destination.hostname gateway_name gateway_namespace"
)

L7 = Dataset(
    name="l7",
    time="end_time",
    retention_days=1,
    index="tigera_secure_ee_l7",
    owners=("src_namespace", "dest_namespace"),
    has_data=False,
    fields=(
        Field("start_time", FieldClass.DATE),
        Field("end_time", FieldClass.DATE),
        *(Field(name, FieldClass.NUMBER) for name in words("bytes_in bytes_out duration_mean duration_max count")),
        Field("dest_service_port", FieldClass.NUMBER),
        Field("response_code", FieldClass.NUMBER_TEXT),
        *(Field(name) for name in _L7_NAMES),
    ),
    aliases=MappingProxyType(
        {f"source_{part}": (f"src_{part}",) for part in ("name_aggr", "namespace", "type")},
    ),
)

WAF = Dataset(
    name="waf",
    time="@timestamp",
    retention_days=8,
    index="tigera_secure_ee_waf",
    owners=("gateway_namespace",),
    has_data=False,
    fields=(
        Field("@timestamp", FieldClass.DATE),
        *(Field(name) for name in _WAF_NAMES),
        Field("source.ip", FieldClass.IP),
        Field("source.port_num", FieldClass.NUMBER),
        Field("destination.ip", FieldClass.IP),
        Field("destination.port_num", FieldClass.NUMBER),
        Field("rules.id", many=True),
        Field("rules.message", many=True),
    ),
)

VULNERABILITY = Dataset(
    name="vulnerability",
    time="time",
    retention_days=8,
    index="tigera_secure_ee_vulnerability",
    owners=("namespace",),
    has_data=False,
    fields=(
        Field("time", FieldClass.DATE),
        *(Field(name) for name in words("registry repository result namespace")),
        Field("max_cvss_score", FieldClass.NUMBER),
    ),
)
