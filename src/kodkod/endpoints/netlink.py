"""What does the kernel say of its links? The few requests of rtnetlink that discovery needs, as plain values.

Addresses of another network namespace are asked for by its id (IFA_TARGET_NETNSID, Linux 5.0 and newer): nobody has to
enter that namespace, no thread changes its own, and CAP_NET_ADMIN is enough where setns would need CAP_SYS_ADMIN and a
mounted `/run/netns`. Written here rather than taken from pyroute2, which starts an event loop for each socket, costs
8 MB and about 20 times the time per message; a node's agent asks for some hundred namespaces.

Sources: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, man 7 rtnetlink.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300
RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE = 18, 22, 26
RTMGRP_LINK = 1
SOL_NETLINK, NETLINK_GET_STRICT_CHK = 270, 12
IFLA_IFNAME, IFLA_LINK, IFLA_LINKINFO, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 3, 5, 18, 29, 37
IFLA_INFO_KIND = 1
SKIP_STATISTICS = 8
IFA_ADDRESS, IFA_LOCAL, IFA_TARGET_NETNSID = 1, 2, 10
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_VIA = 1, 4, 5, 18
SCOPE_UNIVERSE = 0
TABLE_MAIN, UNICAST = 254, 1
TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

HEADER = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
LINK = struct.Struct("=BxHiII")
ADDRESS = struct.Struct("=BBBBi")
ROUTE = struct.Struct("=BBBBBBBBI")
INT = struct.Struct("=i")

RECEIVE_BYTES = 256 * 1024  # the kernel fills at most 32 KB a message
ATTEMPTS = 3
EVENTS_BYTES = 1024 * 1024

Attributes = dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Link:
    """An interface of this namespace. kind: `veth`, `bridge`, …; empty for hardware.

    peer: index of the interface that it is bound to, in `namespace`: our id of another network namespace, or None
    where both are here.
    """

    index: int
    name: str
    kind: str = ""
    peer: int = 0
    namespace: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """link: index of the interface that carries it."""

    link: int
    ip: str


@dataclass(frozen=True, slots=True)
class Routes:
    """hosts: single addresses reached through one interface without a gateway, with that interface's index.

    uplinks: indices of interfaces with a gateway behind them: the node's own way out.
    """

    hosts: dict[str, int] = field(default_factory=dict)
    uplinks: set[int] = field(default_factory=set)


class Netlink:
    """One request socket. Blocking, but the kernel answers at once; used by one thread at a time."""

    def __init__(self) -> None:
        """Raises OSError, also where the kernel is older than 5.0."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        self._sequence = 0

    def links(self) -> list[Link]:
        """Every interface of this namespace."""
        asked = LINK.pack(0, 0, 0, 0, 0) + attribute(IFLA_EXT_MASK, INT.pack(SKIP_STATISTICS))
        return [link_of(body) for body in self._dump(RTM_GETLINK, asked)]

    def addresses(self, namespace: int) -> list[Address]:
        """Addresses of global scope in another namespace; [] where it is gone or not ours to look into. Raises OSError.

        Not ours: of another user namespace, such as the machine's that a rootless container engine made this node on.
        """
        asked = ADDRESS.pack(0, 0, 0, 0, 0) + attribute(IFA_TARGET_NETNSID, INT.pack(namespace))
        try:
            found = [address_of(body) for body in self._dump(RTM_GETADDR, asked)]
        except OSError as error:
            if error.errno in SHUT:
                return []
            raise
        return [address for address in found if address is not None]

    def routes(self) -> Routes:
        """Those of the main table."""
        found = Routes()
        for family in (socket.AF_INET, socket.AF_INET6):
            asked = ROUTE.pack(family, 0, 0, 0, TABLE_MAIN, 0, 0, 0, 0)
            for body in self._dump(RTM_GETROUTE, asked):
                take_route(body, found)
        return found

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _dump(self, request: int, asked: bytes) -> list[bytes]:
        """Bodies of one dump; asked for again where something changed meanwhile. Raises OSError."""
        for _ in range(ATTEMPTS):
            self._sequence += 1
            flags = NLM_F_REQUEST | NLM_F_DUMP
            self._socket.send(HEADER.pack(HEADER.size + len(asked), request, flags, self._sequence, 0) + asked)
            bodies, is_whole = self._answer()
            if is_whole:
                break
        return bodies

    def _answer(self) -> tuple[list[bytes], bool]:
        bodies: list[bytes] = []
        is_whole = True
        while True:
            for kind, flags, sequence, body in messages(self._socket.recv(RECEIVE_BYTES)):
                if sequence != self._sequence:
                    continue  # the rest of an answer that failed midway
                is_whole = is_whole and not flags & NLM_F_DUMP_INTR
                if kind == NLMSG_DONE:
                    return bodies, is_whole
                if kind == NLMSG_ERROR:
                    (code,) = INT.unpack_from(body)
                    raise OSError(-code, os.strerror(-code))
                bodies.append(body)


