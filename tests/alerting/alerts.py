"""What do the labs apply? Specs of the published alerts, for the tests of this folder."""

from __future__ import annotations

from typing import Any

CRUD = "(verb=create OR verb=update OR verb=delete OR verb=patch)"


def alert(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "GlobalAlert",
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "spec": spec,
    }


def spec(**fields: Any) -> dict[str, Any]:
    common = {"description": "d", "severity": 100, "period": "1m", "lookback": "1m"}
    return {**common, **fields}


GLOBALNETWORKSET = spec(
    description="Alerts on any changes to global network sets",
    summary="[audit] [privileged access] change detected for ${objectRef.resource} ${objectRef.name}",
    dataSet="audit",
    query=f'{CRUD} AND "objectRef.resource"=globalnetworksets',
    aggregateBy=["objectRef.resource", "objectRef.name"],
    metric="count",
    condition="gt",
    threshold=0,
)
UNSANCTIONED_DNS = spec(
    description="Pod attempted to access google.com domain",
    summary="[dns] pod ${client_namespace}/${client_name_aggr} attempted to access '${qname}'",
    dataSet="dns",
    query='(qname = "www.google.com" OR qname = "google.com")',
    aggregateBy=["client_namespace", "client_name_aggr", "qname"],
    metric="count",
    condition="gt",
    threshold=0,
)
LATERAL_ACCESS = spec(
    summary="[flows] [lateral movement] ${source_namespace}/${source_name_aggr} has accessed "
    "${dest_namespace}/${dest_name_aggr} with label security=strict",
    dataSet="flows",
    query='("dest_labels.labels"="security=strict" AND "dest_namespace"="dev") AND "source_namespace"!="dev" AND '
    '"proto"="tcp" AND (("action"="allow" AND ("reporter"="dst" OR "reporter"="src")) OR ("action"="deny" AND '
    '"reporter"="src"))',
    aggregateBy=["source_namespace", "source_name_aggr", "dest_namespace", "dest_name_aggr"],
    field="num_flows",
    metric="sum",
    condition="gt",
    threshold=0,
)
EXAMPLE_FLOWS = spec(
    summary="Flows example ${count} > 100", dataSet="flows", metric="count", condition="gt", threshold=100
)
PROCESS_SET = spec(dataSet="flows", query='process_name IN {"python?", "*checkoutservice"}')
DOMAIN_SET = spec(
    dataSet="dns",
    query="qname NOTIN ${domains}",
    substitutions=[{"name": "domains", "values": ["*cluster.local", "?.mydomain.com"]}],
)
SUSPICIOUS_DNS = spec(
    lookback="5m",
    summary="[IoC] suspicious dns query from pod ${client_namespace}/${client_name_aggr} for '${qname}'",
    dataSet="dns",
    query="qname NOTIN ${domains} AND client_namespace IN ${namespaces}",
    aggregateBy=["client_namespace", "client_name_aggr", "qname"],
    substitutions=[
        {"name": "domains", "values": ["*cluster.local", "*ec2.internal", "*.in-addr.arpa", "localhost"]},
        {"name": "namespaces", "values": ["java-app"]},
    ],
)
SUSPICIOUS_PROCESS = spec(
    lookback="5m",
    dataSet="flows",
    query="process_name NOTIN ${process_names} AND source_namespace IN ${namespaces}",
    aggregateBy=["source_namespace", "source_name_aggr", "process_name", "process_args"],
    substitutions=[
        {"name": "namespaces", "values": ["java-app", "testing"]},
        {"name": "process_names", "values": ["-", "/metrics-server", "/apiserver"]},
    ],
)
WAF_LOG4J = spec(
    dataSet="waf",
    query='"rule_info" IN {"*1005*"}',
    aggregateBy=[
        "rule_info", "method", "path", "destination.hostname", "destination.ip", "source.hostname", "source.ip",
    ],
)  # fmt: skip
WAF_NEW = spec(severity=1, dataSet="waf", query='"rule_info" IN {"*942100*"}', condition="gt", threshold=0)
PORT_SCAN = spec(
    severity=50,
    period="1m0s",
    lookback="1h0m0s",
    summary="Port Scan detected from ${source_namespace}/${source_name_aggr} flows detected ${num_flows}",
    dataSet="flows",
    query='("dest_port" != 53 AND ("dest_namespace" = "kube-system" AND\n  "dest_labels.labels" = "k8s-app=kube-dns"))',
    aggregateBy=["source_namespace", "dest_name_aggr", "source_name_aggr", "dest_namespace", "num_flows"],
    field="num_flows",
    metric="sum",
    condition="gte",
    threshold=1,
)
HTTP_CONNECTIONS = spec(
    severity=50,
    dataSet="flows",
    query='dest_namespace="<desired namespace>" AND dest_port=80',
    aggregateBy=["source_namespace", "dest_name_aggr", "source_name_aggr"],
    field="count",
    metric="sum",
    condition="gte",
    threshold=1,
)
VULNERABILITY = spec(
    dataSet="vulnerability", query='result="Fail"', metric="count", condition="gt", threshold=1, period="10m"
)
ANOMALY = spec(type="AnomalyDetection", detector={"name": "port_scan"}, period="5m0s", lookback="5m0s")

PUBLISHED = {
    "policy.globalnetworkset": GLOBALNETWORKSET,
    "dns.unsanctioned.access": UNSANCTIONED_DNS,
    "network.lateral.access": LATERAL_ACCESS,
    "example-flows": EXAMPLE_FLOWS,
    "example-process-set-embedded": PROCESS_SET,
    "example-domain-set-variable": DOMAIN_SET,
    "dns.suspicious-dns-query": SUSPICIOUS_DNS,
    "flows.suspicious-connection-initiated-from-process": SUSPICIOUS_PROCESS,
    "waf.protect-log4j": WAF_LOG4J,
    "waf-new-alert-rule-info": WAF_NEW,
    "port.scan": PORT_SCAN,
    "http.connections": HTTP_CONNECTIONS,
    "example-3": VULNERABILITY,
    "tigera.io.detector.port-scan": ANOMALY,
}
