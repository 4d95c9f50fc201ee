"""A node's engine, simulated: the same face as `kodkod._core` over interfaces that a test makes and feeds.

A small real implementation, not a mock: captures filter frames and write rotated pcap files, Live counts flows and
matches `content` options. Frames are Ethernet with IPv4; what is here is what plans and records need, no more.
"""

# ruff: noqa: ARG002  (the face is the engine's; the simulation needs less of it)

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kodkod._core import (
        Alert,
        CaptureCounters,
        Dns,
        FactKind,
        Facts,
        FilterRule,
        Flow,
        InterfaceCounters,
        Receipt,
    )

_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_PROTOCOLS = {6: "TCP", 17: "UDP", 1: "ICMP"}


def tcp(source: str, source_port: int, dest: str, dest_port: int, payload: bytes = b"") -> bytes:
    """An Ethernet frame with one TCP segment (no checksums: nothing here looks at them)."""
    segment = struct.pack("!HHIIBBHHH", source_port, dest_port, 1, 1, 0x50, 0x18, 65535, 0, 0) + payload
    return _frame(source, dest, 6, segment)


def udp(source: str, source_port: int, dest: str, dest_port: int, payload: bytes = b"") -> bytes:
    """An Ethernet frame with one UDP datagram."""
    return _frame(source, dest, 17, struct.pack("!HHHH", source_port, dest_port, 8 + len(payload), 0) + payload)


def _frame(source: str, dest: str, protocol: int, body: bytes) -> bytes:
    addresses = IPv4Address(source).packed + IPv4Address(dest).packed
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + addresses
    return b"\x02" * 12 + b"\x08\x00" + header + body


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame, read."""

    protocol: int
    source: str
    source_port: int
    dest: str
    dest_port: int
    payload: bytes
    frame: bytes
    ts_ns: int


def _read(frame: bytes, ts_ns: int) -> Seen:
    protocol, body = frame[23], frame[34:]
    source, dest = str(IPv4Address(frame[26:30])), str(IPv4Address(frame[30:34]))
    source_port, dest_port = struct.unpack("!HH", body[:4]) if protocol in (6, 17) else (0, 0)
    payload = body[20:] if protocol == 6 else body[8:]
    return Seen(protocol, source, source_port, dest, dest_port, payload, frame, ts_ns)


@dataclass(slots=True)
class Network:
    """The interfaces of a simulated node. A test adds some, delivers frames, breaks things."""

    interfaces: dict[str, int] = field(default_factory=dict)
    captures: list[SimulatedCapture] = field(default_factory=list)
    lives: list[SimulatedLive] = field(default_factory=list)
    disk_full: bool = False
    _next_index: int = 1

    def add(self, *names: str) -> None:
        for name in names:
            self.interfaces[name] = self._next_index
            self._next_index += 1

    def remove(self, name: str) -> None:
        """The interface goes away, as when its pod is deleted."""
        del self.interfaces[name]
        for capture in self.captures:
            if capture.interface == name and capture.is_open:
                capture.error = f"{name}: Network is down"

    def index(self, name: str) -> int | None:
        return self.interfaces.get(name)

    def deliver(self, interface: str, frame: bytes, ts_ns: int) -> None:
        """A frame passes an interface: everybody who listens there gets it."""
        seen = _read(frame, ts_ns)
        for capture in self.captures:
            if capture.is_open and capture.interface == interface:
                capture.write(seen)
        for live in self.lives:
            live.look(interface, seen)

    def open_capture(
        self,
        interface: str,
        *,
        directory: str,
        stem: str,
        netns: str | None = None,
        filters: Sequence[FilterRule] = (),
        max_size_bytes: int = 10_000_000,
        rotation_s: int = 3600,
        max_files: int = 2,
        min_free_bytes: int = 0,
    ) -> SimulatedCapture:
        """As the constructor of `_core.Capture`."""
        if interface not in self.interfaces:
            raise OSError(19, "No such device", interface)
        capture = SimulatedCapture(
            self, interface, Path(directory), stem, tuple(filters), max_size_bytes, rotation_s, max_files
        )
        self.captures.append(capture)
        return capture

    def open_live(self, *, workers: int = 1, memory_bytes: int = 1) -> SimulatedLive:
        """As the constructor of `_core.Live`."""
        live = SimulatedLive(self, workers, memory_bytes)
        self.lives.append(live)
        return live


class SimulatedCapture:
    """One interface recorded into rotated pcap files; the file is made at the first packet."""

    def __init__(
        self,
        network: Network,
        interface: str,
        directory: Path,
        stem: str,
        filters: tuple[FilterRule, ...],
        max_size_bytes: int,
        rotation_s: int,
        max_files: int,
    ) -> None:
        self.interface = interface
        self.filters = filters
        self.limits = (max_size_bytes, rotation_s, max_files)
        self.is_open = True
        self.error: str | None = None
        self.drops = 0
        self._network, self._directory, self._stem = network, directory, stem
        self._packets = self._bytes = self._rotated = self._discarded = 0
        self._first: int | None = None
        self._last: int | None = None
        self._opened_ns = 0
        self._active_held = False
        directory.mkdir(parents=True, exist_ok=True)
        if self._active.exists():
            self._rename(self._active.stat().st_mtime_ns)

    @property
    def _active(self) -> Path:
        return self._directory / f"{self._stem}.pcap"

    def write(self, seen: Seen) -> None:
        if self.error or not takes(self.filters, seen):
            return
        if self._network.disk_full:
            self.error = "No space left on device"
            return
        if not self._active_held:
            self._active.write_bytes(_PCAP_HEADER)
            self._active_held, self._opened_ns = True, seen.ts_ns
        elif not self._active.parent.exists() or not self._active.exists():
            return  # written to a file that has no name any more
        seconds, rest = divmod(seen.ts_ns, 1_000_000_000)
        record = struct.pack("<IIII", seconds, rest // 1000, len(seen.frame), len(seen.frame)) + seen.frame
        with self._active.open("ab") as out:
            out.write(record)
        self._packets += 1
        self._bytes += len(seen.frame)
        self._first = seen.ts_ns if self._first is None else self._first
        self._last = seen.ts_ns
        if self._active.stat().st_size >= self.limits[0] or seen.ts_ns - self._opened_ns >= self.limits[1] * 10**9:
            self._rename(seen.ts_ns)

    def counters(self) -> CaptureCounters:
        files = sorted(path.name for path in self._directory.glob(f"{self._stem}*.pcap"))
        if self._active_held and self._active.name not in files:
            files.append(self._active.name)
        return {
            "packets": self._packets,
            "bytes": self._bytes,
            "drops": {"kernel": self.drops} if self.drops else {},
            "files": files,
            "file_bytes": self._bytes,
            "rotated_files": self._rotated,
            "discarded_files": self._discarded,
            "first_packet_ns": self._first,
            "last_packet_ns": self._last,
            "error": self.error,
        }

    def set_limits(self, *, max_size_bytes: int, rotation_s: int, max_files: int) -> None:
        self.limits = (max_size_bytes, rotation_s, max_files)

    def flush(self) -> None:
        """Every packet is written at once already."""

    def close(self) -> None:
        self.is_open = False

    def _rename(self, ts_ns: int) -> None:
        stamp = datetime.fromtimestamp(ts_ns / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._active.rename(self._directory / f"{self._stem}-{stamp}.pcap")
        self._active_held = False
        self._rotated += 1
        rotated = sorted(self._directory.glob(f"{self._stem}-*.pcap"))
        for path in rotated[: max(0, len(rotated) - self.limits[2])]:
            path.unlink()
            self._discarded += 1


def takes(filters: Iterable[FilterRule], seen: Seen) -> bool:
    """Rules are OR-ed, none takes everything; a rule's protocol and ports are AND-ed."""
    rules = list(filters)
    return not rules or any(_rule_takes(rule, seen) for rule in rules)


