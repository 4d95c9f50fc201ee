"""What remains of the workshop without the rights to make namespaces? Its requests as capture files, judged by scan."""

from __future__ import annotations

from pathlib import Path

from kodkod.lab.journey.frames import Conversation, write_pcap
from kodkod.lab.journey.steps import Answer, Check, Step, succeeds

ANSWER = b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"
HOST = b"Host: nginx-svc\r\nAccept: */*\r\n"

REQUESTS: dict[str, tuple[bytes, str, str]] = {
    "quiet": (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", "", "an ordinary request raises nothing"),
    "user-agent": (
        b"POST / HTTP/1.1\r\nHost: nginx-svc\r\nAccept: */*\r\nUser-Agent: Mozilla/4.0\r\nContent-Length: 8\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nsmk=1234",
        "8000002",
        "A10's request",
    ),
    "canceltoken": (
        b"POST /secid_canceltoken.cgi HTTP/1.1\r\n" + HOST + b"User-Agent: curl\r\nX-CMD: Test\r\nX-KEY: Test\r\n\r\n",
        "8000001",
        "A11's and B4's request",
    ),
    "cmd-exe": (b"GET /cmd.exe HTTP/1.1\r\n" + HOST + b"\r\n", "8000030", "a request for a command interpreter"),
    "nessus": (b"GET /NessusTest HTTP/1.1\r\n" + HOST + b"\r\n", "8000031", "a scanner's probe"),
}
"""By name of the capture: what is sent, the starter rule that has to fire (none: silence), and what it is."""

SEGMENT_BYTES = 11
"""Requests are sent in small pieces, so that only a reader of streams can see them."""


def write_captures(folder: Path) -> None:
    """One capture a request, each a whole TCP connection in small segments."""
    for index, (name, (request, _, _)) in enumerate(REQUESTS.items()):
        conversation = Conversation(client_port=40000 + index)
        conversation.open()
        for at in range(0, len(request), SEGMENT_BYTES):
            conversation.say(request[at : at + SEGMENT_BYTES])
        conversation.answer(ANSWER)
        conversation.close()
        write_pcap(folder / f"{name}.pcap", conversation.frames)


def steps() -> list[Step]:
    return [
        Step("O1", f"kodkod scan {name}.pcap -o fast", f"{what}: {sid or 'silence'}", _alerts(sid))
        for name, (_, sid, what) in REQUESTS.items()
    ]


def _alerts(sid: str) -> Check:
    """Exactly the one alert, or none. `scan` ends with 1 where it found something."""

    def check(answer: Answer) -> str:
        lines = answer.output.splitlines()
        if not sid:
            return "" if not lines else f"{len(lines)} alerts"
        fits = len(lines) == 1 and f"[1:{sid}:" in lines[0]
        return "" if fits else f"expected one alert of {sid}, got {len(lines)} lines, {succeeds(answer) or 'exit 0'}"

    return check
