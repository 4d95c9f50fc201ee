"""What can one type about the lab? `kodkod lab up|down|status|reset|shell`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from kodkod.folders import data_folder
from kodkod.lab import node, publication, state, workshop
from kodkod.lab.errors import LabError
from kodkod.lab.state import State
from kodkod.store.errors import StoreError
from kodkod.store.kubeconfig import KubeconfigError
from kodkod.store.remote import RemoteResources

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The practice cluster: pods in network namespaces.")

UP_WITHIN_S = 120.0
DOWN_WITHIN_S = 15.0
NOT_REACHABLE = 3

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the server (default: KODKOD_DATA).")]


Exec = Annotated[bool, typer.Option("--exec/--no-exec", help="Whether `kubectl exec` gets into the pods.")]


@app.command()
def up(data: Data = None, exec_allowed: Exec = True) -> None:
    """Bring the practice cluster up and return when every pod runs and is published. Twice is as good as once."""
    folder = data_folder(data)
    _refuse_without_rights()
    known = state.load(folder)
    if known is not None and known.owner is not None and known.owner.alive():
        print(f"the lab of {folder} is up already", file=sys.stderr)
    else:
        state.forget(folder)
        _start_daemon(folder, exec_allowed=exec_allowed)
    _announce(_wait_until_up(folder))


@app.command()
def down(data: Data = None) -> None:
    """Remove every namespace, process, interface and firewall rule of the lab, and its objects from the API."""
    folder = data_folder(data)
    _refuse_without_rights()
    stood = take_down(folder)
    print("the lab is down" if stood else "no lab was up; nothing of it is left", file=sys.stderr)


@app.command()
def reset(data: Data = None, exec_allowed: Exec = True) -> None:
    """Down and up again: fresh pods with other names."""
    folder = data_folder(data)
    _refuse_without_rights()
    take_down(folder)
    _start_daemon(folder, exec_allowed=exec_allowed)
    _announce(_wait_until_up(folder))


@app.command()
def status(
    data: Data = None, output: Annotated[Literal["table", "json"], typer.Option("-o", "--output")] = "table"
) -> None:
    """Show the pods and Services. Exit code: 0 all run, 1 some do not, 3 there is no lab."""
    known = state.load(data_folder(data))
    if known is None or known.owner is None or not known.owner.alive():
        print("no lab is up\nhint: kodkod lab up", file=sys.stderr)
        raise typer.Exit(NOT_REACHABLE)
    print(json.dumps(asdict(known), indent=2) if output == "json" else table(known))
    raise typer.Exit(0 if known.ready else 1)


@app.command()
def shell(
    data: Data = None, command: Annotated[str, typer.Option("-c", help="Run this instead of a prompt.")] = ""
) -> None:
    """Open a shell in which the workshop's commands work verbatim."""
    folder = data_folder(data)
    environment = workshop.prepare(folder, os.environ)
    program = environment.get("SHELL", "/bin/bash")
    print(f"KUBECONFIG is {environment['KUBECONFIG']}; the manifests are in demo/; leave with exit", file=sys.stderr)
    os.chdir(workshop.place(folder))
    os.execvpe(program, [program, *(["-c", command] if command else [])], environment)


def take_down(folder: Path) -> bool:
    """End the daemon and remove what is left, whoever made it. Whether there was anything."""
    known = state.load(folder)
    stood = known is not None
    if known is not None and known.owner is not None and known.owner.alive():
        os.kill(known.owner.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_WITHIN_S
        while known.owner.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        if known.owner.alive():
            os.kill(known.owner.pid, signal.SIGKILL)
    asyncio.run(_clean(known, folder))
    state.forget(folder)
    return stood


def table(known: State) -> str:
    """Pods and Services as two tables."""
    rows = [("NAMESPACE", "POD", "ADDRESS", "INTERFACE", "STATE", "RESTARTS")]
    for pod in known.pods:
        rows.append(
            (pod.namespace, pod.name, pod.address, pod.interface, "Running" if pod.ready else "Starting",
             str(pod.restarts))
        )  # fmt: skip
    services: list[tuple[str, ...]] = [("NAMESPACE", "SERVICE", "ADDRESS", "EXTERNAL", "PORTS")]
    services += [tuple(str(one[key] or "-") for key in one) for one in known.services]
    return f"{_columns(rows)}\n\n{_columns(services)}\n\nnetwork: {known.network}"


async def _clean(known: State | None, folder: Path) -> None:
    await node.remove(known, folder)
    try:
        async with RemoteResources.from_kubeconfig(publication.kubeconfig_file(folder)) as resources:
            await publication.withdraw(resources)
    except (StoreError, KubeconfigError):
        # No server, no objects that anybody could read; the next lab withdraws what it does not know.
        pass


def _start_daemon(folder: Path, *, exec_allowed: bool) -> None:
    place = state.folder(folder)
    place.mkdir(parents=True, exist_ok=True)
    options = ["--data", str(folder), *([] if exec_allowed else ["--no-exec"])]
    with (place / "daemon.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "kodkod.lab.daemon", *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
        )  # fmt: skip


def _wait_until_up(folder: Path) -> State:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        known = state.load(folder)
        if known is not None and known.error:
            _fail(known.error, known.hint, code=NOT_REACHABLE)
        if known is not None and known.ready and known.published:
            return known
        if known is not None and known.owner is not None and not known.owner.alive():
            _fail("the lab's daemon ended", f"see {state.folder(folder) / 'daemon.log'}")
        if time.monotonic() > deadline:
            _fail(f"the lab was not up after {UP_WITHIN_S:.0f} s", f"see {state.folder(folder) / 'daemon.log'}")
        time.sleep(0.1)


def _announce(known: State) -> None:
    print(f"the lab is up: {len(known.pods)} pods on node {known.node}; {known.network}", file=sys.stderr)


def _refuse_without_rights() -> None:
    try:
        node.require()
    except LabError as refused:
        _fail(str(refused), refused.hint, code=NOT_REACHABLE)


def _fail(message: str, hint: str, code: int = 1) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    raise typer.Exit(code)


def _columns(rows: list[Any]) -> str:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
