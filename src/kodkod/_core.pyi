"""Typed face of the engine (crates/pyext): bytes in, facts out. The GIL is never held while packets flow.

Times are integers, nanoseconds since 1970 UTC. Addresses are text. Every call that may block lets go of the GIL.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Self, TypedDict, final, type_check_only

__all__ = ["Capture", "Live", "RuleSet", "Scan"]

Dialect = Literal["snort3", "snort2", "suricata"]
FactKind = Literal["alerts", "flows", "dns"]

@type_check_only
class Reason(TypedDict):
    code: str
    message: str
    column: int

@type_check_only
class Receipt(TypedDict):
    """What became of one rule text; `file:line:column` points into the author's file. Lines and columns start at 1."""

    file: str
    line: int
    gid: int
    sid: int
    rev: int
    status: Literal["full", "degraded", "skipped"]
    reasons: list[Reason]

@type_check_only
class Why(TypedDict):
    """One rule option that was satisfied, in evaluation order."""

    option: str
    buffer: str
    offset: int
    length: int
    bytes: str
    packets: list[int]

@type_check_only
class Alert(TypedDict):
    """One signature firing on one packet or PDU."""

    ts_ns: int
    packet: int
    tag: int
    gid: int
    sid: int
    rev: int
    msg: str
    classtype: str | None
    class_text: str | None
    priority: int
    action: str
    proto: str
    src_ip: str
    src_port: int | None
    dst_ip: str
    dst_port: int | None
    direction: Literal["to_server", "to_client"] | None
    app_proto: str
    flow_id: int
    community_id: str | None
    vlan: int | None
    rule: str
    why: list[Why]
    references: list[str]
    metadata: list[str]

@type_check_only
class Flow(TypedDict):
    """One flow over one interval. Counters are those since the last record of the same flow.

    `client` is the side that opened it. started/ended say whether its first/last packet lies in this interval.
    """

    tag: int
    flow_id: int
    community_id: str
    start_ns: int
    end_ns: int
    proto: int
    client_ip: str
    client_port: int | None
    server_ip: str
    server_port: int | None
    packets_to_server: int
    packets_to_client: int
    bytes_to_server: int
    bytes_to_client: int
    started: bool
    ended: bool
    service: str

@type_check_only
class DnsRecordSet(TypedDict):
    name: str
    type: str
    cls: str
    rdata: list[str]

@type_check_only
class Dns(TypedDict):
    """One DNS exchange: a query with its answer, or a query that stayed unanswered (`rcode` none)."""

    tag: int
    ts_ns: int
    client_ip: str
    client_port: int
    server_ip: str
    server_port: int
    qname: str
    qtype: str
    qclass: str
    rcode: str | None
    rrsets: list[DnsRecordSet]
    latency_ns: int | None

@type_check_only
class Facts(TypedDict):
    alerts: list[Alert]
    flows: list[Flow]
    dns: list[Dns]

@type_check_only
class InterfaceCounters(TypedDict):
    """`drops` by reason: `kernel` is the ring's own counter, the others are the engine's bounds.

    The shared ring of `Live.attach_all` has one kernel counter for all interfaces. It stands under tag 0, which has no
    packets, together with `link` (frames of link layers that cannot be read) and `interface` (of indices beyond all
    tags).
    """

    packets: int
    bytes: int
    drops: dict[str, int]
    error: str | None

@type_check_only
class FilterRule(TypedDict, total=False):
    """One entry of PacketCapture.spec.filters, already validated: an IP protocol number, inclusive port ranges."""

    protocol: int
    ports: list[tuple[int, int]]

@type_check_only
class CaptureCounters(TypedDict):
    """Fresh after each command, otherwise at most a second old.

    `rotated_files` and `discarded_files` count since the start; `drops`: `kernel` (ring full), `disk` (not written).
    """

    packets: int
    bytes: int
    drops: dict[str, int]
    files: list[str]
    file_bytes: int
    rotated_files: int
    discarded_files: int
    first_packet_ns: int | None
    last_packet_ns: int | None
    error: str | None