SHUT = (errno.ENOENT, errno.ESRCH, errno.EINVAL, errno.EACCES, errno.EPERM)
"""Nobody has that id any more, or we have no rights there."""


class LinkEvents:
    """Calls back whenever a link of this namespace comes, goes or changes. Lives on the event loop."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Raises OSError."""
        self._changed = changed
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, EVENTS_BYTES)
        self._socket.bind((0, RTMGRP_LINK))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)

    def _read(self) -> None:
        """What happened is asked of the kernel afterwards: an event that was lost (ENOBUFS) is an event too."""
        try:
            while self._socket.recv(RECEIVE_BYTES):
                pass
        except BlockingIOError:
            pass
        except OSError:
            pass
        self._changed()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, sequence and body of each message. Ends since each is at least a header long."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, sequence, _ = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            return
        yield kind, flags, sequence, data[at + HEADER.size : at + length]
        at += aligned(length)


def attributes(data: bytes, at: int = 0) -> Attributes:
    """Values by type. Ends since each is at least a header long."""
    found: Attributes = {}
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size:
            break
        found[kind & TYPE_MASK] = data[at + ATTRIBUTE.size : at + length]
        at += aligned(length)
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute of a request; values here are a multiple of four bytes."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value


def aligned(length: int) -> int:
    return (length + 3) & ~3


def link_of(body: bytes) -> Link:
    _, _, index, _, _ = LINK.unpack_from(body)
    found = attributes(body, LINK.size)
    inner = attributes(found.get(IFLA_LINKINFO, b""))
    return Link(
        index=index,
        name=text(found.get(IFLA_IFNAME, b"")),
        kind=text(inner.get(IFLA_INFO_KIND, b"")),
        peer=number(found.get(IFLA_LINK)) or 0,
        namespace=number(found.get(IFLA_LINK_NETNSID)),
    )


def address_of(body: bytes) -> Address | None:
    """None for one that is valid on its own link or host only."""
    _, _, _, scope, index = ADDRESS.unpack_from(body)
    found = attributes(body, ADDRESS.size)
    packed = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
    return Address(index, ip(packed)) if scope == SCOPE_UNIVERSE and packed else None


def take_route(body: bytes, into: Routes) -> None:
    family, bits, _, _, table, _, _, kind, _ = ROUTE.unpack_from(body)
    found = attributes(body, ROUTE.size)
    link = number(found.get(RTA_OIF))
    if not link or table != TABLE_MAIN or kind != UNICAST:
        return
    if RTA_GATEWAY in found or RTA_VIA in found:
        into.uplinks.add(link)
    elif bits == (32 if family == socket.AF_INET else 128) and RTA_DST in found:
        into.hosts[ip(found[RTA_DST])] = link


def number(value: bytes | None) -> int | None:
    return INT.unpack_from(value)[0] if value is not None and len(value) >= INT.size else None


def text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def ip(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
