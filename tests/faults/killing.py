"""What happens when processes are killed under load? One run: everything up, traffic, kills, the account at the end."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlencode

from . import verdict
from .evidence import Packets, SpoolWatch, packets_in, spelled
from .host import ROLES, Failed, Host, kill, wait_for
from .kills import Kill, plan
from .traffic import ZONE, Exchange, Traffic
from .verdict import Life
from .writes import Write, Writer

DRAINED_WITHIN_S = 90.0
QUIET_S = 6.0  # of traffic at the end: longer than the flush interval, so that all is written
REQUEST_PAUSE_S = 0.15
PAGE = 1_000

RULE = (
    'alert http any any -> any any (msg:"FAULTS numbered request"; flow:to_server,established; '
    'content:"/cmd.exe?id=k"; http_uri; sid:9910001; rev:1; classtype:web-application-attack;)\n'
)
SID = "9910001"
NAMESPACES = ("dev", "uat")
OBJECTS = [
    {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": "faults", "namespace": namespace},
     "spec": {"selector": "all()"}}
    for kind in ("PacketCapture", "DeepPacketInspection")
    for namespace in NAMESPACES
]  # fmt: skip
# Small files, none of which is ever discarded: what was once on the disk has to stay there.
SETTINGS = {
    "captureMaxSizeBytes": 100_000, "captureMaxFiles": 100_000, "flowLogsFlushInterval": "2s",
    "dnsLogsFlushInterval": "2s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Death:
    """resumed_s: from the kill until the role was seen at work again; None where the next kill came first."""

    role: str
    at: float
    resumed_s: float | None


@dataclass(slots=True)
class Account:
    """The ledger of one run."""

    seed: int
    deaths: list[Death] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    took_s: float = 0.0

    def resumed(self, role: str) -> list[float]:
        return [one.resumed_s for one in self.deaths if one.role == role and one.resumed_s is not None]

    def as_dict(self) -> dict[str, Any]:
        recovery = {
            role: {"seen": len(times), "median_s": round(statistics.median(times), 1), "max_s": round(max(times), 1)}
            for role in ROLES
            if (times := self.resumed(role))
        }
        killed = dict(Counter(one.role for one in self.deaths))
        return {
            "seed": self.seed, "kills": len(self.deaths), "killed": killed, "resumed": recovery, "counts": self.counts,
            "took_s": round(self.took_s), "findings": self.findings,
        }  # fmt: skip


class Run:
    """Owns the host from nothing to nothing."""

    def __init__(self, folder: Path, kills: int, seed: int, out: TextIO, *, within_s: float) -> None:
        """within_s: the time in which a killed process has to be seen at work again."""
        self._within_s = within_s
        self._host = Host(folder / "data", observed=len(NAMESPACES))
        self._folder = folder
        self._kills = list(plan(kills, seed))
        self._out = out
        self.account = Account(seed)
        self._lives = {role: Life() for role in ROLES}
        self._back_at = dict.fromkeys(ROLES, 0.0)
        self._before = Packets()
        spools = {role: folder / "data/spool" / role for role in ("agent", "inspector")}
        self._watch = SpoolWatch(spools, folder / "promised")
        self._traffic = Traffic(folder)
        self._writer = Writer(self._host)

    def perform(self) -> Account:
        """Everything, in order. What cannot go on is a finding too; the host is taken down whatever happened."""
        began = time.monotonic()
        try:
            self._bring_up()
            for number, one in enumerate(self._kills, 1):
                self._strike(number, one)
            self._judge()
        except Failed as failed:
            self.account.findings.append(str(failed))
        finally:
            self._take_down()
        self.account.took_s = time.monotonic() - began
        return self.account

    def _bring_up(self) -> None:
        self._watch.start()
        (self._host.data / "rules").mkdir(parents=True, exist_ok=True)
        (self._host.data / "rules/faults.rules").write_text(RULE)
        self._host.up()
        self._host.kodkod("lab", "up")
        self._host.applied(*OBJECTS)
        self._host.configured(**SETTINGS)
        wait_for(self._all_observed, self._within_s, "captures and inspections")
        for role in ROLES:
            self._back_at[role] = time.time()
        lab = self._host.lab()
        client = next(pod for pod in lab.pods if pod.namespace == "uat")
        service = next(one for one in lab.services if (one["namespace"], one["name"]) == ("uat", "nginx-svc"))
        self._traffic.start(
            client, lab.user, resolver=self._resolver(), server=str(service["address"]), port=80,
            pause_s=REQUEST_PAUSE_S,
        )  # fmt: skip
        self._writer.start()
        self._tell(f"up: {len(lab.pods)} pods, {sum(len(one.victims) for one in self._kills)} kills to come")

    def _resolver(self) -> str:
        configuration = json.loads(next((self._host.data / "lab/pods").glob("uat_*.json")).read_text())
        text: str = configuration["files"]["/etc/resolv.conf"]
        return next(line.split()[1] for line in text.splitlines() if line.startswith("nameserver"))

    def _all_observed(self) -> bool:
        return all(self._host.is_back(role) for role in ROLES)

    # -- striking ---------------------------------------------------------------------------------------------------

    def _strike(self, number: int, one: Kill) -> None:
        time.sleep(one.pause_s)
        if not self._traffic.still_runs():
            raise Failed("the traffic has ended")
        pids = {role: self._living(role) for role in one.victims}
        if "agent" in one.victims:
            self._remember_packets()
        killed_at = time.monotonic()
        for role, pid in pids.items():
            if not kill(pid):
                raise Failed(f"{role} was gone before it was killed")
            self._lives[role].spans.append((self._back_at[role], time.time()))
            self._back_at[role] = float("inf")
        resumed = self._recovery(pids, killed_at) if one.patient else dict.fromkeys(pids)
        self.account.deaths += [Death(role, time.time(), resumed[role]) for role in pids]
        said = ", ".join(f"{role} {f'back in {s:.1f} s' if s is not None else 'left'}" for role, s in resumed.items())
        self._tell(f"{number}/{len(self._kills)} killed {'+'.join(one.victims)}: {said}")

    def _living(self, role: str) -> int:
        wait_for(lambda: self._host.pid(role) is not None, self._within_s, f"{role} is started again")
        pid = self._host.pid(role)
        if pid is None:
            raise Failed(f"{role} ended by itself")
        return pid

    def _recovery(self, pids: dict[str, int], killed_at: float) -> dict[str, float | None]:
        """Seconds until each victim was back. The others, which may be starting too, are waited for as well."""
        found: dict[str, float | None] = {}
        waiting = set(ROLES)
        while waiting:
            for role in sorted(waiting):
                if self._host.is_back(role, but=pids.get(role)):
                    waiting.discard(role)
                    if self._back_at[role] == float("inf"):
                        self._back_at[role] = time.time()
                    found[role] = time.monotonic() - killed_at
            if waiting and time.monotonic() - killed_at > self._within_s:
                raise Failed(f"{', '.join(sorted(waiting))} not back {self._within_s:.0f} s after the kill")
            time.sleep(0.1)
        return {role: found[role] for role in pids}

    def _remember_packets(self) -> None:
        now = packets_in(self._host.data / "pcap")
        self._before.seen |= now.seen
        self._before.files = max(self._before.files, now.files)

    # -- judging ----------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        time.sleep(QUIET_S)
        exchanges, writes = self._traffic.stop(), self._writer.stop()
        for role in ROLES:
            self._lives[role].spans.append((self._back_at[role], time.time() + verdict.AFTER_S))
        time.sleep(QUIET_S)
        wait_for(self._drained, DRAINED_WITHIN_S, "the spools are empty")
        self._remember_packets()
        before = self._watch.records()
        stored = {dataset: Counter(map(spelled, self._stored(dataset))) for dataset in ("flows", "dns", "events")}
        events = list(self._stored("events"))
        ids = Counter(str(one["id"]) for one in events)
        ours = Counter(int(one["source_port"]) for one in events if one["record"]["snort_signature_id"] == SID)
        lookups = Counter(name for one in self._stored("dns") if (name := str(one["qname"])).endswith(ZONE))
        after = packets_in(self._host.data / "pcap")
        self._watch.stop()
        promised = self._watch.records()
        audits = Counter(
            (str(one["verb"]), str(one["objectRef"].get("name")))
            for one in self._stored("audit")
            if one["responseStatus"]["code"] < 400 and str(one["objectRef"].get("name")).startswith("ledger-")
        )
        self.account.findings += [
            *verdict.records(before, stored, promised, missed=self._watch.missed),
            *verdict.told("events: one id twice", [one for one, count in ids.items() if count > 1]),
            *verdict.writes(writes, self._objects(), audits),
            *verdict.packets(self._before, after),
            *verdict.observed(exchanges, self._lives, after.ports, ours, lookups),
        ]
        self._count(exchanges, writes, promised, stored, after, audits)

    def _drained(self) -> bool:
        return not any(any(folder.glob("*.spool")) for folder in (self._host.data / "spool").iterdir())

    def _stored(self, dataset: str) -> Iterator[dict[str, Any]]:
        """Everything the server shows of a data set."""
        cursor = ""
        while cursor is not None:
            page = self._host.ask(f"/v1/logs/{dataset}?{urlencode({'limit': PAGE, 'cursor': cursor})}")
            yield from page["items"]
            cursor = page["next_cursor"]

    def _objects(self) -> dict[str, dict[str, str]]:
        found = self._host.ask("/apis/projectcalico.org/v3/globalnetworksets")["items"]
        return {one["metadata"]["name"]: one["metadata"].get("labels") or {} for one in found}

    def _count(
        self, exchanges: list[Exchange], writes: list[Write], promised: verdict.Promised, stored: verdict.Promised,
        after: Packets, audits: Counter[tuple[str, str]],
    ) -> None:  # fmt: skip
        answered = [one for one in exchanges if not one.error]
        self.account.counts = {
            "exchanges": len(exchanges),
            "exchanges answered": len(answered),
            "of them while the agent worked": sum(map(self._lives["agent"].watched, answered)),
            "of them while the inspector worked": sum(map(self._lives["inspector"].watched, answered)),
            "writes": len(writes),
            "writes acknowledged": sum(one.acknowledged for one in writes),
            "audit records of them": audits.total(),
            "segments kept": len(list((self._folder / "promised").iterdir())),
            "segments missed": self._watch.missed,
            **{f"{dataset} promised": counter.total() for dataset, counter in promised.items()},
            **{f"{dataset} stored": counter.total() for dataset, counter in stored.items()},
            "packets seen on disk before kills": self._before.seen.total(),
            "packets on disk at the end": after.seen.total(),
            "capture files": after.files,
        }

    # -- ending -----------------------------------------------------------------------------------------------------

    def _take_down(self) -> None:
        self._traffic.stop()
        self._writer.stop()
        self._watch.stop()
        self.account.findings += self._host.taken_down()

    def _tell(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", file=self._out, flush=True)


def perform(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The run as `python -m tests.faults kill9` asks for it."""
    return Run(folder, options.kills, options.seed, sys.stderr, within_s=options.within).perform().as_dict()
