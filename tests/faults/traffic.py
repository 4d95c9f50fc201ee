"""What happens on the wire meanwhile? Requests and lookups that each carry a number of their own, from inside a pod.

A request's number is its source port: it matches a rule, so its event carries the port, and so do its packets. A
lookup's number is in the name that is asked for. What was answered is the traffic's own word, not the product's.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from kodkod.lab import node
from kodkod.lab.state import PodState

FIRST_PORT, LAST_PORT = 1_025, 32_000  # below what the kernel chooses itself
ZONE = "faults.example.com"

PROGRAM = """
import json, socket, struct, sys, threading, time
resolver, server, port, first, last, pause = sys.argv[1:7]
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
def lookup(number):
    name = b"".join(bytes([len(part)]) + part.encode() for part in (f"k{number}.%s" % "ZONE").split(".")) + b"\\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.sendto(struct.pack(">6H", number, 0x100, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1), (resolver, 53))
        return struct.unpack(">H", udp.recv(512)[:2])[0] == number
def request(number):
    with socket.socket() as tcp:
        tcp.settimeout(5)
        tcp.bind(("", number))
        tcp.connect((server, int(port)))
        tcp.sendall(f"GET /cmd.exe?id=k{number} HTTP/1.0\\r\\nHost: faults\\r\\n\\r\\n".encode())
        answer = b""
        while part := tcp.recv(65536):
            answer += part
        return int(answer.split(b" ", 2)[1])
for number in range(int(first), int(last)):
    if stop.wait(float(pause)):
        break
    said = {"number": number, "asked_at": time.time()}
    try:
        said["found"] = lookup(number)
        said["code"] = request(number)
    except OSError as error:
        said["error"] = str(error)
    said["done_at"] = time.time()
    print(json.dumps(said), flush=True)
""".replace("ZONE", ZONE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One lookup and one request, and when (unix seconds). Both were answered unless `error` says why not."""

    number: int
    asked_at: float
    done_at: float
    error: str

    @property
    def name(self) -> str:
        return f"k{self.number}.{ZONE}"


class Traffic:
    """Runs in a pod from `start` to `stop`. The pod is entered from the host: no server stands between."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "traffic.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, pod: PodState, user: int, *, resolver: str, server: str, port: int, pause_s: float) -> None:
        assert pod.process is not None, "the lab is up"
        words = [resolver, server, str(port), str(FIRST_PORT), str(LAST_PORT), str(pause_s)]
        # Everything a pod sees of the host's /usr is there; our own virtual environment is not.
        command = node.enter(pod.process, user, ["/usr/bin/python3", "-I", "-S", "-c", PROGRAM, *words])
        with self._file.open("ab") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=sys.stderr, env=node.environment(pod.name)
            )

    def stop(self) -> list[Exchange]:
        """End it, and say everything that was exchanged."""
        if self._process is None:
            return []
        if self._process.poll() is None:
            self._process.communicate(timeout=30)
        return [_exchange(line) for line in self._file.read_text().splitlines()]

    def still_runs(self) -> bool:
        return self._process is not None and self._process.poll() is None


def _exchange(line: str) -> Exchange:
    said = json.loads(line)
    missing = "" if said.get("found") and said.get("code") else "not answered"
    return Exchange(said["number"], said["asked_at"], said["done_at"], said.get("error", missing))
