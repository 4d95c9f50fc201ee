"""http-500: a synthetic, HTTP/1.1-heavy capture, the same bytes for the same seed.

Each flow: handshake, one to eight keep-alive transactions, FIN both ways. Four requests in five are GETs with
browser-like headers (about 450 bytes), the rest POSTs with 1-40 kB bodies. Answers are lognormal, median 24 kB, at
most 2 MB: 45 % HTML, 20 % JSON, 15 % scripts, 15 % binary; a fifth of the text ones gzip-encoded, a quarter chunked.
MSS 1460, an ACK for two segments, right checksums, flows interleaved in bursts.

    python -m bench.captures.http OUT.pcap [MEGABYTES=500] [SEED=7] [CONCURRENT=200]
"""

from __future__ import annotations

import random
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

SYLLABLES = (  # noqa: SIM905  # one text: a list literal of 80 words would take a page
    "ba ce di fo gu ha je ki lo mu na pe qui ro sa te vu wa xe yo za con tion ment al er ing pre sub "
    "inter over ness ly est ing the of and to in is that for it as was with be by on not he this are or "
    "his from at which but have an had they you were their one all we can her has there been if more when "
    "will would who so no "
).split()
TAGS = ["div", "p", "span", "li", "td", "h2", "a", "section", "article", "em"]
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15",
    "curl/8.7.1",
    "python-requests/2.32.3",
]
POOL_BYTES = 6_000_000  # bodies are random slices of big pools: quick to make, yet pages differ
MSS = 1460
ACK, PSH, SYN, FIN = 0x10, 0x08, 0x02, 0x01
START_US = 1_720_000_000_000_000


