"""Are the nodes fit for it: kernel, network plugin, clock, disk, and what the processes on them report?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from kodkod.cli.doctor import kernel
from kodkod.cli.doctor.findings import Finding, note, ok, problem, unknown
from kodkod.resources import Object

AHEAD_MAX = timedelta(seconds=2)
RENEWAL_MAX = timedelta(seconds=45)  # a kubelet renews its Lease every ten seconds; the node is NotReady after forty
FREE_SHARE_MIN = 0.05

PLUGINS = {
    "calico-node": "Calico",
    "aws-node": "Amazon VPC",
    "cilium": "Cilium",
    "kube-flannel-ds": "Flannel",
    "kindnet": "kindnet",
    "weave-net": "Weave",
    "antrea-agent": "Antrea",
    "azure-cns": "Azure",
    "anetd": "GKE Dataplane V2 (Cilium)",
}
REDIRECTING = frozenset({"Cilium", "GKE Dataplane V2 (Cilium)"})


def kernel_findings(nodes: list[Object]) -> Iterator[Finding]:
    """One line for the nodes that are fit, one for each that is not."""
    by_release: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        info = (node.get("status") or {}).get("nodeInfo") or {}
        if info.get("operatingSystem", "linux") == "linux":
            by_release[str(info.get("kernelVersion", ""))].append(node["metadata"]["name"])
    fit = []
    for release, names in by_release.items():
        found = kernel.release_finding(release, ", ".join(names[:3]) + (" …" if len(names) > 3 else ""))
        if found.state == "ok":
            fit += names
        else:
            yield found
    if fit:
        releases = ", ".join(sorted(release for release, names in by_release.items() if set(names) & set(fit)))
        yield ok("kernel", f"{len(fit)} nodes with Linux {releases}")


def network_findings(daemonsets: list[Object], felix: list[Object]) -> Iterator[Finding]:
    found = sorted({PLUGINS[name] for one in daemonsets if (name := one["metadata"]["name"]) in PLUGINS})
    if not found:
        yield note("network", "no network plugin is known by its DaemonSet; any that gives a veth to each pod will do")
    for plugin in found:
        if plugin in REDIRECTING:
            yield note(
                "network", f"{plugin}: its BPF host routing may pass packets by the host's end of a pod's veth, unseen",
                "look whether flow logs show the traffic; bpf.hostLegacyRouting=true makes it visible",
            )  # fmt: skip
        else:
            yield ok("network", plugin)
    for settings in felix:
        if (settings.get("spec") or {}).get("bpfRedirectToPeer") == "Enabled":
            yield note(
                "network", f"FelixConfiguration {settings['metadata']['name']} has bpfRedirectToPeer: Enabled: "
                "some packets pass by the host's end of a pod's veth, unseen", "set bpfRedirectToPeer: Disabled",
            )  # fmt: skip


def clock_findings(leases: list[Object], now: datetime | None) -> Iterator[Finding]:
    """The kubelets' clocks, as their Leases tell them, beside the API server's."""
    if now is None:
        yield unknown("clock", "the API server does not tell its time")
        return
    wrong = 0
    for lease in leases:
        stamp = (lease.get("spec") or {}).get("renewTime")
        if not stamp:
            continue
        age = now - datetime.fromisoformat(stamp)
        name = lease["metadata"]["name"]
        if age < -AHEAD_MAX:
            wrong += 1
            yield problem(
                "clock", f"node {name} is {-age.total_seconds():.0f} s ahead of the API server",
                "keep its clock with chrony or systemd-timesyncd",
            )  # fmt: skip
        elif age > RENEWAL_MAX:
            wrong += 1
            yield note("clock", f"node {name} was heard {age.total_seconds():.0f} s ago: away, or its clock is behind")
    if not wrong:
        yield ok("clock", f"{len(leases)} nodes agree with the API server")


def report_findings(reports: list[Object], nodes: list[Object]) -> Iterator[Finding]:
    """What agents and inspectors say of themselves; a node that is Ready and has no report is asked after."""
    told = {report["spec"]["node"] for report in reports if report["spec"]["role"] == "agent"}
    silent = [node["metadata"]["name"] for node in nodes if is_ready(node) and node["metadata"]["name"] not in told]
    if silent:
        yield problem(
            "reports", f"no agent has reported from {', '.join(silent[:5])}",
            "kubectl -n kodkod-system get pods -l k8s-app=kodkod-agent -o wide",
        )  # fmt: skip
    well = 0
    for report in reports:
        found = list(of_one(report))
        yield from found
        well += not found
    if well:
        yield ok("reports", f"{well} processes of nodes report that all is well")


def of_one(report: Object) -> Iterator[Finding]:
    name, status = report["metadata"]["name"], report.get("status") or {}
    if not status.get("ready"):
        yield problem("reports", f"{name} is not ready", f"kubectl get nodereport {name} -o yaml, and the pod's log")
    for warning in status.get("warnings") or []:
        yield note("reports", f"{name}: {warning}")
    disk = status.get("disk") or {}
    free, total = int(disk.get("freeBytes") or 0), int(disk.get("totalBytes") or 0)
    if disk.get("pressure") or (total and free < FREE_SHARE_MIN * total):
        yield problem(
            "disk", f"{name}: {free / 1e9:.1f} of {total / 1e9:.1f} GB free, captures stop at 2 %",
            "free space on the node, or delete captures that are no longer needed",
        )  # fmt: skip
    spool = status.get("spool") or {}
    if int(spool.get("lost") or 0):
        yield problem(
            "stores", f"{name} gave up {spool['lost']} records: the server was away too long or refused them",
            "look at the server; the node's spool holds what comes meanwhile",
        )  # fmt: skip
    rules = status.get("rules") or {}
    if rules.get("skipped"):
        yield note("rules", f"{name}: {rules['skipped']} rules are not loaded", "kodkod rules check names them")


def is_ready(node: Object) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in (node.get("status") or {}).get("conditions") or []
    )
