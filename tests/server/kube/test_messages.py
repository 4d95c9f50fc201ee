"""Which words does a user read? Every message that the specification gives, as the composed server says it.

Tables: what is sent, and the causes of the 422 that comes back, word for word. The five messages of GlobalAlert, the
window's and the feeds' are those of the product's CRDs, byte for byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from kodkod.clock import SystemClock
from kodkod.server.app import ServerConfig, compose, create_app

V3 = "/apis/projectcalico.org/v3"
CAPTURES = f"{V3}/namespaces/default/packetcaptures"
OBJECT = 'Invalid value: "object": '


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """One server for all: nothing that is refused stays."""
    data = tmp_path_factory.mktemp("server")
    async with compose(ServerConfig(data, "127.0.0.1", 9443, "n1"), SystemClock()) as services:
        token = yaml.safe_load((data / "kubeconfig").read_text())["users"][0]["user"]["token"]
        transport = httpx.ASGITransport(create_app(services))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="https://server", headers=headers) as client:
            yield client


async def refused(admin: httpx.AsyncClient, path: str, kind: str, spec: Any) -> list[tuple[str, str, str]]:
    """Field, reason and message of each cause."""
    body = {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    answer = (await admin.post(path, json=body)).json()
    assert (answer.get("code"), answer.get("reason")) == (422, "Invalid"), answer
    assert answer["message"].startswith(f'{kind}.projectcalico.org "x" is invalid: ')
    causes = answer["details"]["causes"]
    assert all(f"{cause['field']}: {cause['message']}" in answer["message"] for cause in causes)
    return [(cause["field"], cause["reason"], cause["message"]) for cause in causes]


INVALID = "FieldValueInvalid"
NAMED = 'named ports are not supported; use a number or a range "min:max"'
PORT = "port range invalid, port number must be between 1 and 65535"
START, END = "2026-11-25T12:00:00Z", "2026-11-25T11:00:00Z"


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        # packet-capture-and-dpi.md 1.2, 1.4, 9: both orders of a window that cannot be.
        ({"startTime": START, "endTime": END}, "spec", OBJECT + "endTime must be after startTime"),
        ({"startTime": START, "endTime": START}, "spec", OBJECT + "endTime must be after startTime"),
        # 1.3
        ({"filters": [{"protocol": 0}]}, "spec.filters[0].protocol",
         "Invalid value: 0: protocol number invalid, it must be between 1 and 255"),
        ({"filters": [{"protocol": 256}]}, "spec.filters[0].protocol",
         "Invalid value: 256: protocol number invalid, it must be between 1 and 255"),
        ({"filters": [{"protocol": "tcp"}]}, "spec.filters[0].protocol",
         'Invalid value: "tcp": protocol name invalid, write TCP'),
        ({"filters": [{"protocol": "IGMP"}]}, "spec.filters[0].protocol",
         'Invalid value: "IGMP": protocol name invalid, use TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number'),
        ({"filters": [{}, {"ports": [0]}]}, "spec.filters[1].ports[0]", f"Invalid value: 0: {PORT}"),
        ({"filters": [{"ports": [80, 65536]}]}, "spec.filters[0].ports[1]", f"Invalid value: 65536: {PORT}"),
        ({"filters": [{"ports": ["6050:6040"]}]}, "spec.filters[0].ports[0]",
         f'Invalid value: "6050:6040": {PORT} and min not above max'),
        ({"filters": [{"ports": ["http"]}]}, "spec.filters[0].ports[0]", f'Invalid value: "http": {NAMED}'),
        ({"filters": [{"ports": ["80-90"]}]}, "spec.filters[0].ports[0]",
         f'Invalid value: "80-90": {NAMED}, write "80:90"'),
        ({"filters": [{"protocol": "ICMP", "ports": [80]}]}, "spec.filters[0].ports",
         'Invalid value: "array": protocol ICMP has no ports'),
        # 5
        ({"selector": "app = web"}, "spec.selector",
         "Invalid value: \"app = web\": a lone '=' means nothing, write '==' at offset 4"),
    ],
)  # fmt: skip
async def test_a_capture_is_refused_in_these_words(
    admin: httpx.AsyncClient, spec: dict[str, Any], field: str, message: str
) -> None:
    assert await refused(admin, CAPTURES, "PacketCapture", spec) == [(field, INVALID, message)]


ALERT = {"description": "d", "severity": 50, "dataSet": "flows"}


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        # alerts-and-logs.md 1.3, rules 1 to 5 and 10.2, byte for byte.
        ({"field": "num_flows"}, "spec", OBJECT + "field without metric is invalid"),
        ({"metric": "count", "field": "num_flows", "condition": "gt"}, "spec",
         OBJECT + "count metric cannot be applied to a field"),
        ({"metric": "sum", "condition": "gt"}, "spec", OBJECT + "non-count metrics require a field"),
        ({"metric": "count"}, "spec", OBJECT + "metrics require a condition"),
        # the further checks of 1.3
        ({"severity": 0}, "spec.severity",
         "Invalid value: 0: spec.severity in body should be greater than or equal to 1"),
        ({"severity": 101}, "spec.severity",
         "Invalid value: 101: spec.severity in body should be less than or equal to 100"),
        ({"period": "30s"}, "spec.period", 'Invalid value: "30s": must be at least one minute (1m)'),
        ({"lookback": "59s"}, "spec.lookback", 'Invalid value: "59s": must be at least one minute (1m)'),
        ({"query": "qname = a"}, "spec.query",
         'Invalid value: "qname = a": unknown field "qname" for data set flows at column 1'),
        ({"query": "dest_nam = a"}, "spec.query",
         'Invalid value: "dest_nam = a": unknown field "dest_nam" for data set flows at column 1 '
         '(hint: did you mean "dest_name", "dest_namespace", "dest_name_aggr"?)'),
        ({"query": "(action=allow"}, "spec.query",
         'Invalid value: "(action=allow": unbalanced bracket: ")" expected at column 14'),
        ({"query": "dest_namespace=kube-system"}, "spec.query",
         'Invalid value: "dest_namespace=kube-system": unexpected "-" after "kube" at column 20 '
         '(hint: quote it: "kube-system")'),
        ({"summary": "${qname}"}, "spec.summary",
         'Invalid value: "${qname}": unknown variable ${qname} at column 1; variables: none, as there is neither '
         "aggregateBy nor metric"),
        ({"metric": "sum", "field": "num_flows", "condition": "gt", "summary": "${count}"}, "spec.summary",
         'Invalid value: "${count}": unknown variable ${count} at column 1; variables: sum'),
        ({"description": "x ${"}, "spec.description",
         'Invalid value: "x ${": a variable that does not end at column 3'),
        ({"description": "${}"}, "spec.description", 'Invalid value: "${}": a variable without a name at column 1'),
        # 1.6
        ({"query": "dest_name IN ${x}", "substitutions": [{"name": "x", "values": []}]},
         "spec.substitutions[0].values", 'Invalid value: "array": substitution x has no values'),
        ({"query": "dest_name IN ${x}"}, "spec.query",
         'Invalid value: "dest_name IN ${x}": ${x} has no substitution of that name'),
    ],
)  # fmt: skip
async def test_an_alert_is_refused_in_these_words(
    admin: httpx.AsyncClient, change: dict[str, Any], field: str, message: str
) -> None:
    spec = {name: value for name, value in {**ALERT, **change}.items() if value is not None}
    for path, kind in (("globalalerts", "GlobalAlert"), ("globalalerttemplates", "GlobalAlertTemplate")):
        assert await refused(admin, f"{V3}/{path}", kind, spec) == [(field, INVALID, message)]


async def test_an_alert_without_a_data_set_is_refused_in_the_words_of_both(admin: httpx.AsyncClient) -> None:
    """The rule of the product's CRD, byte for byte, and what a schema would say."""
    causes = await refused(admin, f"{V3}/globalalerts", "GlobalAlert", {"description": "d", "severity": 50})
    assert causes == [
        ("spec", INVALID, OBJECT + "dataSet is required for RuleBased alerts"),
        ("spec.dataSet", "FieldValueRequired", "Required value"),
    ]


