"""How does one end what `kodkod up` started?"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from kodkod.cli.supervisor import STOP_GRACE_S, holder
from kodkod.folders import data_folder

app = typer.Typer(add_completion=False)

CHILDREN = 3
POLL_S = 0.1


@app.command()
def down(
    data: Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")] = None,
) -> None:
    """Stop server, agent and inspector of this data folder. Captures stop; files, logs and objects stay."""
    folder = data_folder(data)
    running = holder(folder)
    if running is None:
        print(f"not running on {folder}", file=sys.stderr)
        return
    if running.pid <= 0:  # it has the lock and has not yet said who it is; a signal to 0 would go to ourselves
        print(f"error: a process is just starting on {folder}; try again", file=sys.stderr)
        raise typer.Exit(1)
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + CHILDREN * STOP_GRACE_S + 5
    while holder(folder) is not None:
        if time.monotonic() > deadline:
            print(f"error: process {running.pid} does not end", file=sys.stderr)
            print(f"hint: see {folder}/run/*.log; kill -9 {running.pid} ends it and its children", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(POLL_S)
    print(f"stopped ({folder})", file=sys.stderr)
