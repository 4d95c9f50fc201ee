"""How is a journey walked? Each command in a shell, its answer printed, a tick or a cross beside what must be so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from kodkod.lab import state, workshop
from kodkod.lab.journey import offline, texts
from kodkod.lab.journey.steps import Answer, Step
from kodkod.store import kubeconfig

COMMAND_WITHIN_S = 60.0
AGAIN_S = 1.0
WIDTH = 118


@dataclass(frozen=True, slots=True)
class Surroundings:
    """data: the folder of the running product. corpora: external data with `rules/`, or None. out: where to tell it."""

    data: Path
    corpora: Path | None
    out: TextIO = sys.stdout

    @property
    def community_rules(self) -> Path | None:
        rules = self.corpora / "rules" / "snort3-community.rules" if self.corpora is not None else None
        return rules if rules is not None and rules.is_file() else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """happened, missed: labels of steps. took_s: the whole walk."""

    happened: tuple[str, ...]
    missed: tuple[str, ...]
    took_s: float

    @property
    def whole(self) -> bool:
        return not self.missed


def walk(here: Surroundings) -> Outcome:
    """Texts A and B against a running server and a lab that is up. A missed step does not end the walk."""
    signatures = texts.COMMUNITY if here.community_rules is not None else texts.STARTER
    print(f"Rules: {signatures.set_name}.", file=here.out)
    steps = texts.whole(signatures, here.community_rules)
    return perform(steps, surrounded(here.data), workshop.place(here.data), here.out)


def walk_offline(here: Surroundings) -> Outcome:
    """The workshop's requests from capture files of our own making, judged with the starter rules."""
    folder = state.folder(here.data) / "offline"
    folder.mkdir(parents=True, exist_ok=True)
    workshop.prepare(here.data, os.environ)
    offline.write_captures(folder)
    environment = {**os.environ, "PATH": f"{state.folder(here.data) / 'bin'}:{os.environ.get('PATH', '')}"}
    return perform(offline.steps(), environment, folder, here.out)


def surrounded(data: Path) -> dict[str, str]:
    """The workshop's environment, and how its curl reaches our server: no token is ever on a command line."""
    environment = workshop.prepare(data, os.environ)
    connection = kubeconfig.load(data / "kubeconfig")
    lab = state.folder(data)
    authority, settings = lab / "ca.crt", lab / "curlrc"
    authority.write_text(connection.authority)
    settings.touch(mode=0o600)
    settings.write_text(f'header = "Authorization: Bearer {connection.token}"\ncacert = "{authority}"\n')
    start = datetime.now(UTC) - timedelta(seconds=1)
    for old in workshop.place(data).glob("dev-nginx*"):
        old.unlink()
    return {
        **environment,
        "KODKOD_URL": connection.server,
        "KODKOD_CURL": str(settings),
        "KODKOD_BIN": str(lab / "bin"),
        "JOURNEY_START": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def perform(steps: list[Step], environment: Mapping[str, str], folder: Path, out: TextIO) -> Outcome:
    """Every step in its order, in a folder and an environment; told while it happens."""
    known = dict(environment)
    happened: list[str] = []
    missed: list[str] = []
    began = time.monotonic()
    for step in steps:
        print(f"\n{step.label:<4}$ {step.command}", file=out, flush=True)
        asked = time.monotonic()
        answer, missing = _ask_until(step, known, folder)
        for line in step.lines(answer):
            print(f"      {line[:WIDTH]}", file=out)
        waited = time.monotonic() - asked
        after = f" ({waited:.0f} s)" if waited >= 1.5 else ""
        mark = f"✗ {step.must}: {missing}" if missing else f"✓ {step.must}"
        print(f"    {mark}{after}", file=out, flush=True)
        (missed if missing else happened).append(step.label)
        if step.remember:
            known[step.remember] = answer.output.strip()
    return Outcome(tuple(happened), tuple(missed), time.monotonic() - began)


def _ask_until(step: Step, environment: Mapping[str, str], folder: Path) -> tuple[Answer, str]:
    """The last answer, and what is missing from it."""
    deadline = time.monotonic() + step.within_s
    while True:
        answer = _ask(step.command, environment, folder)
        missing = step.check(answer)
        if not missing or time.monotonic() >= deadline:
            return answer, missing
        time.sleep(AGAIN_S)


def _ask(command: str, environment: Mapping[str, str], folder: Path) -> Answer:
    try:
        done = subprocess.run(
            ["bash", "-c", command], env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=COMMAND_WITHIN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"no answer within {COMMAND_WITHIN_S:.0f} s")
    return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
