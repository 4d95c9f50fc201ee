"""How is the control plane started, by the supervisor or as in a cluster? And how does any process end?"""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from kodkod import telemetry
from kodkod.folders import data_folder

server = typer.Typer(add_completion=False)
face = typer.Typer(add_completion=False)

DEFAULT_LISTEN = "127.0.0.1:9443"
SPOOL = Path(tempfile.gettempdir()) / "kodkod"

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")]
Node = Annotated[str, typer.Option("--node", help="Name of this node.")]
Listen = Annotated[str, typer.Option("--listen", help="HOST:PORT to serve on.")]
InCluster = Annotated[bool, typer.Option("--in-cluster", help="Work for the cluster of this pod, as its account.")]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="In a cluster: a further name of this server; may be repeated.")
]


@server.command()
def run_server(
    data: Data = None,
    listen: Listen = DEFAULT_LISTEN,
    node: Node = "",
    in_cluster: InCluster = False,
    host: Hosts = None,
) -> None:
    """Run the control plane: API, controllers, ingest, console. Ends cleanly with SIGTERM."""
    telemetry.set_up()
    name, port = address(listen)
    if in_cluster:
        from kodkod.server.cluster import app as cluster

        config = cluster.ClusterConfig(data=data_folder(data), host=name, port=port, names=tuple(host or ()))
        drive(in_a_pod(cluster.run(config)))
        return
    from kodkod.server.app import ServerConfig, run

    drive(run(ServerConfig(data=data_folder(data), host=name, port=port, node=node or socket.gethostname())))


@face.command()
def run_face(
    to: Annotated[str, typer.Option("--server", help="URL of Kodkod's server, which keeps the audit log.")],
    listen: Listen = "0.0.0.0:9444",
    data: Annotated[Path, typer.Option("--data", help="Where records wait until the server has them.")] = SPOOL,
    in_cluster: InCluster = False,
) -> None:
    """Run the API face of a cluster: projectcalico.org/v3 over the stored objects. Ends cleanly with SIGTERM."""
    from kodkod.server.cluster.face import FaceConfig, run

    if not in_cluster:
        typer.echo("error: the face is a part of a cluster\nhint: run it in a pod, with --in-cluster", err=True)
        raise typer.Exit(2)
    telemetry.set_up()
    name, port = address(listen)
    drive(in_a_pod(run(FaceConfig(host=name, port=port, server=to, data=data))))


async def in_a_pod(main: Coroutine[Any, Any, None]) -> None:
    """Exits with 3 outside a pod, saying what is missing."""
    from kodkod.store.in_cluster import NotInCluster

    try:
        await main
    except NotInCluster as error:
        typer.echo(f"error: {error}\nhint: --in-cluster is for pods with a service account", err=True)
        raise SystemExit(3) from None


def address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[v6]:PORT`, or `:PORT` for every address. Exits with 2 where it is none."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 <= int(port) <= 65535:
        typer.echo(f"error: {text!r} is not HOST:PORT", err=True)
        raise typer.Exit(2)
    return host.strip("[]") or "0.0.0.0", int(port)


def drive(main: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or until SIGTERM or SIGINT asks for a clean one."""

    async def until_told() -> None:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise

    asyncio.run(until_told())
