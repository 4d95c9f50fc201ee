"""What keeps Kodkod from working on this host? Kernel, rights, network, clock, disk, stores, and its processes.

A data folder that does not exist yet is no fault: `kodkod up` makes it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from kodkod.cli.doctor import kernel
from kodkod.cli.doctor.findings import Finding, note, ok, problem, unknown
from kodkod.cli.observed import Observed, observe
from kodkod.cli.supervisor import Holder, holder

FREE_SHARE_MIN = 0.05  # captures stop at 2 % and go on at 5 %
RENEW = "remove the folder pki, then kodkod up: certificates, tokens and kubeconfigs are made anew"
CERTIFICATE_LEFT_MIN = timedelta(days=30)
DATABASES = ("resources.db", "triage.db")
PLUGIN_PREFIXES = {
    "cali": "Calico",
    "eni": "Amazon VPC",
    "gke": "GKE",
    "azv": "Azure",
    "lxc": "Cilium",
    "veth": "a bridge",
    "kkd": "Kodkod's lab",
}
"""Names of the host's ends of workloads' interfaces, and who gives them."""


def findings(data: Path, now: datetime) -> Iterator[Finding]:
    yield kernel.release_finding(os.uname().release)
    yield from kernel.rights_findings(kernel.own_rights())
    yield engine_finding()
    yield network_finding(interfaces(), named_netns())
    yield kernel.clock_finding(kernel.is_clock_synchronised())
    yield disk_finding(data)
    running = holder(data)
    if not (data / "kubeconfig").exists() and running is None:
        yield note("server", f"nothing was started on {data} yet", "kodkod up")
        return
    yield from store_findings(data)
    yield from certificate_findings(data, now)
    yield from process_findings(asyncio.run(observe(data, now)), running)


def engine_finding() -> Finding:
    try:
        importlib.import_module("kodkod._core")
    except ImportError as error:
        return problem("engine", f"the engine cannot be loaded: {error}", "make setup, or a wheel for this machine")
    return ok("engine", "loaded")


def interfaces(folder: Path = Path("/sys/class/net")) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def named_netns(folder: Path = Path("/run/netns")) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def network_finding(names: Sequence[str], netns: Sequence[str]) -> Finding:
    """Whose interfaces are here? None is a note: static endpoints and the lab need none beforehand."""
    counts = {
        owner: count
        for prefix, owner in PLUGIN_PREFIXES.items()
        if (count := sum(name.startswith(prefix) for name in names))
    }
    seen = [f"{count} of {owner}" for owner, count in counts.items()]
    if netns:
        seen.append(f"{len(netns)} named network namespaces")
    if not seen:
        return note(
            "network", "no interface of a workload is known by its name",
            "kodkod lab up for practice, or declare one as a WorkloadEndpoint",
        )  # fmt: skip
    return ok("network", f"workloads' interfaces: {', '.join(seen)}")


def disk_finding(data: Path) -> Finding:
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    usage = shutil.disk_usage(place)
    says = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free at {place}"
    if usage.free < FREE_SHARE_MIN * usage.total:
        return problem("disk", f"{says}: captures stop at 2 %", "free space, or move the data folder (--data)")
    return ok("disk", says)


def store_findings(data: Path) -> Iterator[Finding]:
    for name in DATABASES:
        path = data / name
        if path.exists():
            yield database_finding(path)
    parts = [path for path in (data / "logs").glob("*/parts/*") if path.is_file()]
    if (data / "logs").is_dir():
        size = sum(path.stat().st_size for path in parts)
        yield ok("stores", f"logs: {len(parts)} parts, {size / 1e6:.1f} MB")


def database_finding(path: Path) -> Finding:
    """Whether SQLite finds the file whole. Opened for reading, beside a server that may be writing."""
    cure = f"stop Kodkod, keep a copy of {path.name}, and restore it from a backup"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        return unknown("stores", f"{path.name} cannot be read: {error}", "run as the user that runs Kodkod")
    except sqlite3.DatabaseError as error:
        answer = str(error)
    return (
        ok("stores", f"{path.name} is whole") if answer == "ok" else problem("stores", f"{path.name}: {answer}", cure)
    )


def certificate_findings(data: Path, now: datetime) -> Iterator[Finding]:
    from cryptography import x509

    ends: dict[str, datetime] = {}
    for path in sorted((data / "pki").glob("*.crt")):
        try:
            ends[path.name] = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as error:
            yield problem("certificates", f"{path.name} cannot be read: {error}", RENEW)
    if ends:
        first = min(ends, key=ends.__getitem__)
        says = f"{first} is the first to end, {ends[first]:%Y-%m-%d}"
        yield (
            problem("certificates", says, RENEW)
            if ends[first] - now < CERTIFICATE_LEFT_MIN
            else ok("certificates", says)
        )


def process_findings(observed: Observed, running: Holder | None) -> Iterator[Finding]:
    if not observed.running:
        why = observed.reasons[0] if observed.reasons else "no answer"
        if running is None:
            yield note("server", "not running", "kodkod up")
        else:
            yield problem(
                "server", f"process {running.pid} is there, but its API does not answer: {why}",
                "look at the end of run/server.log in the data folder",
            )  # fmt: skip
        return
    yield ok("server", f"answers on {observed.listen}" if observed.listen else "answers")
    for report in observed.as_dict()["processes"]:
        if report.get("ready"):
            yield ok(report["role"], f"{report['endpoints']} endpoints, {report['packets']} packets seen")
    for reason in observed.reasons:
        yield problem("observed", reason, "kodkod status, and run/*.log in the data folder")
