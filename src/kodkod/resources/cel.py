"""Which of our checks can a real API server do by itself? Those that CEL can say, with the words of the embedded API.

Each rule stands beside a check in `kinds/` and says the same; a test holds both to the same examples. Bounds that CEL's
cost estimate needs (`length_max`) are wider than anything the rule lets pass.
Source: Kubernetes, "Validation rules" of CustomResourceDefinitions; the CEL libraries of Kubernetes 1.30.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kodkod.resources import kinds
from kodkod.resources.findings import Reason
from kodkod.resources.kinds.kind import Kind
from kodkod.resources.kinds.operator import SINGLETON
from kodkod.resources.kinds.packet_capture import PROTOCOLS
from kodkod.resources.kinds.security_event_webhook import REQUIRED_CONFIG


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `x-kubernetes-validations`.

    path:       the schema node it stands at, `spec.filters[]`; "" for the whole object.
    says:       the message; `composes` instead gives a CEL expression that makes it.
    field:      where below the node the error is shown, `.ports`.
    length_max: bound of the text at this node, for the cost estimate; 0 leaves it open.
    """

    path: str
    rule: str
    says: str
    composes: str = ""
    field: str = ""
    reason: Reason = "FieldValueInvalid"
    length_max: int = 0

    def as_json(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"rule": self.rule, "message": self.says}
        if self.composes:
            entry["messageExpression"] = self.composes
        if self.field:
            entry["fieldPath"] = self.field
        if self.reason != "FieldValueInvalid":
            entry["reason"] = self.reason
        return entry


def filled(name: str) -> str:
    """A text field that is there and not empty."""
    return f"has(self.{name}) && self.{name} != ''"


WINDOW = Rule(
    "spec",
    "!has(self.startTime) || !has(self.endTime) || self.endTime > self.startTime",
    "endTime must be after startTime",
)

_NAMES = str(list(PROTOCOLS))
_NEAR = f"{_NAMES}.filter(name, name.lowerAscii() == string(self).lowerAscii())"

CAPTURE = (
    WINDOW,
    Rule(
        "spec.filters[]",
        "!has(self.ports) || size(self.ports) == 0 || !has(self.protocol)"
        " || !(string(self.protocol) in ['ICMP', 'ICMPv6', '1', '58'])",
        "this protocol has no ports",
        composes="'protocol ' + string(self.protocol) + ' has no ports'",
        field=".ports",
    ),
    Rule(
        "spec.filters[].protocol",
        "!string(self).matches('^-?[0-9]+$') || (size(string(self)) < 5 && int(self) >= 1 && int(self) <= 255)",
        "protocol number invalid, it must be between 1 and 255",
        length_max=32,
    ),
    Rule(
        "spec.filters[].protocol",
        f"string(self).matches('^-?[0-9]+$') || string(self) in {_NAMES}",
        f"protocol name invalid, use {', '.join(PROTOCOLS)}, or a number",
        composes=f"'protocol name invalid, ' + (size({_NEAR}) > 0 ? 'write ' + {_NEAR}[0]"
        f" : 'use {', '.join(PROTOCOLS)}, or a number')",
        length_max=32,
    ),
    Rule(
        "spec.filters[].ports[]",
        "!string(self).matches('^-?[0-9]+$') || (size(string(self)) < 7 && int(self) >= 1 && int(self) <= 65535)",
        "port range invalid, port number must be between 1 and 65535",
        length_max=32,
    ),
    Rule(
        "spec.filters[].ports[]",
        "string(self).matches('^-?[0-9]+$') || string(self).matches('^[0-9]{1,5}:[0-9]{1,5}$')",
        'named ports are not supported; use a number or a range "min:max"',
        composes="'named ports are not supported; use a number or a range \"min:max\"'"
        " + (string(self).contains('-') ? ', write \"' + string(self).replace('-', ':') + '\"' : '')",
        length_max=32,
    ),
    Rule(
        "spec.filters[].ports[]",
        "!string(self).matches('^[0-9]{1,5}:[0-9]{1,5}$') || (int(string(self).split(':')[0]) >= 1"
        " && int(string(self).split(':')[0]) <= int(string(self).split(':')[1])"
        " && int(string(self).split(':')[1]) <= 65535)",
        "port range invalid, port number must be between 1 and 65535 and min not above max",
        length_max=32,
    ),
)

_RULE_BASED = "(!has(self.type) || self.type in ['', 'RuleBased'])"

