"""SecurityEventWebhook: who else should be told of which events?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid, required
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, Model

REQUIRED_CONFIG = {
    "Slack": ("url",),
    "Generic": ("url",),
    "Jira": ("url", "project", "issueType", "username", "apiToken"),
    "AlertManager": ("url",),
    "Alertmanager": ("url",),
}


class KeyReference(Model):
    """One key of a ConfigMap or Secret in namespace tigera-intrusion-detection."""

    name: str
    """Name of the object."""
    key: str
    """Key in it."""
    optional: bool | None = None
    """Whether it may be missing."""


class ValueSource(Model):
    """Where a value is kept."""

    config_map_key_ref: KeyReference | None = None
    """In a ConfigMap."""
    secret_key_ref: KeyReference | None = None
    """In a Secret."""


class ConfigEntry(Model):
    """One setting of the receiver."""

    name: str
    """Name of the setting, such as url."""
    value: str | None = None
    """Its value."""
    value_from: ValueSource | None = None
    """Where its value is kept; for what is secret."""


class SecurityEventWebhookSpec(Model):
    """Whom to tell, of what."""

    consumer: Literal["Slack", "Jira", "Generic", "AlertManager", "Alertmanager"]
    """Kind of receiver."""
    state: Literal["Enabled", "Disabled", "Debug", "Test"]
    """Whether deliveries are made. Debug writes them to the log instead; Test sends one sample, then goes on as
    Enabled."""
    query: Annotated[str, Field(max_length=16_384)]
    """Which events, in the query language, such as type = "global_alert"."""
    config: Annotated[list[ConfigEntry], Field(max_length=32, json_schema_extra=ATOMIC)]
    """Settings of the receiver: url, and for Jira project, issueType, username, apiToken."""


class SecurityEventWebhook(Model):
    """SecurityEventWebhook sends security events to Slack, Jira, Alertmanager or any HTTP receiver."""

    spec: SecurityEventWebhookSpec
    """Whom to tell, of what."""
    status: Conditions | None = None
    """Observed facts: Ready and Delivering."""


def check(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    entries = spec.get("config") or []
    for index, entry in enumerate(entries):
        where = f"spec.config[{index}]"
        if "value" in entry and "valueFrom" in entry:
            yield invalid(where, entry, "value and valueFrom are mutually exclusive")
        source = entry.get("valueFrom") or {}
        if "valueFrom" in entry and len(source) != 1:
            yield invalid(f"{where}.valueFrom", source, "exactly one of configMapKeyRef and secretKeyRef must be set")
    names = {entry["name"] for entry in entries}
    for name in REQUIRED_CONFIG[spec["consumer"]]:
        if name not in names:
            yield required("spec.config", f"{spec['consumer']} needs {name}")


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="SecurityEventWebhook", plural="securityeventwebhooks",
    singular="securityeventwebhook", namespaced=False, model=SecurityEventWebhook,
    description=str(SecurityEventWebhook.__doc__), check=check,
    columns=(
        Column("Consumer", ".spec.consumer", description="Kind of receiver."),
        Column("State", ".spec.state", description="Whether deliveries are made."),
        Column("Query", ".spec.query", priority=1, description="Which events."),
    ),
)  # fmt: skip
