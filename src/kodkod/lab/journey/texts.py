"""What are the workshop's commands? Its two texts as steps, with the answers that make each of them true.

The commands stand as the workshop prints them; `demo/` is our `deploy/examples`. Where the text says "open the Alerts
view", the step asks the API that the view shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kodkod.lab.journey.steps import (
    Check,
    Step,
    applied,
    events,
    is_silent_about,
    says,
    show_events,
    succeeds,
)

ALERTS_WITHIN_S = 90.0
"""A minute's period, ten seconds of flush, and some for a loaded machine. The promise is 75 s from the trigger."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Which rules answer the workshop's two requests: the community's numbers, or our starter set's."""

    set_name: str
    user_agent: str
    canceltoken: str


COMMUNITY = Signatures("the Snort 3 community rules", user_agent="21562", canceltoken="57461")
STARTER = Signatures("the starter rules shipped with Kodkod", user_agent="8000002", canceltoken="8000001")

API = 'curl -sSK "$KODKOD_CURL" "$KODKOD_URL'
CAPTURES = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures"


def preparation(rules: Path | None) -> list[Step]:
    """What the workshop takes for granted."""
    install = (
        Step(
            "P1",
            f"kodkod rules install '{rules}' --name community --replace-default 2>&1 | tail -n 2",
            "the downloaded rule set is in force",
            says("installed community"),
        )
        if rules is not None
        else Step("P1", "kodkod rules list", "the starter rules are in force", says("starter +yes|starter .* yes"))
    )
    return [
        install,
        Step(
            "P2",
            "kubectl get pods -A",
            "the practice pods run",
            says(r"^default +frontend-\S+ +1/1 +Running", r"^dev +centos +1/1 +Running", r"^uat +netshoot +1/1"),
            within_s=30,
        ),
        Step("P3", "kubectl apply -f demo/40-settings/felix.yaml", "logs every 10 s", applied("default")),
    ]


def alerts() -> list[Step]:
    """A1: three alerts, and what sets them off."""
    names = ("policy.globalnetworkset", "dns.unsanctioned.access", "network.lateral.access")
    listed = tuple(rf"^{name}\b".replace(".", r"\.") for name in names)
    return [
        Step("A1", "kubectl apply -f demo/50-alerts", "each file has a template and an alert", applied(*names)),
        Step("A1", "kubectl get globalalerts", "the alerts are configured", says(*listed)),
        Step("A1", "kubectl get globalalerttemplates", "templates can prefill a new alert", says(*listed)),
        Step(
            "A1",
            "kubectl apply -f demo/55-network-sets/empty-networkset.yaml && "
            "kubectl annotate --overwrite globalnetworksets empty-networkset practised-at=$(date +%s)",
            "a network set is changed",
            says("empty-networkset annotated"),
        ),
        Step(
            "A1",
            "kubectl -n dev exec -t netshoot -- sh -c 'curl -m3 -sI www.google.com'",
            "a pod asks for google.com, and the lab's outside answers",
            says("^HTTP/1.1 200"),
            within_s=20,
        ),
        Step(
            "A1",
            "kubectl exec -t $(kubectl get pods -l app=loadgenerator -o name) -- curl -m2 -sI http://nginx-svc.dev",
            "a pod of another namespace reaches the protected pods",
            says("^HTTP/1.1 200"),
            within_s=20,
        ),
        Step(
            "A1",
            f'{API}/v1/events?from=$JOURNEY_START&limit=500"',
            "the Alerts view lists all three alerts as triggered",
            events(*({"origin": name} for name in names)),
            within_s=ALERTS_WITHIN_S,
            show=show_events,
        ),
    ]


def capture(nodes: int) -> list[Step]:
    """A2 to A8: record the web servers' packets, fetch and read them, stop. nodes: on how many the two pods run."""
    manifest = "demo/60-packet-capture/nginx-pcap.yaml"
    return [
        Step("A2", f"kubectl apply -f {manifest}", "created", applied("dev-capture-nginx")),
        Step(
            "A2",
            "kubectl get packetcaptures -n dev dev-capture-nginx",
            "capturing starts at once on all matching endpoints",
            says(rf"^dev-capture-nginx +Capturing +{nodes} +2\b"),
            within_s=45,
        ),
        Step(
            "A3",
            "CALICO_VERSION=$(kubectl get clusterinformation default -ojsonpath='{.spec.cnxVersion}'); "
            "echo $CALICO_VERSION",
            "a version",
            says(r"^v\d+\.\d+"),
            remember="CALICO_VERSION",
        ),
        Step(
            "A4",
            'curl -sSfK "$KODKOD_CURL" -o calicoctl "$KODKOD_URL/download/binaries/${CALICO_VERSION}/calicoctl" && '
            'chmod +x calicoctl && mv calicoctl "$KODKOD_BIN/" && calicoctl version',
            "our server's client runs with Python 3 alone",
            says(r"\d+\.\d+"),
        ),
        Step(
            "A5",
            "calicoctl captured-packets copy dev-capture-nginx --namespace dev; ls dev-nginx*",
            "one file for each pod in the current folder",
            says(
                r"^Copy capture files for dev/dev-capture-nginx to \.", r"(?s)dev-nginx-\S+\.pcap.*dev-nginx-\S+\.pcap"
            ),
            within_s=15,
        ),
        Step(
            "A6",
            "tcpdump -Ar $(ls dev-* | head -1) 2>/dev/null | grep -a -m 3 -E 'GET /|Host:|User-Agent:'",
            "readable requests",
            says("GET / HTTP/1.1"),
        ),
        Step(
            "A6",
            "tcpdump -Xr $(ls dev-* | head -1) 2>/dev/null | grep -m 3 -E '0x0030|0x0040'",
            "the same in hex",
            says("0x00[34]0:"),
        ),
        Step("A7", f"kubectl delete -f {manifest}", "deleted", says('"dev-capture-nginx" deleted')),
        Step(
            "A7",
            "kubectl get nodereports -ojsonpath='{.items[*].status.captures[*].name}'",
            "no node captures it any more; without an end it would have run on",
            is_silent_about("dev-capture-nginx"),
            within_s=30,
        ),
        Step(
            "A8",
            f"{API}{CAPTURES}\" -H 'Content-Type: application/json' -d \"{{"
            '\\"apiVersion\\":\\"projectcalico.org/v3\\",\\"kind\\":\\"PacketCapture\\",'
            '\\"metadata\\":{\\"name\\":\\"scheduled-nginx\\"},'
            '\\"spec\\":{\\"selector\\":\\"app == \'nginx\'\\",'
            '\\"startTime\\":\\"$(date -u -d +12seconds +%FT%TZ)\\",'
            '\\"endTime\\":\\"$(date -u -d +10minutes +%FT%TZ)\\"}}"',
            "a capture made and scheduled through the console's API",
            says('"name": ?"scheduled-nginx"'),
        ),
        Step(
            "A8",
            "kubectl get packetcaptures -n dev scheduled-nginx",
            "it waits for its time",
            says(r"^scheduled-nginx +Scheduled"),
            within_s=10,
        ),
        Step(
            "A8",
            "kubectl get packetcaptures -n dev scheduled-nginx",
            "then it captures",
            says(r"^scheduled-nginx +Capturing"),
            within_s=60,
        ),
        Step("A8", "kubectl delete packetcapture -n dev scheduled-nginx", "taken back", says("deleted")),
    ]