@pytest.mark.parametrize(
    ("change", "field", "reason", "message"),
    [
        ({"severity": None}, "spec.severity", "FieldValueRequired", "Required value"),
        ({"description": None}, "spec.description", "FieldValueRequired", "Required value"),
        ({"severity": "high"}, "spec.severity", "FieldValueTypeInvalid",
         'Invalid value: "string": spec.severity in body must be of type integer: "string"'),
        ({"metric": "median"}, "spec.metric", "FieldValueNotSupported",
         'Unsupported value: "median": supported values: "avg", "max", "min", "sum", "count"'),
        ({"condition": "over"}, "spec.condition", "FieldValueNotSupported",
         'Unsupported value: "over": supported values: "eq", "not_eq", "gt", "gte", "lt", "lte"'),
        ({"dataSet": "bgp"}, "spec.dataSet", "FieldValueNotSupported",
         'Unsupported value: "bgp": supported values: "flows", "dns", "audit", "l7", "waf", "vulnerability"'),
        ({"field": "x" * 257}, "spec.field", "FieldValueTooLong", "Too long: may not be longer than 256"),
        ({"query": "dest_name IN ${x}", "substitutions": [{"name": "x", "values": ["a"]}] * 2},
         "spec.substitutions[1].name", "FieldValueDuplicate", 'Duplicate value: "x"'),
    ],
)  # fmt: skip
async def test_schemas_speak_as_kubernetes_does(
    admin: httpx.AsyncClient, change: dict[str, Any], field: str, reason: str, message: str
) -> None:
    spec = {name: value for name, value in {**ALERT, **change}.items() if value is not None}
    assert await refused(admin, f"{V3}/globalalerts", "GlobalAlert", spec) == [(field, reason, message)]


