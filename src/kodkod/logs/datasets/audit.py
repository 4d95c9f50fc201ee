"""Which fields has an audit record? The Event of `audit.k8s.io/v1` (alerts-and-logs 3.7, 4.5)."""

from __future__ import annotations

from kodkod.logs.datasets.dataset import Dataset
from kodkod.logs.datasets.fields import Field, FieldClass, words

_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
_OBJECT = words("resource namespace name uid apiGroup apiVersion resourceVersion subresource")

AUDIT = Dataset(
    name="audit",
    time="requestReceivedTimestamp",
    retention_days=91,
    index="tigera_secure_ee_audit",
    owners=("objectRef.namespace",),
    fields=(
        Field("auditID"),
        Field("level", FieldClass.ENUM, values=("None", "Metadata", "Request", "RequestResponse"), closed=True),
        Field(
            "stage",
            FieldClass.ENUM,
            values=("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
            closed=True,
        ),
        Field("verb", FieldClass.ENUM, values=_VERBS),
        Field("requestURI"),
        Field("user.username"),
        Field("user.uid"),
        Field("user.groups", many=True),
        Field("impersonatedUser.username"),
        Field("sourceIPs", FieldClass.IP, many=True),
        Field("userAgent"),
        *(Field(f"objectRef.{part}") for part in _OBJECT),
        Field("responseStatus.status"),
        Field("responseStatus.code", FieldClass.NUMBER),
        Field("responseStatus.reason"),
        Field("responseStatus.message"),
        Field("requestReceivedTimestamp", FieldClass.DATE),
        Field("stageTimestamp", FieldClass.DATE),
        Field("name"),
    ),
    open_parts=("annotations", "requestObject", "responseObject"),
)
