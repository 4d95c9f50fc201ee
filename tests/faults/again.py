"""What happens the second time? Everything twice, two owners at once, and nothing of it is left at the end."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .host import Failed, Host, settled
from .writes import KIND, manifest

OTHER_PORT = 9543


def perform(folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    ours, theirs = Host(folder / "ours"), Host(folder / "theirs", port=OTHER_PORT)
    steps: list[str] = []
    findings: list[str] = []
    try:
        for step, found in story(ours, theirs):
            steps.append(step)
            findings += [f"{step}: {text}" for text in found]
    except Failed as failed:
        findings.append(str(failed))
        ours.kodkod("lab", "down", check=False)
        for host in (ours, theirs):
            host.kodkod("down", check=False)
    findings += [f"left behind: {sort}: {'; '.join(names)}" for sort, names in settled(ours).items()]
    return {"steps": steps, "findings": findings}


def story(ours: Host, theirs: Host) -> Iterator[tuple[str, list[str]]]:
    with socket.create_server(("127.0.0.1", ours.port)):
        yield "up on a port of somebody else", expected(ours, 1, "cannot listen on", "up", *listening(ours))
    left = settled(ours)
    yield "nothing was started then", [str(left)] if left else []
    for time in ("first", "second"):
        yield f"up, the {time} time", expected(ours, 0, "", "up", *listening(ours))
        yield f"lab up, the {time} time", expected(ours, 0, "the lab is up", "lab", "up")
    yield "another owner beside us", expected(theirs, 0, "", "up", *listening(theirs))
    yield "one lab a host", expected(theirs, 3, f"of data folder {ours.data}", "lab", "up")
    yield "ours was not touched", expected(ours, 0, "Running", "lab", "status")
    yield "another owner leaves", expected(theirs, 0, "stopped", "down")
    made = ours.kubectl("create", "-f", "-", feed=manifest("kept"))
    yield "ours still answers", [made.stderr] if made.returncode else []
    yield "lab down", expected(ours, 0, "the lab is down", "lab", "down")
    yield "lab down again", expected(ours, 0, "no lab was up", "lab", "down")
    yield "down", expected(ours, 0, "stopped", "down")
    again = ours.kodkod("down", check=False)
    yield "down again", [again.stderr] if "running" not in again.stderr else []
    left = settled(ours)
    yield "nothing is left", [str(left)] if left else []
    yield "up once more", expected(ours, 0, "", "up", *listening(ours))
    kept = ours.kubectl("get", KIND, "kept")
    yield "objects are still there", [kept.stderr] if kept.returncode else []
    yield "and down", expected(ours, 0, "stopped", "down")


def listening(host: Host) -> list[str]:
    return ["--listen", f"127.0.0.1:{host.port}", "--node", "faults", "--detach"]


def expected(host: Host, code: int, words: str, *command: str) -> list[str]:
    """Findings of one command: it has to end with a code and say some words."""
    done = host.kodkod(*command, check=False)
    said = done.stdout + done.stderr
    return [] if done.returncode == code and words in said else [f"exit {done.returncode}: {said}"]
