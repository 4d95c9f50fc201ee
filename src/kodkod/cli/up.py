"""How does one host get everything? Server, agent and inspector under one supervisor, ready when its line appears."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from kodkod import telemetry
from kodkod.cli.processes import DEFAULT_LISTEN, address
from kodkod.cli.readiness import console_link, wait_until_ready
from kodkod.cli.supervisor import AlreadyRunning, Child, Lock, holder, run_folder, supervise
from kodkod.clock import SystemClock
from kodkod.folders import data_folder

app = typer.Typer(add_completion=False)

READY_WITHIN_S = 60.0


@app.command()
def up(
    data: Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")] = None,
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of API and console.")] = DEFAULT_LISTEN,
    node: Annotated[str, typer.Option("--node", help="Name of this node (default: the host's).")] = "",
    detach: Annotated[bool, typer.Option("--detach", help="Return when ready; `kodkod down` ends it.")] = False,
) -> None:
    """Run server, agent and inspector on this host until Ctrl-C (or, detached, until `kodkod down`)."""
    folder = data_folder(data)
    host, port = address(listen)
    running = holder(folder)
    if running is not None:
        print(f"already running on {folder} (process {running.pid})", file=sys.stderr)
        announce(folder)
        return
    refuse_taken(host, port)
    if detach:
        start_detached(folder, listen, node)
    else:
        run_here(folder, listen, node or socket.gethostname())


def refuse_taken(host: str, port: int) -> None:
    """End with 1 and a cure where the address cannot be had: the server would only be started again and again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            print(f"error: cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
            print("hint: choose another one with --listen HOST:PORT", file=sys.stderr)
            raise typer.Exit(1) from None


def children(folder: Path, listen: str, node: str) -> list[Child]:
    common = ("--data", str(folder))
    return [
        Child("server", ("server", *common, "--listen", listen, "--node", node)),
        Child("agent", ("agent", *common, "--node", node)),
        Child("inspector", ("inspector", *common, "--node", node)),
    ]


def run_here(folder: Path, listen: str, node: str) -> None:
    from kodkod.server.credentials import ensure_credentials

    telemetry.set_up()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Lock(folder) as lock:
            lock.describe(listen)
            host, port = address(listen)
            ensure_credentials(folder, host, port, node, SystemClock().now())
            asyncio.run(run_until_told(folder, listen, node))
    except AlreadyRunning:
        print(f"error: another process has just started on {folder}", file=sys.stderr)
        raise typer.Exit(1) from None


async def run_until_told(folder: Path, listen: str, node: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervise(children(folder, listen, node), folder, stop))
        if sys.stdout.isatty():
            group.create_task(say_when_ready(folder, stop))


async def say_when_ready(folder: Path, stop: asyncio.Event) -> None:
    missing = await asyncio.to_thread(wait_until_ready, folder, READY_WITHIN_S)
    if not stop.is_set():
        report(folder, missing)


def start_detached(folder: Path, listen: str, node: str) -> None:
    """Start the supervisor in a session of its own and wait until everything reports."""
    run_folder(folder).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "kodkod.cli.app", "up", "--data", str(folder), "--listen", listen]
    with (run_folder(folder) / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--node", node or socket.gethostname()],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY_WITHIN_S
    while holder(folder) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            print(f"error: it ended at once; the reason is in {run_folder(folder)}/up.log", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(0.05)
    missing = wait_until_ready(folder, READY_WITHIN_S)
    report(folder, missing)
    if missing:
        raise typer.Exit(1)


def report(folder: Path, missing: list[str]) -> None:
    if missing:
        print(f"not ready after {READY_WITHIN_S:.0f} s: {', '.join(missing)}", file=sys.stderr)
        print(f"hint: see {run_folder(folder)}/*.log", file=sys.stderr)
    announce(folder)


def announce(folder: Path) -> None:
    """What a person needs next: the console's one-time link and the kubeconfig."""
    link = console_link(folder)
    if link is not None:
        print(f"console:    {link}")
    print(f"kubeconfig: {folder / 'kubeconfig'}")
    if os.geteuid() != 0:
        print("note: without root no packets can be captured on this host", file=sys.stderr)
