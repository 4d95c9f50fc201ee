"""How is the control plane started, by the supervisor or as in a cluster? And how does any process end?"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from kodkod import telemetry
from kodkod.cli.folders import data_folder

server = typer.Typer(add_completion=False)

DEFAULT_LISTEN = "127.0.0.1:9443"

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: KODKOD_DATA).")]
Node = Annotated[str, typer.Option("--node", help="Name of this node.")]
Listen = Annotated[str, typer.Option("--listen", help="HOST:PORT to serve on.")]


@server.command()
def run_server(data: Data = None, listen: Listen = DEFAULT_LISTEN, node: Node = "") -> None:
    """Run the control plane: API, controllers, ingest, console. Ends cleanly with SIGTERM."""
    from kodkod.server.app import ServerConfig, run

    telemetry.set_up()
    host, port = address(listen)
    drive(run(ServerConfig(data=data_folder(data), host=host, port=port, node=node or socket.gethostname())))


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