CSV = {"fieldNum": 1, "fieldName": "ip"}


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        # alerts-and-logs.md 5.6
        ({"content": "DomainNameSet", "globalNetworkSet": {}}, "spec",
         OBJECT + "DomainNameSet does not support syncing with a GlobalNetworkSet"),
        ({"pull": {"http": {"url": "https://a.example/x", "format": {"json": {"path": "$.x"}, "csv": {}}}}},
         "spec.pull.http.format", OBJECT + "only one format type may be specified"),
        ({"pull": {"http": {"url": "https://a.example/x", "format": {"csv": CSV}}}},
         "spec.pull.http.format.csv", OBJECT + "fieldNum and fieldName are mutually exclusive"),
        ({"pull": {"http": {"url": "https://a.example/x", "headers": [{"name": "a", "value": "b", "valueFrom": {}}]}}},
         "spec.pull.http.headers[0]", OBJECT + "value and valueFrom are mutually exclusive"),
        ({"pull": {"http": {"url": "ftp://a.example/x"}}}, "spec.pull.http.url",
         "Invalid value: \"ftp://a.example/x\": spec.pull.http.url in body should match '^https?://'"),
        ({"pull": {"period": "4m", "http": {"url": "https://a.example/x"}}}, "spec.pull.period",
         'Invalid value: "4m": must be at least five minutes (5m)'),
    ],
)  # fmt: skip
async def test_a_feed_is_refused_in_these_words(
    admin: httpx.AsyncClient, spec: dict[str, Any], field: str, message: str
) -> None:
    assert await refused(admin, f"{V3}/globalthreatfeeds", "GlobalThreatFeed", spec) == [(field, INVALID, message)]


def capture(**metadata: Any) -> dict[str, Any]:
    head = {"apiVersion": "projectcalico.org/v3", "kind": "PacketCapture"}
    return {**head, "metadata": {"name": "c", **metadata}, "spec": {}}


async def status_of(answer: httpx.Response) -> tuple[int, str, str]:
    told = answer.json()
    assert (told["kind"], told["apiVersion"], told["status"]) == ("Status", "v1", "Failure")
    assert told["code"] == answer.status_code
    return answer.status_code, told["reason"], told["message"]


PCAP = 'packetcaptures.projectcalico.org "c"'


