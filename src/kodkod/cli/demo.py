"""Does the workshop happen on this machine? Starts everything, walks the journey, and leaves no trace but the console.

Exit code 0: every step happened; 1: some did not; 3: something could not be started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from kodkod.cli.down import down
from kodkod.cli.processes import DEFAULT_LISTEN
from kodkod.cli.readiness import console_link
from kodkod.lab import journey, node
from kodkod.lab.commands import take_down
from kodkod.lab.errors import LabError

app = typer.Typer(add_completion=False)

NOT_STARTED = 3


@app.command()
def demo(
    data: Annotated[Path | None, typer.Option("--data", help="Data folder (default: a temporary one).")] = None,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of API and console.")] = DEFAULT_LISTEN,
    offline: Annotated[bool, typer.Option("--offline", help="Only judge capture files; needs no rights.")] = False,
) -> None:
    """Walk the workshop, command by command, on real packets; then leave the console running until Ctrl-C.

    With CI=true or without a terminal everything is taken down at the end.
    """
    with folder(data) as place:
        corpora = os.environ.get("KODKOD_CORPORA")
        here = journey.Surroundings(place, Path(corpora) if corpora else None)
        outcome = without_namespaces(here) if offline else on_packets(here, listen)
    raise typer.Exit(0 if outcome.whole else 1)


def on_packets(here: journey.Surroundings, listen: str) -> journey.Outcome:
    try:
        node.require()
    except LabError as refused:
        print(f"{refused} ({refused.hint}); walking the offline journey instead.", file=sys.stderr)
        return without_namespaces(here)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        for command in (("up", "--listen", listen, "--detach"), ("lab", "up")):
            if run(*command, data=here.data) != 0:
                raise typer.Exit(NOT_STARTED)
        outcome = journey.walk(here)
        tell(outcome, here)
        if outcome.whole or stays():
            print(f"\nconsole: {console_link(here.data)}")
        if stays():
            print("Ctrl-C ends it all.")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
        return outcome
    finally:
        # In this process: what is loaded can still clean up when the installation is being replaced meanwhile.
        take_down(here.data)
        down(here.data)


def without_namespaces(here: journey.Surroundings) -> journey.Outcome:
    outcome = journey.walk_offline(here)
    tell(outcome, here)
    return outcome


def tell(outcome: journey.Outcome, here: journey.Surroundings) -> None:
    steps = len(outcome.happened) + len(outcome.missed)
    said = "every step happened" if outcome.whole else f"missed: {', '.join(outcome.missed)}"
    print(f"\n{len(outcome.happened)} of {steps} steps in {outcome.took_s:.0f} s; {said}.", file=here.out, flush=True)


def stays() -> bool:
    """Whether somebody watches who can end it."""
    return sys.stdout.isatty() and os.environ.get("CI", "").lower() not in {"true", "1"}


def run(*command: str, data: Path) -> int:
    return subprocess.run(
        [sys.executable, "-m", "kodkod.cli.app", *command, "--data", str(data)], check=False
    ).returncode


@contextlib.contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """The given folder, which stays; or one that goes at the end."""
    if given is not None:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="kodkod-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
