"""Is this Linux new enough, may we use it, and does it know the time? Facts of one kernel, gathered and judged."""

from __future__ import annotations

import ctypes
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kodkod.cli.doctor.findings import Finding, note, ok, problem, unknown

RELEASE_MIN = (5, 0)
"""Linux 5.0 tells the addresses of another network namespace by its id (IFA_TARGET_NETNSID)."""

CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN = 12, 13, 21
NEEDED = {CAP_NET_RAW: "CAP_NET_RAW", CAP_NET_ADMIN: "CAP_NET_ADMIN"}
STA_UNSYNC, TIME_ERROR = 0x0040, 5  # linux/timex.h
TIMEX_STATUS_OFFSET, TIMEX_BYTES = 40, 256  # `status` in struct timex of 64-bit Linux; the struct is 208 bytes


def release_finding(release: str, where: str = "") -> Finding:
    """release: as `uname -r` says it."""
    found = re.match(r"(\d+)\.(\d+)", release)
    shown = f"Linux {release}{f' on {where}' if where else ''}"
    if not found:
        return unknown("kernel", f"{shown}: not a release that can be compared")
    if (int(found[1]), int(found[2])) < RELEASE_MIN:
        return problem(
            "kernel", f"{shown} is too old to tell which interface belongs to which pod", "use Linux 5.0 or newer"
        )
    return ok("kernel", shown)


@dataclass(frozen=True, slots=True)
class Rights:
    """effective: capabilities of this process, a bit each. has_packet_socket: whether one could be opened."""

    effective: int
    has_packet_socket: bool


def own_rights() -> Rights:
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.M)
    try:
        # protocol 0: such a socket receives nothing
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        opened = True
    except OSError:
        opened = False
    return Rights(int(found[1], 16) if found else 0, opened)


def rights_findings(rights: Rights) -> Iterator[Finding]:
    missing = [name for bit, name in NEEDED.items() if not rights.effective >> bit & 1]
    if missing:
        yield problem(
            "rights", f"this user has no {' and no '.join(missing)}, so packets cannot be seen",
            "run kodkod up as root, or by deploy/systemd/kodkod.service",
        )  # fmt: skip
    elif not rights.has_packet_socket:
        yield problem("rights", "the kernel refuses packet sockets in spite of CAP_NET_RAW", "look at seccomp or LSM")
    else:
        yield ok("rights", "packet sockets can be opened")
    if not missing and not rights.effective >> CAP_SYS_ADMIN & 1:
        yield note("rights", "without CAP_SYS_ADMIN named network namespaces (/run/netns) cannot be watched")


def is_clock_synchronised() -> bool | None:
    """What the kernel says of its clock; None where it cannot be asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)  # modes 0: only read
    try:
        state = libc.adjtimex(buffer)
    except AttributeError:
        return None
    if state < 0:
        return None
    status = int.from_bytes(buffer.raw[TIMEX_STATUS_OFFSET : TIMEX_STATUS_OFFSET + 4], "little", signed=True)
    return state != TIME_ERROR and not status & STA_UNSYNC


def clock_finding(synchronised: bool | None) -> Finding:
    if synchronised is None:
        return unknown("clock", "the kernel does not say whether its clock is kept")
    if not synchronised:
        return note(
            "clock", "nobody keeps this clock right: windows of captures and times of alerts go by it",
            "enable systemd-timesyncd or chrony",
        )  # fmt: skip
    return ok("clock", "kept by a time service")
