"""Which fields has an event? (alerts-and-logs 3.7, 5.2)"""

from __future__ import annotations

from types import MappingProxyType

from kodkod.logs.datasets.dataset import Dataset
from kodkod.logs.datasets.fields import Field, FieldClass, words

_NAMES = words(
    "origin type name description host protocol attack_vector mitre_tactic fingerprint "
    "source_name source_name_aggr source_namespace dest_name dest_name_aggr dest_namespace"
)

EVENTS = Dataset(
    name="events",
    time="time",
    key="id",
    retention_days=91,
    index="tigera_secure_ee_events",
    owners=("source_namespace", "dest_namespace"),
    fields=(
        Field("id"),
        Field("time", FieldClass.DATE),
        Field("generated_time", FieldClass.DATE),
        *(Field(name) for name in _NAMES),
        Field("severity", FieldClass.NUMBER, doc="0 to 100"),
        Field("severity_label", FieldClass.ENUM, values=("Critical", "High", "Medium", "Low"), closed=True),
        Field("source_ip", FieldClass.IP),
        Field("dest_ip", FieldClass.IP),
        Field("source_port", FieldClass.NUMBER),
        Field("dest_port", FieldClass.NUMBER),
        Field("mitre_ids", many=True),
        Field("mitigations", many=True),
        Field("dismissed", FieldClass.ENUM, values=("true", "false"), closed=True),
    ),
    aliases=MappingProxyType({"_id": ("id",), "alert": ("origin",)}),
    open_parts=("record", "geo_info"),
)