async def test_requests_are_refused_in_the_words_of_kubernetes(admin: httpx.AsyncClient) -> None:
    """kube-api.md 4: what kubectl and controllers read, compared whole."""

    async def said(method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str, str]:
        return await status_of(await admin.request(method, path, json=body, **more))

    here = f"{CAPTURES}/c"
    assert await said("GET", here) == (404, "NotFound", f"{PCAP} not found")
    made = (await admin.post(CAPTURES, json=capture())).json()
    assert await said("POST", CAPTURES, capture()) == (409, "AlreadyExists", f"{PCAP} already exists")
    assert await said("PUT", here, capture()) == (
        422, "Invalid",
        'PacketCapture.projectcalico.org "c" is invalid: '
        "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
    )  # fmt: skip
    assert await said("PUT", here, capture(resourceVersion="1")) == (
        409, "Conflict",
        f"Operation cannot be fulfilled on {PCAP}: the object has been modified; please apply your changes to the "
        "latest version and try again",
    )  # fmt: skip
    assert await said("DELETE", here, {"preconditions": {"uid": "other"}}) == (
        409, "Conflict",
        f"Operation cannot be fulfilled on {PCAP}: Precondition failed: UID in precondition: other, "
        f"UID in object meta: {made['metadata']['uid']}",
    )  # fmt: skip
    assert await said("POST", f"{V3}/namespaces/gone/packetcaptures", capture()) == (
        404, "NotFound", 'namespaces "gone" not found',
    )  # fmt: skip
    assert await said("POST", CAPTURES, capture(namespace="other")) == (
        400, "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request (other != default)",
    )  # fmt: skip
    code, _, text = await said("POST", CAPTURES, {**capture(), "metadata": {"name": "Not_A_Name"}})
    assert code == 422
    assert "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters" in text
    bad = {**capture(), "spec": {"selectr": "x"}}
    assert await said("POST", f"{CAPTURES}?fieldValidation=Strict", bad) == (
        400, "BadRequest",
        'PacketCapture in version "v3" cannot be handled as a PacketCapture: '
        'strict decoding error: unknown field "spec.selectr"',
    )  # fmt: skip
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    assert await said("PATCH", here, {}, headers=strategic) == (
        415, "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )  # fmt: skip
    assert await said("GET", f"{CAPTURES}?fieldSelector=spec.a%3Db") == (
        400, "BadRequest", "field label not supported: spec.a",
    )  # fmt: skip


async def test_unknown_fields_are_a_warning_unless_strict_or_ignored(admin: httpx.AsyncClient) -> None:
    bad = {**capture(name="dry"), "spec": {"selectr": "x"}}
    for validation, warning in (("Warn", '299 - "unknown field \\"spec.selectr\\""'), ("Ignore", None), ("", "299")):
        answer = await admin.post(f"{CAPTURES}?dryRun=All&fieldValidation={validation}", json=bad)
        assert answer.status_code == 201
        assert (answer.headers.get("warning") or "").startswith(warning or "")
        assert warning is not None or "warning" not in answer.headers


async def test_a_version_from_the_future_is_told_by_its_cause(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(CAPTURES, params={"resourceVersion": "999999"})
    code, reason, message = await status_of(answer)
    assert (code, reason) == (504, "Timeout")
    assert message.startswith("Too large resource version: 999999, current: ")
    assert [one["reason"] for one in answer.json()["details"]["causes"]] == ["ResourceVersionTooLarge"]


async def test_fields_of_two_managers_are_told_with_the_cure(admin: httpx.AsyncClient) -> None:
    apply = {"Content-Type": "application/apply-patch+yaml"}
    one, two = ({**capture(name="mine"), "spec": {"selector": text}} for text in ("a == 'b'", "c == 'd'"))
    path = f"{CAPTURES}/mine"
    await admin.patch(f"{path}?fieldManager=one", json=one, headers=apply)
    answer = await admin.patch(f"{path}?fieldManager=two", json=two, headers=apply)
    assert await status_of(answer) == (
        409, "Conflict", 'Apply failed with 1 conflict: conflict with "one": .spec.selector',
    )  # fmt: skip
    (cause,) = answer.json()["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.selector")
    forced = await admin.patch(f"{path}?fieldManager=two&force=true", json=two, headers=apply)
    assert forced.status_code == 200