ALERT = (
    Rule("spec", f"!({filled('field')}) || ({filled('metric')})", "field without metric is invalid"),
    Rule(
        "spec",
        f"!has(self.metric) || self.metric != 'count' || !({filled('field')})",
        "count metric cannot be applied to a field",
    ),
    Rule(
        "spec",
        f"!({filled('metric')}) || self.metric == 'count' || ({filled('field')})",
        "non-count metrics require a field",
    ),
    Rule("spec", f"!({filled('metric')}) || ({filled('condition')})", "metrics require a condition"),
    Rule("spec", f"!{_RULE_BASED} || has(self.dataSet)", "dataSet is required for RuleBased alerts"),
    Rule("spec.period", "duration(self) >= duration('1m')", "must be at least one minute (1m)"),
    Rule("spec.lookback", "duration(self) >= duration('1m')", "must be at least one minute (1m)"),
    Rule(
        "spec.substitutions[]",
        "has(self.values) && size(self.values) > 0",
        "a substitution has no values",
        composes="'substitution ' + self.name + ' has no values'",
        field=".values",
    ),
)

FEED = (
    Rule(
        "spec",
        "!has(self.content) || self.content != 'DomainNameSet' || !has(self.globalNetworkSet)",
        "DomainNameSet does not support syncing with a GlobalNetworkSet",
    ),
    Rule("spec.pull.period", "duration(self) >= duration('5m')", "must be at least five minutes (5m)"),
    Rule(
        "spec.pull.http.format",
        "[has(self.newlineDelimited), has(self.json), has(self.csv)].filter(given, given).size() <= 1",
        "only one format type may be specified",
    ),
    Rule(
        "spec.pull.http.format.csv",
        "!has(self.fieldNum) || !has(self.fieldName)",
        "fieldNum and fieldName are mutually exclusive",
    ),
    Rule(
        "spec.pull.http.headers[]",
        "!has(self.value) || !has(self.valueFrom)",
        "value and valueFrom are mutually exclusive",
    ),
)


def webhook_rules() -> tuple[Rule, ...]:
    needs: dict[str, list[str]] = {}
    for consumer, names in REQUIRED_CONFIG.items():
        for name in names:
            needs.setdefault(name, []).append(consumer)
    return (
        *(
            Rule(
                "spec",
                f"!(self.consumer in {consumers}) || self.config.exists(entry, entry.name == '{name}')",
                f"this consumer needs {name}",
                composes=f"self.consumer + ' needs {name}'",
                field=".config",
                reason="FieldValueRequired",
            )
            for name, consumers in needs.items()
        ),
        Rule("spec.config[]", "!has(self.value) || !has(self.valueFrom)", "value and valueFrom are mutually exclusive"),
        Rule(
            "spec.config[].valueFrom",
            "has(self.configMapKeyRef) != has(self.secretKeyRef)",
            "exactly one of configMapKeyRef and secretKeyRef must be set",
        ),
    )


ENDPOINT = (Rule("spec.addresses[]", "isIP(self)", "must be an IP address", length_max=64),)

REPORT = (
    Rule(
        "",
        "self.metadata.name == self.spec.node + '-' + self.spec.role",
        "a report is named after its process, NODE-ROLE",
        composes="'the report of this process is named \"' + self.spec.node + '-' + self.spec.role + '\"'",
        field=".spec",
    ),
)

ALONE = (Rule("", f"self.metadata.name == '{SINGLETON}'", f'there is one object of this kind, named "{SINGLETON}"'),)

RULES: Mapping[Kind, tuple[Rule, ...]] = MappingProxyType(
    {
        kinds.PACKET_CAPTURE: CAPTURE,
        kinds.GLOBAL_ALERT: ALERT,
        kinds.GLOBAL_ALERT_TEMPLATE: ALERT,
        kinds.ALERT_EXCEPTION: (WINDOW,),
        kinds.SECURITY_EVENT_WEBHOOK: webhook_rules(),
        kinds.GLOBAL_THREAT_FEED: FEED,
        kinds.WORKLOAD_ENDPOINT: ENDPOINT,
        kinds.NODE_REPORT: REPORT,
        kinds.INTRUSION_DETECTION: ALONE,
        kinds.PACKET_CAPTURE_API: ALONE,
        kinds.APPLICATION_LAYER: ALONE,
    }
)
"""The rules of each kind; a kind that is not here has none that CEL can say."""