def _rule_takes(rule: FilterRule, seen: Seen) -> bool:
    if "protocol" in rule and rule["protocol"] != seen.protocol:
        return False
    ports = rule.get("ports") or []
    return not ports or any(low <= port <= high for low, high in ports for port in (seen.source_port, seen.dest_port))


@dataclass(frozen=True, slots=True)
class SimulatedRule:
    gid: int
    sid: int
    rev: int
    msg: str
    contents: tuple[bytes, ...]
    text: str


class SimulatedRules:
    """A rule set that knows `msg`, `content`, `gid`, `sid`, `rev`; a line without sid is skipped."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        self.rules = [rule for line in lines if (rule := _rule(line)) is not None]
        self.digest = f"{hash(text) & 0xFFFFFFFF:08x}"
        self.full, self.degraded, self.skipped = len(self.rules), 0, len(lines) - len(self.rules)
        self._bad = [number for number, line in enumerate(lines, 1) if _rule(line) is None]

    def receipts(self) -> list[Receipt]:
        loaded: list[Receipt] = [
            {
                "file": "simulated.rules", "line": 0, "gid": one.gid, "sid": one.sid, "rev": one.rev,
                "status": "full", "reasons": [],
            }
            for one in self.rules
        ]  # fmt: skip
        return loaded + [
            {
                "file": "simulated.rules",
                "line": number,
                "gid": 1,
                "sid": 0,
                "rev": 0,
                "status": "skipped",
                "reasons": [{"code": "no-sid", "message": "rule has no sid", "column": 1}],
            }
            for number in self._bad
        ]


def _rule(line: str) -> SimulatedRule | None:
    options = dict(re.findall(r"(\w+):\s*\"?([^;\"]*)\"?;", line))
    if "sid" not in options:
        return None
    contents = tuple(text.encode() for text in re.findall(r'content:\s*"([^"]*)"', line))
    number = {name: int(options.get(name, default)) for name, default in (("gid", "1"), ("sid", "0"), ("rev", "1"))}
    return SimulatedRule(number["gid"], number["sid"], number["rev"], options.get("msg", ""), contents, line)


@dataclass(slots=True)
class _Attached:
    interface: str
    rules: SimulatedRules | None
    facts: tuple[FactKind, ...]
    packets: int = 0
    bytes: int = 0


class SimulatedLive:
    """Looks at each frame by itself: an alert a matching rule, a flow record a 5-tuple at each flush."""

    def __init__(self, network: Network, workers: int, memory_bytes: int) -> None:
        self.workers, self.memory_bytes = workers, memory_bytes
        self.attached: dict[int, _Attached] = {}
        self.shared: tuple[FactKind, ...] | None = None
        self.ignored: frozenset[int] = frozenset()
        self.is_closed = False
        self._network = network
        self._alerts: list[Alert] = []
        self._flows: dict[tuple[int, int, frozenset[tuple[str, int]]], Flow] = {}
        self._ready: list[Flow] = []
        self.dns: list[Dns] = []

    def attach(
        self,
        tag: int,
        interface: str,
        *,
        netns: str | None = None,
        rules: SimulatedRules | None = None,
        facts: Sequence[FactKind] = (),
    ) -> None:
        if interface not in self._network.interfaces:
            raise OSError(19, "No such device", interface)
        self.attached[tag] = _Attached(interface, rules, tuple(facts))

    def attach_all(self, *, facts: Sequence[FactKind] = (), ignore: Sequence[int] = ()) -> None:
        """Every interface, under its index; those to come are heard too."""
        self.shared = tuple(facts)
        self.ignore(ignore)

    def ignore(self, links: Sequence[int]) -> None:
        self.ignored = frozenset(links)

    def set_rules(self, tag: int, rules: SimulatedRules | None) -> None:
        self.attached[tag].rules = rules

    def detach(self, tag: int) -> None:
        self.attached.pop(tag, None)

    def look(self, interface: str, seen: Seen) -> None:
        index = self._network.interfaces[interface]
        if self.shared is not None and index not in self.ignored and index not in self.attached:
            self.attached[index] = _Attached(interface, None, self.shared)
        for tag, attached in self.attached.items():
            if attached.interface != interface or tag in self.ignored:
                continue
            attached.packets += 1
            attached.bytes += len(seen.frame)
            if "flows" in attached.facts:
                self._count(tag, seen)
            for rule in attached.rules.rules if attached.rules and "alerts" in attached.facts else ():
                if all(content in seen.payload for content in rule.contents):
                    self._alerts.append(_alert(tag, rule, seen))

    def drain(self, wait_s: float) -> Facts:
        facts: Facts = {"alerts": self._alerts, "flows": self._ready, "dns": self.dns}
        self._alerts, self._ready, self.dns = [], [], []
        return facts

    def flush(self) -> None:
        self._ready += list(self._flows.values())
        self._flows.clear()

    def counters(self) -> dict[int, InterfaceCounters]:
        return {
            tag: {
                "packets": attached.packets,
                "bytes": attached.bytes,
                "drops": {},
                "error": None if attached.interface in self._network.interfaces else "Network is down",
            }
            for tag, attached in self.attached.items()
        }

    def close(self) -> None:
        self.is_closed = True
        self.attached.clear()

    def _count(self, tag: int, seen: Seen) -> None:
        ends = frozenset({(seen.source, seen.source_port), (seen.dest, seen.dest_port)})
        flow = self._flows.setdefault((tag, seen.protocol, ends), _new_flow(tag, seen))
        to_server = (seen.source, seen.source_port) == (flow["client_ip"], flow["client_port"])
        size = len(seen.frame) - 14
        if to_server:
            flow["packets_to_server"] += 1
            flow["bytes_to_server"] += size
        else:
            flow["packets_to_client"] += 1
            flow["bytes_to_client"] += size
        flow["end_ns"] = seen.ts_ns


def _new_flow(tag: int, seen: Seen) -> Flow:
    return {
        "tag": tag,
        "flow_id": 1,
        "community_id": "1:simulated",
        "start_ns": seen.ts_ns,
        "end_ns": seen.ts_ns,
        "proto": seen.protocol,
        "client_ip": seen.source,
        "client_port": seen.source_port,
        "server_ip": seen.dest,
        "server_port": seen.dest_port,
        "packets_to_server": 0,
        "packets_to_client": 0,
        "bytes_to_server": 0,
        "bytes_to_client": 0,
        "started": True,
        "ended": False,
        "service": "",
    }


def _alert(tag: int, rule: SimulatedRule, seen: Seen) -> Alert:
    return {
        "ts_ns": seen.ts_ns,
        "packet": 1,
        "tag": tag,
        "gid": rule.gid,
        "sid": rule.sid,
        "rev": rule.rev,
        "msg": rule.msg,
        "classtype": "trojan-activity",
        "class_text": "A Network Trojan was detected",
        "priority": 1,
        "action": "alert",
        "proto": _PROTOCOLS.get(seen.protocol, str(seen.protocol)),
        "src_ip": seen.source,
        "src_port": seen.source_port,
        "dst_ip": seen.dest,
        "dst_port": seen.dest_port,
        "direction": "to_server",
        "app_proto": "http",
        "flow_id": 1,
        "community_id": "1:simulated",
        "vlan": None,
        "rule": rule.text,
        "why": [],
        "references": [],
        "metadata": [],
    }
