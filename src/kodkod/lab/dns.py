"""What does the lab's resolver answer? A name table over real DNS on UDP and TCP; nothing is asked of anybody else.

Source: RFC 1035 4 (messages), RFC 2181, RFC 2308 (negative answers carry the zone's SOA), RFC 7766 (TCP). One question
a message, as every resolver sends them. Names outside the table do not exist here.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import cast

from kodkod.lab import telemetry

A, SOA, AAAA, ANY, IN = 1, 6, 28, 255, 1
NOERROR, FORMERR, NXDOMAIN, NOTIMP = 0, 1, 3, 4
TTL_S = 5
"""Short: a lab that was reset has other addresses."""
NAME_BYTES_MAX = 255
TCP_IDLE_S = 10.0


class Resolver:
    """Answers questions from a table. Pure; one for UDP and TCP alike.

    names: lower case, without the final dot.
    """

    def __init__(self, names: Mapping[str, IPv4Address]) -> None:
        self._names = dict(names)
        # `dev.svc.cluster.local` exists when a name below it does: such a name is an empty answer, not NXDOMAIN.
        self._parents = {parent for name in names for parent in _parents(name)}

    def answer(self, query: bytes) -> bytes | None:
        """The reply to one message; None for what deserves none (a reply, or no header)."""
        if len(query) < 12:
            return None
        identity, flags, questions, *_ = struct.unpack_from(">6H", query)
        if flags & 0x8000:
            return None
        opcode = flags >> 11 & 0xF
        if opcode != 0:
            return _reply(identity, flags, NOTIMP)
        question = _question(query) if questions == 1 else None
        if question is None:
            return _reply(identity, flags, FORMERR)
        name, kind, raw = question
        return self._answer(identity, flags, name, kind, raw)

    def _answer(self, identity: int, flags: int, name: str, kind: int, raw: bytes) -> bytes:
        address = self._names.get(name)
        if address is None and name not in self._parents:
            telemetry.answered("nxdomain")
            return _reply(identity, flags, NXDOMAIN, raw, authority=_start_of_authority())
        telemetry.answered("noerror")
        if address is None or kind not in (A, ANY):
            return _reply(identity, flags, NOERROR, raw, authority=_start_of_authority())
        record = b"\xc0\x0c" + struct.pack(">HHIH", A, IN, TTL_S, 4) + address.packed
        return _reply(identity, flags, NOERROR, raw, answer=record)


async def serve(resolver: Resolver, address: str, port: int = 53) -> None:
    """Answer on UDP and TCP until cancelled. Raises OSError where the address cannot be had."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(resolver), local_addr=(address, port))
    try:
        server = await asyncio.start_server(lambda r, w: _converse(resolver, r, w), address, port)
        async with server:
            await server.serve_forever()
    finally:
        transport.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # the selector loop's class is not its child

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        reply = self._resolver.answer(data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, peer)


async def _converse(resolver: Resolver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            async with asyncio.timeout(TCP_IDLE_S):
                (length,) = struct.unpack(">H", await reader.readexactly(2))
                reply = resolver.answer(await reader.readexactly(length))
            if reply is None:
                return
            writer.write(struct.pack(">H", len(reply)) + reply)
            await writer.drain()
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        return
    finally:
        writer.close()


def _question(query: bytes) -> tuple[str, int, bytes] | None:
    """Name (lower case), type, and the question as it was sent; None where it cannot be read.

    A question's name is its message's first, so it has nothing to point back to: a pointer here is malformed.
    """
    labels, at = [], 12
    while at < len(query) and query[at]:
        length = query[at]
        if length > 63 or at + 1 + length > len(query) or at - 12 > NAME_BYTES_MAX:
            return None
        labels.append(query[at + 1 : at + 1 + length])
        at += 1 + length
    if at + 5 > len(query):
        return None
    (kind,) = struct.unpack_from(">H", query, at + 1)
    return b".".join(labels).decode("ascii", "replace").lower(), kind, query[12 : at + 5]


def _reply(
    identity: int, flags: int, code: int, question: bytes = b"", *, answer: bytes = b"", authority: bytes = b""
) -> bytes:
    # Authoritative answer (0x0400) and recursion available (0x0080), so that no stub resolver asks elsewhere.
    head = 0x8480 | (flags & 0x0100) | (flags & 0x7800) | code
    counts = (bool(question), bool(answer), bool(authority), 0)
    return struct.pack(">6H", identity, head, *counts) + question + answer + authority


def _start_of_authority() -> bytes:
    server, mailbox = _name("ns.dns.cluster.local"), _name("hostmaster.cluster.local")
    body = server + mailbox + struct.pack(">5I", 1, 7200, 1800, 86400, TTL_S)
    return _name("cluster.local") + struct.pack(">HHIH", SOA, IN, TTL_S, len(body)) + body


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _parents(name: str) -> set[str]:
    labels = name.split(".")
    return {".".join(labels[at:]) for at in range(1, len(labels))}
