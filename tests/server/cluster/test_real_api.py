"""The API face and the server against a real Kubernetes API server, with the chart's own rights."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from .kubernetes import Installed

CAPTURE = """
apiVersion: projectcalico.org/v3
kind: PacketCapture
metadata: {name: NAME, namespace: dev}
spec: {selector: "app == 'nginx'"}
"""


def capture(name: str) -> str:
    return CAPTURE.replace("NAME", name)


def until(ask: Callable[[], Any], holds: Callable[[Any], bool] = bool, within_s: float = 180) -> Any:
    deadline = time.monotonic() + within_s
    while not holds(answer := ask()):
        assert time.monotonic() < deadline, f"after {within_s} s still {answer!r}"
        time.sleep(0.1)
    return answer


def refusals(installed: Installed, message: str) -> list[dict[str, Any]]:
    """Refused requests on record whose message begins like this."""
    found = audited(installed, '"responseStatus.code" = 403')
    return [one for one in found if one["responseStatus"].get("message", "").startswith(message)]


def grant(installed: Installed, user: str, role: str, namespace: str = "") -> None:
    where = [f"--namespace={namespace}"] if namespace else []
    kind = "rolebinding" if namespace else "clusterrolebinding"
    name = f"{user}-{role}"
    installed.api.kubectl("create", kind, name, f"--clusterrole={role}", f"--user={user}", *where, check=False)


def test_both_groups_show_the_same_object(installed: Installed) -> None:
    k = installed.api.kubectl
    assert k("apply", "-f", "-", stdin=capture("both")) == "packetcapture.projectcalico.org/both created\n"
    assert k("apply", "-f", "-", stdin=capture("both")) == "packetcapture.projectcalico.org/both unchanged\n"
    groups = ("projectcalico.org", "crd.projectcalico.org")
    found = [json.loads(k("get", f"packetcaptures.{group}", "both", "-n", "dev", "-o", "json")) for group in groups]
    assert [one["apiVersion"] for one in found] == ["projectcalico.org/v3", "crd.projectcalico.org/v1"]
    assert found[0]["metadata"]["uid"] == found[1]["metadata"]["uid"]


def test_a_table_is_the_real_servers_under_our_group(installed: Installed) -> None:
    installed.api.kubectl("apply", "-f", "-", stdin=capture("table"))
    header, row = installed.api.kubectl("get", "pcap", "table", "-n", "dev").splitlines()
    assert (header.split()[0], row.split()[0]) == ("NAME", "table")


def test_what_no_crd_can_say_is_refused_in_every_kind_of_write(installed: Installed) -> None:
    k = installed.api.kubectl
    wrong = capture("wrong").replace("app == 'nginx'", "app = x")
    assert "spec.selector: Invalid value" in k("create", "-f", "-", stdin=wrong, check=False)
    assert "spec.selector: Invalid value" in k("apply", "--server-side", "-f", "-", stdin=wrong, check=False)
    assert 'packetcaptures.projectcalico.org "wrong" not found' in k(
        "get", "packetcaptures", "wrong", "-n", "dev", check=False
    )
    k("apply", "-f", "-", stdin=capture("right"))
    patch = ["patch", "packetcapture", "right", "-n", "dev", "--type=merge", "-p", '{"spec":{"selector":"a =="}}']
    assert "spec.selector: Invalid value" in k(*patch, check=False)
    assert "spec.selector: Invalid value" in k(*patch, "--dry-run=server", check=False)
    replaced = capture("right").replace("app == 'nginx'", "((")
    assert "spec.selector: Invalid value" in k("replace", "-f", "-", stdin=replaced, check=False)


def test_an_unknown_field_is_refused_in_the_words_of_kubernetes(installed: Installed) -> None:
    wrong = capture("strict") + "status: {}\nextra: 1\n"
    told = installed.api.kubectl("create", "-f", "-", stdin=wrong, check=False)
    assert 'unknown field "extra"' in told


def test_conflicts_of_field_managers_name_our_group(installed: Installed) -> None:
    k = installed.api.kubectl
    k("apply", "--server-side", "--field-manager=one", "-f", "-", stdin=capture("owned"))
    other = capture("owned").replace("nginx", "web")
    told = k("apply", "--server-side", "--field-manager=two", "-f", "-", stdin=other, check=False)
    assert 'conflict with "one"' in told
    assert "crd.projectcalico.org" not in told
    shown = json.loads(k("get", "pcap", "owned", "-n", "dev", "-o", "json", "--show-managed-fields"))
    managers = {entry["manager"]: entry["apiVersion"] for entry in shown["metadata"]["managedFields"]}
    assert "one" in managers
    assert set(managers.values()) == {"projectcalico.org/v3"}


def test_a_dry_run_keeps_nothing(installed: Installed) -> None:
    k = installed.api.kubectl
    assert "created (server dry run)" in k("apply", "--dry-run=server", "-f", "-", stdin=capture("dry"))
    assert "not found" in k("get", "pcap", "dry", "-n", "dev", check=False)


def test_a_watch_tells_changes_under_our_group(installed: Installed) -> None:
    k = installed.api.kubectl
    k("apply", "-f", "-", stdin=capture("watched"))
    query = "watch=true&timeoutSeconds=1&fieldSelector=metadata.name%3Dwatched"
    lines = k("get", "--raw", f"/apis/projectcalico.org/v3/namespaces/dev/packetcaptures?{query}").splitlines()
    events = [json.loads(line) for line in lines]
    assert [(one["type"], one["object"]["apiVersion"]) for one in events] == [("ADDED", "projectcalico.org/v3")]


def test_the_status_is_a_subresource_of_its_own(installed: Installed) -> None:
    k = installed.api.kubectl
    k("apply", "-f", "-", stdin=capture("status"))
    patch = ["patch", "pcap", "status", "-n", "dev", "--type=merge", "-p", '{"status":{"state":"Finished"}}']
    k(*patch)
    assert k("get", "pcap", "status", "-n", "dev", "-o", "jsonpath={.status.state}") != "Finished"
    assert "patched" in k(*patch, "--subresource=status")


def test_many_are_deleted_at_once(installed: Installed) -> None:
    k = installed.api.kubectl
    for name in ("many-1", "many-2"):
        k("apply", "-f", "-", stdin=capture(name).replace("namespace: dev", "namespace: prod"))
    k("delete", "packetcaptures", "--all", "-n", "prod")
    k("delete", "--raw", "/apis/projectcalico.org/v3/namespaces/prod/packetcaptures")
    assert "No resources found" in k("get", "packetcaptures", "-n", "prod", check=False)


def test_kubectl_explains_our_kinds(installed: Installed) -> None:
    told = until(lambda: installed.api.kubectl("explain", "packetcaptures.spec.selector", check=False), _explains)
    assert "GROUP:      projectcalico.org" in told


def _explains(told: str) -> bool:
    return "FIELD: selector" in told


def test_rights_are_those_on_the_public_group(installed: Installed) -> None:
    k = installed.api.kubectl
    refused = k("get", "packetcaptures", "-n", "dev", user="bob", check=False)
    assert 'User "bob" cannot list resource "packetcaptures" in API group "projectcalico.org"' in refused
    grant(installed, "bob", "kodkod-view", "dev")
    reading = ("get", "packetcaptures", "-n", "dev")
    until(lambda: k(*reading, user="bob", check=False), lambda told: "Forbidden" not in told)
    assert "Forbidden" in k("get", "packetcaptures", "-n", "prod", user="bob", check=False)
    assert "Forbidden" in k("create", "-f", "-", stdin=capture("bobs"), user="bob", check=False)
    path = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures/both/files"
    assert "Forbidden" in k("get", "--raw", path, user="bob", check=False)


@pytest.mark.parametrize(
    "path",
    [
        "packetcaptures/..%2f..%2f..%2fsecrets",
        "packetcaptures/%2e%2e/secrets",
        "packetcaptures/a%2fstatus%2f..%2f..%2f..%2fnodes",
        "packetcaptures/both/exec",
    ],
)
def test_a_name_leads_nowhere_else(installed: Installed, path: str) -> None:
    token = "admin-token"
    status, answer = installed.ask(token, "GET", f"/apis/projectcalico.org/v3/namespaces/dev/{path}")
    assert status == 404, answer


def test_capture_files_are_asked_of_the_nodes(installed: Installed) -> None:
    installed.api.kubectl("apply", "-f", "-", stdin=capture("files"))
    path = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures/files/files"
    listed = json.loads(installed.api.kubectl("get", "--raw", path))
    assert (listed["kind"], listed["items"]) == ("PacketCaptureFiles", [])


def test_headers_of_a_front_proxy_are_worth_nothing_without_its_certificate(installed: Installed) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(installed.host, 443, context=context, timeout=120)
    headers = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}
    connection.request("GET", "/apis/projectcalico.org/v3/packetcaptures", headers=headers)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["message"]) == (
        403, "a front proxy's headers came with no certificate",
    )  # fmt: skip
    connection.close()
    (record,) = until(lambda: refusals(installed, "a front proxy's headers"))
    assert (record["user"]["username"], record["verb"]) == ("system:anonymous", "get")


def test_a_write_through_the_face_is_on_record(installed: Installed) -> None:
    installed.api.kubectl("apply", "-f", "-", stdin=capture("recorded"))
    (record,) = until(lambda: audited(installed, '"objectRef.name" = recorded AND verb = create'))
    assert record["user"]["username"] == "admin"
    assert record["objectRef"]["apiGroup"] == "projectcalico.org"
    assert record["requestObject"]["spec"] == {"selector": "app == 'nginx'"}


FLOW = {"start_time": 1, "end_time": 2, "action": "allow"}


def test_an_agent_delivers_with_its_nodes_token_alone(installed: Installed, tmp_path: Path) -> None:
    token = installed.node_token("kodkod-agent", "kodkod-system", tmp_path / "ours")
    batch = {"X-Batch-Id": "b1"}
    status, answer = installed.ask(token, "POST", "/v1/ingest/flows", FLOW, batch, source="127.0.0.1")
    assert (status, answer["accepted"]) == (200, 1)
    status, answer = installed.ask(token, "POST", "/v1/ingest/flows", FLOW, batch, source="127.0.0.1")
    assert (status, answer["new"]) == (200, 0)
    # Stolen, and used from elsewhere: refused, on record.
    status, answer = installed.ask(token, "POST", "/v1/ingest/flows", FLOW, source="127.5.5.5")
    assert (status, answer["message"]) == (403, "a token of node n1 was used from 127.5.5.5")
    (record,) = until(lambda: refusals(installed, "a token of node n1 was used from 127.5.5.5"))
    assert record["user"]["username"] == "system:serviceaccount:kodkod-system:kodkod-agent"
    other_node = installed.node_token("kodkod-agent", "kodkod-system", tmp_path / "n2", node="n2")
    told = {"X-Forwarded-For": "10.9.9.9"}
    status, answer = installed.ask(other_node, "POST", "/v1/ingest/flows", FLOW, told, source="127.0.0.1")
    assert (status, answer["message"]) == (403, "a token of node n2 was used from 127.0.0.1")
    # The same account's token for the API server speaks for no node.
    installed.api.account("kodkod-agent", "kodkod-system", tmp_path / "theirs")
    other = (tmp_path / "theirs/token").read_text()
    assert installed.ask(other, "POST", "/v1/ingest/flows", FLOW, source="127.0.0.1")[0] == 403
    # An agent keeps no audit log.
    assert installed.ask(token, "POST", "/v1/ingest/audit", {}, source="127.0.0.1")[0] == 403


def test_what_is_too_large_is_refused(installed: Installed, tmp_path: Path) -> None:
    token = installed.node_token("kodkod-agent", "kodkod-system", tmp_path)
    told = {"Content-Length": str(17 * 1024 * 1024)}
    assert installed.ask(token, "POST", "/v1/ingest/flows", b"", told, source="127.0.0.1")[0] == 413
    large = capture("large").replace("app == 'nginx'", "a" * 4_000_000)
    assert "RequestEntityTooLarge" in installed.api.kubectl("create", "-f", "-", stdin=large, check=False)


def test_a_list_stays_a_list_whatever_is_asked_beside(installed: Installed) -> None:
    path = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures?watch=yes"
    status, answer = installed.ask("admin-token", "GET", path)
    assert (status, answer["kind"]) == (200, "PacketCaptureList")


def test_our_tokens_are_worth_nothing_at_the_api_server(installed: Installed, tmp_path: Path) -> None:
    token = installed.node_token("kodkod-agent", "kodkod-system", tmp_path / "ours")
    told = installed.api.kubectl("get", "pods", user=token, check=False)
    assert "Unauthorized" in told or "must be logged in" in told


def test_the_console_reads_by_the_callers_rights(installed: Installed) -> None:
    path = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures"
    assert installed.ask("carol", "GET", path)[0] == 403
    grant(installed, "carol", "kodkod-view", "dev")
    until(lambda: installed.ask("carol", "GET", path)[0], lambda code: code == 200)
    assert installed.ask("carol", "GET", "/api/v1/namespaces/kodkod-system/secrets")[0] == 403
    assert installed.ask("nobody", "GET", path)[0] == 401


def test_a_namespaces_reader_sees_no_other_ones_logs(installed: Installed, tmp_path: Path) -> None:
    token = installed.node_token("kodkod-agent", "kodkod-system", tmp_path)
    lines = "\n".join(
        json.dumps({**FLOW, "source_namespace": space, "dest_namespace": space, "source_name": f"pod-of-{space}"})
        for space in ("dev", "prod")
    )
    sent = installed.ask(token, "POST", "/v1/ingest/flows", lines.encode(), source="127.0.0.1")
    assert sent[0] == 200, sent
    grant(installed, "carol", "kodkod-view", "dev")

    def names() -> set[str]:
        status, found = installed.ask("carol", "GET", "/v1/logs/flows?limit=100")
        return {one.get("source_name", "") for one in found["items"]} if status == 200 else set()

    assert until(names) == {"pod-of-dev"}
    body = {"query": {"query_string": {"query": 'source_namespace = "prod"'}}}
    status, found = installed.ask("carol", "POST", "/tigera_secure_ee_flows*/_search", body)
    assert (status, found["hits"]["hits"]) == (200, [])
    everything = installed.ask("admin-token", "GET", "/v1/logs/flows?limit=100")[1]["items"]
    assert {"pod-of-dev", "pod-of-prod"} <= {one.get("source_name") for one in everything}


def test_the_controllers_run_in_the_server_that_holds_the_lease(installed: Installed) -> None:
    def holder() -> str:
        return installed.api.kubectl(
            "get", "lease", "kodkod-server", "-n", "kodkod-system", "-o", "jsonpath={.spec.holderIdentity}"
        )

    assert until(holder) == "kodkod-server-0"
    # The controllers' work: a status folded from a report, the cluster's identity, templates of alerts.
    assert until(lambda: installed.api.kubectl("get", "globalalerttemplates", "-o", "name").split())
    assert until(lambda: installed.api.kubectl("get", "clusterinformations", "-o", "name").split())


def test_the_authority_is_published_for_agents(installed: Installed) -> None:
    for namespace in ("kodkod-system", "tigera-dpi"):
        path = ["get", "configmap", "kodkod-ca", "-n", namespace, "-o", "jsonpath={.data.ca\\.crt}"]
        assert until(lambda path=path: installed.api.kubectl(*path)).startswith("-----BEGIN CERTIFICATE")  # type: ignore[misc]


INSPECTION = """
apiVersion: projectcalico.org/v3
kind: DeepPacketInspection
metadata: {name: all, namespace: dev}
spec: {selector: all()}
"""


def test_inspectors_come_with_the_first_inspection_and_go_with_the_last(installed: Installed) -> None:
    k = installed.api.kubectl
    limits = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}"
    show = ("get", "daemonset", "tigera-dpi", "-n", "tigera-dpi", "-o", limits)
    assert "not found" in k(*show, check=False)
    k("apply", "-f", "-", stdin=INSPECTION)
    assert until(lambda: k(*show, check=False), lambda told: "not found" not in told) == "1Gi"
    bounds = [{"componentName": "DeepPacketInspection", "resourceRequirements": {"limits": {"memory": "2Gi"}}}]
    patch = json.dumps({"spec": {"componentResources": bounds}})
    k("patch", "intrusiondetection", "tigera-secure", "--type=merge", "-p", patch)
    until(lambda: k(*show, check=False), lambda told: told == "2Gi")
    k("delete", "-f", "-", stdin=INSPECTION)
    until(lambda: k(*show, check=False), lambda told: "not found" in told)


def audited(installed: Installed, query: str) -> list[dict[str, Any]]:
    status, found = installed.ask("admin-token", "GET", f"/v1/logs/audit?{urlencode({'query': query})}")
    assert status == 200, found
    items: list[dict[str, Any]] = found["items"]
    return items


NETWORK_SET = """
apiVersion: GROUP
kind: GlobalNetworkSet
metadata: {name: NAME}
spec: {nets: [198.51.100.0/24]}
"""


def test_changes_that_the_provider_does_not_log_are_derived_once(installed: Installed) -> None:
    k = installed.api.kubectl
    for name, group in (("by-the-face", "projectcalico.org/v3"), ("past-the-face", "crd.projectcalico.org/v1")):
        k("create", "-f", "-", stdin=NETWORK_SET.replace("GROUP", group).replace("NAME", name))
    k("create", "serviceaccount", "robot", "-n", "dev")
    of_robot = '"objectRef.resource" = serviceaccounts AND "objectRef.name" = robot'
    (robot,) = until(lambda: audited(installed, of_robot))
    assert (robot["verb"], "kodkod.dev/derived" in robot["annotations"]) == ("create", True)
    (direct,) = until(lambda: audited(installed, '"objectRef.name" = "past-the-face"'))
    assert "kodkod.dev/derived" in direct["annotations"]
    (full,) = audited(installed, '"objectRef.name" = "by-the-face"')
    assert full["user"]["username"] == "admin"
    # As the published alert asks.
    alert = '(verb=create OR verb=update OR verb=delete OR verb=patch) AND "objectRef.resource"=globalnetworksets'
    assert {one["objectRef"]["name"] for one in audited(installed, alert)} >= {"by-the-face", "past-the-face"}


def test_the_api_servers_own_log_is_taken_by_those_who_may_post_it(installed: Installed) -> None:
    event = {
        "auditID": "a1", "level": "Metadata", "stage": "ResponseComplete", "verb": "delete",
        "user": {"username": "mallory"}, "objectRef": {"resource": "secrets", "namespace": "dev", "name": "gone"},
        "requestReceivedTimestamp": "2026-11-25T08:00:00.000000Z", "stageTimestamp": "2026-11-25T08:00:00.000000Z",
    }  # fmt: skip
    posted = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [event, {**event, "verb": "get"}]}
    assert installed.ask("carol", "POST", "/v1/ingest/audit-webhook", posted)[0] == 403
    status, answer = installed.ask("admin-token", "POST", "/v1/ingest/audit-webhook", posted)
    assert (status, answer["accepted"], answer["skipped"]) == (200, 1, {"unwanted": 1})
    assert installed.ask("admin-token", "POST", "/v1/ingest/audit-webhook", posted)[1]["new"] == 0
    (found,) = until(lambda: audited(installed, '"objectRef.name" = gone'))
    assert found["user"]["username"] == "mallory"