def inspectors_ready(nodes: int) -> Check:
    """As many pods of tigera-dpi as there are nodes, each Ready."""
    return says(r"\A(?:NAME.*\n)?" + r"tigera-dpi-\S+ +1/1 +Running.*\n?" * nodes + r"\Z")


def inspection(signatures: Signatures, nodes: int) -> list[Step]:
    """A9 to A12: look into the web servers' traffic with rules."""
    origin = "dpi.dev/nginx-dpi"
    return [
        Step("A9", "kubectl apply -f demo/70-deep-packet-inspection/nginx-dpi.yaml", "created", applied("nginx-dpi")),
        Step(
            "A9",
            "kubectl get po -n tigera-dpi",
            "pods become Ready",
            inspectors_ready(nodes),
            within_s=90,
        ),
        Step(
            "A10",
            "kubectl -n dev exec -t centos -- sh -c \"curl -sS http://nginx-svc -H 'User-Agent: Mozilla/4.0' -XPOST "
            "--data-raw 'smk=1234'\"",
            "the request is answered",
            succeeds,
        ),
        Step(
            "A11",
            'kubectl -n uat exec -t netshoot -- sh -c "curl -sS http://nginx-svc/secid_canceltoken.cgi '
            "-H 'X-CMD: Test' -H 'X-KEY: Test' -XPOST\"",
            "the request is answered, across namespaces",
            succeeds,
        ),
        Step(
            "A12",
            f'{API}/v1/events?from=$JOURNEY_START&limit=500&query=type%3Ddeep_packet_inspection"',
            f"the Alerts view shows what inspection raised: {signatures.user_agent} and {signatures.canceltoken}",
            events(
                {"origin": origin, "record.snort_signature_id": signatures.user_agent, "source_name": "centos"},
                {"origin": origin, "record.snort_signature_id": signatures.canceltoken, "source_namespace": "uat"},
            ),
            within_s=45,
            show=show_events,
        ),
    ]