@final
class RuleSet:
    """A compiled rule set: immutable, shared between threads and interfaces."""

    @staticmethod
    def compile(
        sources: Sequence[tuple[str, bytes]],
        *,
        dialect: Dialect | None = None,
        variables: Mapping[str, str] | None = None,
        classification: bytes | None = None,
        cache_dir: str | None = None,
    ) -> RuleSet:
        """Read and compile rule texts. Never fails for a bad rule: its receipt says so and the others load.

        sources: (name shown in receipts, text). classification: a `classification.config`; ours is used where absent.
        """

    @property
    def digest(self) -> str: ...
    @property
    def full(self) -> int: ...
    @property
    def degraded(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    @property
    def cache(self) -> Literal["hit", "miss"]: ...
    def receipts(self) -> list[Receipt]: ...

@final
class Scan:
    """Judge capture files with a rule set, as fast as the machine can; facts come in packet order."""

    def __new__(
        cls, rules: RuleSet, *, checksums: Literal["verify", "ignore"] = "ignore", explain: bool = False
    ) -> Self: ...
    def file(self, path: str) -> _Alerts:
        """Alerts of one pcap or pcapng (also gzipped; `-` is standard input) in batches, in packet order.

        A batch may be empty, so that progress can be shown. Raises OSError where the file cannot be opened, ValueError
        with a byte offset where it cannot be read on; the alerts before that have been given.
        """

    def stats(self) -> dict[str, object]:
        """Of all files: packets, bytes, flows, alerts, engine_s, drops (by reason); file_offset of the present one."""

@final
class _Alerts:
    """The batches of one file: an iterator."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> list[Alert]: ...

@final
class Live:
    """Worker threads over many interfaces, packets tagged by endpoint; one a node and role."""

    def __new__(cls, *, workers: int = 1, memory_bytes: int = 536870912) -> Self: ...
    def attach(
        self,
        tag: int,
        interface: str,
        *,
        netns: str | None = None,
        rules: RuleSet | None = None,
        facts: Sequence[FactKind] = (),
    ) -> None:
        """Open a ring on an interface (of a named network namespace). Raises OSError with the kernel's reason."""

    def attach_all(
        self, *, facts: Sequence[FactKind] = (), ignore: Sequence[int] = (), netns: str | None = None
    ) -> None:
        """Open one ring on all interfaces (of a named network namespace), also on those that are yet to come.

        A frame's tag is its interface's kernel index; `attach` needs tags from 2**24 on beside it. There is one shared
        ring at most; `detach(0)` closes it. ignore: kernel indices of interfaces to leave out.

        Seen twice: a packet that passes several interfaces, once at each and under each one's tag (a routed packet
        where it comes in and where it goes out; one to a bridge's address on the port and on the bridge; one of a VLAN
        on the trunk and on the VLAN's interface). Seen once: what a loopback interface sends and receives again.

        An interface that is gone (or ignored) keeps its counters for a minute; then they are forgotten and its open
        flows are told as ended. Raises OSError with the kernel's reason, ValueError for tags that may be in the way.
        """

    def ignore(self, links: Sequence[int]) -> None:
        """Leave out these interfaces of the shared ring, in place of those left out before.

        Frames that wait in the ring are left out too. Raises ValueError without a shared ring.
        """

    def set_rules(self, tag: int, rules: RuleSet | None) -> None:
        """Swap the rules of one interface without losing its flows."""

    def detach(self, tag: int) -> None:
        """Close a ring. Its open flows are told as ended by the next `drain`."""

    def drain(self, wait_s: float) -> Facts:
        """Take what has been found, waiting at most `wait_s` for something. Open flows are reported by `flush`."""

    def flush(self) -> None:
        """Make every open flow write an interval record; the next `drain` has them."""

    def counters(self) -> dict[int, InterfaceCounters]: ...
    def close(self) -> None: ...

@final
class Capture:
    """One interface recorded into rotated pcap files by a thread of its own."""

    def __new__(
        cls,
        interface: str,
        *,
        directory: str,
        stem: str,
        netns: str | None = None,
        filters: Sequence[FilterRule] = (),
        snap_len: int = 65535,
        ring_bytes: int = 2097152,
        max_size_bytes: int = 10_000_000,
        rotation_s: int = 3600,
        max_files: int = 2,
        min_free_bytes: int = 0,
    ) -> Self:
        """Open ring, filter and (at the first packet) file. Raises OSError with the kernel's reason.

        filters: rules are OR-ed; none means everything. The active file is `{stem}.pcap`, a rotated one
        `{stem}-{UTC yyyymmddThhmmss.ffffffZ}.pcap`; an active file left by an earlier process is rotated first.
        """

    def counters(self) -> CaptureCounters: ...
    def rotate(self) -> None:
        """Close and rename the active file now (filters changed, or a reader wants a finished file)."""

    def set_limits(self, *, max_size_bytes: int, rotation_s: int, max_files: int) -> None: ...
    def flush(self) -> None:
        """Write what has been captured so far to the file, so that a reader sees it."""

    def close(self) -> None:
        """Stop, drain the ring, flush and close the file."""
