"""What the lab's resolver answers. Queries and answers pass through scapy, an implementation that is not ours."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR

from kodkod.lab import dns
from kodkod.lab.dns import Resolver

SERVICE, OUTSIDE = IPv4Address("10.65.96.10"), IPv4Address("198.18.0.10")
RESOLVER = Resolver({"nginx-svc.dev.svc.cluster.local": SERVICE, "www.google.com": OUTSIDE})


def query(name: str, kind: str = "A", *, opcode: int = 0, qr: int = 0) -> bytes:
    return bytes(DNS(id=0x1234, qr=qr, opcode=opcode, rd=1, qd=DNSQR(qname=name, qtype=kind)))


def answered(question: bytes) -> DNS:
    reply = RESOLVER.answer(question)
    assert reply is not None
    return DNS(reply)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("nginx-svc.dev.svc.cluster.local", SERVICE),
        ("www.google.com", OUTSIDE),
        pytest.param("WwW.GooGle.com", OUTSIDE, id="letters of any case"),
    ],
)
def test_a_known_name_has_its_address(name: str, address: IPv4Address) -> None:
    reply = answered(query(name))
    assert (reply.id, reply.qr, reply.aa, reply.ra, reply.rcode) == (0x1234, 1, 1, 1, 0)
    assert reply.qd[0].qname.decode() == f"{name}."  # echoed as it was asked
    assert [(record.rrname.lower(), record.rdata) for record in reply.an] == [
        (f"{name.lower()}.".encode(), str(address))
    ]


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        pytest.param("kodkod.invalid", "A", 3, id="nobody's name"),
        pytest.param("nginx-svc.dev.svc.cluster.local.dev.svc.cluster.local", "A", 3, id="a search path tried first"),
        pytest.param("x.www.google.com", "A", 3, id="below a name"),
        pytest.param("www.google.com", "AAAA", 0, id="no address of this family"),
        pytest.param("dev.svc.cluster.local", "A", 0, id="between the root and a name"),
    ],
)
def test_what_is_not_there_is_denied_with_the_zones_authority(name: str, kind: str, code: int) -> None:
    reply = answered(query(name, kind))
    assert (reply.rcode, reply.ancount, reply.nscount) == (code, 0, 1)
    assert reply.ns[0].type == dns.SOA


def test_another_kind_of_request_is_not_implemented() -> None:
    assert answered(query("www.google.com", opcode=5)).rcode == dns.NOTIMP


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x12\x34\x01\x00\x00", id="half a header"),
        pytest.param(query("www.google.com", qr=1), id="a reply"),
    ],
)
def test_some_messages_deserve_no_answer(message: bytes) -> None:
    assert RESOLVER.answer(message) is None


HEADER = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(HEADER, id="no question"),
        pytest.param(HEADER + b"\xc0\x0c\0\1\0\1", id="a pointer to itself"),
        pytest.param(HEADER + b"\x3fabc", id="a label past the end"),
        pytest.param(HEADER + b"\1a" * 200 + b"\0\0\1\0\1", id="a name too long"),
        pytest.param(struct.pack(">6H", 1, 0, 2, 0, 0, 0) + query("a.b")[12:] * 2, id="two questions"),
    ],
)
def test_what_cannot_be_read_is_a_format_error(message: bytes) -> None:
    assert answered(message).rcode == dns.FORMERR


@pytest.mark.parametrize("length", range(len(query("www.google.com"))))
def test_every_prefix_gives_no_answer_or_a_format_error(length: int) -> None:
    reply = RESOLVER.answer(query("www.google.com")[:length])
    assert reply is None if length < 12 else reply is not None and reply[3] & 0xF == dns.FORMERR


@given(message=st.binary(max_size=300))
def test_no_message_breaks_the_resolver(message: bytes) -> None:
    reply = RESOLVER.answer(message)
    assert reply is None or reply[:2] == message[:2]


async def test_datagrams_and_streams_get_one_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = asyncio.create_task(dns.serve(RESOLVER, "127.0.0.1", port))
    try:
        question = query("www.google.com")
        by_stream = await over_tcp(port, question)
        assert by_stream == RESOLVER.answer(question) == await over_udp(port, question)
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def over_tcp(port: int, question: bytes) -> bytes:
    async with asyncio.timeout(30):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
        writer.write(struct.pack(">H", len(question)) + question)
        reply = await reader.readexactly(struct.unpack(">H", await reader.readexactly(2))[0])
        writer.close()
        await writer.wait_closed()
        return reply


async def over_udp(port: int, question: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        async with asyncio.timeout(30):
            await loop.sock_sendto(asker, question, ("127.0.0.1", port))
            return await loop.sock_recv(asker, 4096)