def module_12(signatures: Signatures, nodes: int) -> list[Step]:
    """Text B: the shop's front end, asked from outside."""
    folder = "demo/60-deep-packet-inspection"
    return [
        Step("B1", f"kubectl apply -f {folder}/sample-dpi-frontend.yaml", "created", applied("sample-dpi-frontend")),
        Step("B1", f"kubectl apply -f {folder}/resource-dpi.yaml", "configured", applied("tigera-secure")),
        Step(
            "B2",
            "kubectl get deeppacketinspections.crd.projectcalico.org",
            "it is listed, under the other group too",
            says(r"^sample-dpi-frontend +([1-9])/\1\b"),
            within_s=45,
        ),
        Step(
            "B3",
            "kubectl get pods -n tigera-dpi",
            "one pod a node",
            inspectors_ready(nodes),
            within_s=60,
        ),
        Step(
            "B4",
            "SVC_IP=$(kubectl get svc frontend-external -ojsonpath='{.status.loadBalancer.ingress[0].ip}'); "
            "echo $SVC_IP",
            "an address of the load balancer",
            says(r"^\d+\.\d+\.\d+\.\d+$"),
            remember="SVC_IP",
        ),
        Step(
            "B4",
            "curl -sS http://$SVC_IP:80/secid_canceltoken.cgi -H 'X-CMD: Test' -H 'X-KEY: Test' -XPOST",
            "the request from outside is answered",
            succeeds,
        ),
        Step(
            "B5",
            f'{API}/v1/events?from=$JOURNEY_START&limit=500&query=origin%3D%22dpi.default%2Fsample-dpi-frontend%22"',
            "“Signature Triggered Alert” in the console",
            events(
                {
                    "name": "Signature Triggered Alert",
                    "record.snort_signature_id": signatures.canceltoken,
                    "dest_port": "8080",
                }
            ),
            within_s=45,
            show=show_events,
        ),
        Step(
            "B5",
            f'{API}/tigera_secure_ee_events*/_search?size=500&sort=time:desc"',
            "and in Discover, on tigera_secure_ee_events*",
            events(
                {
                    "name": "Signature Triggered Alert",
                    "origin": "dpi.default/sample-dpi-frontend",
                    "record.snort_signature_id": signatures.canceltoken,
                }
            ),
            within_s=15,
            show=show_events,
        ),
    ]


def whole(signatures: Signatures, rules: Path | None) -> list[Step]:
    """On one host: what the workshop takes for granted, and both texts in order."""
    return [*preparation(rules), *both(signatures, nodes=1)]


def both(signatures: Signatures, *, nodes: int) -> list[Step]:
    """Texts A and B, wherever their pods run."""
    return [*alerts(), *capture(nodes), *inspection(signatures, nodes), *module_12(signatures, nodes)]