class Content:
    """Words, hosts and body pools, all drawn from one random source in a fixed order."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.words = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(6000)]
        self.hosts = [f"{rng.choice(self.words)}-{i}.example.{rng.choice(['com', 'net', 'org'])}" for i in range(300)]
        self.pools = {
            "html": self._html(),
            "json": self._json(),
            "js": self._script(),
            "bin": rng.randbytes(POOL_BYTES),
        }

    def body(self, kind: str, size: int) -> bytes:
        pool = self.pools[kind]
        offset = self.rng.randrange(0, len(pool) - size)
        return pool[offset : offset + size]

    def _phrase(self, count: int) -> str:
        return " ".join(self.rng.choices(self.words, k=count))

    def _html(self) -> bytes:
        rng = self.rng
        head = '<!DOCTYPE html><html><head><title>%s</title><link rel="stylesheet" href="/static/%s.css"></head><body>'
        parts, size = [head % (self._phrase(5), rng.choice(self.words))], 200
        while size < POOL_BYTES:
            tag = rng.choice(TAGS)
            line = '<%s class="%s" id="%s%d">%s</%s>\n' % (  # noqa: UP031  # the order of draws is the order of arguments
                tag,
                rng.choice(self.words),
                rng.choice(self.words),
                rng.randint(1, 9999),
                self._phrase(rng.randint(5, 40)),
                tag,
            )
            parts.append(line)
            size += len(line)
        return "".join(parts).encode()

    def _json(self) -> bytes:
        rng = self.rng
        parts, size = [], 2
        while size < POOL_BYTES:
            line = '{"id":%d,"name":"%s","tags":["%s","%s"],"score":%.4f,"text":"%s"},\n' % (  # noqa: UP031  # as above
                rng.getrandbits(31),
                self._phrase(2),
                rng.choice(self.words),
                rng.choice(self.words),
                rng.random(),
                self._phrase(rng.randint(4, 20)),
            )
            parts.append(line)
            size += len(line)
        return ("[" + "".join(parts) + "{}]").encode()

    def _script(self) -> bytes:
        rng = self.rng
        code = 'function %s(%s,%s){var t=%s.length;for(var i=0;i<t;i++){if(%s[i]===%d){return "%s"+%s}}return null};'
        parts, size = [], 0
        while size < POOL_BYTES:
            name, first, second = rng.choices(self.words, k=3)
            line = code % (name, first, second, first, first, rng.randint(0, 999), self._phrase(3), second)
            parts.append(line)
            size += len(line)
        return "".join(parts).encode()


def ones_sum(data: bytes) -> int:
    if len(data) & 1:
        data += b"\0"
    return int.from_bytes(data, "big") % 65535


def folded(total: int) -> int:
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Flow:
    """One connection: `frames` yields its frames in order."""

    def __init__(self, content: Content) -> None:
        rng = content.rng
        self.content = content
        self.client = bytes((10, rng.randint(0, 30), rng.randint(0, 255), rng.randint(1, 254)))
        self.server = bytes((93, rng.randint(184, 190), rng.randint(0, 255), rng.randint(1, 254)))
        self.client_port, self.server_port = rng.randint(20000, 65000), rng.choice([80, 80, 80, 80, 8080])
        self.client_seq, self.server_seq = rng.getrandbits(32), rng.getrandbits(32)
        self.client_id, self.server_id = rng.getrandbits(16), rng.getrandbits(16)
        self.client_mac, self.server_mac = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"
        self.frames = self._run()

    def _frame(self, to_server: bool, flags: int, payload: bytes = b"", options: bytes = b"") -> bytes:
        if to_server:
            source, destination, ports = self.client, self.server, (self.client_port, self.server_port)
            seq, ack, mac = self.client_seq, self.server_seq, self.server_mac + self.client_mac
            self.client_id = ident = (self.client_id + 1) & 0xFFFF
        else:
            source, destination, ports = self.server, self.client, (self.server_port, self.client_port)
            seq, ack, mac = self.server_seq, self.client_seq, self.client_mac + self.server_mac
            self.server_id = ident = (self.server_id + 1) & 0xFFFF
        if not flags & ACK:
            ack = 0
        length = 20 + len(options) + len(payload)
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, (5 + len(options) // 4) << 4, flags, 64240, 0, 0)
        pseudo = ones_sum(source + destination) + 6 + length
        check = folded(pseudo + ones_sum(tcp) + ones_sum(options) + ones_sum(payload))
        tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, ident, 0x4000, 64, 6, 0) + source + destination
        ip = ip[:10] + struct.pack("!H", folded(ones_sum(ip))) + ip[12:]
        advance = len(payload) + (1 if flags & (SYN | FIN) else 0)
        if to_server:
            self.client_seq = (self.client_seq + advance) & 0xFFFFFFFF
        else:
            self.server_seq = (self.server_seq + advance) & 0xFFFFFFFF
        return mac + b"\x08\x00" + ip + tcp + options + payload

    def _send(self, to_server: bool, data: bytes) -> Iterator[bytes]:
        segments = 0
        for offset in range(0, len(data), MSS):
            is_last = offset + MSS >= len(data)
            yield self._frame(to_server, ACK | PSH if is_last else ACK, data[offset : offset + MSS])
            segments += 1
            if segments & 1 == 0:
                yield self._frame(not to_server, ACK)
        if segments & 1:
            yield self._frame(not to_server, ACK)

    def _run(self) -> Iterator[bytes]:
        rng = self.content.rng
        options = b"\x02\x04\x05\xb4\x01\x01\x04\x02"
        yield self._frame(True, SYN, b"", options)
        yield self._frame(False, SYN | ACK, b"", options)
        yield self._frame(True, ACK)
        host, agent = rng.choice(self.content.hosts), rng.choice(AGENTS)
        for _ in range(rng.randint(1, 8)):
            yield from self._send(True, self._request(host, agent))
            yield from self._send(False, self._answer())
        yield self._frame(True, FIN | ACK)
        yield self._frame(False, FIN | ACK)
        yield self._frame(True, ACK)

    def _request(self, host: str, agent: str) -> bytes:
        rng, words = self.content.rng, self.content.words
        path = "/" + "/".join(rng.choices(words, k=rng.randint(1, 4)))
        query = ""
        if rng.random() < 0.5:
            query = "?" + "&".join(f"{rng.choice(words)}={rng.choice(words)}" for _ in range(rng.randint(1, 5)))
        common = (
            f"Host: {host}\r\nUser-Agent: {agent}\r\n"
            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
            "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n"
            f"Cookie: sid={rng.getrandbits(128):032x}; theme={rng.choice(words)}\r\n"
            f"Referer: http://{host}/{rng.choice(words)}\r\nConnection: keep-alive\r\n"
        )
        if rng.random() < 0.8:
            return f"GET {path}{query} HTTP/1.1\r\n{common}\r\n".encode()
        body = self.content.body(rng.choice(["json", "html"]), rng.randint(1000, 40000))
        media = rng.choice(["application/json", "application/x-www-form-urlencoded"])
        head = f"POST {path}{query} HTTP/1.1\r\n{common}Content-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def _answer(self) -> bytes:
        rng = self.content.rng
        kind = rng.choices(["html", "json", "js", "bin"], [45, 20, 15, 15])[0]
        size = min(2_000_000, max(200, int(rng.lognormvariate(10.1, 1.3))))
        body = self.content.body(kind, size)
        media = {
            "html": "text/html; charset=utf-8",
            "json": "application/json",
            "js": "application/javascript",
            "bin": rng.choice(["image/png", "image/jpeg", "application/octet-stream"]),
        }[kind]
        head = (
            "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jul 2024 10:00:00 GMT\r\nServer: nginx/1.26.1\r\n"
            f'Content-Type: {media}\r\nCache-Control: max-age=3600\r\nETag: "{rng.getrandbits(64):x}"\r\n'
        )
        if kind != "bin" and rng.random() < 0.2:
            deflate = zlib.compressobj(6, zlib.DEFLATED, 31)
            body = deflate.compress(body) + deflate.flush()
            head += "Content-Encoding: gzip\r\n"
        if rng.random() < 0.25:
            head += "Transfer-Encoding: chunked\r\n\r\n"
            pieces = (body[offset : offset + 8192] for offset in range(0, len(body), 8192))
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        else:
            head += f"Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


def write(path: Path, *, megabytes: float = 500, seed: int = 7, concurrent: int = 200) -> None:
    """Write the capture. 500 MB take about a minute and a half."""
    rng = random.Random(seed)
    content = Content(rng)
    target, moment_us, written = int(megabytes * 1e6), START_US, 24
    live: list[Flow] = []
    with path.open("wb", buffering=1 << 22) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        while written < target or live:
            while len(live) < concurrent and written < target:
                live.append(Flow(content))
            index = rng.randrange(len(live))
            for _ in range(rng.randint(1, 12)):  # a burst of one flow
                frame = next(live[index].frames, None)
                if frame is None:
                    live[index] = live[-1]
                    live.pop()
                    break
                moment_us += rng.randint(2, 20)
                seconds, rest = divmod(moment_us, 1_000_000)
                out.write(struct.pack("<IIII", seconds, rest, len(frame), len(frame)) + frame)
                written += 16 + len(frame)


if __name__ == "__main__":
    numbers = [float(argument) for argument in sys.argv[2:]]
    megabytes, seed, concurrent = (numbers + [500, 7, 200][len(numbers) :])[:3]
    write(Path(sys.argv[1]), megabytes=megabytes, seed=int(seed), concurrent=int(concurrent))
